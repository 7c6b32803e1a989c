// The one table of inner loops: every SIMD target fills it, the rest of the core calls through it.
//
// A kernel knows nothing of pages, trees or metrics: it reads rows of bytes or floats and returns numbers. Each has a
// scalar twin (scalar.cpp) that defines its meaning; the SIMD twins must return the same integers exactly and the
// same floats within the error bound named here. `u = 2^-24`, d = number of dimensions.
//
// Quantised operands: a centroid or code byte is an int8 in [-127, 127]; where a kernel multiplies unsigned by signed
// bytes the stored byte is `code + 128`. A query byte is an int8 in [-127, 127]. Query byte arrays are padded with
// zeros to whole rows, so that padding in the stored rows does not matter.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vecidx {

// Entries in one interleaved block: a 64-byte row holds 4 bytes (one quad) of each.
inline constexpr uint32_t kBlockEntries = 16;
inline constexpr uint32_t kRowBytes = 64;

// What one query contributes to a scan of scan-code blocks, and what makes an estimate of the integer sums:
//   est(entry) = add(entry) + mul(entry) * (slope * sum(entry) + offset),  sum = what the tables say of its nibbles.
struct ScanQuery {
	const uint8_t *tables; // kTableBytes for each quad of code bytes, those of absent bytes zero (see scan)
	float slope;
	float offset;
};
// A table for each nibble of an entry's quad: 16 values, 0 ... 63, for the low nibbles of its four bytes, then for the
// high ones.
inline constexpr uint32_t kTableBytes = 128;
inline constexpr uint32_t kLargestValue = 63;
// Code bytes of an entry, as a page has room for with one block.
inline constexpr uint32_t kMostCodeBytes = 498;

// The largest magnitude of a byte of a rough row (see assign4_rough).
inline constexpr int32_t kLargestRough = 32;

// An entry that a scan let through: its estimate, its position (block * 16 + lane) and its reference to a code slot.
struct Survivor {
	float est;
	uint32_t ref;
};

// Which leaves a scan opens: those with score <= limit, and those whose rows, at squared distances of mean base +
// spread^2 and deviation ~ 2 sqrt(base) spread, are likely to reach down to `reach`:
//   over = (base + spread^2 - reach) * unit,  over <= 0 or over^2 <= breadth * (base * unit) * (spread^2 * unit)
// or, where spread < coarse: base <= (far * spread + root)^2.
struct GateTerms {
	float limit, reach, breadth, unit, coarse, far, root;
};

struct Kernels {
	const char *name; // "scalar", "avx2", "avx512vnni", "neon" ...

	// ---- float32 distances: |error| <= (d + 8) u * (sum of the magnitudes of the terms), IEEE overflow to infinity.
	float (*l2_squared)(const float *a, const float *b, uint32_t d);
	float (*inner_product)(const float *a, const float *b, uint32_t d);
	float (*l1)(const float *a, const float *b, uint32_t d);
	float (*linf)(const float *a, const float *b, uint32_t d); // largest |a_i - b_i|, exact but for the subtraction
	// out[0] = <a,b>, out[1] = |a|^2, out[2] = |b|^2 in one pass
	void (*cosine_terms)(const float *a, const float *b, uint32_t d, float out[3]);

	// ---- rotation: unnormalised Walsh-Hadamard transform in place; n is a power of two, 1 <= n <= 16384.
	void (*hadamard)(double *x, uint32_t n);

	// ---- refine code: float query against one row-major int8 code with its scale.
	// sum (q_i - scale * code_i)^2, same error bound as l2_squared
	float (*refine_l2_squared)(const float *q, const int8_t *code, float scale, uint32_t d);
	// sum q_i * code_i (the caller multiplies by the scale)
	float (*refine_dot)(const float *q, const int8_t *code, uint32_t d);

	// ---- centroids: `rows` consecutive 64-byte rows of one block of 16 centroids; row r holds bytes 4r..4r+3 of each,
	// entry e at bytes 4e..4e+3, stored as code + 128 (unsigned). acc[e] += sum (code_e,i + 128) * query_i. Exact.
	// May be called piecewise: a block's rows may continue on another page, so acc is in and out.
	void (*centroid_rows)(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]);

	// ---- routing: bit e tells whether leaf e of 16 passes (float32 arithmetic, which may be fused).
	uint32_t (*gate)(const float score[16], const float base[16], const float spread[16], const GateTerms &terms);

	// ---- training: nearest of `nblocks` blocks of 16 centroids (each `quads` rows as above) for four rows at a time.
	// cost_j = norm[j] - 2 * scale[j] * xscale[r] * (acc_j - 128 * xsum[r]) - 2 * extra[j] * xextra[r]; the lowest
	// index wins ties. The last term is that of inner product's extra coordinate; without it `extra` is nullptr.
	// Each x[r] has quads * 4 bytes, whose sum is xsum[r]. Padding
	// centroids carry norm = +infinity (and scale and extra 0).
	void (*assign4)(const int8_t *const x[4], const float xscale[4], const int32_t xsum[4], const float xextra[4],
					const uint8_t *blocks, const float *norm, const float *scale, const float *extra, uint32_t nblocks,
					uint32_t quads, uint32_t best[4], float cost[4]);

	// The same for rows in 6 bits: their bytes lie within [-kLargestRough, kLargestRough].
	void (*assign4_rough)(const int8_t *const x[4], const float xscale[4], const int32_t xsum[4], const float xextra[4],
						  const uint8_t *blocks, const float *norm, const float *scale, const float *extra,
						  uint32_t nblocks, uint32_t quads, uint32_t best[4], float cost[4]);

	// ---- scan codes, of any number of bits a dimension: all that counts is what the query's tables say of each nibble
	// (Andre, Kermarrec and Le Scouarnec, VLDB 2015). A block of 16 entries is `bytes` code bytes of each, byte i of
	// entry e at i * 16 + e, then 16 x float16 add and 16 x float16 mul (64 bytes); the entries' references lie apart.
	// sum(entry) = sum over its bytes i of tables[i / 4][0][i % 4][low nibble] + tables[i / 4][1][i % 4][high nibble],
	// exact in int32. est = add + mul * (slope * sum + offset), evaluated in float32 (|error| as a product and two
	// fused or unfused adds). Every entry with !(est >= cut) is written to out (block order, lane order); returns how
	// many. `refs` and `out` have room for nblocks * 16. Only the first `count` entries are real: later lanes are
	// never returned.
	uint32_t (*scan)(const uint8_t *blocks, const uint8_t *refs, uint32_t nblocks, uint32_t bytes, uint32_t count,
					 const ScanQuery &query, float cut, Survivor *out);
};

// The table for the best target of this machine; chosen once, at the first call of `kernels_init`.
const Kernels &kernels();

// All tables this machine can run, scalar first: for tests and benchmarks. Returns how many; writes at most `max`.
size_t kernels_available(const Kernels **out, size_t max);

// IEEE binary16 conversions (round to nearest even; overflow to infinity), used where factors are stored.
uint16_t half_from_float(float x);
float float_from_half(uint16_t h);

} // namespace vecidx
