// The index as the core sees it between trainings: shape, mean and rotation in one flat block.
//
// Coordinates: a row x of class CODED becomes y = R (x' - mean), x' = x (L2, inner product) or x / |x| (cosine), R the
// seeded rotation. All trees, codes and estimates live in this rotated space; |y - R(q' - mean)| = |x' - q'|.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "vecidx/core.h"

namespace vecidx {

// The largest |x[i]|; NaN counts for nothing. By vectors, for one maximum alone would be a chain of n steps.
template <class T>
T largest_magnitude(const T *x, uint32_t n) {
	using Some [[gnu::vector_size(16)]] = T;
	constexpr uint32_t kSome = sizeof(Some) / sizeof(T);
	T most = 0;
	const auto take = [&](T value) {
		const T magnitude = value < 0 ? -value : value;
		most = magnitude > most ? magnitude : most;
	};
	Some low = {}, high = {};
	uint32_t i = 0;
	for (; i + kSome <= n; i += kSome) {
		Some values;
		memcpy(&values, x + i, sizeof(values));
		low = values < low ? values : low;
		high = values > high ? values : high;
	}
	for (uint32_t lane = 0; lane < kSome; lane++) {
		take(low[lane]);
		take(high[lane]);
	}
	for (; i < n; i++)
		take(x[i]);
	return most;
}

// When the tree changes its shape. The same in every index; kept with it so that tests of few rows can lower them.
struct Limits {
	uint32_t fewest_rows;   // with fewer a tree is not worth its pages: rows are kept raw, and searched exactly
	uint32_t root_children; // a node with up to so many children is the root
	uint32_t lanes;         // living lanes of an inner node below the root
};
inline constexpr Limits kLimits{4000, 4096, 256};

} // namespace vecidx

struct vx_index {
	vx_meta meta;
	vecidx::Limits limits;
	uint32_t rotation_size; // largest power of two <= dim
	float mean_norm;        // |mean|, rounded up
							// then: float mean[dim], float rotated_mean[dim], uint8_t signs[kRounds * dim] (0 or 1),
							// and an origin an anchor
};

namespace vecidx {

inline constexpr uint32_t kRotationRounds = 4;

inline uint32_t dim_of(const vx_index &ix) {
	return ix.meta.dim;
}
inline const float *mean_of(const vx_index &ix) {
	return reinterpret_cast<const float *>(&ix + 1);
}
inline const float *rotated_mean_of(const vx_index &ix) {
	return mean_of(ix) + ix.meta.dim;
}
inline const uint8_t *signs_of(const vx_index &ix) {
	return reinterpret_cast<const uint8_t *>(rotated_mean_of(ix) + ix.meta.dim);
}
// Anchor 1 ... ix.meta.nanchors, a point in the rotated space.
inline const vx_origin &anchor_of(const vx_index &ix, uint32_t number) {
	const uint8_t *first = signs_of(ix) + (size_t(kRotationRounds) * ix.meta.dim + 3) / 4 * 4;
	return *reinterpret_cast<const vx_origin *>(first + size_t(number - 1) * vx_origin_bytes(ix.meta.dim));
}

// y := R y in float64: rounds of random signs and normalised Hadamard transforms of the first and the last
// rotation_size coordinates in turn. Orthogonal for every dimension. These two may have next to nothing in common, so
// that a vector's first half goes to the first half of y. Codes would then say more of the half in which rows differ
// less, and those of a part of the coordinates nothing of the other half. So both halves are mixed midway, where codes
// cover a part or come near to it: below, it costs more than it gives.
inline constexpr uint32_t kMostUnmixed = 2000;
void rotate(const vx_index &ix, double *y);
// Its inverse: each step of it is its own.
void rotate_back(const vx_index &ix, double *y);

// A query or row brought into the rotated space, in float64. For inner product a *query* is not centred.
void project_row(const vx_index &ix, const float *x, double *y);
void project_query(const vx_index &ix, const float *q, double *y);

// The vector that a code stands for, float32[dim], as the table has it (of unit length under cosine). False: it names
// an anchor that there is not.
bool decode(const vx_index &ix, const vx_code_entry &entry, float *x);

// Refine code of a point already in the rotated space. out.row is left alone.
void encode_point(const double *y, uint32_t dim, vx_code_entry &out);

// The anchor that is nearest to a point in the rotated space, 0 being the mean, and its squared distance.
struct NearAnchor {
	uint32_t number;
	double squared;
};
NearAnchor nearest_anchor(const vx_index &ix, const double *y);
// Refine code of a row relative to the nearest of mean and anchors; says in out.row.flags which.
void encode_near(const vx_index &ix, const float *x, vx_code_entry &out);
// Such a code as one relative to the mean, as everything but the last step of a search wants it. In place; coarser, and
// the error says by how much. The same for all that ask, bit for bit. False: there is no such anchor.
bool make_absolute(const vx_index &ix, vx_code_entry &entry);
// That anchor; nullptr for the mean, and when there is none such.
const vx_origin *anchor_of_code(const vx_index &ix, const vx_code_entry &entry);
inline uint32_t anchor_number(const vx_row &row) {
	return (row.flags & VX_ROW_ANCHOR) >> VX_ROW_ANCHOR_SHIFT;
}

// Extra coordinate of a row for inner product, 2 |x|, from its refine code alone (0 for other metrics).
float extra_coordinate(const vx_index &ix, const vx_code_entry &entry);

} // namespace vecidx
