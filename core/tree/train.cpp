// Training: the phases from refine codes to a laid-out tree of centroids, a slice at a time.
#include "tree/train.hpp"

#include <algorithm>
#include <cmath>
#include <new>

namespace vecidx {
namespace {

// Distinct streams for the runs of one training.
uint64_t seed_of(const vx_train &t, uint64_t run) {
	return Random(t.seed + run).next();
}

void carve(Carver &memory, vx_train &t, const vx_index &ix, uint32_t n, uint32_t leaves) {
	const uint32_t dim = ix.meta.dim;
	const bool extra = has_extra(ix);
	t.points.carve(memory, n, dim, extra);
	uint32_t items = leaves, most_slots = 0;
	for (uint32_t l = 0; l < kMostLevels && items > 0; l++) {
		const uint32_t groups = groups_above(ix, items);
		t.levels[l].carve(memory, items, std::max(groups, 1U), dim, extra);
		t.farthest[l] = memory.take<float>(items);
		most_slots = std::max(most_slots, Level::most_slots(items, std::max(groups, 1U)));
		if (groups > 0 && l + 1 < kMostLevels)
			t.grouping[l].carve(memory, items, dim, extra);
		items = groups;
	}
	t.leaf_of = memory.take<uint32_t>(most_slots);
	t.residual = memory.take<float>(leaves);
	t.scratch = memory.take<float>(leaves);
	t.lloyd.carve(memory, n, most_slots, dim);
	t.directions.carve(memory, dim);
	t.layout.carve(memory, leaves, most_slots, dim);
	t.spare.carve(memory, most_slots, dim, extra);
	for (double *&point : t.point)
		point = memory.take<double>(dim);
}

uint32_t clamp_points(uint64_t n) {
	return static_cast<uint32_t>(std::min<uint64_t>(n, UINT32_MAX - 1));
}

uint32_t clamp_leaves(uint64_t n, uint32_t leaves) {
	return std::max(1U, std::min(leaves, clamp_points(n)));
}

// ---- phases

void measure(vx_train &t) {
	const auto most = static_cast<uint32_t>(kStepWork / 64 / t.points.dim + 1);
	const uint32_t end = t.points.n - t.at < most ? t.points.n : t.at + most;
	for (; t.at < end; t.at++) {
		const float extra = extra_coordinate(*t.ix, t.points[t.at]);
		t.points.measure(t.at, extra);
		t.norm_sum += t.points.norm[t.at] - static_cast<double>(extra) * extra;
	}
	if (t.at < t.points.n)
		return;
	t.spread = std::sqrt(std::max(0.0, t.norm_sum / t.points.n));
	t.levels[0].items = t.wanted;
	t.levels[0].set_one_group();
	t.lloyd.start(t.points, t.levels, t.wanted, plan_lloyd(t.points.n, t.wanted), seed_of(t, 0));
	t.at = 0;
	t.phase = TrainPhase::kCluster;
}

// Centroids that no point chose at last are dropped.
void keep_leaves(vx_train &t) {
	Level &leaves = t.levels[0];
	leaves.items = 0;
	for (uint32_t slot = 0; slot < leaves.set.slots; slot++)
		if (t.lloyd.size(slot) > 0) {
			t.residual[leaves.items] = static_cast<float>(t.lloyd.residual(slot));
			if (slot != leaves.items)
				leaves.set.copy(leaves.items, leaves.set, slot);
			leaves.items++;
		}
	leaves.set_one_group();
}

void cluster(vx_train &t) {
	const Lloyd::Step step = t.lloyd.step();
	if (step == Lloyd::Step::kPassed && t.wanted > kFlatLimit) {
		t.grouping[0].start(t.levels[0], t.levels[1], seed_of(t, 1));
		t.phase = TrainPhase::kRegroup;
	} else if (step == Lloyd::Step::kDone) {
		t.directions.start();
		t.phase = TrainPhase::kDirections;
	}
}

void look_around(vx_train &t) {
	if (!t.directions.step(t.points, t.lloyd, t.levels[0].set.slots))
		return;
	t.local_dim = t.directions.count(t.points.dim);
	keep_leaves(t);
	t.at = 0;
	t.phase = TrainPhase::kGroup;
}

// The tree of centroids as it is now, for the next pass to route through.
void regroup(vx_train &t) {
	if (t.at == 0) {
		if (!t.grouping[0].step())
			return;
		t.layout.start(t.levels[0], t.spare, t.grouping[0].group_of(), t.levels[1].items, false);
		t.at = 1;
	} else if (t.layout.step()) {
		t.at = 0;
		t.lloyd.route_through(2);
		t.phase = TrainPhase::kCluster;
	}
}

} // namespace
} // namespace vecidx

using namespace vecidx;

size_t vx_train_size(const vx_index *ix, uint64_t n, uint32_t leaves) {
	Carver memory;
	memory.take<vx_train>(1);
	vx_train plan;
	carve(memory, plan, *ix, clamp_points(n), clamp_leaves(n, leaves));
	return memory.bytes();
}

vx_train *vx_train_init(void *memory, size_t bytes, const vx_index *ix, const void *entries, uint64_t n,
						uint32_t leaves) {
	(void)bytes;
	Carver carver(memory);
	auto *t = new (carver.take<vx_train>(1)) vx_train{};
	t->ix = ix;
	t->wanted = clamp_leaves(n, leaves);
	t->seed = ix->meta.seed;
	t->phase = TrainPhase::kMeasure;
	carve(carver, *t, *ix, clamp_points(n), t->wanted);
	t->points.entries = static_cast<const uint8_t *>(entries);
	return t;
}

vx_step vx_train_next(vx_train *t) {
	switch (t->phase) {
	case TrainPhase::kMeasure:
		measure(*t);
		break;
	case TrainPhase::kCluster:
		cluster(*t);
		break;
	case TrainPhase::kRegroup:
		regroup(*t);
		break;
	case TrainPhase::kDirections:
		look_around(*t);
		break;
	case TrainPhase::kGroup:
		group_level(*t);
		break;
	case TrainPhase::kLayOut:
		lay_out_level(*t);
		break;
	case TrainPhase::kSpread:
		measure_spread(*t);
		break;
	case TrainPhase::kDone:
		return VX_DONE;
	}
	return VX_YIELD;
}

double vx_train_progress_after(const vx_train *t, uint32_t points) {
	constexpr double kClustering = 0.98; // the rest is for the upper levels
	if (t->phase == TrainPhase::kMeasure)
		return 0;
	if (t->phase == TrainPhase::kDone)
		return 1;
	return kClustering * std::min(1.0, t->lloyd.progress(points));
}

double vx_train_progress(const vx_train *t) {
	return vx_train_progress_after(t, 0);
}

uint32_t vx_train_pass(const vx_train *t) {
	return t->phase == TrainPhase::kCluster && t->lloyd.before_assigning() ? t->lloyd.pass_points() : 0;
}

void vx_train_take(vx_train *t, const uint32_t *slot, const float *cost, uint32_t n) {
	t->lloyd.take(slot, cost, n);
}

uint32_t vx_train_leaves(const vx_train *t) {
	return t->levels[0].items;
}

void vx_train_assign(const vx_train *t, const void *entries, uint32_t n, uint32_t *leaf) {
	const auto *at = static_cast<const uint8_t *>(entries);
	const size_t stride = vx_code_stride(t->ix->meta.dim);
	const Level &leaves = t->levels[0];
	for (uint32_t i = 0; i < n; i += 4) {
		const uint32_t count = std::min(4U, n - i);
		PointView points[4] = {};
		uint32_t best[4];
		float cost[4];
		for (uint32_t j = 0; j < count; j++)
			points[j] = view(*t->ix, *reinterpret_cast<const vx_code_entry *>(at + (i + j) * stride));
		nearest(t->levels, t->nlevels, leaves.items <= kFlatLimit ? Compare::kAll : Compare::kGroups, points, count,
				best, cost);
		for (uint32_t j = 0; j < count; j++)
			leaf[i + j] = t->leaf_of[best[j]];
	}
}
