// Reproducible randomness for training, and an order of rows that is spread evenly over the sample.
#pragma once

#include <cstdint>
#include <numeric>

namespace vecidx {

// splitmix64 (Steele, Lea, Flood 2014)
class Random {
public:
	explicit Random(uint64_t seed) : state_(seed) {}
	uint64_t next() {
		uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
		z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
		return z ^ (z >> 31);
	}
	// below n, n > 0; the bias of 2^-32 does no harm here
	uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }

private:
	uint64_t state_;
};

// A permutation of 0 .. n - 1 in golden-ratio strides: any prefix of it covers the range evenly, sorted input included.
class Scatter {
public:
	Scatter() = default;
	Scatter(uint32_t n, Random &random) : n_(n), stride_(static_cast<uint64_t>(n * 0.6180339887498949) + 1) {
		while (std::gcd(stride_, n_) != 1)
			stride_++;
		start_ = random.below(n);
	}
	uint32_t operator[](uint32_t i) const { return static_cast<uint32_t>((start_ + i * stride_) % n_); }

private:
	uint64_t n_ = 1, stride_ = 1, start_ = 0;
};

} // namespace vecidx
