// Makes the flat block of a tree of centroids, and finds nearest ones with it.
#include "tree/router.hpp"

#include <algorithm>
#include <new>

#include "tree/train.hpp"

namespace vecidx {
namespace {

// Places of all parts behind the struct, by the counts that are in it already.
class Places {
public:
	Places() : begin_(reinterpret_cast<uintptr_t>(memory_.take<vx_router>(1))) {}

	template <class T>
	size_t take(size_t n) {
		return reinterpret_cast<uintptr_t>(memory_.take<T>(n)) - begin_;
	}
	size_t bytes() const { return memory_.bytes(); }

private:
	Carver memory_;
	uintptr_t begin_;
};

size_t place(vx_router &r, uint32_t dim) {
	Places places;
	for (uint32_t l = 0; l < r.nlevels; l++) {
		RouterLevel &level = r.levels[l];
		level.codes = places.take<uint8_t>(checked_product(level.slots, size_t(vx_quads(dim)) * 4));
		level.norm = places.take<float>(level.slots);
		level.scale = places.take<float>(level.slots);
		level.extra = places.take<float>(r.with_extra ? level.slots : 0);
		level.first_slot = places.take<uint32_t>(size_t(level.groups) + 1);
		level.first_item = places.take<uint32_t>(size_t(level.groups) + 1);
	}
	r.leaf_of = places.take<uint32_t>(r.levels[0].slots);
	return places.bytes();
}

template <class T>
void copy(vx_router &r, size_t offset, const T *from, size_t n) {
	memcpy(reinterpret_cast<uint8_t *>(&r) + offset, from, n * sizeof(T));
}

void copy_level(vx_router &r, const RouterLevel &to, const Level &from) {
	copy(r, to.codes, from.set.codes, size_t(to.slots) * from.set.quads * 4);
	copy(r, to.norm, from.set.norm, to.slots);
	copy(r, to.scale, from.set.scale, to.slots);
	if (r.with_extra)
		copy(r, to.extra, from.set.extra, to.slots);
	copy(r, to.first_slot, from.first_slot, size_t(to.groups) + 1);
	copy(r, to.first_item, from.first_item, size_t(to.groups) + 1);
}

template <class T>
T *at(const vx_router &r, size_t offset) {
	return reinterpret_cast<T *>(reinterpret_cast<uintptr_t>(&r) + offset);
}

// The levels as they lie in this process; they are only read.
struct Levels {
	Level level[kMostLevels];

	Levels(const vx_router &r, uint32_t dim) {
		for (uint32_t l = 0; l < r.nlevels; l++) {
			const RouterLevel &from = r.levels[l];
			Centroids set{};
			set.dim = dim;
			set.quads = vx_quads(dim);
			set.slots = from.slots;
			set.codes = at<uint8_t>(r, from.codes);
			set.norm = at<float>(r, from.norm);
			set.scale = at<float>(r, from.scale);
			set.extra = r.with_extra ? at<float>(r, from.extra) : nullptr;
			level[l] = {
				set,    from.items, from.groups, at<uint32_t>(r, from.first_slot), at<uint32_t>(r, from.first_item),
				nullptr};
		}
	}
};

// Nearest slots of up to 4 entries.
void nearest_slots(const vx_router &r, const Levels &levels, const vx_index &ix, const vx_code_entry *const *entries,
				   uint32_t n, uint32_t best[4], float cost[4]) {
	PointView points[4] = {};
	for (uint32_t i = 0; i < n; i++)
		points[i] = view(ix, *entries[i]);
	nearest(levels.level, r.nlevels, r.compare, points, n, best, cost);
}

const vx_code_entry *entry_at(const void *entries, size_t stride, uint32_t i) {
	return reinterpret_cast<const vx_code_entry *>(static_cast<const uint8_t *>(entries) + i * stride);
}

} // namespace
} // namespace vecidx

using namespace vecidx;

size_t vx_router_size(const vx_index *ix, uint32_t leaves) {
	vx_router most{};
	most.with_extra = has_extra(*ix);
	for (uint32_t items = std::max(1U, leaves); items > 0 && most.nlevels < kMostLevels;) {
		const uint32_t groups = groups_above(*ix, items);
		RouterLevel &level = most.levels[most.nlevels++];
		level.groups = std::max(groups, 1U);
		level.slots = Level::most_slots(items, level.groups);
		items = groups;
	}
	return place(most, ix->meta.dim);
}

vx_router *vx_router_init(void *memory, size_t bytes, const vx_train *train) {
	const bool done = train->phase == TrainPhase::kDone;
	vx_router plan{};
	plan.nlevels = done ? train->nlevels : train->lloyd.nlevels();
	const Compare last = train->levels[0].items <= kFlatLimit ? Compare::kAll : Compare::kGroups;
	plan.compare = done ? last : train->lloyd.compare();
	plan.with_extra = has_extra(*train->ix);
	plan.sample = train->points.n;
	plan.points = done ? 0 : train->lloyd.pass_points();
	plan.scatter = train->lloyd.scatter();
	for (uint32_t l = 0; l < plan.nlevels; l++) {
		const Level &level = train->levels[l];
		plan.levels[l] = {level.set.slots, level.items, level.groups, 0, 0, 0, 0, 0, 0};
	}
	if (place(plan, train->ix->meta.dim) > bytes)
		return nullptr;
	auto *r = new (memory) vx_router(plan);
	for (uint32_t l = 0; l < r->nlevels; l++)
		copy_level(*r, r->levels[l], train->levels[l]);
	if (done)
		copy(*r, r->leaf_of, train->leaf_of, r->levels[0].slots);
	return r;
}

void vx_router_assign(const vx_router *r, const vx_index *ix, const void *entries, uint32_t n, uint32_t *leaf) {
	const Levels levels(*r, ix->meta.dim);
	const size_t stride = vx_code_stride(ix->meta.dim);
	const auto *leaf_of = at<const uint32_t>(*r, r->leaf_of);
	for (uint32_t i = 0; i < n; i += 4) {
		const uint32_t count = std::min(4U, n - i);
		const vx_code_entry *rows[4];
		uint32_t best[4];
		float cost[4];
		for (uint32_t j = 0; j < count; j++)
			rows[j] = entry_at(entries, stride, i + j);
		nearest_slots(*r, levels, *ix, rows, count, best, cost);
		for (uint32_t j = 0; j < count; j++)
			leaf[i + j] = leaf_of[best[j]];
	}
}

void vx_router_pass(const vx_router *r, const vx_index *ix, const void *entries, uint32_t first, uint32_t n,
					uint32_t *slot, float *cost) {
	const Levels levels(*r, ix->meta.dim);
	const size_t stride = vx_code_stride(ix->meta.dim);
	const bool all = r->points == r->sample;
	for (uint32_t i = 0; i < n; i += 4) {
		const uint32_t count = std::min(4U, n - i);
		const vx_code_entry *rows[4];
		uint32_t best[4];
		float costs[4];
		for (uint32_t j = 0; j < count; j++)
			rows[j] = entry_at(entries, stride, all ? first + i + j : r->scatter[first + i + j]);
		nearest_slots(*r, levels, *ix, rows, count, best, costs);
		for (uint32_t j = 0; j < count; j++) {
			slot[i + j] = best[j];
			cost[i + j] = costs[j];
		}
	}
}
