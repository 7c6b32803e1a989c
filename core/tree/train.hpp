// State of a training run, and what the writer reads of its result.
//
// Lloyd's algorithm makes the leaves; then upper levels are built over the finished centroids, bottom-up, by the same
// algorithm on fewer points; at last all levels are laid out top-down.
#pragma once

#include "tree/directions.hpp"
#include "tree/layout.hpp"
#include "tree/lloyd.hpp"
#include "vecidx/core.h"

namespace vecidx {

enum class TrainPhase : uint8_t { kMeasure, kCluster, kRegroup, kDirections, kGroup, kLayOut, kSpread, kDone };

// How many groups so many items should have.
uint32_t groups_for(uint32_t items);
// The same for a level of the tree: 0 where the root is above it.
inline uint32_t groups_above(const vx_index &ix, uint32_t items) {
	return items > ix.limits.root_children ? groups_for(items) : 0;
}
// Whether points have an extra coordinate.
inline bool has_extra(const vx_index &ix) {
	return ix.meta.metric == VX_IP;
}

// Clusters the items of one level into the items of the level above.
class Grouping {
public:
	void carve(Carver &memory, uint32_t most_items, uint32_t dim, bool with_extra);
	void start(const Level &below, Level &above, uint64_t seed);
	bool step(); // true when done: `above` has its items, in slots 0 ..
	uint32_t *group_of() { return group_of_; }

private:
	void copy_items();
	void number_groups();

	const Level *below_;
	Level *above_;
	Points points_;
	uint8_t *entries_;
	Lloyd lloyd_;
	uint64_t seed_;
	uint32_t copied_;
	uint32_t *group_of_; // [items]
	uint32_t *number_;   // [groups]
};

} // namespace vecidx

struct vx_train {
	const vx_index *ix;
	vecidx::Points points;
	vecidx::Level levels[vecidx::kMostLevels]; // leaves first
	uint32_t nlevels;
	uint32_t wanted; // leaves asked for
	vecidx::TrainPhase phase;
	uint32_t at; // next point or level of the phase
	uint64_t seed;
	double norm_sum;
	double spread;                        // root mean square distance of the points to the mean
	uint32_t *leaf_of;                    // [slots] of levels[0]
	float *residual;                      // [leaves] mean squared distance of the leaf's points, as last measured
	float *scratch;                       // [leaves]
	float *farthest[vecidx::kMostLevels]; // [items] above the leaves: distance to the farthest leaf centroid below

	double local_dim; // directions between near points, 0: unknown

	vecidx::Lloyd lloyd;
	vecidx::Directions directions;
	vecidx::Grouping grouping[vecidx::kMostLevels - 1];
	vecidx::Layout layout;
	vecidx::Centroids spare;
	double *point[2]; // centroids being compared
};

namespace vecidx {

// train_tree.cpp: the phases after the leaves are known
void group_level(vx_train &t);
void lay_out_level(vx_train &t);
void measure_spread(vx_train &t);

} // namespace vecidx
