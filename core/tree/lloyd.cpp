// Lloyd's algorithm as a machine of small steps: passes and assignment.
#include "tree/lloyd.hpp"

#include <algorithm>
#include <cmath>

namespace vecidx {
namespace {

// Points may be compared in 6 bits where what these lose is little beside the distances to the centroids: their squares
// are at least this share of the points' squared norms. Below a quarter of that leaves would become wider.
constexpr double kRoughShare = 0.02;
constexpr uint32_t kFewestRough = 16; // dimensions: in fewer, what 6 bits lose is not averaged out

} // namespace

LloydPlan plan_lloyd(uint32_t points, uint32_t clusters) {
	// Passes over a part do most of the work for less; of full passes three are then as good as eight.
	constexpr uint64_t kPart = 64; // points a cluster
	const uint64_t part = kPart * clusters;
	if (part * 3 / 2 > points)
		return {points, 0, 9, 1e-3};
	return {static_cast<uint32_t>(part), 8, 3, 1e-3};
}

void Lloyd::carve(Carver &memory, uint32_t most_points, uint32_t most_slots, uint32_t dim) {
	mean_ = memory.take<double>(dim);
	slot_ = memory.take<uint32_t>(most_points);
	order_ = memory.take<uint32_t>(most_points);
	start_ = memory.take<uint32_t>(size_t(most_slots) + 1);
	residual_ = memory.take<float>(most_slots);
	moves_ = memory.take<uint64_t>(most_slots);
	splitter_.carve(memory, dim);
}

void Lloyd::start(const Points &points, Level *levels, uint32_t clusters, const LloydPlan &plan, uint64_t seed) {
	points_ = points;
	levels_ = levels;
	nlevels_ = 1;
	clusters_ = clusters;
	plan_ = plan;
	random_ = Random(seed);
	scatter_ = Scatter(points.n, random_);
	phase_ = Phase::kSeed;
	at_ = 0;
	pass_ = part_pass_ = 0;
	work_ = 0;
	planned_work_ = uint64_t(plan.part) * plan.part_passes + uint64_t(points.n) * plan.passes;
	cost_ = last_cost_ = INFINITY;
	rough_ = false;
}

double Lloyd::progress(uint32_t ahead) const {
	return phase_ == Phase::kDone ? 1 : static_cast<double>(work_ + ahead) / static_cast<double>(planned_work_);
}

void Lloyd::seed() {
	if (at_ == 0)
		set().clear(clusters_);
	const auto most = static_cast<uint32_t>(kStepWork / 32 / points_.dim + 1);
	const uint32_t end = clusters_ - at_ < most ? clusters_ : at_ + most;
	for (; at_ < end; at_++)
		set().set(at_, points_[scatter_[at_]], points_.extra_of(scatter_[at_]));
	if (at_ == clusters_)
		phase_ = Phase::kNext;
}

void Lloyd::begin_pass() {
	used_ = part_pass_ < plan_.part_passes ? plan_.part : points_.n;
	at_ = 0;
	last_cost_ = cost_;
	cost_ = norms_ = 0;
	std::fill_n(start_, set().slots + 1, 0);
	phase_ = Phase::kAssign;
}

void Lloyd::note(uint32_t i, uint32_t slot, float cost) {
	slot_[i] = slot;
	start_[slot]++;
	const double norm = points_.norm[point(i)];
	norms_ += norm;
	cost_ += std::fmax(0, norm + cost);
}

void Lloyd::take(const uint32_t *slot, const float *cost, uint32_t n) {
	work_ += n;
	for (uint32_t i = 0; i < n; i++)
		note(at_ + i, slot[i], cost[i]);
	at_ += n;
	if (at_ == used_)
		end_assign();
}

void Lloyd::assign_group(uint32_t first, uint32_t n) {
	PointView views[4] = {};
	uint32_t best[4];
	float cost[4];
	for (uint32_t i = 0; i < n; i++)
		views[i] = view(points_, point(first + i));
	nearest(levels_, nlevels_, compare(), views, n, best, cost);
	for (uint32_t i = 0; i < n; i++)
		note(first + i, best[i], cost[i]);
}

void Lloyd::assign() {
	const uint64_t a_point = uint64_t(set().slots) * points_.dim + 1;
	const auto most = static_cast<uint32_t>(std::clamp<uint64_t>(kStepWork / a_point, 4, 1U << 20));
	const uint32_t end = used_ - at_ < most ? used_ : at_ + most;
	work_ += end - at_;
	while (at_ < end) {
		const uint32_t n = std::min(4U, end - at_);
		assign_group(at_, n);
		at_ += n;
	}
	if (at_ == used_)
		end_assign();
}

// Sizes become the ends of the clusters' places.
void Lloyd::end_assign() {
	uint32_t end = 0;
	for (uint32_t slot = 0; slot < set().slots; slot++) {
		end += start_[slot];
		start_[slot] = end;
	}
	start_[set().slots] = end;
	phase_ = Phase::kPlace; // at_ goes back to 0
}

// From the last to the first, so that each cluster's members stand in ascending order.
void Lloyd::place() {
	constexpr uint32_t kMost = 1U << 18;
	const uint32_t end = at_ > kMost ? at_ - kMost : 0;
	while (at_ > end) {
		at_--;
		order_[--start_[slot_[at_]]] = point(at_);
	}
	if (at_ == 0) {
		added_ = 0;
		phase_ = Phase::kUpdate;
	}
}

bool Lloyd::last_passes() const {
	return part_pass_ >= plan_.part_passes && pass_ + 2 >= plan_.passes;
}

Lloyd::Step Lloyd::end_pass() {
	bool done = false;
	// 6 bits move a point by some 3 % of its norm, in one of many directions
	rough_ = points_.dim >= kFewestRough && cost_ > kRoughShare * norms_;
	if (part_pass_ < plan_.part_passes) {
		part_pass_++;
		if (part_pass_ == plan_.part_passes)
			cost_ = INFINITY; // costs of other points do not compare
	} else {
		pass_++;
		done = pass_ >= plan_.passes || !(last_cost_ - cost_ > plan_.enough * cost_);
	}
	phase_ = done ? Phase::kDone : Phase::kNext;
	return done ? Step::kDone : Step::kPassed;
}

Lloyd::Step Lloyd::step() {
	switch (phase_) {
	case Phase::kSeed:
		seed();
		return phase_ == Phase::kSeed ? Step::kBusy : Step::kPassed;
	case Phase::kNext:
		begin_pass();
		return Step::kBusy;
	case Phase::kAssign:
		assign();
		return Step::kBusy;
	case Phase::kPlace:
		place();
		return Step::kBusy;
	case Phase::kUpdate:
		update();
		return Step::kBusy;
	case Phase::kSplit:
		split_clusters();
		return move_at_ < nmoves_ ? Step::kBusy : end_pass();
	case Phase::kDone:
		break;
	}
	return Step::kDone;
}

} // namespace vecidx
