// The pages that are made at once when all rows are in: inner nodes bottom-up, the mean, the meta page.
#include <algorithm>
#include <cmath>

#include "tree/writer.hpp"

namespace vecidx {
namespace {

uint32_t bits_of(float x) {
	return __builtin_bit_cast(uint32_t, x);
}

float spread_of(const vx_writer &w, uint32_t level, uint32_t item) {
	if (level > 0)
		return w.train->farthest[level][item];
	const ItemSummary &leaf = w.items[0][item];
	return leaf.rows > 0 ? static_cast<float>(std::sqrt(leaf.squares / leaf.rows)) : 0;
}

uint32_t field_of(const vx_writer &w, uint32_t level, uint32_t item, vx_inner_row field) {
	const Centroids &set = w.train->levels[level].set;
	const uint32_t slot = w.train->levels[level].slot_of[item];
	const ItemSummary &summary = w.items[level][item];
	switch (field) {
	case VX_CHILD_SCALE:
		return bits_of(set.scale[slot]);
	case VX_CHILD_NORM:
		return bits_of(set.norm[slot]);
	case VX_CHILD_RADIUS:
		return bits_of(summary.radius);
	case VX_CHILD_SPREAD:
		return bits_of(spread_of(w, level, item));
	case VX_CHILD_AUX:
		return bits_of(set.extra_of(slot));
	case VX_CHILD_ROWS:
		return summary.rows;
	case VX_CHILD_BLOCK:
		return summary.block;
	case VX_CHILD_NODE_LO:
		return static_cast<uint32_t>(summary.node);
	case VX_CHILD_NODE_HI:
		return static_cast<uint32_t>(summary.node >> 32);
	case VX_CHILD_FIELDS:
		break;
	}
	return 0;
}

// What an unused lane holds.
uint32_t field_of_none(vx_inner_row field) {
	return field == VX_CHILD_NORM ? bits_of(INFINITY) : field == VX_CHILD_BLOCK ? VX_NO_BLOCK : 0;
}

// One 64-byte row of a node's stream.
void put_row(const vx_writer &w, uint32_t ordinal, uint8_t *out) {
	const Level &level = w.train->levels[w.level];
	const uint32_t quads = vx_quads(w.meta.dim), block_rows = vx_inner_block_rows(w.meta.dim);
	const uint32_t block = ordinal / block_rows, at = ordinal % block_rows;
	if (at < quads) {
		const uint32_t set_block = level.first_slot[w.node] / VX_LANES + block;
		memcpy(out, level.set.codes + (size_t(set_block) * quads + at) * VX_ROW_BYTES, VX_ROW_BYTES);
		return;
	}
	const auto field = static_cast<vx_inner_row>(at - quads);
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		const uint32_t item = level.first_item[w.node] + block * VX_LANES + lane;
		const uint32_t value =
			item < level.first_item[w.node + 1] ? field_of(w, w.level, item, field) : field_of_none(field);
		memcpy(out + size_t(lane) * sizeof(value), &value, sizeof(value));
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
	const uint32_t children = level.first_item[w.node + 1] - level.first_item[w.node];
	const uint32_t rows = whole_blocks(children) / VX_LANES * vx_inner_block_rows(w.meta.dim);
	const uint32_t pages = (rows + VX_ROWS_PER_PAGE - 1) / VX_ROWS_PER_PAGE;
	if (w.inner_page == 0)
		open_node(w, pages);
	page_init(w.page, VX_KIND_INNER, w.meta.next_node - 1, w.level + 1, w.meta.dim, w.meta.scan_bits);
	auto &header = page_header<vx_inner_header>(w.page);
	const uint32_t block = w.inner_block + w.inner_page;
	header.children = children;
	header.first_row = w.inner_page * VX_ROWS_PER_PAGE;
	header.next = w.inner_page + 1 < pages ? block + 1 : VX_NO_BLOCK;
	const uint32_t here = std::min(VX_ROWS_PER_PAGE, rows - header.first_row);
	for (uint32_t row = 0; row < here; row++)
		put_row(w, header.first_row + row, w.page + VX_BLOCKS_OFFSET + size_t(row) * VX_ROW_BYTES);
	next_page(w, pages);
	return hand_out(want, block, w.page);
}

vx_step write_mean(vx_writer &w, vx_want *want) {
	page_init(w.page, VX_KIND_MEAN, 0, 0, w.meta.dim, w.meta.scan_bits);
	memcpy(w.page + VX_BLOCKS_OFFSET, mean_of(*w.ix), sizeof(float) * w.meta.dim);
	return hand_out(want, w.meta.mean, w.page);
}

vx_step write_meta(vx_writer &w, vx_want *want) {
	page_init(w.page, VX_KIND_META, 0, 0, w.meta.dim, w.meta.scan_bits);
	memcpy(w.page + VX_HEADER_OFFSET, &w.meta, sizeof(w.meta));
	return hand_out(want, VX_META_BLOCK, w.page);
}

} // namespace vecidx
