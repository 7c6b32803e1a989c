// IEEE binary16 in plain integer arithmetic, exact on every machine.
#include "kernel/kernels.hpp"

namespace vecidx {

uint16_t half_from_float(float x) {
	const auto bits = __builtin_bit_cast(uint32_t, x);
	const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
	const uint32_t magnitude = bits & 0x7FFFFFFF;
	if (magnitude > 0x7F800000)
		return sign | 0x7E00; // NaN
	if (magnitude >= 0x47800000)
		return sign | 0x7C00; // 65536 and more
	if (magnitude < 0x33000000)
		return sign; // below half the smallest denormal
	const uint32_t exponent = magnitude >> 23;
	uint32_t significand = (magnitude & 0x7FFFFF) | 0x800000, result, shift;
	if (exponent < 113) { // becomes a denormal
		shift = 126 - exponent;
		result = significand >> shift;
	} else {
		shift = 13;
		result = ((exponent - 112) << 10) + ((significand & 0x7FFFFF) >> shift);
	}
	const uint32_t rest = significand & ((1U << shift) - 1), middle = 1U << (shift - 1);
	if (rest > middle || (rest == middle && (result & 1) != 0))
		result++; // may carry into the exponent, up to infinity
	return static_cast<uint16_t>(sign | result);
}

float float_from_half(uint16_t h) {
	const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3FF;
	if (exponent == 31)
		return __builtin_bit_cast(float, sign | 0x7F800000 | fraction << 13);
	if (exponent != 0)
		return __builtin_bit_cast(float, sign | (exponent + 112) << 23 | fraction << 13);
	const float value = static_cast<float>(fraction) * 0x1p-24F;
	return sign != 0 ? -value : value;
}

} // namespace vecidx
