// The way from the top of a tree of centroids to the one nearest to a point, with a beam: a greedy descent would lose
// neighbours for good.
#include "tree/route.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vecidx {
namespace {

struct Found {
	float cost;
	uint32_t slot;
};

// The few nearest slots so far, in order.
struct Beam {
	Found best[kRouteBeam];
	uint32_t n = 0, most;

	explicit Beam(uint32_t width) : most(width) {}
	float worst() const { return n < most ? INFINITY : best[n - 1].cost; }
	void add(float cost, uint32_t slot) {
		uint32_t at = n < most ? n++ : most - 1;
		for (; at > 0 && cost < best[at - 1].cost; at--)
			best[at] = best[at - 1];
		best[at] = {cost, slot};
	}
};

void look_into(const Level &level, uint32_t group, const PointView &point, Beam &beam) {
	float cost[VX_LANES];
	for (uint32_t slot = level.first_slot[group]; slot < level.first_slot[group + 1]; slot += VX_LANES) {
		if (!(level.set.block_costs(slot / VX_LANES, point, cost) < beam.worst()))
			continue;
		for (uint32_t lane = 0; lane < VX_LANES; lane++)
			if (cost[lane] < beam.worst())
				beam.add(cost[lane], slot + lane);
	}
}

// Item in a slot that is in use.
uint32_t item_at(const Level &level, uint32_t slot) {
	const uint32_t *begin = level.first_slot, *end = begin + level.groups + 1;
	const auto group = static_cast<uint32_t>(std::upper_bound(begin, end, slot) - begin - 1);
	return level.first_item[group] + (slot - level.first_slot[group]);
}

} // namespace

void Level::carve(Carver &memory, uint32_t most_items, uint32_t most_groups, uint32_t dim, bool with_extra) {
	set.carve(memory, most_slots(most_items, most_groups), dim, with_extra);
	items = groups = 0;
	first_slot = memory.take<uint32_t>(size_t(most_groups) + 1);
	first_item = memory.take<uint32_t>(size_t(most_groups) + 1);
	slot_of = memory.take<uint32_t>(most_items);
}

void Level::set_one_group() {
	set.truncate(items);
	groups = 1;
	first_slot[0] = first_item[0] = 0;
	first_slot[1] = set.slots;
	first_item[1] = items;
	std::iota(slot_of, slot_of + items, 0);
}

uint32_t route(const Level *levels, uint32_t nlevels, const PointView &point, float &cost) {
	Beam beam(nlevels > 1 ? kRouteBeam : 1);
	look_into(levels[nlevels - 1], 0, point, beam);
	for (uint32_t l = nlevels - 1; l > 0; l--) {
		Beam below(l > 1 ? kRouteBeam : 1);
		for (uint32_t i = 0; i < beam.n; i++)
			look_into(levels[l - 1], item_at(levels[l], beam.best[i].slot), point, below);
		beam = below;
	}
	cost = beam.best[0].cost;
	return beam.best[0].slot;
}

void nearest(const Level *levels, uint32_t nlevels, Compare compare, const PointView *points, uint32_t n,
			 uint32_t best[4], float cost[4]) {
	if (compare != Compare::kGroups)
		levels[0].set.nearest(points, n, compare == Compare::kAllRough, best, cost);
	else
		for (uint32_t i = 0; i < n; i++)
			best[i] = route(levels, nlevels, points[i], cost[i]);
}

} // namespace vecidx
