// The walk over what holds rows: leaf pages with the code slots they refer to, the raw run, the lists.
#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"
#include "page/leaf.hpp"
#include "search/check.hpp"

namespace vecidx {
namespace {

constexpr double kRadiusSlack = 1e-6;
// A float16 factor may differ by its last bit when another compiler rounded its float32 otherwise.
constexpr float kHalfRelative = 0x1p-10F, kHalfTiny = 0x1p-23F;

// ---- rows

// Each row pointer once: an open-addressing table that has room for all rows the sweep has counted.
bool is_second(vx_check &c, const vx_row &row) {
	const uint64_t key = (uint64_t(row.block) << 16 | row.offset) + 1;
	const uint64_t hash = key * 0x9E3779B97F4A7C15u;
	auto at = static_cast<uint64_t>(static_cast<unsigned __int128>(hash) * c.seen_size >> 64);
	for (uint64_t probes = 0; probes < c.seen_size; probes++) {
		if (c.seen[at] == key)
			return true;
		if (c.seen[at] == 0) {
			c.seen[at] = key;
			return false;
		}
		at = at + 1 < c.seen_size ? at + 1 : 0;
	}
	report(c, c.visiting, "rows appeared during the check");
	return false;
}

void take_row(vx_check &c, const vx_row &row, uint16_t flags_allowed) {
	if ((row.flags & VX_ROW_DEAD) != 0)
		return;
	if (row.offset == 0 || row.block == VX_NO_BLOCK || (row.flags & ~flags_allowed) != 0)
		report(c, c.visiting, "a row pointer is impossible");
	else if (is_second(c, row))
		report(c, c.visiting, "a row is in the index twice");
	else if (c.nrows < vx_check::kMostRows)
		c.rows[c.nrows++] = row;
}

// ---- chains

// A pointer to a page where codes go: from the meta page, or from a leaf's head.
void check_code_pointer(vx_check &c, uint32_t from, uint32_t to) {
	if (to >= c.nblocks)
		report(c, from, "a pointer leads beyond the end of the index");
	else if ((c.state[to] & kDamaged) == 0 && (c.state[to] & kKindMask) != VX_KIND_CODE)
		report(c, from, "a pointer to a code page leads to another");
	else
		c.state[to] |= kReached;
}

void check_leaf_codes(vx_check &c, const void *page) {
	const uint32_t codes = page_special(page).codes;
	if (codes != VX_META_BLOCK && c.position > 0)
		report(c, c.visiting, "a page behind the head of a leaf has a code page");
	else if (codes != VX_META_BLOCK)
		check_code_pointer(c, c.visiting, codes);
}

void check_place(vx_check &c, const void *page) {
	if (c.position == 0)
		c.behind = page_header<vx_chain_header>(page).behind;
}

// At the end of a leaf or of the raw run: splits and training go by the number of its pages.
void check_length(vx_check &c) {
	if (c.position > 0 && !c.cut && std::min(c.position - 1, uint32_t(UINT16_MAX)) != c.behind)
		report(c, c.from, "a chain has another number of pages than its head says");
	c.position = 0;
}

void follow(vx_check &c, const void *page) {
	c.next = page_header<vx_chain_header>(page).next;
	c.from = c.visiting;
	c.position++;
}

void abandon(vx_check &c, const char *why) {
	report(c, c.visiting, why);
	c.cut = true;
	c.next = VX_NO_BLOCK;
}

// ---- codes

const char *entry_fault(const vx_code_entry &entry, uint32_t dim) {
	if (!(entry.scale >= 0) || !(entry.error >= 0) || !std::isfinite(entry.scale) || !std::isfinite(entry.error))
		return "a refine code has impossible numbers";
	for (uint32_t i = 0; i < dim; i++)
		if (entry.code[i] == -128)
			return "a refine code is out of range";
	return nullptr;
}

void check_radii(vx_check &c, const vx_code_entry &entry) {
	for (uint32_t level = 1; level <= c.meta.levels; level++) {
		const CheckFrame &frame = c.frames[level];
		if (reach_of(entry, frame.centroid, c.meta.dim) > frame.radius * (1 + kRadiusSlack))
			report(c, frame.block.place.page, "a row lies outside the radius of an inner entry above it");
	}
}

bool same_half(uint16_t a, uint16_t b) {
	const float x = float_from_half(a), y = float_from_half(b);
	return x == y || std::fabs(x - y) <= kHalfRelative * std::fabs(y) + kHalfTiny;
}

// The scan entry must be this slot's, relative to this leaf's centroid.
void check_scan_entry(vx_check &c, const vx_code_entry &entry, uint32_t slot) {
	const vx_meta &m = c.meta;
	leaf_code(c.leaf, m.dim, m.scan_bits, slot, c.code);
	ScanFactors factors;
	scan_factors(static_cast<vx_metric>(m.metric), m.dim, m.scan_bits, {entry, anchor_of_code(*c.ix, entry)}, c.origin,
				 c.code, factors);
	uint16_t add, mul;
	pack_factors(factors, page_header<vx_leaf_header>(c.leaf).unit, add, mul);
	const HalfFactors stored = leaf_half_factors(c.leaf, m.dim, m.scan_bits, slot);
	if (!same_half(stored.add, add) || !same_half(stored.mul, mul))
		report(c, c.leaf_block, "a scan entry is not that of the code slot it refers to");
}

// A live slot's code, and the scan entry that refers to it.
void check_code(vx_check &c, uint32_t slot_page, const vx_code_entry &entry, uint32_t slot) {
	const char *fault = entry_fault(entry, c.meta.dim);
	if (fault != nullptr) {
		report(c, slot_page, fault);
		return;
	}
	memcpy(c.absolute, &entry, vx_code_stride(c.meta.dim));
	if (!make_absolute(*c.ix, *c.absolute)) {
		report(c, slot_page, "a refine code is relative to an anchor that is not there");
		return;
	}
	check_radii(c, *c.absolute);
	check_scan_entry(c, entry, slot);
}

void check_slot(vx_check &c, const void *page, const CheckRef &ref) {
	const uint32_t dim = c.meta.dim, slot = ref_slot(ref.ref, dim);
	if (slot >= page_header<vx_chain_header>(page).count) {
		report(c, c.leaf_block, "a scan entry refers to a code slot that is not in use");
		return;
	}
	const uint64_t bit = uint64_t(c.number[c.visiting]) * vx_codes_per_page(dim) + slot;
	if ((c.slots[bit / 64] >> (bit % 64) & 1) != 0) {
		report(c, c.leaf_block, "two scan entries refer to the same code slot");
		return;
	}
	c.slots[bit / 64] |= uint64_t(1) << (bit % 64);
	const vx_code_entry &entry = code_entry(page, dim, slot);
	if ((entry.row.flags & VX_ROW_FREE) != 0)
		report(c, c.leaf_block, "a scan entry refers to a free code slot");
	if ((entry.row.flags & VX_ROW_DEAD) != 0)
		return;
	c.slots_met++;
	take_row(c, entry.row, VX_ROW_ANCHOR);
	if (vx_code_rest(dim) == 0) {
		check_code(c, c.visiting, entry, ref.slot);
		return;
	}
	c.long_code.begin(page, c.visiting, dim);
	c.long_slot = ref.slot;
}

void finish_code(vx_check &c, const void *page) {
	const uint32_t slot_page = c.long_code.slot_page;
	if (c.long_code.finish(page, c.meta.dim) == nullptr) // else it changes under us
		check_code(c, slot_page, *c.long_code.entry, c.long_slot);
}

bool same_code_page(const vx_check &c, uint32_t a, uint32_t b) {
	return ref_block(c.refs[a].ref, c.meta.dim) == ref_block(c.refs[b].ref, c.meta.dim);
}

// Skip the references that lead to the page of the current one.
void skip_code_page(vx_check &c) {
	const uint32_t first = c.ref_at;
	while (c.ref_at < c.nrefs && same_code_page(c, first, c.ref_at))
		c.ref_at++;
}

} // namespace

void start_chain(vx_check &c, uint32_t from, uint32_t head, uint64_t node) {
	c.from = from;
	c.next = head;
	c.node = node;
	c.position = 0;
}

vx_step step_leaf(vx_check &c, vx_want &want) {
	if (c.next != VX_NO_BLOCK && reach(c, c.from, c.next))
		return ask_page(c, want, c.next);
	check_length(c);
	c.phase = CheckPhase::kTree;
	return VX_DONE;
}

void leaf_page(vx_check &c, const void *page) {
	const uint32_t dim = c.meta.dim, bits = c.meta.scan_bits;
	const char *fault = leaf_fault(page, dim, bits, c.node);
	if (fault != nullptr) {
		abandon(c, fault);
		return;
	}
	const vx_origin *origin = leaf_origin(page);
	if (origin != nullptr && c.position > 0)
		report(c, c.visiting, "a page behind the head of a leaf has an origin");
	if (origin != nullptr)
		origin_point(*origin, dim, c.origin);
	else if (c.position == 0)
		std::copy_n(c.frames[1].centroid, dim, c.origin);
	check_place(c, page);
	check_leaf_codes(c, page);
	memcpy(c.leaf, page, VX_PAGE_SIZE);
	c.leaf_block = c.visiting;
	const auto &header = page_header<vx_leaf_header>(page);
	c.nrefs = c.ref_at = 0;
	for (uint32_t slot = 0; slot < header.chain.count; slot++) {
		if (!leaf_marked(page, dim, bits, slot))
			c.refs[c.nrefs++] = {leaf_ref(page, slot), slot};
		else if (header.moved == 0)
			report(c, c.visiting, "a leaf page without moved entries has a marked one");
	}
	if (header.moved > c.meta.clock || header.forgot > c.meta.clock)
		report(c, c.visiting, "entries of a leaf page moved at a time that has not come");
	std::sort(c.refs, c.refs + c.nrefs, [](const CheckRef &a, const CheckRef &b) { return a.ref < b.ref; });
	follow(c, page);
	c.phase = CheckPhase::kCodes;
}

bool reach_rest(vx_check &c, const void *slot_page) {
	if (vx_code_rest(c.meta.dim) == 0)
		return false;
	const uint32_t from = c.visiting, rest = page_header<vx_chain_header>(slot_page).next;
	if (!reach(c, from, rest))
		return false;
	if ((c.state[rest] & kKindMask) == VX_KIND_REST && c.number[rest] == from)
		return true;
	report(c, from, "a code page leads to a page that has not the rest of its code");
	return false;
}

vx_step step_codes(vx_check &c, vx_want &want) {
	if (c.long_code.begun())
		return ask_page(c, want, c.long_code.rest);
	while (c.ref_at < c.nrefs) {
		const uint32_t block = ref_block(c.refs[c.ref_at].ref, c.meta.dim);
		const uint32_t state = block < c.nblocks ? c.state[block] : 0;
		if ((state & kKindMask) == VX_KIND_CODE)
			return ask_page(c, want, block);
		if ((state & kDamaged) == 0)
			report(c, c.leaf_block, "a scan entry refers to a page that is no code page");
		c.cut = true;
		skip_code_page(c);
	}
	c.phase = CheckPhase::kLeaf;
	return VX_DONE;
}

void codes_page(vx_check &c, const void *page) {
	if (c.long_code.begun()) {
		finish_code(c, page);
		return;
	}
	const uint32_t first = c.ref_at;
	skip_code_page(c);
	if (chain_fault(page, VX_KIND_CODE, c.meta.dim, 0) != nullptr)
		return; // it was sound in the sweep: it changes under us, which the caller must prevent
	const bool met = (c.state[c.visiting] & kReached) != 0, readable = !met && reach_rest(c, page);
	c.state[c.visiting] |= kReached;
	for (uint32_t i = first; i < c.ref_at; i++)
		check_slot(c, page, c.refs[i]);
	if (!readable)
		c.long_code.rest = VX_NO_BLOCK;
}

vx_step step_chains(vx_check &c, vx_want &want) {
	const uint32_t heads[kCheckChains] = {c.meta.raw, c.meta.wild, c.meta.late};
	const uint64_t nodes[kCheckChains] = {c.meta.raw_node, VX_ROOM_WILD, VX_ROOM_LATE};
	for (;;) {
		if (c.next != VX_NO_BLOCK && reach(c, c.from, c.next))
			return ask_page(c, want, c.next);
		if (c.chain == 1)
			check_length(c);
		if (c.chain == kCheckChains)
			break;
		start_chain(c, VX_META_BLOCK, heads[c.chain], nodes[c.chain]);
		c.chain++;
	}
	if (c.meta.code_tail != VX_NO_BLOCK)
		check_code_pointer(c, VX_META_BLOCK, c.meta.code_tail);
	start_lists(c);
	return VX_DONE;
}

void chain_page(vx_check &c, const void *page) {
	const bool raw = c.chain == 1, late = c.chain == 3;
	const vx_page_kind kind = raw ? VX_KIND_RAW : VX_KIND_LIST;
	const char *fault = chain_fault(page, kind, c.meta.dim, 0);
	if (fault != nullptr) {
		abandon(c, fault);
		return;
	}
	if (page_special(page).node != c.node)
		report(c, c.visiting, "a page belongs to another chain");
	check_place(c, page);
	const uint32_t count = page_header<vx_chain_header>(page).count;
	for (uint32_t slot = 0; slot < count; slot++) {
		const vx_row &row = raw ? raw_entry(page, c.meta.dim, slot).row : list_entry(page, slot);
		take_row(c, row, late ? VX_ROW_NULL : 0);
		if (raw && !std::all_of(raw_entry(page, c.meta.dim, slot).x, raw_entry(page, c.meta.dim, slot).x + c.meta.dim,
								[](float x) { return std::isfinite(x); }))
			report(c, c.visiting, "a raw vector is not finite");
	}
	follow(c, page);
}

} // namespace vecidx
