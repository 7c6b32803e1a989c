// IEEE binary16 conversions, over all 65,536 values and every boundary between two of them.
#include "catch.hpp"

#include <bit>
#include <cmath>
#include <random>

#include "kernel/kernels.hpp"

using vecidx::float_from_half;
using vecidx::half_from_float;

namespace {

// By the definition of the format.
double value_of(uint16_t half) {
	const int exponent = half >> 10 & 31, fraction = half & 1023;
	const double magnitude = exponent == 31  ? (fraction != 0 ? NAN : INFINITY)
							 : exponent == 0 ? std::ldexp(fraction, -24)
											 : std::ldexp(1024 + fraction, exponent - 25);
	return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

float next(float x, float towards) {
	return std::nextafter(x, towards);
}

} // namespace

TEST_CASE("every float16 has the value that its format says and comes back", "[half]") {
	bool right = true, back = true;
	for (uint32_t i = 0; i < 65536; i++) {
		const auto half = static_cast<uint16_t>(i);
		const double value = value_of(half);
		const float got = float_from_half(half);
		if (std::isnan(value)) {
			right = right && std::isnan(got);
			back = back && std::isnan(value_of(half_from_float(got)));
		} else {
			right = right && got == value && std::signbit(got) == std::signbit(value);
			back = back && half_from_float(got) == half;
		}
	}
	CHECK(right);
	CHECK(back);
}

TEST_CASE("rounding is to the nearest float16, ties to even", "[half]") {
	uint32_t wrong = 0;
	for (uint16_t low = 0; low < 0x7C00; low++) {
		const auto high = static_cast<uint16_t>(low + 1);
		// beyond the largest finite value the next step would be 65536
		const double above = high == 0x7C00 ? 65536 : value_of(high);
		const auto middle = static_cast<float>((value_of(low) + above) / 2); // exact in float
		const uint16_t even = (low & 1) == 0 ? low : high;
		wrong += half_from_float(middle) != even;
		wrong += half_from_float(next(middle, 0)) != low;
		wrong += half_from_float(next(middle, INFINITY)) != high;
		wrong += half_from_float(-middle) != (even | 0x8000);
	}
	CHECK(wrong == 0);
}

TEST_CASE("float16 of extremes", "[half]") {
	CHECK(half_from_float(0.0F) == 0);
	CHECK(half_from_float(-0.0F) == 0x8000);
	CHECK(half_from_float(INFINITY) == 0x7C00);
	CHECK(half_from_float(-INFINITY) == 0xFC00);
	CHECK(half_from_float(3e38F) == 0x7C00);
	CHECK(half_from_float(65519.99F) == 0x7BFF);
	CHECK(half_from_float(65520.0F) == 0x7C00);
	CHECK(half_from_float(0x1p-25F) == 0);
	CHECK(half_from_float(next(0x1p-25F, 1)) == 1);
	CHECK(half_from_float(1e-45F) == 0);
	CHECK(std::isnan(float_from_half(half_from_float(NAN))));
	CHECK(std::isnan(float_from_half(half_from_float(std::bit_cast<float>(0x7F800001U)))));
}
