// How large leaves should be.
#include "tree/plan.hpp"

#include <algorithm>
#include <cmath>

#include "code/index.hpp"
#include "page/inner.hpp"

namespace vecidx {
namespace {

// Leaves that a search opens where the choice matters: hard data opens more, but then larger leaves cost more too.
constexpr double kOpened = 16;
// What a page of centroids costs against one of scan codes, the root being remembered from one search to the next.
constexpr double kCentroidPage = 0.65;

} // namespace

uint32_t page_leaf_size(uint32_t dim, uint32_t bits) {
	return std::max(1U, vx_leaf_capacity(dim, bits) * 4 / 5);
}

uint32_t balanced_leaf_size(uint32_t dim, uint32_t bits, uint32_t page_size, uint64_t rows) {
	// pages' worth: rows / s * (a centroid's part of a page) * its weight + opened * s / capacity
	const double centroid = static_cast<double>(vx_inner_group_pages(dim)) / (VX_LANES * inner_blocks(dim));
	const double capacity = vx_leaf_capacity(dim, bits);
	const double best = std::sqrt(static_cast<double>(rows) * kCentroidPage * centroid * capacity / kOpened);
	return best < 1.5 * capacity ? page_size : static_cast<uint32_t>(std::min(best, 65535.0));
}

namespace {

// What a leaf of this index is meant to hold now.
uint32_t current_leaf_size(const vx_meta &meta) {
	const uint32_t size = std::max(1U, meta.leaf_size);
	if (size != page_leaf_size(meta.dim, meta.scan_bits)) // chosen by the user
		return size;
	const uint64_t rows = std::max<uint64_t>(meta.rows, uint64_t(meta.leaves) * size);
	return balanced_leaf_size(meta.dim, meta.scan_bits, size, rows);
}

} // namespace

uint32_t leaf_limit(const vx_meta &meta, bool origin) {
	// a few entries less than a page holds, so that a leaf is split before it needs a second one
	constexpr uint32_t kSpare = 4;
	const uint32_t capacity = vx_leaf_capacity(meta.dim, meta.scan_bits), size = current_leaf_size(meta);
	const uint32_t longest = size + size / 4 + size / 8;
	if (longest > capacity + capacity / 4)
		return longest;
	const uint32_t most = origin ? vx_leaf_capacity_with_origin(meta.dim, meta.scan_bits) : capacity;
	return std::max(2U, std::min(longest, most - std::min(kSpare, most)));
}

uint32_t leaf_least(const vx_meta &meta) {
	return current_leaf_size(meta) / 3;
}

} // namespace vecidx

using namespace vecidx;

uint32_t vx_plan_leaves(const vx_index *ix, uint64_t rows) {
	const vx_meta &meta = ix->meta;
	if (rows < ix->limits.fewest_rows && vx_may_be_raw(meta.dim))
		return 0;
	uint32_t size = std::max(1U, meta.leaf_size);
	if (size == page_leaf_size(meta.dim, meta.scan_bits)) // not chosen by the user
		size = balanced_leaf_size(meta.dim, meta.scan_bits, size, rows);
	return static_cast<uint32_t>(std::clamp<uint64_t>(rows / size, 1, UINT32_MAX / 2));
}
