// Scans of scan-code blocks for one SIMD target: estimates from the target's byte sums, and what they let through.
#if defined(VECIDX_SCAN_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_SCAN_INL_HPP
#undef VECIDX_SCAN_INL_HPP
#else
#define VECIDX_SCAN_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

// What the lines behind a scan are fetched ahead by: far enough for memory, near enough to stay on the page.
constexpr size_t kAhead = 2048;

// Where an entry's factors lie behind the code rows of its block.
struct Factors {
	const uint8_t *add, *mul, *ref;
};
HWY_INLINE Factors FactorsOf(const uint8_t *block, uint32_t rows) {
	const uint8_t *p = block + size_t(rows) * kRowBytes;
	return {p, p + 32, p + kRowBytes};
}

HWY_INLINE uint32_t ValidLanes(uint32_t count, uint32_t block) {
	const uint32_t first = block * kBlockEntries;
	return count >= first + kBlockEntries ? 0xFFFF : count <= first ? 0 : (1U << (count - first)) - 1;
}

// Write the survivors whose bits are set in `mask`; `out` has room for 16.
#if VECIDX_X86_VNNI
HWY_INLINE uint32_t Emit(uint32_t mask, const float *ests, const uint8_t *refs, Survivor *out) {
	const auto lanes = static_cast<__mmask16>(mask);
	const __m512i est = _mm512_maskz_compress_epi32(lanes, _mm512_loadu_si512(ests));
	const __m512i ref = _mm512_maskz_compress_epi32(lanes, _mm512_loadu_si512(refs));
	const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
	_mm512_storeu_si512(out, _mm512_permutex2var_epi32(est, low, ref));
	_mm512_storeu_si512(out + 8, _mm512_permutex2var_epi32(est, high, ref));
	return static_cast<uint32_t>(__builtin_popcount(mask));
}
#else
HWY_INLINE uint32_t Emit(uint32_t mask, const float *ests, const uint8_t *refs, Survivor *out) {
	uint32_t found = 0;
	for (; mask != 0; mask &= mask - 1) {
		const auto lane = static_cast<uint32_t>(__builtin_ctz(mask));
		uint32_t ref;
		memcpy(&ref, refs + size_t(lane) * 4, sizeof(ref));
		out[found++] = {ests[lane], ref};
	}
	return found;
}
#endif

// What a scan's blocks have in common.
struct Pass {
	float slope, offset, cut;
	uint32_t rows, count;
};

// Estimates of one block; those below the cut are written.
HWY_INLINE uint32_t Judge(const Pass &pass, const int32_t *sums, const uint8_t *block, uint32_t number, Survivor *out) {
	const F32 f32;
	const size_t lanes = hn::Lanes(f32);
	const Vec slope = hn::Set(f32, pass.slope), offset = hn::Set(f32, pass.offset), cut = hn::Set(f32, pass.cut);
	const Factors at = FactorsOf(block, pass.rows);
	HWY_ALIGN float ests[kBlockEntries];
	uint32_t mask = 0;
	for (size_t e = 0; e < kBlockEntries; e += lanes) {
		const Vec sum = hn::ConvertTo(f32, hn::Load(I32(), sums + e));
		const Vec value = hn::MulAdd(slope, sum, offset);
		const Vec est = hn::MulAdd(LoadHalves(at.mul + e * 2), value, LoadHalves(at.add + e * 2));
		hn::Store(est, f32, ests + e);
		uint8_t bytes[8] = {}; // Highway wants so many
		hn::StoreMaskBits(f32, hn::Not(hn::Ge(est, cut)), bytes);
		uint16_t bits;
		memcpy(&bits, bytes, sizeof(bits));
		mask |= uint32_t(bits) << e;
	}
	mask &= ValidLanes(pass.count, number);
	return HWY_LIKELY(mask == 0) ? 0 : Emit(mask, ests, at.ref, out);
}

template <int kBits>
uint32_t Scan(const uint8_t *blocks, uint32_t nblocks, uint32_t rows, uint32_t count, const ScanQuery &query, float cut,
			  Survivor *out) {
	const Pass pass = {query.slope, query.offset, cut, rows, count};
	const size_t stride = (size_t(rows) + 2) * kRowBytes;
	uint32_t found = 0;
	for (uint32_t b = 0; b < nblocks; b += kScanBlocks) {
		const uint8_t *block = blocks + b * stride;
		const uint32_t n = nblocks - b < kScanBlocks ? nblocks - b : kScanBlocks;
		const size_t behind = (nblocks - b) * stride;
		HWY_ALIGN int32_t sums[kScanBlocks][16];
		ScanSums<kBits>(block, n, stride, rows, behind > kAhead + n * stride ? kAhead : 0, query.bytes, sums);
		for (uint32_t i = 0; i < n; i++)
			found += Judge(pass, sums[i], block + i * stride, b + i, out + found);
	}
	return found;
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
