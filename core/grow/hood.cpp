// The neighbourhood of a leaf: its lane, and the leaves whose centroids are nearest to its centroid.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"
#include "kernel/kernels.hpp"
#include "tree/plan.hpp"

namespace vecidx {
namespace {

bool is_lane(const vx_lane &lane, uint64_t node, const InnerBlock &block, uint32_t number) {
	return lane.node == node && lane.page == block.place.page && lane.row == block.place.row && lane.lane == number;
}

void copy_bytes(const InnerBlock &block, uint32_t dim, uint32_t lane, uint8_t *out) {
	for (uint32_t quad = 0; quad < vx_quads(dim); quad++)
		memcpy(out + size_t(quad) * 4, block.codes() + size_t(quad) * VX_ROW_BYTES + size_t(lane) * 4, 4);
}

// The leaf's centroid in the form of a row.
void set_center(vx_tend &t, const InnerBlock &block, uint32_t lane) {
	Neighbourhood &h = t.hood;
	h.center->row = {};
	h.center->error = 0;
	h.center->scale = block.number(VX_CHILD_SCALE, lane);
	h.center_extra = block.number(VX_CHILD_AUX, lane);
	h.center_sum = 0;
	copy_bytes(block, dim_of(t), lane, reinterpret_cast<uint8_t *>(h.center->code));
	for (uint32_t i = 0; i < vx_quads(dim_of(t)) * 4; i++) {
		h.center->code[i] = static_cast<int8_t>(static_cast<uint8_t>(h.center->code[i]) - 128);
		h.center_sum += h.center->code[i];
	}
}

// Squared distances from the center, less what all have in common.
void block_costs(const vx_tend &t, const InnerBlock &block, double cost[VX_LANES]) {
	const Neighbourhood &h = t.hood;
	int32_t sums[VX_LANES] = {};
	kernels().centroid_rows(block.codes(), h.center->code, vx_quads(dim_of(t)), sums);
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		const double dot = static_cast<double>(block.number(VX_CHILD_SCALE, lane)) * h.center->scale *
						   (sums[lane] - 128.0 * h.center_sum);
		cost[lane] =
			block.number(VX_CHILD_NORM, lane) - 2 * dot - 2.0 * block.number(VX_CHILD_AUX, lane) * h.center_extra;
	}
}

void keep_leaf(vx_tend &t, const InnerBlock &block, uint32_t lane, double cost) {
	Neighbourhood &h = t.hood;
	if (h.nleaves == h.most_leaves && !(cost < h.leaves[h.most_leaves - 1].cost))
		return;
	uint32_t at = h.nleaves < h.most_leaves ? h.nleaves++ : h.most_leaves - 1;
	const TendLeaf place = h.leaves[at]; // its memory is used again, all else written anew
	for (; at > 0 && cost < h.leaves[at - 1].cost; at--)
		h.leaves[at] = h.leaves[at - 1];
	TendLeaf &leaf = h.leaves[at];
	leaf = {};
	leaf.centroid = place.centroid;
	leaf.bytes = place.bytes;
	leaf.origin = place.origin;
	leaf.fresh = place.fresh;
	leaf.child = child_of(block, lane);
	leaf.at = {h.above[h.opened].node, block.place.page, block.place.row, lane};
	leaf.parent = h.opened;
	leaf.cost = cost;
	child_centroid(block, dim_of(t), lane, leaf.centroid);
	copy_bytes(block, dim_of(t), lane, leaf.bytes);
}

void keep_node(vx_tend &t, const InnerBlock &block, uint32_t lane, double cost) {
	Neighbourhood &h = t.hood;
	if (h.nbest == kTendBeam && !(cost < h.best[kTendBeam - 1].cost))
		return;
	uint32_t at = h.nbest < kTendBeam ? h.nbest++ : kTendBeam - 1;
	double *centroid = h.best[at].centroid;
	for (; at > 0 && cost < h.best[at - 1].cost; at--)
		h.best[at] = h.best[at - 1];
	const Child child = child_of(block, lane);
	const Above &from = h.above[h.opened];
	h.best[at] = {
		child.node, child.block,  from.level - 1, h.opened, {from.node, block.place.page, block.place.row, lane},
		centroid,   child.radius, child.spread,   0,        0,
		cost};
	child_centroid(block, dim_of(t), lane, centroid);
}

void open_next(vx_tend &t) {
	const Above &above = t.hood.above[t.hood.opened];
	t.hood.cursor.start(dim_of(t), above.block, above.node, above.level, t.hood.buffer);
}

void read_block(vx_tend &t, const InnerBlock &block) {
	Neighbourhood &h = t.hood;
	const Above from = h.above[h.opened];
	double cost[VX_LANES];
	block_costs(t, block, cost);
	for (uint32_t lane = 0; lane < VX_LANES && t.fault == nullptr; lane++) {
		if (!lane_lives(block, lane))
			continue;
		t.fault = child_fault(block, lane);
		if (t.fault != nullptr)
			return;
		// what lies on the chore's own way comes first, whatever its distance
		if (is_lane(t.chore.path[from.level], from.node, block, lane))
			cost[lane] = -INFINITY;
		if (from.level == 1)
			keep_leaf(t, block, lane, cost[lane]);
		else
			keep_node(t, block, lane, cost[lane]);
	}
}

void take_best(vx_tend &t, Carver &memory) {
	for (Above &above : t.hood.best)
		above.centroid = memory.take<double>(dim_of(t));
}

// The nodes kept become those to be opened; without a level below, the leaves are known.
vx_step next_level(vx_tend &t, vx_want &want) {
	Neighbourhood &h = t.hood;
	if (h.above[h.opened - 1].level > 1) {
		if (!(h.nbest > 0)) {
			t.fault = "an inner node has no living children";
			return VX_DONE;
		}
		Above found[kTendBeam];
		std::copy_n(h.best, h.nbest, found);
		if (!carve(t, [&](Carver &memory) { take_best(t, memory); })) {
			std::copy_n(found, h.nbest, h.best);
			h.opened--; // once more
			return need_memory(t, want);
		}
		std::copy_n(found, h.nbest, h.above + h.nabove);
		h.nabove += h.nbest;
		h.end_of_level = h.nabove;
		h.nbest = 0;
		open_next(t);
		return VX_DONE;
	}
	if (h.nleaves == 0 || h.leaves[0].child.node != t.chore.leaf) {
		t.phase = TendPhase::kDone; // it is somewhere else by now
		return VX_DONE;
	}
	h.leaf_at = 0;
	h.next_block = h.leaves[0].child.block;
	t.phase = TendPhase::kEntries;
	return VX_DONE;
}

// The nearest leaves whose refine codes take so much memory: few where rows are wide and leaves long.
uint32_t most_leaves(const vx_tend &t) {
	constexpr size_t kMostBytes = size_t(256) << 20;
	const size_t leaf = size_t(leaf_limit(t.meta, false)) * vx_code_stride(dim_of(t));
	return static_cast<uint32_t>(std::clamp<size_t>(kMostBytes / leaf, 4, kNeighbours));
}

} // namespace

bool start_hood(vx_tend &t) {
	Neighbourhood &h = t.hood;
	const uint32_t dim = dim_of(t);
	h.most_leaves = most_leaves(t);
	const bool taken = carve(t, [&](Carver &memory) {
		h.buffer = memory.take<uint8_t>(inner_block_bytes(dim));
		h.center = reinterpret_cast<vx_code_entry *>(memory.take<uint8_t>(vx_code_stride(dim)));
		t.scratch = memory.take<double>(dim);
		t.scan_code = memory.take<uint8_t>(dim);
		for (TendLeaf &leaf : h.leaves) {
			leaf.centroid = memory.take<double>(dim);
			leaf.origin = memory.take<double>(dim);
			leaf.fresh = memory.take<float>(dim);
			leaf.bytes = memory.take<uint8_t>(size_t(vx_quads(dim)) * 4);
		}
		take_best(t, memory);
	});
	if (!taken)
		return false;
	const vx_lane &lane = t.chore.path[1];
	h.cursor.start(dim, lane.page, lane.node, 1, h.buffer);
	return true;
}

vx_step step_place(vx_tend &t, vx_want &want) {
	if (t.hood.cursor.wanted() == VX_NO_BLOCK) {
		t.phase = TendPhase::kDone;
		return VX_DONE;
	}
	return ask(t, want, t.hood.cursor.wanted());
}

void place_page(vx_tend &t, const void *page) {
	Neighbourhood &h = t.hood;
	if (h.cursor.take(page) != nullptr) { // the node was replaced
		t.phase = TendPhase::kDone;
		return;
	}
	const vx_lane &lane = t.chore.path[1];
	for (InnerBlock block; h.cursor.next(block);) {
		if (block.place.page != lane.page || block.place.row != lane.row)
			continue;
		if (lane.lane >= VX_LANES || !lane_lives(block, lane.lane) || block.node(lane.lane) != t.chore.leaf) {
			t.phase = TendPhase::kDone;
			return;
		}
		set_center(t, block, lane.lane);
		h.above[0] = {};
		h.above[0].node = t.meta.root_node;
		h.above[0].block = t.meta.root;
		h.above[0].level = t.meta.levels;
		h.above[0].parent = kNoIndex;
		h.nabove = h.end_of_level = 1;
		open_next(t);
		t.phase = TendPhase::kRoute;
		return;
	}
}

vx_step step_route(vx_tend &t, vx_want &want) {
	Neighbourhood &h = t.hood;
	if (h.cursor.wanted() != VX_NO_BLOCK)
		return ask(t, want, h.cursor.wanted());
	if (++h.opened < h.end_of_level) {
		open_next(t);
		return VX_DONE;
	}
	return next_level(t, want);
}

void route_page(vx_tend &t, const void *page) {
	t.fault = t.hood.cursor.take(page);
	for (InnerBlock block; t.fault == nullptr && t.hood.cursor.next(block);)
		read_block(t, block);
}

} // namespace vecidx
