// Anchors: where data moved away from the mean that the index was first trained around, refine codes of the rows to
// come are relative to another point. Those that are there keep theirs.
#include <cmath>

#include "grow/tend.hpp"

namespace vecidx {
namespace {

// A new leaf whose centroid is so far from the mean and all anchors becomes one, in root mean square distances of the
// first rows to the mean, or of the leaf's rows to it where these are larger: the first rows may have been alike, or
// none. Below that a query has next to no more rows to fetch (doc/growth.md).
constexpr double kFar = 2;

// One of the leaves that a split made; kNoIndex: none is far enough.
uint32_t far_leaf(vx_tend &t) {
	for (uint32_t i = t.hood.nleaves; i < t.hood.nleaves + t.plan.parts; i++) {
		const double least = kFar * std::fmax(t.meta.spread, t.hood.leaves[i].child.spread);
		t.plan.near.decode(i, t.scratch);
		if (nearest_anchor(*t.ix, t.scratch).squared > least * least)
			return i;
	}
	return kNoIndex;
}

vx_step apply_anchor(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	const char *fault = vx_meta_fault(pages[0]);
	if (fault != nullptr)
		return corrupt(want, VX_META_BLOCK, fault);
	auto &meta = page_header<vx_meta>(pages[0]);
	const uint32_t i = far_leaf(t);
	TendLeaf &leaf = t.hood.leaves[i];
	t.plan.near.bytes(i, leaf.bytes);
	meta.nanchors++;
	anchor_put(pages[1], dim_of(t), meta.nanchors, meta.anchors, t.plan.near.scale[i], leaf.bytes);
	meta.anchors = blocks[1];
	meta.epoch++; // whoever has the index cached reads it again
	t.anchored = true;
	return VX_DONE;
}

} // namespace

vx_step step_anchor(vx_tend &t, vx_want &want) {
	const bool room = t.meta.nanchors < VX_MOST_ANCHORS && vx_may_have_anchors(dim_of(t));
	if (t.anchored || t.plan.parts != kMostParts || !room || far_leaf(t) == kNoIndex) {
		check_lanes(t, t.hood.leaves[0].parent, t.swap.living);
		return VX_DONE;
	}
	begin_record(t, want, apply_anchor);
	add_page(want, VX_META_BLOCK);
	add_page(want, VX_NO_BLOCK);
	return VX_WRITE;
}

} // namespace vecidx
