// Integer kernels for x86: dot products of bytes by vpdpbusd (AVX-512 VNNI) or by vpmaddubsw and vpmaddwd (AVX2).
// Included once a target by simd.cpp. All sums are exact, so every target returns the scalar twin's integers.
#if defined(VECIDX_INTEGER_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_INTEGER_INL_HPP
#undef VECIDX_INTEGER_INL_HPP
#else
#define VECIDX_INTEGER_INL_HPP
#endif

#include <cstring>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {
#if VECIDX_X86_VNNI || VECIDX_X86_AVX2

HWY_INLINE int32_t Quad(const int8_t *p) {
	int32_t quad;
	memcpy(&quad, p, sizeof(quad));
	return quad;
}

// Where an entry's factors lie behind the code rows of its block.
struct Factors {
	const uint8_t *add, *mul, *ref;
};
HWY_INLINE Factors FactorsOf(const uint8_t *block, uint32_t rows) {
	const uint8_t *p = block + size_t(rows) * kRowBytes;
	return {p, p + 32, p + kRowBytes};
}

// Write the survivors whose bits are set in `mask`.
HWY_INLINE uint32_t Emit(uint32_t mask, const float *est, const uint8_t *refs, Survivor *out) {
	uint32_t found = 0;
	for (; mask != 0; mask &= mask - 1) {
		const auto lane = static_cast<uint32_t>(__builtin_ctz(mask));
		uint32_t ref;
		memcpy(&ref, refs + size_t(lane) * 4, sizeof(ref));
		out[found++] = {est[lane], ref};
	}
	return found;
}

HWY_INLINE uint32_t ValidLanes(uint32_t count, uint32_t block) {
	const uint32_t first = block * kBlockEntries;
	return count >= first + kBlockEntries ? 0xFFFF : count <= first ? 0 : (1U << (count - first)) - 1;
}

#endif

#if VECIDX_X86_VNNI

// acc += bytes * query, four to a lane. By hand, since gcc 12 copies the accumulator of the intrinsic.
HWY_INLINE void Dot(__m512i &acc, __m512i bytes, __m512i query) {
	asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(bytes), "v"(query));
}

void CentroidRows(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]) {
	__m512i s0 = _mm512_loadu_si512(acc), s1 = _mm512_setzero_si512(), s2 = s1, s3 = s1;
	uint32_t r = 0;
	for (; r + 4 <= nrows; r += 4, rows += 4 * kRowBytes, query += 16) {
		Dot(s0, _mm512_loadu_si512(rows), _mm512_set1_epi32(Quad(query)));
		Dot(s1, _mm512_loadu_si512(rows + 64), _mm512_set1_epi32(Quad(query + 4)));
		Dot(s2, _mm512_loadu_si512(rows + 128), _mm512_set1_epi32(Quad(query + 8)));
		Dot(s3, _mm512_loadu_si512(rows + 192), _mm512_set1_epi32(Quad(query + 12)));
	}
	for (; r < nrows; r++, rows += kRowBytes, query += 4)
		Dot(s0, _mm512_loadu_si512(rows), _mm512_set1_epi32(Quad(query)));
	_mm512_storeu_si512(acc, _mm512_add_epi32(_mm512_add_epi32(s0, s1), _mm512_add_epi32(s2, s3)));
}

// Smallest cost so far of one row, lane by lane.
struct Nearest {
	__m512 cost;
	__m512i index;
};

HWY_INLINE void Meet(Nearest &best, __m512i acc, int32_t shift, float factor, __m512 bonus, const float *norm,
					 const float *scale, uint32_t first) {
	const __m512 dot = _mm512_cvtepi32_ps(_mm512_sub_epi32(acc, _mm512_set1_epi32(shift)));
	const __m512 weight = _mm512_mul_ps(_mm512_loadu_ps(scale), _mm512_set1_ps(factor));
	const __m512 cost = _mm512_fnmadd_ps(weight, dot, _mm512_sub_ps(_mm512_loadu_ps(norm), bonus));
	const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __mmask16 nearer = _mm512_cmp_ps_mask(cost, best.cost, _CMP_LT_OQ);
	best.cost = _mm512_mask_mov_ps(best.cost, nearer, cost);
	best.index = _mm512_mask_add_epi32(best.index, nearer, lanes, _mm512_set1_epi32(static_cast<int>(first)));
}

// What the four rows of an assignment have in common.
struct Rows {
	const int8_t *x0, *x1, *x2, *x3;
	int32_t shift[4];
	float factor[4], extra_factor[4];
	const float *norm, *scale, *extra; // of the centroids; extra may be nullptr
	Nearest nearest[4];
};

HWY_INLINE void MeetBlock(Rows &rows, __m512i s0, __m512i s1, __m512i s2, __m512i s3, uint32_t block) {
	const uint32_t first = block * 16;
	const float *norm = rows.norm + first, *scale = rows.scale + first;
	const __m512 extra = rows.extra != nullptr ? _mm512_loadu_ps(rows.extra + first) : _mm512_setzero_ps();
	const auto meet = [&](int r, __m512i sums) HWY_ATTR {
		const __m512 bonus = _mm512_mul_ps(extra, _mm512_set1_ps(rows.extra_factor[r]));
		Meet(rows.nearest[r], sums, rows.shift[r], rows.factor[r], bonus, norm, scale, first);
	};
	meet(0, s0);
	meet(1, s1);
	meet(2, s2);
	meet(3, s3);
}

// Four rows against four blocks (or, with kOne, one): 16 accumulators stay in registers.
template <bool kOne>
HWY_INLINE void AssignBlocks(Rows &rows, const uint8_t *p, uint32_t quads, uint32_t block) {
	const size_t stride = size_t(quads) * kRowBytes;
	const __m512i zero = _mm512_setzero_si512();
	__m512i a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
	__m512i c0 = zero, c1 = zero, c2 = zero, c3 = zero, d0 = zero, d1 = zero, d2 = zero, d3 = zero;
	for (uint32_t q = 0; q < quads * 4; q += 4, p += kRowBytes) {
		const __m512i x0 = _mm512_set1_epi32(Quad(rows.x0 + q)), x1 = _mm512_set1_epi32(Quad(rows.x1 + q));
		const __m512i x2 = _mm512_set1_epi32(Quad(rows.x2 + q)), x3 = _mm512_set1_epi32(Quad(rows.x3 + q));
		const __m512i a = _mm512_loadu_si512(p);
		Dot(a0, a, x0);
		Dot(a1, a, x1);
		Dot(a2, a, x2);
		Dot(a3, a, x3);
		if constexpr (!kOne) {
			const __m512i b = _mm512_loadu_si512(p + stride);
			Dot(b0, b, x0);
			Dot(b1, b, x1);
			Dot(b2, b, x2);
			Dot(b3, b, x3);
			const __m512i c = _mm512_loadu_si512(p + 2 * stride);
			Dot(c0, c, x0);
			Dot(c1, c, x1);
			Dot(c2, c, x2);
			Dot(c3, c, x3);
			const __m512i d = _mm512_loadu_si512(p + 3 * stride);
			Dot(d0, d, x0);
			Dot(d1, d, x1);
			Dot(d2, d, x2);
			Dot(d3, d, x3);
		}
	}
	MeetBlock(rows, a0, a1, a2, a3, block);
	if constexpr (!kOne) {
		MeetBlock(rows, b0, b1, b2, b3, block + 1);
		MeetBlock(rows, c0, c1, c2, c3, block + 2);
		MeetBlock(rows, d0, d1, d2, d3, block + 3);
	}
}

void Assign4(const int8_t *const x[4], const float xscale[4], const int32_t xsum[4], const float xextra[4],
			 const uint8_t *blocks, const float *norm, const float *scale, const float *extra, uint32_t nblocks,
			 uint32_t quads, uint32_t best[4], float cost[4]) {
	Rows rows{x[0], x[1], x[2], x[3], {}, {}, {}, norm, scale, extra, {}};
	for (int r = 0; r < 4; r++) {
		rows.shift[r] = 128 * xsum[r];
		rows.factor[r] = 2 * xscale[r];
		rows.extra_factor[r] = extra != nullptr ? 2 * xextra[r] : 0;
		rows.nearest[r] = {_mm512_set1_ps(std::numeric_limits<float>::infinity()), _mm512_setzero_si512()};
	}
	const size_t stride = size_t(quads) * kRowBytes;
	uint32_t b = 0;
	for (; b + 4 <= nblocks; b += 4)
		AssignBlocks<false>(rows, blocks + b * stride, quads, b);
	for (; b < nblocks; b++)
		AssignBlocks<true>(rows, blocks + b * stride, quads, b);
	for (int r = 0; r < 4; r++) {
		const Nearest &nearest = rows.nearest[r];
		cost[r] = _mm512_reduce_min_ps(nearest.cost);
		const __mmask16 ties = _mm512_cmp_ps_mask(nearest.cost, _mm512_set1_ps(cost[r]), _CMP_EQ_OQ);
		best[r] = ties == 0 ? 0 : static_cast<uint32_t>(_mm512_mask_reduce_min_epi32(ties, nearest.index));
	}
}

// One field of every byte of a row, left where it is: its sum comes out multiplied by 2^(bits * field).
template <int kBits, int kField>
HWY_INLINE void AddField(__m512i &acc, __m512i codes, const int8_t *query) {
	if constexpr (kField * kBits < 8) {
		const auto mask = static_cast<char>(((1 << kBits) - 1) << (kField * kBits));
		Dot(acc, _mm512_and_si512(codes, _mm512_set1_epi8(mask)), _mm512_set1_epi32(Quad(query + kField * 4)));
	}
}

// Named accumulators: gcc keeps arrays that asm touches in memory.
template <int kBits>
HWY_INLINE __m512i BlockSums(const uint8_t *block, uint32_t rows, const int8_t *query) {
	constexpr int kFields = 8 / kBits;
	const __m512i zero = _mm512_setzero_si512();
	__m512i s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
	for (uint32_t r = 0; r < rows; r++, block += kRowBytes, query += kFields * 4) {
		const __m512i codes = _mm512_loadu_si512(block);
		AddField<kBits, 0>(s0, codes, query);
		AddField<kBits, 1>(s1, codes, query);
		AddField<kBits, 2>(s2, codes, query);
		AddField<kBits, 3>(s3, codes, query);
		AddField<kBits, 4>(s4, codes, query);
		AddField<kBits, 5>(s5, codes, query);
		AddField<kBits, 6>(s6, codes, query);
		AddField<kBits, 7>(s7, codes, query);
	}
	__m512i sum = _mm512_add_epi32(s0, _mm512_srai_epi32(s1, kBits));
	if constexpr (kFields > 2)
		sum =
			_mm512_add_epi32(sum, _mm512_add_epi32(_mm512_srai_epi32(s2, 2 * kBits), _mm512_srai_epi32(s3, 3 * kBits)));
	if constexpr (kFields > 4) {
		sum = _mm512_add_epi32(sum, _mm512_add_epi32(_mm512_srai_epi32(s4, 4), _mm512_srai_epi32(s5, 5)));
		sum = _mm512_add_epi32(sum, _mm512_add_epi32(_mm512_srai_epi32(s6, 6), _mm512_srai_epi32(s7, 7)));
	}
	return sum;
}

HWY_INLINE __m512 Half16(const uint8_t *p) {
	return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
}

template <int kBits>
uint32_t Scan(const uint8_t *blocks, uint32_t nblocks, uint32_t rows, uint32_t count, const ScanQuery &query, float cut,
			  Survivor *out) {
	const __m512 slope = _mm512_set1_ps(query.slope), offset = _mm512_set1_ps(query.offset);
	const __m512 limit = _mm512_set1_ps(cut);
	uint32_t found = 0;
	for (uint32_t b = 0; b < nblocks; b++, blocks += (size_t(rows) + 2) * kRowBytes) {
		const __m512 sum = _mm512_cvtepi32_ps(BlockSums<kBits>(blocks, rows, query.bytes));
		const Factors at = FactorsOf(blocks, rows);
		const __m512 est = _mm512_fmadd_ps(Half16(at.mul), _mm512_fmadd_ps(slope, sum, offset), Half16(at.add));
		const uint32_t mask = _mm512_cmp_ps_mask(est, limit, _CMP_NGE_UQ) & ValidLanes(count, b);
		if (mask != 0) {
			alignas(64) float values[16];
			_mm512_store_ps(values, est);
			found += Emit(mask, values, at.ref, out + found);
		}
	}
	return found;
}

#elif VECIDX_X86_AVX2

HWY_INLINE __m256i Load32(const uint8_t *p) {
	return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
}

// Unsigned bytes up to 255 times signed bytes: widened first, since vpmaddubsw would saturate. One row, 16 entries:
// acc[g] gets pairs of lanes for entries 4g .. 4g+3.
HWY_INLINE void RowWide(__m256i (&acc)[4], const uint8_t *row, __m256i query) {
	for (int g = 0; g < 4; g++) {
		const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(row + g * 16));
		acc[g] = _mm256_add_epi32(acc[g], _mm256_madd_epi16(_mm256_cvtepu8_epi16(bytes), query));
	}
}

HWY_INLINE __m256i WideQuad(const int8_t *query) {
	return _mm256_cvtepi8_epi16(_mm_set1_epi32(Quad(query)));
}

// Add neighbouring lanes: entries 0 .. 15 in order in two vectors.
HWY_INLINE void Pairs(const __m256i (&acc)[4], __m256i &low, __m256i &high) {
	low = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[0], acc[1]), 0xD8);
	high = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[2], acc[3]), 0xD8);
}

HWY_INLINE void WideSums(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t out[16]) {
	__m256i acc[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
	for (uint32_t r = 0; r < nrows; r++)
		RowWide(acc, rows + size_t(r) * kRowBytes, WideQuad(query + size_t(r) * 4));
	__m256i low, high;
	Pairs(acc, low, high);
	_mm256_storeu_si256(reinterpret_cast<__m256i *>(out), low);
	_mm256_storeu_si256(reinterpret_cast<__m256i *>(out + 8), high);
}

void CentroidRows(const uint8_t *rows, const int8_t *query, uint32_t nrows, int32_t acc[16]) {
	int32_t sums[16];
	WideSums(rows, query, nrows, sums);
	for (int e = 0; e < 16; e++)
		acc[e] += sums[e];
}

void Assign4(const int8_t *const x[4], const float xscale[4], const int32_t xsum[4], const float xextra[4],
			 const uint8_t *blocks, const float *norm, const float *scale, const float *extra, uint32_t nblocks,
			 uint32_t quads, uint32_t best[4], float cost[4]) {
	for (int r = 0; r < 4; r++) {
		best[r] = 0;
		cost[r] = std::numeric_limits<float>::infinity();
	}
	for (uint32_t b = 0; b < nblocks; b++)
		for (int r = 0; r < 4; r++) {
			int32_t sums[16];
			WideSums(blocks + size_t(b) * quads * kRowBytes, x[r], quads, sums);
			for (uint32_t e = 0; e < 16; e++) {
				const size_t j = size_t(b) * 16 + e;
				const float dot = static_cast<float>(sums[e] - 128 * xsum[r]);
				float value = norm[j] - 2 * scale[j] * xscale[r] * dot;
				if (extra != nullptr)
					value -= 2 * extra[j] * xextra[r];
				if (value < cost[r]) {
					cost[r] = value;
					best[r] = static_cast<uint32_t>(j);
				}
			}
		}
}

// Half a row (8 entries): fields are shifted down first, so that pairs of products fit 16 bits.
template <int kBits, int kField>
HWY_INLINE __m256i FieldPairs(__m256i codes, const int8_t *query) {
	if constexpr (kField * kBits < 8) {
		const __m256i mask = _mm256_set1_epi8((1 << kBits) - 1);
		const __m256i field = _mm256_and_si256(_mm256_srli_epi16(codes, kField * kBits), mask);
		const __m256i pairs = _mm256_maddubs_epi16(field, _mm256_set1_epi32(Quad(query + kField * 4)));
		return _mm256_add_epi16(pairs, FieldPairs<kBits, kField + 1>(codes, query));
	} else {
		return _mm256_setzero_si256();
	}
}

template <int kBits>
HWY_INLINE __m256i HalfRow(__m256i acc, const uint8_t *row, const int8_t *query) {
	const __m256i pairs = FieldPairs<kBits, 0>(Load32(row), query);
	return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

HWY_INLINE __m256 Half8(const uint8_t *p) {
	return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
}

template <int kBits>
uint32_t Scan(const uint8_t *blocks, uint32_t nblocks, uint32_t rows, uint32_t count, const ScanQuery &query, float cut,
			  Survivor *out) {
	constexpr size_t kFieldBytes = 8 / kBits * 4;
	const __m256 slope = _mm256_set1_ps(query.slope), offset = _mm256_set1_ps(query.offset);
	const __m256 limit = _mm256_set1_ps(cut);
	uint32_t found = 0;
	for (uint32_t b = 0; b < nblocks; b++, blocks += (size_t(rows) + 2) * kRowBytes) {
		const Factors at = FactorsOf(blocks, rows);
		alignas(32) float values[16];
		uint32_t mask = 0;
		for (uint32_t half = 0; half < 2; half++) {
			__m256i acc = _mm256_setzero_si256();
			for (uint32_t r = 0; r < rows; r++)
				acc = HalfRow<kBits>(acc, blocks + size_t(r) * kRowBytes + size_t(half) * 32,
									 query.bytes + r * kFieldBytes);
			const __m256 value = _mm256_fmadd_ps(slope, _mm256_cvtepi32_ps(acc), offset);
			const __m256 est = _mm256_fmadd_ps(Half8(at.mul + half * 16), value, Half8(at.add + half * 16));
			_mm256_store_ps(values + half * 8, est);
			const int passed = _mm256_movemask_ps(_mm256_cmp_ps(est, limit, _CMP_NGE_UQ));
			mask |= static_cast<uint32_t>(passed) << (half * 8);
		}
		mask &= ValidLanes(count, b);
		if (mask != 0)
			found += Emit(mask, values, at.ref, out + found);
	}
	return found;
}

#endif
} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();

#endif
