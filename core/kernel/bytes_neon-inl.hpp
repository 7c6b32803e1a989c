// Sums of products of bytes on 64-bit ARM by widening multiplication, exact; no extension of the base set is needed.
#if defined(VECIDX_BYTES_NEON_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_BYTES_NEON_INL_HPP
#undef VECIDX_BYTES_NEON_INL_HPP
#else
#define VECIDX_BYTES_NEON_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_NEON
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

// Pairs of products, summed in 32 bits: entries of 16 bytes come out as two halves each.
struct Halves {
	int32x4_t low, high; // entries 0, 0, 1, 1 and 2, 2, 3, 3
};

HWY_INLINE Halves Zero() {
	return {vdupq_n_s32(0), vdupq_n_s32(0)};
}
HWY_INLINE int32x4_t Sums(const Halves &acc) {
	return vpaddq_s32(acc.low, acc.high);
}

HWY_INLINE int8x16_t BroadcastQuad(const int8_t *p) {
	int32_t quad;
	memcpy(&quad, p, sizeof(quad));
	return vreinterpretq_s8_s32(vdupq_n_s32(quad));
}

// ---- centroids: stored bytes are code + 128; the 128 adds the same to all entries, 128 * sum of the query.

HWY_INLINE int8x16_t LoadSigned(const uint8_t *row) {
	return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row), vdupq_n_u8(128)));
}
HWY_INLINE Halves AddProducts(const Halves &acc, int8x16_t codes, int8x16_t query) {
	return {vpadalq_s16(acc.low, vmull_s8(vget_low_s8(codes), vget_low_s8(query))),
			vpadalq_s16(acc.high, vmull_high_s8(codes, query))};
}

void CentroidRows(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]) {
	int32x4_t total = vdupq_n_s32(0); // of the query
	Halves a = Zero(), b = Zero(), c = Zero(), d = Zero();
	for (uint32_t r = 0; r < nrows; r++, rows += kRowBytes, query += 4) {
		const int8x16_t quad = BroadcastQuad(query);
		total = vpadalq_s16(total, vpaddlq_s8(quad));
		a = AddProducts(a, LoadSigned(rows), quad);
		b = AddProducts(b, LoadSigned(rows + 16), quad);
		c = AddProducts(c, LoadSigned(rows + 32), quad);
		d = AddProducts(d, LoadSigned(rows + 48), quad);
	}
	const int32x4_t sums[4] = {Sums(a), Sums(b), Sums(c), Sums(d)};
	for (int i = 0; i < 4; i++)
		vst1q_s32(acc + i * 4, vaddq_s32(vld1q_s32(acc + i * 4), vaddq_s32(sums[i], vshlq_n_s32(total, 7))));
}

constexpr uint32_t kAssignBlocks = 1;
// Rough rows are no quicker.
template <bool>
constexpr int32_t AssignOffset() {
	return 0;
}

// out[0][row][entry] = sum of products with the codes.
template <bool>
HWY_INLINE void AssignSums(const int8_t *const x[4], const uint8_t *block, uint32_t, uint32_t quads,
						   int32_t (&out)[kAssignBlocks][4][16]) {
	for (size_t at = 0; at < kRowBytes; at += 16) {
		Halves s0 = Zero(), s1 = Zero(), s2 = Zero(), s3 = Zero();
		for (size_t q = 0; q < quads; q++) {
			const int8x16_t codes = LoadSigned(block + q * kRowBytes + at);
			s0 = AddProducts(s0, codes, BroadcastQuad(x[0] + q * 4));
			s1 = AddProducts(s1, codes, BroadcastQuad(x[1] + q * 4));
			s2 = AddProducts(s2, codes, BroadcastQuad(x[2] + q * 4));
			s3 = AddProducts(s3, codes, BroadcastQuad(x[3] + q * 4));
		}
		const int32x4_t sums[4] = {Sums(s0), Sums(s1), Sums(s2), Sums(s3)};
		for (int r = 0; r < 4; r++)
			vst1q_s32(out[0][r] + at / 4, sums[r]);
	}
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
