// Scans of scan-code blocks for one SIMD target: each byte shuffle looks up 16 nibbles or more in the query's tables.
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
	uint32_t bytes, count;
	const uint8_t *refs;
};

// Estimates of one block from its entries' sums; those below the cut are written.
HWY_INLINE uint32_t Judge(const Pass &pass, const uint16_t *sums, const uint8_t *block, uint32_t number,
						  Survivor *out) {
	const F32 f32;
	const size_t lanes = hn::Lanes(f32);
	const Vec slope = hn::Set(f32, pass.slope), offset = hn::Set(f32, pass.offset), cut = hn::Set(f32, pass.cut);
	const uint8_t *add = block + size_t(pass.bytes) * kBlockEntries, *mul = add + kRowBytes / 2;
	HWY_ALIGN float ests[kBlockEntries];
	uint32_t mask = 0;
	for (size_t e = 0; e < kBlockEntries; e += lanes) {
		const hn::Rebind<uint16_t, F32> some;
		const Vec sum = hn::ConvertTo(f32, hn::PromoteTo(I32(), hn::Load(some, sums + e)));
		const Vec value = hn::MulAdd(slope, sum, offset);
		const Vec est = hn::MulAdd(LoadHalves(mul + e * 2), value, LoadHalves(add + e * 2));
		hn::Store(est, f32, ests + e);
		uint8_t bytes[8] = {}; // Highway wants so many
		hn::StoreMaskBits(f32, hn::Not(hn::Ge(est, cut)), bytes);
		uint16_t bits;
		memcpy(&bits, bytes, sizeof(bits));
		mask |= uint32_t(bits) << e;
	}
	mask &= ValidLanes(pass.count, number);
	return HWY_LIKELY(mask == 0) ? 0 : Emit(mask, ests, pass.refs + size_t(number) * kBlockEntries * 4, out);
}

using U8 = hn::CappedTag<uint8_t, kRowBytes>;
using U16 = hn::Repartition<uint16_t, U8>;
using Words = hn::Vec<U16>;

// 16-bit sums of bytes: of those at even places with 256 times the others added, modulo 2^16, and of the others.
struct Pairs {
	Words all, odd;
};
HWY_INLINE void AddPairs(Pairs &sums, hn::Vec<U8> values) {
	sums.all = hn::Add(sums.all, hn::BitCast(U16(), values));
	sums.odd = hn::Add(sums.odd, hn::ShiftRight<8>(hn::BitCast(U16(), values)));
}

// What the tables say of both nibbles.
HWY_INLINE hn::Vec<U8> LookUp(const uint8_t *codes, const uint8_t *tables) {
	const U8 u8;
	const auto bytes = hn::LoadU(u8, codes), mask = hn::Set(u8, 15);
	const auto high = hn::And(hn::BitCast(u8, hn::ShiftRight<4>(hn::BitCast(U16(), bytes))), mask);
	return hn::Add(hn::TableLookupBytes(hn::LoadU(u8, tables), hn::And(bytes, mask)),
				   hn::TableLookupBytes(hn::LoadU(u8, tables + kTableBytes / 2), high));
}
// Four values fit a byte, so two rows are added before their sums are widened.
static_assert(4 * kLargestValue <= UINT8_MAX);

// The four bytes of an entry lie 16 apart: halves of a vector hold sums of the same entries.
template <class D>
HWY_INLINE hn::Vec<hn::Full128<uint16_t>> Fold(D d, hn::Vec<D> words) {
	if constexpr (hn::MaxLanes(D()) > 8) {
		const hn::Half<D> half;
		return Fold(half, hn::Add(hn::LowerHalf(half, words), hn::UpperHalf(half, words)));
	} else {
		return words;
	}
}

// words[entry] := its sum. Lines `ahead` bytes behind those read are fetched. Where the last quad of code bytes is not
// whole some factors are read with it, and looked up in tables of zeros.
HWY_INLINE void SumBytes(const uint8_t *row, uint32_t bytes, size_t ahead, const uint8_t *tables, uint16_t *words) {
	static_assert(kMostCodeBytes * 2 * kLargestValue <= UINT16_MAX); // nibbles
	static_assert(3 * kBlockEntries <= kRowBytes);                   // so much is read too far, and there
	constexpr size_t kWidth = hn::MaxLanes(U8());
	Pairs pairs = {hn::Zero(U16()), hn::Zero(U16())};
	uint32_t left = bytes;
	for (; left > 4; left -= left < 8 ? left : 8, row += 2 * kRowBytes, tables += 2 * kTableBytes) {
		__builtin_prefetch(row + ahead);
		__builtin_prefetch(row + kRowBytes + ahead);
		for (size_t at = 0; at < kRowBytes; at += kWidth)
			AddPairs(pairs,
					 hn::Add(LookUp(row + at, tables + at), LookUp(row + kRowBytes + at, tables + kTableBytes + at)));
	}
	for (size_t at = 0; at < size_t(left) * kBlockEntries; at += kWidth)
		AddPairs(pairs, LookUp(row + at, tables + at));
	row += size_t(left) * kBlockEntries + ahead;
	__builtin_prefetch(row);
	__builtin_prefetch(row + kRowBytes);
	const hn::Full128<uint16_t> eight;
	const auto even = Fold(U16(), hn::Sub(pairs.all, hn::ShiftLeft<8>(pairs.odd))), odd = Fold(U16(), pairs.odd);
	hn::Store(hn::InterleaveLower(eight, even, odd), eight, words);
	hn::Store(hn::InterleaveUpper(eight, even, odd), eight, words + 8);
}

uint32_t Scan(const uint8_t *blocks, const uint8_t *refs, uint32_t nblocks, uint32_t bytes, uint32_t count,
			  const ScanQuery &query, float cut, Survivor *out) {
	const Pass pass = {query.slope, query.offset, cut, bytes, count, refs};
	const size_t stride = size_t(bytes) * kBlockEntries + kRowBytes;
	uint32_t found = 0;
	for (uint32_t b = 0; b < nblocks; b++, blocks += stride) {
		const size_t ahead = (nblocks - b - 1) * stride > kAhead ? kAhead : 0;
		HWY_ALIGN uint16_t words[kBlockEntries];
		SumBytes(blocks, bytes, ahead, query.tables, words);
		found += Judge(pass, words, blocks, b, out + found);
	}
	return found;
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
