// The scalar twin of every kernel: plain loops that say what each kernel means, and what runs where no SIMD target
// does.
#include <cmath>
#include <cstring>
#include <limits>

#include "kernel/tables.hpp"

namespace vecidx {
namespace {

float l2_squared(const float *a, const float *b, uint32_t d) {
	float sum = 0;
	for (uint32_t i = 0; i < d; i++) {
		const float diff = a[i] - b[i];
		sum += diff * diff;
	}
	return sum;
}

float inner_product(const float *a, const float *b, uint32_t d) {
	float sum = 0;
	for (uint32_t i = 0; i < d; i++)
		sum += a[i] * b[i];
	return sum;
}

float l1(const float *a, const float *b, uint32_t d) {
	float sum = 0;
	for (uint32_t i = 0; i < d; i++)
		sum += std::fabs(a[i] - b[i]);
	return sum;
}

float linf(const float *a, const float *b, uint32_t d) {
	float largest = 0;
	for (uint32_t i = 0; i < d; i++)
		largest = std::fmax(largest, std::fabs(a[i] - b[i]));
	return largest;
}

void cosine_terms(const float *a, const float *b, uint32_t d, float out[3]) {
	out[0] = inner_product(a, b, d);
	out[1] = inner_product(a, a, d);
	out[2] = inner_product(b, b, d);
}

void hadamard(double *x, uint32_t n) {
	for (uint32_t step = 1; step < n; step *= 2)
		for (uint32_t start = 0; start < n; start += 2 * step)
			for (uint32_t i = start; i < start + step; i++) {
				const double a = x[i], b = x[i + step];
				x[i] = a + b;
				x[i + step] = a - b;
			}
}

float refine_l2_squared(const float *q, const int8_t *code, float scale, uint32_t d) {
	float sum = 0;
	for (uint32_t i = 0; i < d; i++) {
		const float diff = q[i] - scale * static_cast<float>(code[i]);
		sum += diff * diff;
	}
	return sum;
}

float refine_dot(const float *q, const int8_t *code, uint32_t d) {
	float sum = 0;
	for (uint32_t i = 0; i < d; i++)
		sum += q[i] * static_cast<float>(code[i]);
	return sum;
}

void centroid_rows(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]) {
	for (uint32_t row = 0; row < nrows; row++)
		for (uint32_t entry = 0; entry < kBlockEntries; entry++)
			for (uint32_t k = 0; k < 4; k++)
				acc[entry] += int32_t(rows[row * kRowBytes + entry * 4 + k]) * query[row * 4 + k];
}

uint32_t gate(const float score[16], const float base[16], const float spread[16], const GateTerms &terms) {
	uint32_t mask = 0;
	for (uint32_t e = 0; e < kBlockEntries; e++) {
		const float square = spread[e] * spread[e], over = (base[e] + square - terms.reach) * terms.unit;
		const float far = terms.far * spread[e] + terms.root;
		const bool near = over <= 0 || over * over <= terms.breadth * (base[e] * terms.unit) * (square * terms.unit);
		const bool reaches = spread[e] < terms.coarse ? base[e] <= far * far : near;
		mask |= uint32_t(score[e] <= terms.limit || reaches) << e;
	}
	return mask;
}

void assign4(const int8_t *const x[4], const float xscale[4], const int32_t xsum[4], const float xextra[4],
			 const uint8_t *blocks, const float *norm, const float *scale, const float *extra, uint32_t nblocks,
			 uint32_t quads, uint32_t best[4], float cost[4]) {
	for (uint32_t r = 0; r < 4; r++) {
		best[r] = 0;
		cost[r] = std::numeric_limits<float>::infinity();
		for (uint32_t b = 0; b < nblocks; b++) {
			int32_t acc[kBlockEntries] = {};
			centroid_rows(blocks + size_t(b) * quads * kRowBytes, x[r], quads, acc);
			for (uint32_t e = 0; e < kBlockEntries; e++) {
				const uint32_t j = b * kBlockEntries + e;
				float value = norm[j] - 2 * scale[j] * xscale[r] * static_cast<float>(acc[e] - 128 * xsum[r]);
				if (extra != nullptr)
					value -= 2 * extra[j] * xextra[r];
				if (value < cost[r]) {
					cost[r] = value;
					best[r] = j;
				}
			}
		}
	}
}

// what the tables say of one entry of a block
int32_t code_sum(const uint8_t *block, uint32_t bytes, uint32_t entry, const uint8_t *tables) {
	int32_t sum = 0;
	for (uint32_t i = 0; i < bytes; i++) {
		const uint8_t byte = block[size_t(i) * kBlockEntries + entry];
		const uint8_t *low = tables + size_t(i / 4) * kTableBytes + size_t(i % 4) * 16;
		sum += low[byte & 15] + low[kTableBytes / 2 + (byte >> 4)];
	}
	return sum;
}

uint32_t scan(const uint8_t *blocks, const uint8_t *refs, uint32_t nblocks, uint32_t bytes, uint32_t count,
			  const ScanQuery &query, float cut, Survivor *out) {
	uint32_t found = 0;
	for (uint32_t i = 0; i < count && i < nblocks * kBlockEntries; i++) {
		const uint8_t *block = blocks + size_t(i / kBlockEntries) * (bytes * kBlockEntries + kRowBytes);
		const uint8_t *factors = block + size_t(bytes) * kBlockEntries;
		const uint32_t entry = i % kBlockEntries;
		uint16_t add, mul;
		uint32_t ref;
		memcpy(&add, factors + size_t(entry) * 2, sizeof(add));
		memcpy(&mul, factors + 32 + size_t(entry) * 2, sizeof(mul));
		memcpy(&ref, refs + size_t(i) * 4, sizeof(ref));
		const auto sum = static_cast<float>(code_sum(block, bytes, entry, query.tables));
		const float est = float_from_half(add) + float_from_half(mul) * (query.slope * sum + query.offset);
		if (!(est >= cut))
			out[found++] = {est, ref};
	}
	return found;
}

constexpr Kernels kTable = {"scalar",          l2_squared, inner_product, l1,   linf,    cosine_terms, hadamard,
							refine_l2_squared, refine_dot, centroid_rows, gate, assign4, assign4,      scan};

} // namespace

const Kernels *scalar_kernels() {
	return &kTable;
}

} // namespace vecidx
