// The leaves that take the place of one: their pages, and what their lanes will say.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"
#include "page/leaf.hpp"

namespace vecidx {
namespace {

bool belongs(const TendRow &row, uint32_t leaf) {
	return row.leaf == 0 && row.target == leaf && row.code != kNoIndex && row.page != VX_NO_BLOCK;
}

// How many rows a new leaf gets, and their root mean square distance to its centroid.
uint32_t measure(vx_tend &t, uint32_t number) {
	TendLeaf &leaf = t.hood.leaves[number];
	double squares = 0;
	uint32_t n = 0;
	for (const TendRow &row : t.hood.rows)
		if (belongs(row, number)) {
			const vx_code_entry &entry = code_of(t, row.code);
			const double distance = reach_of(entry, leaf.centroid, dim_of(t)) - entry.error;
			squares += distance * distance + static_cast<double>(entry.error) * entry.error;
			n++;
		}
	leaf.child.spread = n > 0 ? static_cast<float>(std::sqrt(squares / n)) : 0;
	leaf.child.node = t.first_id + (number - t.hood.nleaves);
	leaf.living = n;
	return n;
}

// Neighbours' rows that will move here come along, marked while their own entries count: then moving one is a matter of
// a few bytes on either page (move.cpp). Only where there is room on the pages that the leaf has anyway.
bool add_waiting(vx_tend &t, uint32_t number, uint32_t first, uint32_t npages, uint32_t n) {
	const TendLeaf &leaf = t.hood.leaves[number];
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits, capacity = vx_leaf_capacity(dim, bits);
	for (TendRow &row : t.hood.rows) {
		if (row.leaf == 0 || row.target != number || row.code == kNoIndex || row.page == VX_NO_BLOCK)
			continue;
		if (n == npages * capacity)
			break;
		const uint32_t index = first + n / capacity;
		void *page = image_of(t, index);
		ScanFactors factors;
		if (!add_entry(t, page, leaf, row, factors))
			return false;
		auto &header = page_header<vx_leaf_header>(page);
		leaf_mark(page, dim, bits, header.chain.count - 1U);
		header.moved = t.meta.clock;
		header.horizon = t.now;
		row.waiting = index;
		n++;
	}
	return true;
}

bool build_leaf(vx_tend &t, uint32_t number, uint32_t npages) {
	TendLeaf &leaf = t.hood.leaves[number];
	const uint32_t capacity = vx_leaf_capacity(dim_of(t), t.ix->meta.scan_bits);
	const auto first = static_cast<uint32_t>(t.fresh.images.size());
	for (uint32_t i = 0; i < npages; i++) {
		add_fresh(t, VX_KIND_LEAF, leaf.child.node, 0);
		if (i > 0)
			t.fresh.next[first + i - 1] = first + i;
	}
	page_special(image_of(t, first)).codes = t.hood.leaves[0].codes;
	page_header<vx_chain_header>(image_of(t, first)).behind = static_cast<uint16_t>(npages - 1);
	uint32_t n = 0;
	for (TendRow &row : t.hood.rows) {
		if (!belongs(row, number))
			continue;
		ScanFactors factors;
		if (!add_entry(t, image_of(t, first + n / capacity), leaf, row, factors))
			return false;
		n++;
	}
	leaf.first_page = first;
	leaf.npages = npages;
	return add_waiting(t, number, first, npages, n);
}

} // namespace

bool add_entry(vx_tend &t, void *page, const TendLeaf &leaf, const TendRow &row, ScanFactors &factors) {
	const vx_meta &meta = t.ix->meta;
	t.written++;
	scan_encode(static_cast<vx_metric>(meta.metric), meta.dim, meta.scan_bits, point_of(t, row.code), leaf.origin,
				t.scan_code, factors);
	if (page_header<vx_chain_header>(page).count == 0) {
		const float spread = leaf.child.spread, likely = spread > 0 ? spread * spread : factors.residual_squared;
		leaf_set_unit(page, choose_unit(std::fmin(likely, 1e35F), t.meta.spread, leaf.origin, meta.dim));
	}
	return leaf_add(page, meta.dim, meta.scan_bits, t.scan_code, factors, row.ref);
}

vx_step build_leaves(vx_tend &t, vx_want &want) {
	Neighbourhood &h = t.hood;
	const uint32_t capacity = vx_leaf_capacity(dim_of(t), t.ix->meta.scan_bits);
	uint32_t npages[kMostParts] = {}, all = 0;
	for (uint32_t part = 0; part < t.plan.parts; part++) {
		const uint32_t n = measure(t, h.nleaves + part);
		npages[part] = std::max(1U, (n + capacity - 1) / capacity);
		all += npages[part];
	}
	t.fresh.images.clear();
	t.fresh.next.clear();
	t.fresh.block.clear();
	if (!reserve_fresh(t, all))
		return need_memory(t, want);
	for (uint32_t part = 0; part < t.plan.parts; part++)
		if (!build_leaf(t, h.nleaves + part, npages[part]))
			return corrupt(want, VX_META_BLOCK, "a new leaf has no room for its rows");
	for (uint32_t part = 0; part < t.plan.parts; part++)
		t.swap.bytes[part] = h.leaves[h.nleaves + part].bytes;
	start_fresh(t, TendPhase::kParts);
	return VX_DONE;
}

} // namespace vecidx
