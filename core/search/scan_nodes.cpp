// The scan's view of the tree: children read from inner nodes, and the root's kept from one scan to the next.
//
// Most of a query's routing is the root, and most of that is fetching its pages. While the clock stands still the
// tree's shape does, so that a scan which follows another finds the root's children as that one left them: see `root`.
// Radii grow without the clock, so scans that need them (exact ones, those for inner product or with conditions) read
// the pages.
#include <algorithm>
#include <cmath>

#include "search/scan.hpp"

namespace vecidx {
namespace {

// Bytes of centroids that a scan keeps of the root: those of 40,000 leaves in 100 dimensions.
constexpr size_t kLargestRoot = size_t(4) << 20;

size_t block_code_bytes(const vx_scan &s) {
	return size_t(vx_quads(s.query.dim)) * VX_ROW_BYTES;
}

bool needs_radii(const vx_scan &s) {
	return s.dial.exact || s.query.metric == VX_IP || s.conditions.any();
}

// Whether nodes are chosen by them.
bool goes_by_radii(const vx_scan &s) {
	return s.dial.exact || s.query.metric == VX_IP;
}

bool reads_root(const vx_scan &s) {
	return s.reader.id == s.root_id;
}

// Code rows of the block being read are kept, as far as they lie on this page.
void keep_codes(vx_scan &s, const uint8_t *rows, uint32_t first_quad, uint32_t n) {
	if (!s.root.keeping || !reads_root(s))
		return;
	uint8_t *block = s.root.codes.data() + s.nodes.size() * block_code_bytes(s);
	memcpy(block + size_t(first_quad) * VX_ROW_BYTES, rows, size_t(n) * VX_ROW_BYTES);
}

void add_children(vx_scan &s, const InnerBlock &block, const LaneSums &sums) {
	Children &children = *s.nodes.end();
	s.fault = read_children(block, s.start, s.reader.level - 1, children);
	if (s.fault == nullptr)
		s.fault = exclude_children(*s.ix, s.conditions, block, children);
	if (s.fault == nullptr)
		s.fault = score_children(s.query, sums, children);
	if (s.fault == nullptr && goes_by_radii(s))
		bound_children(*s.ix, s.query, block, s.dial.exact, children);
	s.nodes.set_size(s.nodes.size() + 1);
}

// Blocks that lie whole on this page.
void read_blocks(vx_scan &s, const void *page) {
	const uint32_t quads = vx_quads(s.query.dim), rows = vx_inner_block_rows(s.query.dim);
	const uint32_t blocks = page_header<vx_inner_header>(page).blocks;
	for (uint32_t i = 0; i < blocks && s.fault == nullptr; i++) {
		const InnerBlock block = block_at(page, s.visiting, i * rows);
		alignas(64) LaneSums sums{};
		add_products(s.query, block.codes(), 0, quads, sums);
		begin_block(s.conditions);
		add_block_products(s.conditions, block.codes(), 0, quads);
		keep_codes(s, block.codes(), 0, quads);
		add_children(s, block, sums);
	}
}

// One part of a block that takes several pages.
void read_part(vx_scan &s, const void *page) {
	InnerReader &reader = s.reader;
	const auto *rows = static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET;
	const uint32_t fields = VX_CHILD_FIELDS, first = reader.part * VX_ROWS_PER_PAGE;
	const uint32_t end = std::min(vx_inner_block_rows(s.query.dim), first + VX_ROWS_PER_PAGE);
	const uint32_t code = std::max(first, fields);
	if (reader.part == 0) {
		reader.sums = {};
		begin_block(s.conditions);
		memcpy(reader.fields, rows, sizeof(reader.fields));
	}
	const uint8_t *codes = rows + size_t(code - first) * VX_ROW_BYTES;
	add_products(s.query, codes, code - fields, end - code, reader.sums);
	add_block_products(s.conditions, codes, code - fields, end - code);
	keep_codes(s, codes, code - fields, end - code);
	if (++reader.part < vx_inner_group_pages(s.query.dim))
		return;
	reader.part = 0;
	add_children(s, {reader.fields, {s.visiting, 0}}, reader.sums);
}

// True: the page is the one expected. False: `lost` or `fault` says why not.
bool is_expected(vx_scan &s, const void *page) {
	const auto &header = page_header<vx_inner_header>(page);
	if (!vx_page_is(page, VX_KIND_INNER))
		s.lost = "not an inner page";
	else if (page_special(page).node != s.reader.id || page_special(page).level != s.reader.level)
		s.lost = "an inner page belongs to another node";
	else if (header.forgot > s.start)
		s.lost = "an inner page forgot lanes that it must not yet";
	else if (header.part != s.reader.part)
		s.fault = "pages of an inner node do not continue each other";
	else if (header.blocks == 0 || header.blocks > inner_blocks(s.query.dim))
		s.fault = "an inner page has an impossible number of blocks";
	return s.lost == nullptr && s.fault == nullptr;
}

} // namespace

// What is kept of the root serves this scan if the tree has the same shape, and its centroids need no pages.
bool take_root(vx_scan &s) {
	Root &root = s.root;
	if (root.clock != s.start || root.id != s.root_id || needs_radii(s)) {
		root.clock = VX_NEVER;
		root.keeping = !needs_radii(s);
		return false;
	}
	s.nodes.set_size(root.blocks);
	for (size_t i = 0; i < root.blocks && s.fault == nullptr; i++) {
		alignas(64) LaneSums sums{};
		add_products(s.query, root.codes.data() + i * block_code_bytes(s), 0, vx_quads(s.query.dim), sums);
		s.nodes[i].opened = 0;
		s.fault = score_children(s.query, sums, s.nodes[i]);
	}
	if (s.fault != nullptr) { // another scan reads the pages again
		root.clock = VX_NEVER;
		s.visiting = s.root_block;
	}
	return true;
}

void start_node(vx_scan &s, uint32_t block, uint64_t id, uint32_t level) {
	s.reader.id = id;
	s.reader.level = level;
	s.reader.part = 0;
	s.next_block = block;
	s.in_node = true;
}

bool reserve_inner(vx_scan &s) {
	const size_t blocks = s.nodes.size() + inner_blocks(s.query.dim), bytes = blocks * block_code_bytes(s);
	if (reads_root(s) && s.root.keeping) {
		s.root.keeping = bytes <= kLargestRoot;
		s.root.codes.set_size(s.nodes.size() * block_code_bytes(s));
		if (s.root.keeping && !s.root.codes.reserve(s.arena, bytes))
			return false;
	}
	return s.nodes.reserve(s.arena, blocks);
}

void read_inner(vx_scan &s, const void *page) {
	if (!is_expected(s, page))
		return;
	if (vx_inner_group_pages(s.query.dim) > 1)
		read_part(s, page);
	else
		read_blocks(s, page);
	s.next_block = page_header<vx_inner_header>(page).next;
	if (s.next_block != VX_NO_BLOCK)
		return;
	if (s.reader.part != 0)
		s.fault = "an inner node ends within a block";
	s.in_node = false;
	if (reads_root(s) && s.root.keeping && s.fault == nullptr)
		s.root = {s.root.codes, s.start, s.root_id, s.nodes.size(), true};
	s.npicks = s.pick = 0; // there may be better ones now
	s.stats.inner_nodes++;
}

} // namespace vecidx
