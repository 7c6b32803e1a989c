// Sums of products of bytes by vpdpbusd (AVX-512 VNNI): 64 products an instruction, in int32, exact.
#if defined(VECIDX_BYTES_VNNI_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_BYTES_VNNI_INL_HPP
#undef VECIDX_BYTES_VNNI_INL_HPP
#else
#define VECIDX_BYTES_VNNI_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_X86_VNNI
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE __m512i BroadcastQuad(const int8_t *p) {
	int32_t quad;
	memcpy(&quad, p, sizeof(quad));
	return _mm512_set1_epi32(quad);
}

// acc + four products of unsigned bytes and signed query bytes a lane. By hand, since gcc 12 copies the accumulator of
// the intrinsic, and so that the region need not name VNNI's companions, which the first processors with it lack.
HWY_INLINE __m512i Dot(__m512i acc, __m512i bytes, __m512i query) {
	asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(bytes), "v"(query));
	return acc;
}

void CentroidRows(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]) {
	__m512i s0 = _mm512_loadu_si512(acc), s1 = _mm512_setzero_si512(), s2 = s1, s3 = s1;
	uint32_t r = 0;
	for (; r + 4 <= nrows; r += 4, rows += 4 * kRowBytes, query += 16) {
		s0 = Dot(s0, _mm512_loadu_si512(rows), BroadcastQuad(query));
		s1 = Dot(s1, _mm512_loadu_si512(rows + 64), BroadcastQuad(query + 4));
		s2 = Dot(s2, _mm512_loadu_si512(rows + 128), BroadcastQuad(query + 8));
		s3 = Dot(s3, _mm512_loadu_si512(rows + 192), BroadcastQuad(query + 12));
	}
	for (; r < nrows; r++, rows += kRowBytes, query += 4)
		s0 = Dot(s0, _mm512_loadu_si512(rows), BroadcastQuad(query));
	_mm512_storeu_si512(acc, _mm512_add_epi32(_mm512_add_epi32(s0, s1), _mm512_add_epi32(s2, s3)));
}

// ---- four rows of a training sample against blocks of centroids

// Sums of the four rows with one block. Named members: gcc keeps arrays that asm touches in memory.
struct FourSums {
	__m512i s0, s1, s2, s3;
};
struct FourQuads {
	__m512i x0, x1, x2, x3;
};

HWY_INLINE void Clear(FourSums &sums) {
	sums.s0 = sums.s1 = sums.s2 = sums.s3 = _mm512_setzero_si512();
}
HWY_INLINE void Add(FourSums &sums, const uint8_t *row, const FourQuads &quads) {
	const __m512i bytes = _mm512_loadu_si512(row);
	sums.s0 = Dot(sums.s0, bytes, quads.x0);
	sums.s1 = Dot(sums.s1, bytes, quads.x1);
	sums.s2 = Dot(sums.s2, bytes, quads.x2);
	sums.s3 = Dot(sums.s3, bytes, quads.x3);
}
HWY_INLINE void Store(const FourSums &sums, int32_t (&out)[4][16]) {
	_mm512_storeu_si512(out[0], sums.s0);
	_mm512_storeu_si512(out[1], sums.s1);
	_mm512_storeu_si512(out[2], sums.s2);
	_mm512_storeu_si512(out[3], sums.s3);
}

// As many blocks at a time as accumulators fit the registers.
constexpr uint32_t kAssignBlocks = 4;
// Stored bytes are multiplied as they are, code + 128. Rough rows are no quicker.
template <bool>
constexpr int32_t AssignOffset() {
	return 128;
}

// Sums of four rows with kBlocks blocks, 4 or 1.
template <uint32_t kBlocks>
HWY_INLINE void AddBlocks(const int8_t *const x[4], const uint8_t *blocks, uint32_t quads,
						  int32_t (&out)[kAssignBlocks][4][16], uint32_t first) {
	const size_t stride = size_t(quads) * kRowBytes;
	FourSums a, b, c, d;
	Clear(a);
	Clear(b);
	Clear(c);
	Clear(d);
	for (size_t at = 0; at < size_t(quads) * 4; at += 4, blocks += kRowBytes) {
		const FourQuads quad = {BroadcastQuad(x[0] + at), BroadcastQuad(x[1] + at), BroadcastQuad(x[2] + at),
								BroadcastQuad(x[3] + at)};
		Add(a, blocks, quad);
		if constexpr (kBlocks == 4) {
			Add(b, blocks + stride, quad);
			Add(c, blocks + 2 * stride, quad);
			Add(d, blocks + 3 * stride, quad);
		}
	}
	Store(a, out[first]);
	if constexpr (kBlocks == 4) {
		Store(b, out[1]);
		Store(c, out[2]);
		Store(d, out[3]);
	}
}

// out[block][row][entry] = sum of products, of `n` blocks.
template <bool>
HWY_INLINE void AssignSums(const int8_t *const x[4], const uint8_t *blocks, uint32_t n, uint32_t quads,
						   int32_t (&out)[kAssignBlocks][4][16]) {
	if (n == kAssignBlocks) {
		AddBlocks<4>(x, blocks, quads, out, 0);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		AddBlocks<1>(x, blocks + size_t(i) * quads * kRowBytes, quads, out, i);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
