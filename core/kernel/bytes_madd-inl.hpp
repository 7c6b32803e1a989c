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
HWY_INLINE Bytes AddPairs(Bytes acc, Bytes pairs) {
	return VECIDX_MM(add_epi32)(acc, VECIDX_MM(madd_epi16)(pairs, VECIDX_MM(set1_epi16)(1)));
}
HWY_INLINE Bytes AddProducts(Bytes acc, const Codes &codes, Bytes query) {
	return AddPairs(acc, VECIDX_MM(maddubs_epi16)(codes.magnitude, VECIDX_MM(sign_epi8)(query, codes.sign)));
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

// ---- assignment: products of a block's centroids, in two vectors, with four rows, hence eight accumulators.

constexpr uint32_t kAssignBlocks = 1;

struct RowSums {
	Bytes a[4], b[4];
};

HWY_INLINE void AddExact(RowSums &sums, const uint8_t *row, const int8_t *const x[4], size_t at) {
	const Codes a = LoadSigned(row), b = LoadSigned(row + kWidth);
	for (int r = 0; r < 4; r++) {
		const Bytes quad = BroadcastQuad(x[r] + at);
		sums.a[r] = AddProducts(sums.a[r], a, quad);
		sums.b[r] = AddProducts(sums.b[r], b, quad);
	}
}

// Rough rows are so small that pairs of products with code + 128 as it is stored, and the sum of two such pairs, stay
// within 16 bits: five instructions for two quads instead of eight.
static_assert(4 * 255 * kLargestRough <= INT16_MAX);

HWY_INLINE void AddRough(RowSums &sums, const uint8_t *row, const int8_t *const x[4], size_t at) {
	const Bytes a = LoadRow(row), b = LoadRow(row + kWidth);
	for (int r = 0; r < 4; r++) {
		const Bytes quad = BroadcastQuad(x[r] + at);
		sums.a[r] = AddPairs(sums.a[r], VECIDX_MM(maddubs_epi16)(a, quad));
		sums.b[r] = AddPairs(sums.b[r], VECIDX_MM(maddubs_epi16)(b, quad));
	}
}
HWY_INLINE void AddTwoRough(RowSums &sums, const uint8_t *row, const int8_t *const x[4], size_t at) {
	const Bytes a0 = LoadRow(row), b0 = LoadRow(row + kWidth);
	const Bytes a1 = LoadRow(row + kRowBytes), b1 = LoadRow(row + kRowBytes + kWidth);
	for (int r = 0; r < 4; r++) {
		const Bytes first = BroadcastQuad(x[r] + at), second = BroadcastQuad(x[r] + at + 4);
		sums.a[r] = AddPairs(
			sums.a[r], VECIDX_MM(add_epi16)(VECIDX_MM(maddubs_epi16)(a0, first), VECIDX_MM(maddubs_epi16)(a1, second)));
		sums.b[r] = AddPairs(
			sums.b[r], VECIDX_MM(add_epi16)(VECIDX_MM(maddubs_epi16)(b0, first), VECIDX_MM(maddubs_epi16)(b1, second)));
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
	for (size_t at = 0; at < kRowBytes; at += 2 * kWidth) {
		RowSums sums = {{Zero(), Zero(), Zero(), Zero()}, {Zero(), Zero(), Zero(), Zero()}};
		const uint8_t *row = block + at;
		size_t q = 0;
		for (; kRough && q + 2 <= quads; q += 2, row += 2 * kRowBytes)
			AddTwoRough(sums, row, x, q * 4);
		for (; q < quads; q++, row += kRowBytes)
			if constexpr (kRough)
				AddRough(sums, row, x, q * 4);
			else
				AddExact(sums, row, x, q * 4);
		for (int r = 0; r < 4; r++) {
			StoreSums(out[0][r] + at / 4, sums.a[r]);
			StoreSums(out[0][r] + (at + kWidth) / 4, sums.b[r]);
		}
	}
}

#undef VECIDX_MM
} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
