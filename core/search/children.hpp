// Children of inner nodes as a scan knows them: 16 at a time, each field side by side as on the page, so that the
// arithmetic of routing runs over all 16 at once and a node that is never opened costs a few operations.
#pragma once

#include "page/inner.hpp"
#include "search/query.hpp"

namespace vecidx {

// How much of the ball of leaf centroids below an inner node counts when it is scored: the whole ball would be proved,
// but in many dimensions its near side is empty.
inline constexpr float kOptimism = 0.7F;

struct alignas(64) Children {
	// as on the page; zeros in lanes that the scan does not use
	float scale[VX_LANES];
	float norm[VX_LANES];   // |centroid|^2, without the extra coordinate of inner product
	float spread[VX_LANES]; // rms distance of a leaf's rows to c; above: largest distance of a leaf centroid
	uint32_t block[VX_LANES], id_low[VX_LANES], id_high[VX_LANES];
	float hidden[VX_LANES]; // 0; infinity in lanes that the scan does not use

	// of one query
	float dot[VX_LANES];   // <bytes of the query, c>
	float base[VX_LANES];  // |q - c|^2 or -<q, c>
	float score[VX_LANES]; // the smaller, the sooner: squared distance or negated product (optimistic above the leaves)
	float bound[VX_LANES]; // no row below has a smaller operator result; infinity: not known
	float least;           // smallest score
	uint32_t seen, opened; // masks of lanes
	uint32_t level;        // 0: leaves
};

// One of them.
struct Node {
	float base, spread, bound;
	uint32_t block, level;
	uint64_t id;
};

// Children are numbered in the order in which they were read.
inline uint32_t child_lane(uint32_t number) {
	return number % VX_LANES;
}
inline Node node_of(const Children &children, uint32_t lane) {
	return {children.base[lane],  children.spread[lane],
			children.bound[lane], children.block[lane],
			children.level,       uint64_t(children.id_high[lane]) << 32 | children.id_low[lane]};
}

// Products of the query's bytes, and its fine ones, with the bytes of 16 centroids.
struct LaneSums {
	int32_t coarse[VX_LANES];
	int32_t fine[VX_LANES];
};
// Adds those of `n` code rows, the first of them with the quad of dimensions `first_quad`.
void add_products(const Query &query, const uint8_t *rows, uint32_t first_quad, uint32_t n, LaneSums &sums);

// Fields of a block, as a scan that started at that clock sees it. nullptr, or what is wrong with them.
const char *read_children(const InnerBlock &block, uint64_t start, uint32_t level, Children &out);
// What they are to a query; bounds are not known. nullptr, or what is wrong.
const char *score_children(const Query &query, const LaneSums &sums, Children &children);
// The bounds, from the block they were read from: of all, for exact scans, or of those whose rows may lie anywhere in
// their ball.
void bound_children(const vx_index &ix, const Query &query, const InnerBlock &block, bool exact, Children &children);

} // namespace vecidx
