// Lloyd's algorithm as a machine of small steps: a few passes over a part of the points, then passes over all of them.
//
// Sizes of clusters follow the data, but a centroid with few points is moved to halve a large cluster, so that none is
// wasted. Equal points cannot be told apart: surplus centroids then end up without members.
#pragma once

#include "tree/random.hpp"
#include "tree/route.hpp"
#include "tree/split.hpp"

namespace vecidx {

// Multiplications in one step: well under a millisecond with SIMD, some ten without.
inline constexpr uint64_t kStepWork = 1U << 25;

struct LloydPlan {
	uint32_t part;        // points of the first passes
	uint32_t part_passes; // how many of these
	uint32_t passes;      // at most so many over all points
	double enough;        // stop when a pass lowers the cost by less than this share
};

// The usual plan.
LloydPlan plan_lloyd(uint32_t points, uint32_t clusters);

class Lloyd {
public:
	enum class Step {
		kBusy,
		kPassed, // the centroids moved: the caller may lay them out anew before the next pass
		kDone
	};

	void carve(Carver &memory, uint32_t most_points, uint32_t most_slots, uint32_t dim);

	// Clusters `points` into slots [0, clusters) of levels[0].set. With more than one level, levels are routed through.
	void start(const Points &points, Level *levels, uint32_t clusters, const LloydPlan &plan, uint64_t seed);
	void route_through(uint32_t nlevels) { nlevels_ = nlevels; }
	Step step();
	// `ahead`: assigned by others, but not taken yet.
	double progress(uint32_t ahead) const;

	// Assignment may be done by others: of the points of a pass, when none is assigned yet.
	bool before_assigning() const { return phase_ == Phase::kAssign && at_ == 0; }
	uint32_t pass_points() const { return used_; }
	const Scatter &scatter() const { return scatter_; } // their order, when they are not all points
	uint32_t nlevels() const { return nlevels_; }
	Compare compare() const { return nlevels_ > 1 ? Compare::kGroups : rough_ ? Compare::kAllRough : Compare::kAll; }
	// Slots and costs of the next n points of the pass.
	void take(const uint32_t *slot, const float *cost, uint32_t n);

	// The last assignment (to the centroids before their last move): members of a slot, and mean squared distance.
	uint32_t size(uint32_t slot) const { return start_[slot + 1] - start_[slot]; }
	const uint32_t *members(uint32_t slot) const { return order_ + start_[slot]; }
	uint32_t slot_of_point(uint32_t i) const { return slot_[i]; } // after a pass over all points
	double residual(uint32_t slot) const { return residual_[slot]; }

private:
	enum class Phase { kSeed, kAssign, kPlace, kUpdate, kSplit, kNext, kDone };

	Centroids &set() { return levels_[0].set; }
	uint32_t point(uint32_t i) const { return used_ < points_.n ? scatter_[i] : i; }
	bool last_passes() const;
	void seed();
	void begin_pass();
	void assign();
	void assign_group(uint32_t first, uint32_t n);
	void note(uint32_t i, uint32_t slot, float cost);
	void end_assign();
	void place();
	void update();
	void add_members(uint32_t first, uint32_t n);
	void finish_slot();
	void choose_splits();
	void split_clusters();
	Step end_pass();

	Points points_;
	Level *levels_;
	uint32_t nlevels_, clusters_;
	LloydPlan plan_;
	Random random_{0};
	Scatter scatter_;
	Phase phase_;
	uint32_t pass_; // over all points, after those over a part
	uint32_t part_pass_;
	uint32_t used_;  // points of this pass
	uint32_t at_;    // next point or slot of the phase
	uint32_t added_; // members of slot at_ already in the mean
	double cost_, last_cost_;
	double norms_; // sum over the points of this pass
	bool rough_;   // the next pass needs 6 bits of each dimension only
	uint64_t work_, planned_work_;
	// of the slot being updated
	double extra_sum_, norm_sum_;
	double *mean_; // [dim]

	uint32_t *slot_;  // [points] of the i-th point of this pass
	uint32_t *order_; // [points] by slot
	uint32_t *start_; // [slots + 1]
	float *residual_; // [slots]
	uint64_t *moves_; // [slots] centroids to be moved: donor, slot
	uint32_t nmoves_, move_at_;
	Splitter splitter_;
};

} // namespace vecidx
