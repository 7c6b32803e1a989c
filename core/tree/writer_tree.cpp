// The pages that are made at once when all rows are in: inner nodes bottom-up, the mean, the meta page.
#include <algorithm>
#include <cmath>

#include "page/inner.hpp"
#include "tree/writer.hpp"

namespace vecidx {
namespace {

float spread_of(const vx_writer &w, uint32_t level, uint32_t item) {
	if (level > 0)
		return w.train->farthest[level][item];
	const ItemSummary &leaf = w.items[0][item];
	return leaf.rows > 0 ? static_cast<float>(std::sqrt(leaf.squares / leaf.rows)) : 0;
}

Child child_of(const vx_writer &w, uint32_t level, uint32_t item) {
	const Centroids &set = w.train->levels[level].set;
	const uint32_t slot = w.train->levels[level].slot_of[item];
	const ItemSummary &summary = w.items[level][item];
	return {
		set.scale[slot], set.norm[slot], summary.radius, spread_of(w, level, item), set.extra_of(slot), summary.block,
		summary.node,    w.meta.clock,   VX_NEVER};
}

// A block of the node, or the part of it that this page of its group holds.
void put_block(const vx_writer &w, void *page, uint32_t number, uint32_t at) {
	const Level &level = w.train->levels[w.level];
	const uint32_t dim = w.meta.dim, part = page_header<vx_inner_header>(page).part,
				   row = at * vx_inner_block_rows(dim);
	const uint32_t first = level.first_item[w.node] + number * VX_LANES;
	const uint32_t lanes = std::min(level.first_item[w.node + 1] - first, VX_LANES);
	clear_block(page, dim, at);
	for (uint32_t lane = 0; lane < lanes; lane++) {
		if (part == 0)
			put_fields(page, row, lane, child_of(w, w.level, first + lane));
		level.set.bytes(level.slot_of[first + lane], w.bytes);
		put_codes(page, dim, row, part, lane, w.bytes);
	}
}

// Numbers of the node that is about to be written.
void open_node(vx_writer &w, uint32_t pages) {
	w.inner_block = w.nblocks;
	w.nblocks += pages;
	const uint64_t id = w.meta.next_node++;
	if (w.level + 1 < w.train->nlevels) {
		w.items[w.level + 1][w.node].block = w.inner_block;
		w.items[w.level + 1][w.node].node = id;
	} else {
		w.meta.root = w.inner_block;
		w.meta.root_node = id;
		w.meta.levels = static_cast<uint8_t>(w.train->nlevels);
	}
}

void next_page(vx_writer &w, uint32_t pages) {
	if (++w.inner_page < pages)
		return;
	w.inner_page = 0;
	if (++w.node < w.train->levels[w.level].groups)
		return;
	w.node = 0;
	w.level++;
}

} // namespace

vx_step write_inner(vx_writer &w, vx_want *want) {
	if (w.level == w.train->nlevels)
		return VX_DONE;
	const Level &level = w.train->levels[w.level];
	const uint32_t dim = w.meta.dim, children = level.first_item[w.node + 1] - level.first_item[w.node];
	const uint32_t blocks = whole_blocks(children) / VX_LANES, most = inner_blocks(dim);
	const uint32_t parts = vx_inner_group_pages(dim), pages = (blocks + most - 1) / most * parts;
	if (w.inner_page == 0)
		open_node(w, pages);
	page_init(w.page, VX_KIND_INNER, w.meta.next_node - 1, w.level + 1, dim, w.meta.scan_bits);
	auto &header = page_header<vx_inner_header>(w.page);
	const uint32_t block = w.inner_block + w.inner_page, first = w.inner_page / parts * most;
	header.part = static_cast<uint16_t>(w.inner_page % parts);
	header.blocks = static_cast<uint16_t>(std::min(most, blocks - first));
	header.next = w.inner_page + 1 < pages ? block + 1 : VX_NO_BLOCK;
	for (uint32_t i = 0; i < header.blocks; i++)
		put_block(w, w.page, first + i, i);
	next_page(w, pages);
	return hand_out(want, block, w.page);
}

vx_step write_mean(vx_writer &w, vx_want *want) {
	const uint32_t pages = vx_mean_pages(w.meta.dim), part = w.mean_part++;
	if (part == pages)
		return VX_DONE;
	const uint32_t block = w.meta.mean + part;
	mean_put(w.page, 0, w.meta.dim, part, part + 1 < pages ? block + 1 : VX_NO_BLOCK, mean_of(*w.ix));
	return hand_out(want, block, w.page);
}

vx_step write_meta(vx_writer &w, vx_want *want) {
	page_init(w.page, VX_KIND_META, 0, 0, w.meta.dim, w.meta.scan_bits);
	memcpy(w.page + VX_HEADER_OFFSET, &w.meta, sizeof(w.meta));
	return hand_out(want, VX_META_BLOCK, w.page);
}

} // namespace vecidx
