// What the kernel tests share: memory that faults one byte past an array, the tables to test, sizes with every tail.
#pragma once

#include "catch.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "kernel/kernels.hpp"

namespace vecidx_test {

// An array between two pages that may not be touched, flush with either, so that a kernel which reads past an end
// dies in an optimised build too.
template <class T>
class Fenced {
public:
	enum Side { kEnd, kStart };

	explicit Fenced(const std::vector<T> &values, Side side = kEnd) : count(values.size()) {
		const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
		const size_t bytes = values.size() * sizeof(T);
		inside = (bytes + page - 1) / page * page + (bytes == 0 ? page : 0);
		mapped = inside + 2 * page;
		base = static_cast<uint8_t *>(mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		if (base == MAP_FAILED || mprotect(base + page, inside, PROT_READ | PROT_WRITE) != 0)
			abort();
		at = reinterpret_cast<T *>(base + page + (side == kEnd ? inside - bytes : 0));
		if (bytes != 0)
			memcpy(at, values.data(), bytes);
	}
	~Fenced() { munmap(base, mapped); }
	Fenced(const Fenced &) = delete;
	Fenced &operator=(const Fenced &) = delete;

	T *data() { return at; }
	std::vector<T> values() const { return {at, at + count}; }

private:
	uint8_t *base;
	T *at;
	size_t count, inside, mapped;
};

inline std::vector<const vecidx::Kernels *> all_tables() {
	std::vector<const vecidx::Kernels *> tables(16);
	tables.resize(vecidx::kernels_available(tables.data(), tables.size()));
	return tables;
}

// Every tail of every vector length, and dimensions in use.
inline std::vector<uint32_t> dimensions() {
	std::vector<uint32_t> dims;
	for (uint32_t d = 0; d <= 64; d++)
		dims.push_back(d);
	for (const uint32_t d : {100, 127, 129, 384, 784, 1000, 2000, 16000})
		dims.push_back(d);
	return dims;
}

template <class T>
std::vector<T> random_integers(std::mt19937 &random, size_t n, int low, int high) {
	std::uniform_int_distribution<int> pick(low, high);
	std::vector<T> out(n);
	for (auto &v : out)
		v = static_cast<T>(pick(random));
	return out;
}

inline std::vector<float> random_floats(std::mt19937 &random, size_t n, float scale = 1) {
	std::normal_distribution<float> normal;
	std::vector<float> out(n);
	for (auto &v : out)
		v = scale * normal(random);
	return out;
}

} // namespace vecidx_test
