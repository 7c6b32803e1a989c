// Sums of products of bytes by vpmaddubsw and vpmaddwd (SSE4 and AVX2), exact: no step exceeds its 16 bits.
#if defined(VECIDX_BYTES_MADD_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_BYTES_MADD_INL_HPP
#undef VECIDX_BYTES_MADD_INL_HPP
#else
#define VECIDX_BYTES_MADD_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_X86_AVX2 || VECIDX_X86_SSE4
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

// Intrinsics of either width by the rest of their name.
#if VECIDX_X86_AVX2
#define VECIDX_MM(op) _mm256_##op
using Bytes = __m256i;
HWY_INLINE Bytes LoadRow(const void *p) {
	return _mm256_loadu_si256(static_cast<const Bytes *>(p));
}
HWY_INLINE void StoreSums(int32_t *p, Bytes v) {
	_mm256_storeu_si256(reinterpret_cast<Bytes *>(p), v);
}
HWY_INLINE Bytes Zero() {
	return _mm256_setzero_si256();
}
#else
#define VECIDX_MM(op) _mm_##op
using Bytes = __m128i;
HWY_INLINE Bytes LoadRow(const void *p) {
	return _mm_loadu_si128(static_cast<const Bytes *>(p));
}
HWY_INLINE void StoreSums(int32_t *p, Bytes v) {
	_mm_storeu_si128(reinterpret_cast<Bytes *>(p), v);
}
HWY_INLINE Bytes Zero() {
	return _mm_setzero_si128();
}
#endif

constexpr size_t kWidth = sizeof(Bytes);

HWY_INLINE int32_t Quad(const int8_t *p) {
	int32_t quad;
	memcpy(&quad, p, sizeof(quad));
	return quad;
}
HWY_INLINE Bytes BroadcastQuad(const int8_t *p) {
	return VECIDX_MM(set1_epi32)(Quad(p));
}

// ---- centroids. A stored byte is code + 128 in 0 .. 255; its product with a query byte, summed in pairs, would exceed
// 16 bits. |code| <= 128 times the query byte with the code's sign does not: 2 * 128 * 127 < 2^15. What the 128 adds is
// the same for all entries: 128 * sum of the query.

struct Codes {
	Bytes sign, magnitude;
};
HWY_INLINE Codes LoadSigned(const uint8_t *row) {
	const Bytes code = LoadRow(row) ^ VECIDX_MM(set1_epi8)(-128);
	return {code, VECIDX_MM(abs_epi8)(code)};
}
HWY_INLINE Bytes AddProducts(Bytes acc, const Codes &codes, Bytes query) {
	const Bytes pairs = VECIDX_MM(maddubs_epi16)(codes.magnitude, VECIDX_MM(sign_epi8)(query, codes.sign));
	return VECIDX_MM(add_epi32)(acc, VECIDX_MM(madd_epi16)(pairs, VECIDX_MM(set1_epi16)(1)));
}

HWY_INLINE int32_t SumOfQuery(const int8_t *query, uint32_t nrows) {
	const __m128i flip = _mm_set1_epi8(-128), zero = _mm_setzero_si128();
	__m128i sum = zero; // of query + 128, in two halves
	uint32_t r = 0;
	for (; r + 4 <= nrows; r += 4) {
		const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(query + size_t(r) * 4));
		sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_xor_si128(bytes, flip), zero));
	}
	for (uint32_t i = r; i < nrows; i++) { // a quad, with twelve bytes that count as zeros
		const __m128i bytes = _mm_cvtsi32_si128(Quad(query + size_t(i) * 4));
		sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_xor_si128(bytes, flip), zero));
	}
	const uint32_t vectors = r / 4 + (nrows - r);
	return _mm_cvtsi128_si32(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum))) -
		   static_cast<int32_t>(vectors * 16 * 128);
}

void CentroidRows(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]) {
	const Bytes offset = VECIDX_MM(set1_epi32)(128 * SumOfQuery(query, nrows));
	for (size_t at = 0; at < kRowBytes; at += 2 * kWidth) {
		int32_t *out = acc + at / 4;
		Bytes a = VECIDX_MM(add_epi32)(LoadRow(out), offset);
		Bytes b = VECIDX_MM(add_epi32)(LoadRow(out + kWidth / 4), offset);
		const uint8_t *row = rows + at;
		for (uint32_t r = 0; r < nrows; r++, row += kRowBytes) {
			const Bytes quad = BroadcastQuad(query + size_t(r) * 4);
			a = AddProducts(a, LoadSigned(row), quad);
			b = AddProducts(b, LoadSigned(row + kWidth), quad);
		}
		StoreSums(out, a);
		StoreSums(out + kWidth / 4, b);
	}
}

// ---- assignment

constexpr uint32_t kAssignBlocks = 1;

HWY_INLINE void ExactSums(const int8_t *const x[4], const uint8_t *block, uint32_t quads,
						  int32_t (&out)[kAssignBlocks][4][16]) {
	// two vectors of a row at a time: eight accumulators
	for (size_t at = 0; at < kRowBytes; at += 2 * kWidth) {
		Bytes a0 = Zero(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
		for (size_t q = 0; q < quads; q++) {
			const uint8_t *row = block + q * kRowBytes + at;
			const Codes a = LoadSigned(row), b = LoadSigned(row + kWidth);
			const Bytes x0 = BroadcastQuad(x[0] + q * 4), x1 = BroadcastQuad(x[1] + q * 4);
			a0 = AddProducts(a0, a, x0);
			b0 = AddProducts(b0, b, x0);
			a1 = AddProducts(a1, a, x1);
			b1 = AddProducts(b1, b, x1);
			const Bytes x2 = BroadcastQuad(x[2] + q * 4), x3 = BroadcastQuad(x[3] + q * 4);
			a2 = AddProducts(a2, a, x2);
			b2 = AddProducts(b2, b, x2);
			a3 = AddProducts(a3, a, x3);
			b3 = AddProducts(b3, b, x3);
		}
		const size_t e = at / 4, f = (at + kWidth) / 4;
		StoreSums(out[0][0] + e, a0);
		StoreSums(out[0][0] + f, b0);
		StoreSums(out[0][1] + e, a1);
		StoreSums(out[0][1] + f, b1);
		StoreSums(out[0][2] + e, a2);
		StoreSums(out[0][2] + f, b2);
		StoreSums(out[0][3] + e, a3);
		StoreSums(out[0][3] + f, b3);
	}
}

// Rough rows are so small that pairs of products with code + 128 as it is stored, and the sum of two such pairs, stay
// within 16 bits: five instructions for two quads instead of eight.
static_assert(4 * 255 * kLargestRough <= INT16_MAX);

HWY_INLINE Bytes AddPairs(Bytes acc, Bytes pairs) {
	return VECIDX_MM(add_epi32)(acc, VECIDX_MM(madd_epi16)(pairs, VECIDX_MM(set1_epi16)(1)));
}
HWY_INLINE Bytes RoughPairs(Bytes codes, const int8_t *x) {
	return VECIDX_MM(maddubs_epi16)(codes, BroadcastQuad(x));
}

HWY_INLINE void RoughSums(const int8_t *const x[4], const uint8_t *block, uint32_t quads,
						  int32_t (&out)[kAssignBlocks][4][16]) {
	// two vectors of a row at a time: eight accumulators
	for (size_t at = 0; at < kRowBytes; at += 2 * kWidth) {
		Bytes a[4] = {Zero(), Zero(), Zero(), Zero()}, b[4] = {Zero(), Zero(), Zero(), Zero()};
		const uint8_t *row = block + at;
		size_t q = 0;
		for (; q + 2 <= quads; q += 2, row += 2 * kRowBytes) {
			const Bytes a0 = LoadRow(row), b0 = LoadRow(row + kWidth);
			const Bytes a1 = LoadRow(row + kRowBytes), b1 = LoadRow(row + kRowBytes + kWidth);
			for (int r = 0; r < 4; r++) {
				const int8_t *first = x[r] + q * 4, *second = first + 4;
				a[r] = AddPairs(a[r], VECIDX_MM(add_epi16)(RoughPairs(a0, first), RoughPairs(a1, second)));
				b[r] = AddPairs(b[r], VECIDX_MM(add_epi16)(RoughPairs(b0, first), RoughPairs(b1, second)));
			}
		}
		for (int r = 0; q < quads && r < 4; r++) {
			a[r] = AddPairs(a[r], RoughPairs(LoadRow(row), x[r] + q * 4));
			b[r] = AddPairs(b[r], RoughPairs(LoadRow(row + kWidth), x[r] + q * 4));
		}
		for (int r = 0; r < 4; r++) {
			StoreSums(out[0][r] + at / 4, a[r]);
			StoreSums(out[0][r] + (at + kWidth) / 4, b[r]);
		}
	}
}

// What is added to each code that the sums are of.
template <bool kRough>
constexpr int32_t AssignOffset() {
	return kRough ? 128 : 0;
}

// out[0][row][entry] = sum of products with the codes.
template <bool kRough>
HWY_INLINE void AssignSums(const int8_t *const x[4], const uint8_t *block, uint32_t, uint32_t quads,
						   int32_t (&out)[kAssignBlocks][4][16]) {
	if constexpr (kRough)
		RoughSums(x, block, quads, out);
	else
		ExactSums(x, block, quads, out);
}

#undef VECIDX_MM
} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
