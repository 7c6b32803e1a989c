// What of a tree of centroids finds the nearest leaf of a row, as one flat block: all references are offsets from its
// start, so that processes which have it at different addresses can read it in place.
#pragma once

#include "tree/random.hpp"
#include "tree/route.hpp"

namespace vecidx {

// A Level, and where in the block its parts lie.
struct RouterLevel {
	uint32_t slots, items, groups;
	size_t codes, norm, scale, extra, first_slot, first_item;
};

} // namespace vecidx

struct vx_router {
	uint32_t nlevels;
	vecidx::Compare compare;
	bool with_extra;         // inner product
	size_t leaf_of;          // [slots of levels[0]]; only of a finished training
	uint32_t points, sample; // of the pass that is being trained, and of the sample they are taken from
	vecidx::Scatter scatter;
	vecidx::RouterLevel levels[vecidx::kMostLevels];
};
