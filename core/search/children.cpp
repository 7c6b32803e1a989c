// Arithmetic of routing: loops over 16 lanes without branches, which every compiler makes vectors of.
#include "search/children.hpp"

#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"

namespace vecidx {
namespace {

// Spreads that a leaf's mean product is raised by when leaves are ordered for inner product.
constexpr float kProductOptimism = 0.3F;
// Share of its squared spread that counts with a leaf's distance: the rows of a wide one are farther from a query at
// the same distance of its centroid (measured, doc/search.md).
constexpr float kSpreadShare = 0.2F;
// Radius over rms distance; in leaves as built hardly ever above 2.
constexpr float kDrifted = 2.5;

constexpr uint32_t kExponent = 0x7F800000;

void put_products(const Query &query, const LaneSums &sums, Children &c) {
	const int32_t shift = 128 * query.shape.sum, fine_shift = 128 * query.fine_shape.sum;
	for (uint32_t lane = 0; lane < VX_LANES; lane++)
		c.dot[lane] = query.shape.scale * static_cast<float>(sums.coarse[lane] - shift);
	for (uint32_t lane = 0; query.fine != nullptr && lane < VX_LANES; lane++)
		c.dot[lane] += query.fine_shape.scale * static_cast<float>(sums.fine[lane] - fine_shift);
	for (uint32_t lane = 0; lane < VX_LANES; lane++)
		c.dot[lane] *= c.scale[lane];
}

void score_products(const Query &query, Children &c) {
	const auto offset = static_cast<float>(query.offset), norm = static_cast<float>(query.norm);
	const float optimism = norm * (c.level == 0 ? kProductOptimism : kOptimism);
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		c.base[lane] = -(offset + c.dot[lane]);
		c.score[lane] = c.base[lane] - optimism * c.spread[lane];
	}
}

void score_distances(const Query &query, Children &c) {
	const auto squared = static_cast<float>(query.squared);
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		const float base = c.norm[lane] - 2 * c.dot[lane] + squared;
		c.base[lane] = base < 0 ? 0 : base;
		c.score[lane] = c.base[lane] + kSpreadShare * c.spread[lane] * c.spread[lane];
	}
	for (uint32_t lane = 0; c.level > 0 && lane < VX_LANES; lane++) {
		const float distance = std::max(0.0F, std::sqrt(c.base[lane]) - kOptimism * c.spread[lane]);
		c.score[lane] = distance * distance;
	}
}

float smallest(const float (&values)[VX_LANES]) {
	float least[VX_LANES / 2];
	for (uint32_t i = 0; i < VX_LANES / 2; i++)
		least[i] = values[i + 8] < values[i] ? values[i + 8] : values[i];
	for (uint32_t i = 0; i < VX_LANES / 4; i++)
		least[i] = least[i + 4] < least[i] ? least[i + 4] : least[i];
	return std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
}

} // namespace

void add_products(const Query &query, const uint8_t *rows, uint32_t first_quad, uint32_t n, LaneSums &sums) {
	kernels().centroid_rows(rows, query.bytes + size_t(first_quad) * 4, n, sums.coarse);
	if (query.fine != nullptr)
		kernels().centroid_rows(rows, query.fine + size_t(first_quad) * 4, n, sums.fine);
}

const char *read_children(const InnerBlock &block, uint64_t start, uint32_t level, Children &out) {
	out.seen = out.opened = 0;
	out.level = level;
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		const bool seen = lane_seen(block, lane, start);
		out.seen |= uint32_t(seen) << lane;
		out.hidden[lane] = seen ? 0 : INFINITY;
		const float aux = block.number(VX_CHILD_AUX, lane);
		out.scale[lane] = seen ? block.number(VX_CHILD_SCALE, lane) : 0;
		out.norm[lane] = seen ? block.number(VX_CHILD_NORM, lane) - aux * aux : 0;
		out.spread[lane] = seen ? block.number(VX_CHILD_SPREAD, lane) : 0;
		if (seen && block.child(lane) == VX_NO_BLOCK) // would pass for an empty leaf
			return "an inner node's child has no page";
		if (seen && !(block.number(VX_CHILD_RADIUS, lane) >= 0))
			return "an inner node's child has impossible numbers";
	}
	const auto copy = [&](vx_inner_row field, uint32_t(&values)[VX_LANES]) {
		memcpy(values, block.rows + size_t(field) * VX_ROW_BYTES, sizeof(values));
	};
	copy(VX_CHILD_BLOCK, out.block);
	copy(VX_CHILD_NODE_LO, out.id_low);
	copy(VX_CHILD_NODE_HI, out.id_high);
	return nullptr;
}

const char *score_children(const Query &query, const LaneSums &sums, Children &c) {
	put_products(query, sums, c);
	if (query.metric == VX_IP)
		score_products(query, c);
	else
		score_distances(query, c);
	uint32_t bad = 0;
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		bad |= uint32_t((__builtin_bit_cast(uint32_t, c.score[lane]) & kExponent) == kExponent);
		c.score[lane] += c.hidden[lane];
		c.bound[lane] = INFINITY;
	}
	c.least = smallest(c.score);
	return bad != 0 && !query.wild ? "an inner node's child has impossible numbers" : nullptr;
}

void bound_children(const vx_index &ix, const Query &query, const InnerBlock &block, bool exact, Children &c) {
	for (uint32_t lane = 0; lane < VX_LANES; lane++) {
		const float radius = block.number(VX_CHILD_RADIUS, lane);
		// Rows were inserted far from those that the leaf was made of: its spread says nothing about them, its ball
		// does.
		const bool drifted = c.level == 0 && radius > kDrifted * c.spread[lane];
		if (exact)
			c.bound[lane] = -INFINITY;
		if ((c.seen >> lane & 1) == 0 || query.wild || !(exact || (query.metric == VX_IP && drifted)))
			continue;
		const double bound = ball_bound(ix, query, c.dot[lane], c.norm[lane], radius);
		c.bound[lane] = std::nextafterf(static_cast<float>(bound), -INFINITY);
	}
}

} // namespace vecidx
