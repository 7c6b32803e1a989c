// Float kernels for one SIMD target: distances, the refine distances and the Hadamard transform. Included once a target
// by simd.cpp. Four accumulators keep the summation shallow and the multipliers busy; no load reads past an array.
#if defined(VECIDX_DISTANCE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_DISTANCE_INL_HPP
#undef VECIDX_DISTANCE_INL_HPP
#else
#define VECIDX_DISTANCE_INL_HPP
#endif

#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {
#if VECIDX_HAS_TABLE

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using Vec = hn::Vec<F32>;

HWY_INLINE size_t FloatLanes() {
	return hn::Lanes(F32());
}

// The first n < Lanes values, zeros behind them.
HWY_INLINE Vec LoadTail(const float *p, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
	HWY_ALIGN float copy[HWY_LANES(float)] = {};
	memcpy(copy, p, n * sizeof(float));
	return hn::Load(F32(), copy);
#else
	return hn::MaskedLoad(hn::FirstN(F32(), n), F32(), p);
#endif
}

// Codes as floats: all lanes, or the first n.
HWY_INLINE Vec LoadCodes(const int8_t *p) {
	const hn::Rebind<int8_t, F32> bytes;
	const hn::Rebind<int32_t, F32> ints;
	return hn::ConvertTo(F32(), hn::PromoteTo(ints, hn::LoadU(bytes, p)));
}
HWY_INLINE Vec LoadCodesTail(const int8_t *p, size_t n) {
#if HWY_MEM_OPS_MIGHT_FAULT
	int8_t copy[HWY_LANES(float)] = {};
	memcpy(copy, p, n);
	return LoadCodes(copy);
#else
	const hn::Rebind<int8_t, F32> bytes;
	const hn::Rebind<int32_t, F32> ints;
	return hn::ConvertTo(F32(), hn::PromoteTo(ints, hn::MaskedLoad(hn::FirstN(bytes, n), bytes, p)));
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

// Steps 1, 2 and 4 within eight values.
HWY_INLINE void HadamardEight(double *x) {
	const double a0 = x[0] + x[1], a1 = x[0] - x[1], a2 = x[2] + x[3], a3 = x[2] - x[3];
	const double a4 = x[4] + x[5], a5 = x[4] - x[5], a6 = x[6] + x[7], a7 = x[6] - x[7];
	const double b0 = a0 + a2, b1 = a1 + a3, b2 = a0 - a2, b3 = a1 - a3;
	const double b4 = a4 + a6, b5 = a5 + a7, b6 = a4 - a6, b7 = a5 - a7;
	x[0] = b0 + b4;
	x[1] = b1 + b5;
	x[2] = b2 + b6;
	x[3] = b3 + b7;
	x[4] = b0 - b4;
	x[5] = b1 - b5;
	x[6] = b2 - b6;
	x[7] = b3 - b7;
}

void Hadamard(double *x, uint32_t n) {
	if (n < 8) {
		scalar_kernels()->hadamard(x, n);
		return;
	}
	for (uint32_t i = 0; i < n; i += 8)
		HadamardEight(x + i);
	const hn::CappedTag<double, 8> f64;
	const size_t lanes = hn::Lanes(f64);
	for (size_t step = 8; step < n; step *= 2)
		for (size_t start = 0; start < n; start += 2 * step)
			for (size_t i = start; i < start + step; i += lanes) {
				const auto a = hn::LoadU(f64, x + i), b = hn::LoadU(f64, x + i + step);
				hn::StoreU(hn::Add(a, b), f64, x + i);
				hn::StoreU(hn::Sub(a, b), f64, x + i + step);
			}
}

#endif
} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();

#endif
