// The Walsh-Hadamard transform of the rotation for one SIMD target: short steps in registers, long ones two at a time.
#if defined(VECIDX_ROTATION_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_ROTATION_INL_HPP
#undef VECIDX_ROTATION_INL_HPP
#else
#define VECIDX_ROTATION_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

using F64 = hn::ScalableTag<double>;
using Wide = hn::Vec<F64>;

// One step within a vector: the lower of two partners becomes their sum, the upper their difference. Highway has no
// swap for every distance, hence one function a distance.
HWY_INLINE Wide StepOne(Wide x) {
	const Wide partner = hn::Reverse2(F64(), x);
	return hn::OddEven(hn::Sub(partner, x), hn::Add(x, partner));
}

// All steps shorter than a vector.
HWY_INLINE Wide StepsWithin(Wide x) {
	x = StepOne(x);
#if VECIDX_X86_VNNI || VECIDX_X86_AVX2
	const Wide two = hn::SwapAdjacentBlocks(x);
	x = hn::OddEvenBlocks(hn::Sub(two, x), hn::Add(x, two));
#endif
#if VECIDX_X86_VNNI
	const Wide four = hn::ConcatLowerUpper(F64(), x, x);
	x = hn::ConcatUpperLower(F64(), hn::Sub(four, x), hn::Add(x, four));
#endif
	return x;
}

HWY_INLINE void Butterfly(Wide &a, Wide &b) {
	const Wide sum = hn::Add(a, b);
	b = hn::Sub(a, b);
	a = sum;
}

// All steps shorter than eight vectors, in registers.
HWY_INLINE void FirstSteps(double *x) {
	constexpr size_t n = HWY_LANES(double);
	const F64 d;
	Wide v0 = StepsWithin(hn::LoadU(d, x)), v1 = StepsWithin(hn::LoadU(d, x + n));
	Wide v2 = StepsWithin(hn::LoadU(d, x + 2 * n)), v3 = StepsWithin(hn::LoadU(d, x + 3 * n));
	Wide v4 = StepsWithin(hn::LoadU(d, x + 4 * n)), v5 = StepsWithin(hn::LoadU(d, x + 5 * n));
	Wide v6 = StepsWithin(hn::LoadU(d, x + 6 * n)), v7 = StepsWithin(hn::LoadU(d, x + 7 * n));
	Butterfly(v0, v1);
	Butterfly(v2, v3);
	Butterfly(v4, v5);
	Butterfly(v6, v7);
	Butterfly(v0, v2);
	Butterfly(v1, v3);
	Butterfly(v4, v6);
	Butterfly(v5, v7);
	Butterfly(v0, v4);
	Butterfly(v1, v5);
	Butterfly(v2, v6);
	Butterfly(v3, v7);
	hn::StoreU(v0, d, x);
	hn::StoreU(v1, d, x + n);
	hn::StoreU(v2, d, x + 2 * n);
	hn::StoreU(v3, d, x + 3 * n);
	hn::StoreU(v4, d, x + 4 * n);
	hn::StoreU(v5, d, x + 5 * n);
	hn::StoreU(v6, d, x + 6 * n);
	hn::StoreU(v7, d, x + 7 * n);
}

// The steps `step` and 2 * step in one pass over memory.
HWY_INLINE void TwoSteps(double *x, size_t size, size_t step) {
	const F64 d;
	for (size_t start = 0; start < size; start += 4 * step)
		for (double *p = x + start; p < x + start + step; p += hn::Lanes(d)) {
			Wide a = hn::LoadU(d, p), b = hn::LoadU(d, p + step);
			Wide c = hn::LoadU(d, p + 2 * step), e = hn::LoadU(d, p + 3 * step);
			Butterfly(a, b);
			Butterfly(c, e);
			Butterfly(a, c);
			Butterfly(b, e);
			hn::StoreU(a, d, p);
			hn::StoreU(b, d, p + step);
			hn::StoreU(c, d, p + 2 * step);
			hn::StoreU(e, d, p + 3 * step);
		}
}

HWY_INLINE void LastStep(double *x, size_t step) {
	const F64 d;
	for (double *p = x; p < x + step; p += hn::Lanes(d)) {
		Wide a = hn::LoadU(d, p), b = hn::LoadU(d, p + step);
		Butterfly(a, b);
		hn::StoreU(a, d, p);
		hn::StoreU(b, d, p + step);
	}
}

// The additions are the scalar twin's, in another order of places only: the result is the same to the last bit.
void Hadamard(double *x, uint32_t n) {
	constexpr size_t kLanes = HWY_LANES(double);
	if (n < kLanes) {
		scalar_kernels()->hadamard(x, n);
		return;
	}
	size_t step = n < 8 * kLanes ? kLanes : 8 * kLanes;
	for (size_t i = 0; i < n; i += step)
		if (step == kLanes)
			hn::StoreU(StepsWithin(hn::LoadU(F64(), x + i)), F64(), x + i);
		else
			FirstSteps(x + i);
	for (; step * 4 <= n; step *= 4)
		TwoSteps(x, n, step);
	if (step < n)
		LastStep(x, step);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
