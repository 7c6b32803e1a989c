// Levels of a tree of centroids while it is trained, and the way from its top to the centroid nearest to a point.
//
// A level's centroids are laid out group by group, each group in whole blocks of 16; group g of a level is what lies
// below item g of the level above. Items are numbered in this order, so that leaves near in number are near in space.
#pragma once

#include "tree/centroids.hpp"

namespace vecidx {

// Up to so many centroids a point is compared with all of them; above, with those below the best few of their groups.
inline constexpr uint32_t kFlatLimit = 4096;
// Groups looked into.
inline constexpr uint32_t kRouteBeam = 16;
// Enough for 2^32 leaves: groups are about the square root of their items.
inline constexpr uint32_t kMostLevels = 3;

struct Level {
	Centroids set;
	uint32_t items, groups;
	uint32_t *first_slot; // [groups + 1], multiples of 16
	uint32_t *first_item; // [groups + 1]
	uint32_t *slot_of;    // [items]

	void carve(Carver &memory, uint32_t most_items, uint32_t most_groups, uint32_t dim, bool with_extra);
	// All items, which are in slots 0 .. items - 1, become one group.
	void set_one_group();
	static uint32_t most_slots(uint32_t most_items, uint32_t most_groups) {
		return whole_blocks(most_items) + VX_LANES * most_groups;
	}
};

// Slot in levels[0] of the centroid nearest to the point, nearly always. Level nlevels - 1 is one group.
uint32_t route(const Level *levels, uint32_t nlevels, const PointView &point, float &cost);

// What points are compared with: the centroids of the nearest groups, or all slots of levels[0], in full or in 6 bits.
enum class Compare : uint8_t { kGroups, kAll, kAllRough };

// The same for up to 4 points.
void nearest(const Level *levels, uint32_t nlevels, Compare compare, const PointView *points, uint32_t n,
			 uint32_t best[4], float cost[4]);

} // namespace vecidx
