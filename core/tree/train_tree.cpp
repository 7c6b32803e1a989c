// From finished leaf centroids to a tree: upper levels bottom-up, final places top-down.
#include <algorithm>
#include <cmath>
#include <utility>

#include "tree/train.hpp"

namespace vecidx {
namespace {

void start_layout(vx_train &t) {
	const bool root = t.at + 1 == t.nlevels;
	t.layout.start(t.levels[t.at], t.spare, root ? nullptr : t.grouping[t.at].group_of(),
				   root ? 1 : t.levels[t.at + 1].items, true);
	t.phase = TrainPhase::kLayOut;
}

// Items of the level just laid out have new numbers: the groups below are called by them.
void renumber_below(vx_train &t) {
	uint32_t *group_of = t.grouping[t.at - 1].group_of();
	for (uint32_t item = 0; item < t.levels[t.at - 1].items; item++)
		group_of[item] = t.layout.number(group_of[item]);
}

void renumber_leaves(vx_train &t) {
	const Level &leaves = t.levels[0];
	for (uint32_t item = 0; item < leaves.items; item++) {
		const uint32_t number = t.layout.number(item);
		t.scratch[number] = t.residual[item];
		t.leaf_of[leaves.slot_of[number]] = number;
	}
	std::swap(t.residual, t.scratch);
}

// Leaves below an item of a level above the leaves.
std::pair<uint32_t, uint32_t> leaves_below(const vx_train &t, uint32_t level, uint32_t item) {
	uint32_t first = item, end = item + 1;
	for (uint32_t l = level; l > 0; l--) {
		first = t.levels[l - 1].first_item[first];
		end = t.levels[l - 1].first_item[end];
	}
	return {first, end};
}

float farthest_leaf(const vx_train &t, uint32_t level, uint32_t item) {
	double *center = t.point[0], *leaf = t.point[1], farthest = 0;
	const uint32_t dim = t.points.dim;
	t.levels[level].set.decode(t.levels[level].slot_of[item], center);
	const auto [first, end] = leaves_below(t, level, item);
	for (uint32_t i = first; i < end; i++) {
		t.levels[0].set.decode(t.levels[0].slot_of[i], leaf);
		double sum = 0;
		for (uint32_t j = 0; j < dim; j++)
			sum += (leaf[j] - center[j]) * (leaf[j] - center[j]);
		farthest = std::max(farthest, sum);
	}
	return std::nextafterf(static_cast<float>(std::sqrt(farthest)), INFINITY);
}

} // namespace

void group_level(vx_train &t) {
	const uint32_t level = t.at / 2;
	if (t.levels[level].items <= t.ix->limits.root_children) {
		t.nlevels = level + 1;
		t.at = level;
		start_layout(t);
	} else if (t.at % 2 == 0) {
		t.grouping[level].start(t.levels[level], t.levels[level + 1], Random(t.seed + 2 + level).next());
		t.at++;
	} else if (t.grouping[level].step()) {
		t.at++;
	}
}

void lay_out_level(vx_train &t) {
	if (!t.layout.step())
		return;
	if (t.at > 0) {
		renumber_below(t);
		t.at--;
		start_layout(t);
		return;
	}
	renumber_leaves(t);
	t.phase = TrainPhase::kSpread;
}

// One item of an upper level a step.
void measure_spread(vx_train &t) {
	uint32_t item = t.at++;
	for (uint32_t level = 1; level < t.nlevels; level++) {
		if (item < t.levels[level].items) {
			t.farthest[level][item] = farthest_leaf(t, level, item);
			return;
		}
		item -= t.levels[level].items;
	}
	t.phase = TrainPhase::kDone;
}

} // namespace vecidx
