// Distances of a float query to an 8-bit refine code for one SIMD target.
#if defined(VECIDX_REFINE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_REFINE_INL_HPP
#undef VECIDX_REFINE_INL_HPP
#else
#define VECIDX_REFINE_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

float RefineL2Squared(const float *q, const int8_t *code, float scale, uint32_t d) {
	const Vec factor = hn::Set(F32(), scale);
	return Accumulate(
		q, d, [code](size_t i) HWY_ATTR { return LoadCodes(code + i); },
		[code](size_t i, size_t n) HWY_ATTR { return LoadCodesTail(code + i, n); },
		[factor](Vec x, Vec c, Vec sum) HWY_ATTR {
			const Vec diff = hn::NegMulAdd(factor, c, x);
			return hn::MulAdd(diff, diff, sum);
		});
}

float RefineDot(const float *q, const int8_t *code, uint32_t d) {
	return Accumulate(
		q, d, [code](size_t i) HWY_ATTR { return LoadCodes(code + i); },
		[code](size_t i, size_t n) HWY_ATTR { return LoadCodesTail(code + i, n); },
		[](Vec x, Vec c, Vec sum) HWY_ATTR { return hn::MulAdd(x, c, sum); });
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
