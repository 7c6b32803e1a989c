// Routing: from the root to the leaf nearest to the new row, keeping a beam of nodes on every level.
#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"
#include "search/insert.hpp"

namespace vecidx {
namespace {

void open_next(vx_insert &in) {
	const Way &way = in.open[in.opened];
	in.cursor.start(dim_of(*in.ix), way.block, way.node, in.level, in.block);
}

// Squared distance to each child, less what all children share; the extra coordinate of inner product included.
void block_costs(const vx_insert &in, const InnerBlock &block, double cost[VX_LANES]) {
	const uint32_t dim = dim_of(*in.ix);
	int32_t sums[VX_LANES] = {};
	kernels().centroid_rows(block.codes(), in.entry->code, vx_quads(dim), sums);
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		const double scale = block.number(VX_CHILD_SCALE, lane);
		const double dot = scale * in.entry->scale * (sums[lane] - 128.0 * in.code_sum);
		cost[lane] = block.number(VX_CHILD_NORM, lane) - 2 * dot - 2.0 * block.number(VX_CHILD_AUX, lane) * in.extra;
	}
}

// Take a child into the sorted list of the best ones.
void keep_child(vx_insert &in, const InnerBlock &block, uint32_t lane, double cost, uint32_t most) {
	const uint32_t dim = dim_of(*in.ix);
	if (in.nfound == most && !(cost < in.found[most - 1].cost))
		return;
	uint32_t at = in.nfound < most ? in.nfound++ : most - 1;
	for (; at > 0 && cost < in.found[at - 1].cost; at--)
		in.found[at] = in.found[at - 1];
	Way &way = in.found[at];
	way = in.open[in.opened];
	way.cost = cost;
	way.node = block.node(lane);
	way.block = block.child(lane);
	child_centroid(block, dim, lane, in.candidate);
	// the relative slack covers a checker that sums in another order
	const double reach = reach_of(*in.entry, in.candidate, dim) * (1 + 1e-12);
	way.path[in.level] = {in.open[in.opened].node, block.place, lane,
						  std::nextafterf(static_cast<float>(reach), INFINITY), block.number(VX_CHILD_RADIUS, lane)};
	if (most == 1) {
		std::swap(in.centroid, in.candidate);
		in.leaf_spread = block.number(VX_CHILD_SPREAD, lane);
	}
}

// The leaf that is second nearest so far, when this one comes.
void note_near(vx_insert &in, const InnerBlock &block, uint32_t lane, double cost) {
	if (in.nfound == 0)
		return;
	const bool nearest = cost < in.found[0].cost;
	const double second = nearest ? in.found[0].cost : cost;
	if (in.near_block != VX_NO_BLOCK && !(second < in.near_cost))
		return;
	in.near_cost = second;
	in.near_node = nearest ? in.found[0].node : block.node(lane);
	in.near_block = nearest ? in.found[0].block : block.child(lane);
}

void read_block(vx_insert &in, const InnerBlock &block) {
	double cost[VX_LANES];
	block_costs(in, block, cost);
	const uint32_t most = in.level == 1 ? 1 : kInsertBeam;
	for (uint32_t lane = 0; lane < VX_LANES && in.fault == nullptr; lane++) {
		if (!lane_lives(block, lane))
			continue;
		in.fault = child_fault(block, lane);
		if (in.fault == nullptr && in.level == 1)
			note_near(in, block, lane, cost[lane]);
		if (in.fault == nullptr)
			keep_child(in, block, lane, cost[lane], most);
	}
}

void arrive(vx_insert &in) {
	in.routed = true;
	in.radius_level = in.levels;
	in.phase = InsertPhase::kHead;
	in.plan.head = in.found[0].block;
}

void next_level(vx_insert &in) {
	std::copy(in.found, in.found + in.nfound, in.open);
	in.nopen = in.nfound;
	in.opened = in.nfound = 0;
	in.level--;
	if (in.nopen == 0)
		in.fault = "an inner node has no living children";
	else if (in.level > 0)
		open_next(in);
	else
		arrive(in);
}

} // namespace

void start_route(vx_insert &in, const vx_meta &meta) {
	in.level = in.levels = meta.levels;
	in.open[0] = {};
	in.open[0].node = meta.root_node;
	in.open[0].block = meta.root;
	in.nopen = 1;
	in.opened = in.nfound = 0;
	in.near_block = VX_NO_BLOCK;
	in.phase = InsertPhase::kInner;
	open_next(in);
}

void route_page(vx_insert &in, const void *page) {
	in.fault = in.cursor.take(page);
	if (in.fault != nullptr)
		return;
	for (InnerBlock block; in.fault == nullptr && in.cursor.next(block);)
		read_block(in, block);
	if (in.fault != nullptr || in.cursor.wanted() != VX_NO_BLOCK)
		return;
	if (++in.opened < in.nopen)
		open_next(in);
	else
		next_level(in);
}

} // namespace vecidx
