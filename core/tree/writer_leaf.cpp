// Coded rows: the stream of code pages, leaf pages of scan codes, and what the nodes above learn of each row.
#include <algorithm>
#include <cmath>

#include "page/inner.hpp"
#include "page/leaf.hpp"
#include "page/rows.hpp"
#include "tree/writer.hpp"

namespace vecidx {
namespace {

void enter_items(vx_writer &w) {
	uint32_t item = w.leaf_number;
	for (uint32_t l = 0; l < w.train->nlevels; l++) {
		const Level &level = w.train->levels[l];
		level.set.decode(level.slot_of[item], w.centroid[l]);
		w.group[l] = item;
		const uint32_t *begin = level.first_item, *end = begin + level.groups + 1;
		item = static_cast<uint32_t>(std::upper_bound(begin, end, item) - begin - 1);
	}
}

void open_leaf(vx_writer &w) {
	enter_items(w);
	ItemSummary &leaf = w.items[0][w.leaf_number];
	leaf.node = w.meta.next_node++;
	start_chain(w, w.leaf, VX_KIND_LEAF, leaf.node);
	leaf.block = w.leaf.head_block;
	w.leaf_open = true;
}

// Radii are proved, so they are taken from the points as they are stored, with the error of storing them.
void cover_row(vx_writer &w) {
	constexpr double kSlack = 1 + 1e-12; // of a sum in another order
	for (uint32_t l = 0; l < w.train->nlevels; l++) {
		ItemSummary &item = w.items[l][w.group[l]];
		const double reach = reach_of(*w.entry, w.centroid[l], w.meta.dim) * kSlack;
		item.radius = std::max(item.radius, std::nextafterf(static_cast<float>(reach), INFINITY));
		item.rows++;
	}
}

} // namespace

vx_step close_leaves(vx_writer &w, uint32_t target, vx_want *want) {
	while (w.leaf_number < target || !w.leaf_open) {
		if (w.leaf_open) {
			leaf_close(w.leaf.head, w.meta.dim, w.meta.scan_bits);
			if (w.leaf.newest_block != VX_NO_BLOCK)
				leaf_close(w.leaf.newest, w.meta.dim, w.meta.scan_bits);
			const vx_step step = finish_chain(w.leaf, want);
			if (step != VX_DONE)
				return step;
			w.leaf_open = false;
			w.leaf_number++;
		}
		if (w.leaf_number == w.train->levels[0].items)
			break;
		open_leaf(w);
	}
	return VX_DONE;
}

namespace {

void start_code_page(vx_writer &w) {
	const uint32_t dim = w.meta.dim;
	w.code_block = take_block(w);
	if (vx_code_rest(dim) > 0) {
		w.rest_block = take_block(w);
		long_code_init(w.code_page, w.code_block, w.page, w.rest_block, dim);
		return;
	}
	w.meta.code_tail = w.code_block;
	page_init(w.code_page, VX_KIND_CODE, 0, 0, dim, w.meta.scan_bits);
}

} // namespace

vx_step write_code(vx_writer &w, vx_want *want) {
	const uint32_t dim = w.meta.dim;
	if (w.code_block == VX_NO_BLOCK)
		start_code_page(w);
	const uint32_t slot = code_slot(w.code_page, dim);
	if (uint64_t(w.code_block) * vx_codes_per_page(dim) + slot > UINT32_MAX) {
		want->why = "the index has as many pages as its references can reach";
		return VX_FULL;
	}
	w.ref = make_ref(w.code_block, slot, dim);
	code_put(w.code_page, dim, *w.entry);
	if (slot + 1 < vx_codes_per_page(dim))
		return VX_DONE;
	const uint32_t block = w.code_block;
	w.code_block = VX_NO_BLOCK;
	return hand_out(want, block, w.code_page);
}

vx_step write_rest(vx_writer &w, vx_want *want) {
	long_code_put_rest(w.page, w.meta.dim, *w.entry);
	return hand_out(want, w.rest_block, w.page);
}

vx_step write_scan_entry(vx_writer &w, vx_want *want) {
	const uint32_t dim = w.meta.dim, bits = w.meta.scan_bits;
	ScanFactors factors;
	scan_encode(static_cast<vx_metric>(w.meta.metric), dim, bits, *w.entry, w.centroid[0], w.code, factors);
	uint8_t *page = chain_room(w, w.leaf);
	if (page_header<vx_chain_header>(page).count == 0) {
		// what the leaf's rows are like is known from training, unless all of those were equal
		const float trained = w.train->residual[w.leaf_number];
		const float likely = trained > 0 ? trained : factors.residual_squared;
		leaf_set_unit(page, choose_unit(likely, w.meta.spread, w.centroid[0], dim));
	}
	leaf_add(page, dim, bits, w.code, factors, w.ref);
	w.items[0][w.leaf_number].squares += factors.residual_squared;
	cover_row(w);
	w.meta.rows++;
	return chain_added(w, w.leaf, page, want);
}

} // namespace vecidx
