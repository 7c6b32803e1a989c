// Distances of float vectors for one SIMD target.
#if defined(VECIDX_DISTANCE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_DISTANCE_INL_HPP
#undef VECIDX_DISTANCE_INL_HPP
#else
#define VECIDX_DISTANCE_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

template <class Term>
HWY_INLINE float AccumulatePair(const float *a, const float *b, uint32_t d, Term term) {
	return Accumulate(
		a, d, [b](size_t i) HWY_ATTR { return hn::LoadU(F32(), b + i); },
		[b](size_t i, size_t n) HWY_ATTR { return LoadTail(b + i, n); }, term);
}

float L2Squared(const float *a, const float *b, uint32_t d) {
	return AccumulatePair(a, b, d, [](Vec x, Vec y, Vec sum) HWY_ATTR {
		const Vec diff = hn::Sub(x, y);
		return hn::MulAdd(diff, diff, sum);
	});
}

float InnerProduct(const float *a, const float *b, uint32_t d) {
	return AccumulatePair(a, b, d, [](Vec x, Vec y, Vec sum) HWY_ATTR { return hn::MulAdd(x, y, sum); });
}

float L1(const float *a, const float *b, uint32_t d) {
	return AccumulatePair(a, b, d, [](Vec x, Vec y, Vec sum) HWY_ATTR { return hn::Add(sum, hn::Abs(hn::Sub(x, y))); });
}

float Linf(const float *a, const float *b, uint32_t d) {
	const size_t n = FloatLanes();
	Vec largest = hn::Zero(F32());
	size_t i = 0;
	for (; i + n <= d; i += n)
		largest = hn::Max(largest, hn::Abs(hn::Sub(hn::LoadU(F32(), a + i), hn::LoadU(F32(), b + i))));
	if (i < d)
		largest = hn::Max(largest, hn::Abs(hn::Sub(LoadTail(a + i, d - i), LoadTail(b + i, d - i))));
	return hn::GetLane(hn::MaxOfLanes(F32(), largest));
}

void CosineTerms(const float *a, const float *b, uint32_t d, float out[3]) {
	const size_t n = FloatLanes();
	const Vec zero = hn::Zero(F32());
	Vec p0 = zero, p1 = zero, x0 = zero, x1 = zero, y0 = zero, y1 = zero;
	size_t i = 0;
	for (; i + 2 * n <= d; i += 2 * n) {
		const Vec u = hn::LoadU(F32(), a + i), v = hn::LoadU(F32(), b + i);
		const Vec w = hn::LoadU(F32(), a + i + n), z = hn::LoadU(F32(), b + i + n);
		p0 = hn::MulAdd(u, v, p0);
		x0 = hn::MulAdd(u, u, x0);
		y0 = hn::MulAdd(v, v, y0);
		p1 = hn::MulAdd(w, z, p1);
		x1 = hn::MulAdd(w, w, x1);
		y1 = hn::MulAdd(z, z, y1);
	}
	for (; i < d; i += n) {
		const bool whole = i + n <= d;
		const Vec u = whole ? hn::LoadU(F32(), a + i) : LoadTail(a + i, d - i);
		const Vec v = whole ? hn::LoadU(F32(), b + i) : LoadTail(b + i, d - i);
		p0 = hn::MulAdd(u, v, p0);
		x0 = hn::MulAdd(u, u, x0);
		y0 = hn::MulAdd(v, v, y0);
	}
	out[0] = Total(p0, p1, zero, zero);
	out[1] = Total(x0, x1, zero, zero);
	out[2] = Total(y0, y1, zero, zero);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
