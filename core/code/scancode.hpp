// Scan codes (RaBitQ, Gao and Long, SIGMOD 2024; several bits: 2025): 1, 2 or 4 bits a dimension relative to a leaf's
// centroid, with two factors that turn an integer dot product into an estimate of the squared distance (L2, cosine) or
// of the negated inner product.
//
// A code u covers the first m = vx_scan_dims(dim, bits) coordinates of the residual r; P takes these from a vector. For
// a query at p from the centroid, <r, p> is estimated by s <u, Pp> with s = |r|^2 / <u, Pr>. With p = a r + t, t at
// right angles to r, that is a |r|^2 + s <u, Pt>: the first part is exact, whatever m, and the second is 0 on average
// over the directions of t among the dim - 1 that are left, with variance |t|^2 (s^2 |u|^2 - |r|^2) / (dim - 1). So
// codes of a part are unbiased too, and their deviation is larger by about sqrt(dim / m).
#pragma once

#include <cstdint>

#include "code/index.hpp"
#include "kernel/kernels.hpp"

namespace vecidx {

struct ScanFactors {
	float add;   // est = base + add + mul * <levels, q>, levels = 2 * code - (2^bits - 1)
	float mul;   // base = |q - c|^2, or -<q, c>
	float error; // deviation of the estimate for a query at distance 1 from c (L2), or of norm 1 (inner product)
	float residual_squared; // |y - c|^2
};

// The point that a refine code stands for. Not the same code made absolute: that would be too coarse far from the mean.
struct CodedPoint {
	const vx_code_entry &entry;
	const vx_origin *anchor;
	CodedPoint(const vx_code_entry &e, const vx_origin *a = nullptr) : entry(e), anchor(a) {} // NOLINT: it is one
	double operator[](uint32_t i) const {
		const double here = static_cast<double>(entry.scale) * entry.code[i];
		return anchor != nullptr ? here + static_cast<double>(anchor->scale) * anchor->code[i] : here;
	}
};

// Encode a point, relative to `centroid` (float64[dim]); `code` gets one byte a covered
// dimension, values 0 .. 2^bits - 1. Residuals of norm 0 give factors that make the estimate exact; those that lie
// nearly all outside the covered coordinates have none: add is infinite (see pack_factors).
void scan_encode(vx_metric metric, uint32_t dim, uint32_t bits, const CodedPoint &point, const double *centroid,
				 uint8_t *code, ScanFactors &out);

// The factors that belong to a code already chosen: those of scan_encode when the code is its, whatever the compiler
// made of the choice among equally good codes. For checking.
void scan_factors(vx_metric metric, uint32_t dim, uint32_t bits, const CodedPoint &point, const double *centroid,
				  const uint8_t *code, ScanFactors &out);

// The float16 factors of an entry on a page whose header says `unit` (a length): add / unit^2 and mul / unit, so that
// est = base + unit^2 (add' + mul' <levels, q> / unit) at any scale of the data. Factors that do not fit become
// add' = -infinity, mul' = 0: the entry then passes every scan and its refine code decides.
void pack_factors(const ScanFactors &factors, float unit, uint16_t &add, uint16_t &mul);

// The unit for a leaf page whose entries are thought to have this mean |residual|^2 around its centroid (float64[dim]),
// in an index with this spread. Later entries may be quite different.
float choose_unit(float mean_residual_squared, double spread, const double *centroid, uint32_t dim);

// A query as the scan kernel wants it: a table a nibble, so that <levels, q> ~ slope * sum + offset.
struct ScanTables {
	uint8_t *values; // table_bytes(dim, bits)
	float slope, offset;
	float
		error; // deviation of the estimate for a row at distance 1 from its centroid (squared distance, or product * 2)
};
inline uint32_t table_rows(uint32_t dim, uint32_t bits) {
	return vx_quads(vx_scan_bytes(dim, bits));
}
inline size_t table_bytes(uint32_t dim, uint32_t bits) {
	return size_t(table_rows(dim, bits)) * kTableBytes;
}
// From the rotated query, float32[dim], into out.values.
void make_tables(const float *q, uint32_t dim, uint32_t bits, ScanTables &out);

// A query in 8 bits, for products with centroids.
struct ScanQueryShape {
	float scale;  // q ~ scale * byte
	int32_t sum;  // of the bytes
	double error; // |q - scale * bytes|
};
// Quantise q (float64[dim]) to 8 bits; writes `padded` bytes, zeros beyond dim.
ScanQueryShape quantize_query(const double *q, uint32_t dim, uint32_t padded, int8_t *bytes);

} // namespace vecidx
