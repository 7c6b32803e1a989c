// Is a page what a pointer to it promises?
#include "page/validate.hpp"

#include <algorithm>
#include <cmath>

#include "page/inner.hpp"
#include "vecidx/core.h"

namespace vecidx {
namespace {

// Coded rows lie within 1e18 of each other (index.cpp); choose_unit has the lower limit.
constexpr float kSmallestUnit = 1e-15F, kLargestUnit = 1e18F;

const char *not_this_kind(vx_page_kind kind) {
	switch (kind) {
	case VX_KIND_META:
		return "not a vecidx meta page";
	case VX_KIND_MEAN:
		return "not a mean page";
	case VX_KIND_INNER:
		return "not an inner page";
	case VX_KIND_LEAF:
		return "not a leaf page";
	case VX_KIND_CODE:
		return "not a code page";
	case VX_KIND_RAW:
		return "not a raw page";
	case VX_KIND_LIST:
		return "not a list page";
	case VX_KIND_FREE:
		return "not a free page";
	case VX_KIND_REST:
		return "not a page with the rest of a code";
	case VX_KIND_ANCHOR:
		return "not an anchor page";
	}
	return "a page of an unknown kind";
}

uint32_t expected_bytes(const void *page, vx_page_kind kind, uint32_t dim, uint32_t bits) {
	return kind == VX_KIND_MEAN ? vx_mean_coordinates(dim, page_header<vx_mean_header>(page).part) * 4
								: entry_bytes_of(kind, dim, bits);
}

// Leaf pages with an origin tell its size.
bool level_fits(const void *page, vx_page_kind kind, uint32_t dim, uint32_t bits) {
	const uint32_t level = page_special(page).level, quads = level & VX_LEAF_QUADS;
	if (kind != VX_KIND_LEAF)
		return kind == VX_KIND_INNER || level == 0;
	return quads == 0 || (quads == vx_quads(dim) && vx_leaf_capacity_with_origin(dim, bits) > 0);
}

const char *shape_fault(const void *page, vx_page_kind kind, uint32_t dim, uint32_t bits) {
	if (!vx_page_is(page, kind))
		return not_this_kind(kind);
	if (page_special(page).entry_bytes != expected_bytes(page, kind, dim, bits))
		return "a page's entries have another size than the index's";
	return level_fits(page, kind, dim, bits) ? nullptr : "a page has a level above its kind's";
}

const char *places_fault(const vx_meta &meta) {
	const uint32_t always[] = {meta.raw, meta.wild, meta.late};
	for (const uint32_t block : always)
		if (block == VX_META_BLOCK || block == VX_NO_BLOCK)
			return "the meta page points to no list";
	if (meta.code_tail == VX_META_BLOCK)
		return "the meta page points to no code page";
	for (const uint32_t block : meta.room)
		if (block == VX_META_BLOCK)
			return "the meta page points to no page with room";
	if (meta.anchors == VX_META_BLOCK || (meta.anchors == VX_NO_BLOCK) != (meta.nanchors == 0) ||
		meta.nanchors > (meta.levels > 0 && vx_may_have_anchors(meta.dim) ? VX_MOST_ANCHORS : 0))
		return "the meta page has impossible anchors";
	if (meta.clock == 0 || meta.clock == VX_NEVER)
		return "the meta page has an impossible clock";
	if (meta.raw_node >= meta.next_node)
		return "the meta page's raw run has a node id not given out yet";
	if (meta.levels == 0 && !vx_may_be_raw(meta.dim))
		return "the meta page has no root, although rows of its dimensions fit no raw page";
	if (meta.levels == 0)
		return meta.root == VX_NO_BLOCK && meta.mean == VX_NO_BLOCK ? nullptr
																	: "the meta page has a root but no levels";
	if (meta.root == VX_META_BLOCK || meta.root == VX_NO_BLOCK || meta.mean == VX_META_BLOCK ||
		meta.mean == VX_NO_BLOCK)
		return "the meta page points to no root";
	return meta.root_node < meta.next_node ? nullptr : "the meta page's root has a node id not given out yet";
}

} // namespace

const char *chain_fault(const void *page, vx_page_kind kind, uint32_t dim, uint32_t bits) {
	const char *fault = shape_fault(page, kind, dim, bits);
	if (fault != nullptr)
		return fault;
	const auto &chain = page_header<vx_chain_header>(page);
	const bool leaf = kind == VX_KIND_LEAF;
	const bool origin = leaf && (page_special(page).level & VX_LEAF_QUADS) != 0;
	if (chain.count > (origin ? vx_leaf_capacity_with_origin(dim, bits) : chain_capacity(kind, dim, bits)))
		return "a page counts more entries than fit";
	if (leaf && (page_special(page).level & VX_LEAF_ROWS) != 0 && chain.count % VX_LANES == 0)
		return "a leaf page's last block is open and has no entry";
	if (kind == VX_KIND_CODE) {
		const auto &rows = page_header<vx_rows_header>(page);
		if (rows.dead > chain.count || rows.free > rows.dead)
			return "a page counts more dead entries than entries";
	}
	if (vx_code_rest(dim) > 0 && kind == VX_KIND_CODE && chain.next == VX_NO_BLOCK)
		return "a code page has no page for the rest of its code";
	if (kind == VX_KIND_REST && (chain.count != 1 || chain.next == VX_NO_BLOCK))
		return "a page has the rest of no code";
	return chain.next != VX_META_BLOCK ? nullptr : "a page is followed by the meta page";
}

const char *leaf_fault(const void *page, uint32_t dim, uint32_t bits, uint64_t node) {
	const char *fault = chain_fault(page, VX_KIND_LEAF, dim, bits);
	if (fault != nullptr)
		return fault;
	if (page_special(page).node != node)
		return "a leaf page belongs to another node";
	const auto &header = page_header<vx_leaf_header>(page);
	if (!(header.unit >= kSmallestUnit) || !(header.unit <= kLargestUnit) || !(header.error >= 0) ||
		!std::isfinite(header.error))
		return "a leaf page has impossible factors";
	return nullptr;
}

const char *inner_fault(const void *page, uint32_t dim, uint64_t node, uint32_t level) {
	const char *fault = shape_fault(page, VX_KIND_INNER, dim, 0);
	if (fault != nullptr)
		return fault;
	if (page_special(page).node != node || page_special(page).level != level)
		return "an inner page belongs to another node";
	const auto &header = page_header<vx_inner_header>(page);
	const uint32_t most = inner_blocks(dim), parts = vx_inner_group_pages(dim);
	if (header.blocks == 0 || header.blocks > most)
		return "an inner page has an impossible number of blocks";
	if (header.part >= parts)
		return "an inner page lies beyond the end of its block";
	return header.next != VX_META_BLOCK ? nullptr : "an inner page is followed by the meta page";
}

const char *rest_fault(const void *page, uint32_t dim, uint32_t slot_page) {
	const char *fault = chain_fault(page, VX_KIND_REST, dim, 0);
	if (fault != nullptr)
		return fault;
	return page_header<vx_chain_header>(page).next == slot_page ? nullptr : "a page has the rest of another code";
}

const char *mean_fault(const void *page, uint32_t dim) {
	const char *fault = shape_fault(page, VX_KIND_MEAN, dim, 0);
	if (fault != nullptr)
		return fault;
	const uint32_t n = vx_mean_coordinates(dim, page_header<vx_mean_header>(page).part);
	if (n == 0)
		return "a mean page lies beyond the end of its run";
	const auto *mean = reinterpret_cast<const float *>(static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET);
	return std::all_of(mean, mean + n, [](float x) { return std::isfinite(x); }) ? nullptr : "the mean is not finite";
}

const char *anchor_fault(const void *page, uint32_t dim, uint32_t number) {
	const char *fault = shape_fault(page, VX_KIND_ANCHOR, dim, 0);
	if (fault != nullptr)
		return fault;
	const auto &header = page_header<vx_mean_header>(page);
	if (number == 0 || number > VX_MOST_ANCHORS || header.part != number)
		return "an anchor page has another number";
	if (header.next == VX_META_BLOCK || (header.next == VX_NO_BLOCK) != (number == 1))
		return "anchor pages do not continue each other";
	const auto *bytes = static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET;
	const float scale = reinterpret_cast<const vx_origin *>(bytes)->scale;
	return scale >= 0 && std::isfinite(scale) ? nullptr : "an anchor is not finite";
}

} // namespace vecidx

using namespace vecidx;

const char *vx_meta_fault(const void *page) {
	if (!vx_page_is(page, VX_KIND_META) || vx_page_meta(page)->magic != VX_MAGIC)
		return "not a vecidx meta page";
	const vx_meta &meta = *vx_page_meta(page);
	if (meta.version != VX_FORMAT_VERSION)
		return "the index has a format that this version of vecidx does not read";
	if (page_special(page).entry_bytes != sizeof(vx_meta))
		return "the meta page has another size than its format's";
	if (meta.dim == 0 || meta.dim > VX_MAX_DIM)
		return "the meta page has an impossible number of dimensions";
	if (meta.metric < VX_L2 || meta.metric > VX_IP || meta.tree != VX_TREE_KMEANS || meta.levels > kMaxLevels)
		return "the meta page describes no index that this version of vecidx knows";
	if (meta.scan_bits != 1 && meta.scan_bits != 2 && meta.scan_bits != 4)
		return "the meta page has impossible scan codes";
	if (vx_leaf_capacity(meta.dim, meta.scan_bits) == 0)
		return "the meta page has scan codes that fit no page";
	return places_fault(meta);
}

const vx_meta *vx_page_meta(const void *page) {
	return &page_header<vx_meta>(page);
}

const char *vx_page_fault(const void *page, const vx_meta *meta) {
	if (page_is_new(page))
		return nullptr;
	const vx_special &special = page_special(page);
	if (special.page_id != VX_PAGE_ID)
		return "not a vecidx page";
	switch (special.kind) {
	case VX_KIND_META:
		return vx_meta_fault(page);
	case VX_KIND_MEAN:
		return mean_fault(page, meta->dim);
	case VX_KIND_ANCHOR:
		return anchor_fault(page, meta->dim, page_header<vx_mean_header>(page).part);
	case VX_KIND_INNER:
		return inner_fault(page, meta->dim, special.node, special.level);
	case VX_KIND_LEAF:
		return leaf_fault(page, meta->dim, meta->scan_bits, special.node);
	case VX_KIND_CODE:
	case VX_KIND_RAW:
	case VX_KIND_LIST:
	case VX_KIND_REST:
		return chain_fault(page, static_cast<vx_page_kind>(special.kind), meta->dim, meta->scan_bits);
	case VX_KIND_FREE:
		return nullptr;
	default:
		return "a page of an unknown kind";
	}
}
