// Vector types of one SIMD target, loads that stop at the end of an array, conversions, and the loop of all sums over
// dimensions. Included once a target by simd.cpp, as every *-inl.hpp here.
#if defined(VECIDX_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_LANES_INL_HPP
#undef VECIDX_LANES_INL_HPP
#else
#define VECIDX_LANES_INL_HPP
#endif

#include <cstring>

#include "hwy/highway.h"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using I32 = hn::ScalableTag<int32_t>;
using Vec = hn::Vec<F32>;
using IntVec = hn::Vec<I32>;

HWY_INLINE size_t FloatLanes() {
	return hn::Lanes(F32());
}

// The first n bytes of 8, 0 < n < 8, zeros behind them.
HWY_INLINE uint64_t LoadBytes(const int8_t *p, size_t n) {
	if (n >= 4) {
		uint32_t low, high; // they may overlap
		memcpy(&low, p, sizeof(low));
		memcpy(&high, p + n - 4, sizeof(high));
		return low | uint64_t(high) << (8 * (n - 4));
	}
	const auto byte = [p](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(p[i])) << (8 * i); };
	return byte(0) | byte(n / 2) | byte(n - 1);
}

// The first n values, 0 < n < Lanes, zeros behind them.
HWY_INLINE Vec LoadTail(const float *p, size_t n) {
#if VECIDX_X86_VNNI || VECIDX_X86_AVX2
	return hn::MaskedLoad(hn::FirstN(F32(), n), F32(), p); // lanes that are masked out do not fault
#else
	static_assert(HWY_LANES(float) == 4);
	const float copy[4] = {p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
	return hn::LoadU(F32(), copy);
#endif
}

// Codes as floats: all lanes, or the first n.
HWY_INLINE Vec LoadCodes(const int8_t *p) {
	const hn::Rebind<int8_t, F32> bytes;
	return hn::ConvertTo(F32(), hn::PromoteTo(I32(), hn::LoadU(bytes, p)));
}
HWY_INLINE Vec LoadCodesTail(const int8_t *p, size_t n) {
#if VECIDX_X86_VNNI
	const hn::Rebind<int8_t, F32> bytes;
	return hn::ConvertTo(F32(), hn::PromoteTo(I32(), hn::MaskedLoad(hn::FirstN(bytes, n), bytes, p)));
#else
	static_assert(HWY_LANES(float) <= 8);
	const uint64_t copy = LoadBytes(p, n);
	return LoadCodes(reinterpret_cast<const int8_t *>(&copy));
#endif
}

// float16 values as floats.
HWY_INLINE Vec LoadHalves(const uint8_t *p) {
	const hn::Rebind<uint16_t, F32> halves;
	const auto bits = hn::LoadU(halves, reinterpret_cast<const uint16_t *>(p));
#if VECIDX_X86_SSE4
	// No instruction: shift exponent and fraction into place, multiply by 2^112 for the other bias, which is exact for
	// denormals too, and give infinities and NaN the largest exponent.
	const auto wide = hn::PromoteTo(hn::RebindToUnsigned<F32>(), bits);
	const auto magnitude =
		hn::BitCast(I32(), hn::ShiftLeft<13>(hn::And(wide, hn::Set(hn::RebindToUnsigned<F32>(), 0x7FFF))));
	const auto sign =
		hn::BitCast(F32(), hn::ShiftLeft<16>(hn::And(wide, hn::Set(hn::RebindToUnsigned<F32>(), 0x8000))));
	const auto special = hn::VecFromMask(I32(), hn::Gt(magnitude, hn::Set(I32(), 0x0F7FFFFF)));
	const auto exponent = hn::BitCast(F32(), hn::And(special, hn::Set(I32(), 0x7F800000)));
	const auto finite = hn::Mul(hn::BitCast(F32(), magnitude), hn::Set(F32(), 0x1p112F));
	return hn::Or(hn::Or(finite, exponent), sign);
#else
	return hn::PromoteTo(F32(), hn::BitCast(hn::Rebind<hwy::float16_t, F32>(), bits));
#endif
}

HWY_INLINE float Total(Vec a, Vec b, Vec c, Vec d) {
	return hn::GetLane(hn::SumOfLanes(F32(), hn::Add(hn::Add(a, b), hn::Add(c, d))));
}

// sum over i of term(a_i, b_i), where term adds to its accumulator; zero operands must add nothing.
template <class LoadB, class LoadBTail, class Term>
HWY_INLINE float Accumulate(const float *a, uint32_t d, LoadB load, LoadBTail load_tail, Term term) {
	const size_t n = FloatLanes();
	Vec s0 = hn::Zero(F32()), s1 = s0, s2 = s0, s3 = s0;
	size_t i = 0;
	for (; i + 4 * n <= d; i += 4 * n) {
		s0 = term(hn::LoadU(F32(), a + i), load(i), s0);
		s1 = term(hn::LoadU(F32(), a + i + n), load(i + n), s1);
		s2 = term(hn::LoadU(F32(), a + i + 2 * n), load(i + 2 * n), s2);
		s3 = term(hn::LoadU(F32(), a + i + 3 * n), load(i + 3 * n), s3);
	}
	for (; i + n <= d; i += n)
		s0 = term(hn::LoadU(F32(), a + i), load(i), s0);
	if (i < d)
		s1 = term(LoadTail(a + i, d - i), load_tail(i, d - i), s1);
	return Total(s0, s1, s2, s3);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
