// Sets of points with 8 bits a dimension: the rows that are clustered, and centroids in the blocks of 16 that kernels
// and inner pages want. A centroid is exactly scale * code; all arithmetic is done with what will be stored.
#pragma once

#include "code/index.hpp"
#include "memory/carver.hpp"

namespace vecidx {

// Refine codes to be clustered, and what costs need to know of each.
struct Points {
	const uint8_t *entries;
	size_t stride;
	uint32_t n, dim;
	int32_t *sum; // of the code
	float *norm;  // |y|^2, extra coordinate included
	float *extra; // inner product's extra coordinate; nullptr for other metrics

	void carve(Carver &memory, uint32_t n, uint32_t dim, bool with_extra);
	const vx_code_entry &operator[](uint32_t i) const {
		return *reinterpret_cast<const vx_code_entry *>(entries + i * stride);
	}
	// Fill in sum and norm of point i, whose extra coordinate this is.
	void measure(uint32_t i, float extra_coordinate) const;
	float extra_of(uint32_t i) const { return extra != nullptr ? extra[i] : 0; }
};

// One point against centroids.
struct PointView {
	const int8_t *code;
	float scale, extra;
	int32_t sum;
};
inline PointView view(const Points &points, uint32_t i) {
	return {points[i].code, points[i].scale, points.extra_of(i), points.sum[i]};
}
// Of an entry that is no measured point.
PointView view(const vx_index &ix, const vx_code_entry &entry);

struct Centroids {
	uint32_t dim, quads;
	uint32_t slots; // in use, a multiple of 16
	uint8_t *codes; // [slots / 16][quads][16][4], code + 128
	float *norm;    // |c|^2, extra coordinate included; +infinity in an empty slot
	float *scale;
	float *extra; // nullptr where points have none

	void carve(Carver &memory, uint32_t capacity, uint32_t dim, bool with_extra);

	// All slots empty.
	void clear(uint32_t slots);
	bool empty(uint32_t slot) const { return norm[slot] == __builtin_inff(); }
	void set(uint32_t slot, const double *point, float extra_coordinate);
	void set(uint32_t slot, const vx_code_entry &entry, float extra_coordinate);
	// As a lane holds it: quads * 4 bytes, code + 128.
	void set_bytes(uint32_t slot, const uint8_t *bytes, float centroid_scale, float extra_coordinate);
	void copy(uint32_t slot, const Centroids &from, uint32_t from_slot);
	// Slots from `count` on are empty or gone.
	void truncate(uint32_t count);
	void decode(uint32_t slot, double *out) const;
	// Its quads * 4 bytes, code + 128.
	void bytes(uint32_t slot, uint8_t *out) const;
	// Row-major code of vx_code_stride(dim) bytes; row and error are 0.
	void entry(uint32_t slot, vx_code_entry &out) const;
	float extra_of(uint32_t slot) const { return extra != nullptr ? extra[slot] : 0; }

	// Squared distances, less what is the same for all, from a point to the 16 centroids of a block; returns the least.
	float block_costs(uint32_t block, const PointView &point, float cost[VX_LANES]) const;

	// Nearest of all slots for up to 4 points, of which 6 bits a dimension count if `rough`.
	void nearest(const PointView *points, uint32_t n, bool rough, uint32_t best[4], float cost[4]) const;

private:
	uint8_t *lane(uint32_t slot) const {
		return codes + size_t(slot / VX_LANES) * quads * VX_ROW_BYTES + size_t(slot % VX_LANES) * 4;
	}
	void measure(uint32_t slot, float centroid_scale, float extra_coordinate);
};

inline uint32_t whole_blocks(uint32_t n) {
	return (n + VX_LANES - 1) / VX_LANES * VX_LANES;
}

} // namespace vecidx
