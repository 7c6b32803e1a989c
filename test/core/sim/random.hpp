// Random numbers of a schedule: the same seed gives the same schedule everywhere.
#pragma once

#include <cmath>
#include <cstdint>

namespace vecidx_sim {

class Random {
public:
	explicit Random(uint64_t seed) : state_(seed) {}

	// splitmix64 (Steele, Lea, Flood 2014)
	uint64_t next() {
		uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
		z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
		return z ^ (z >> 31);
	}
	uint64_t below(uint64_t n) { return n == 0 ? 0 : next() % n; }
	// first <= result <= last
	uint32_t between(uint32_t first, uint32_t last) { return first + static_cast<uint32_t>(below(last - first + 1U)); }
	double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
	bool chance(double p) { return uniform() < p; }
	float normal() {
		const double u = uniform() + 0x1p-54, v = uniform();
		return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
	}
	template <class T>
	const T &of(const T *list, size_t n) {
		return list[below(n)];
	}
	template <class T, size_t N>
	T of(const T (&list)[N]) {
		return list[below(N)];
	}

private:
	uint64_t state_;
};

} // namespace vecidx_sim
