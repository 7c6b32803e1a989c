// Speed of the inner loops, alone, for every SIMD target this machine has: nanoseconds and bytes a second.
//
//   bench_kernels [DIM ...]     (default 100 384 784)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "kernel/kernels.hpp"
#include "vecidx/format.h"

using namespace vecidx;

namespace {

// Median time of one call, of several runs that take some milliseconds each.
double nanoseconds(const std::function<void()> &call) {
	using Clock = std::chrono::steady_clock;
	size_t calls = 1;
	double best[7];
	for (auto &time : best)
		for (;;) {
			const auto start = Clock::now();
			for (size_t i = 0; i < calls; i++)
				call();
			const double elapsed = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
			if (elapsed < 5e6) {
				calls *= 2;
				continue;
			}
			time = elapsed / static_cast<double>(calls);
			break;
		}
	std::sort(std::begin(best), std::end(best));
	return best[3];
}

void line(const char *target, uint32_t dim, const char *kernel, double ns, double units, const char *unit,
		  double bytes) {
	printf("%-11s %5u  %-22s %9.2f ns a call  %8.3f ns a %-9s %7.1f GB/s\n", target, dim, kernel, ns, ns / units, unit,
		   bytes / ns);
}

template <class T>
std::vector<T> random_bytes(std::mt19937 &random, size_t n) {
	std::vector<T> out(n);
	for (auto &v : out)
		v = static_cast<T>(static_cast<int>(random() % 255) - 127);
	return out;
}

void measure_scan(const Kernels &k, uint32_t dim, uint32_t bits, std::mt19937 &random) {
	const uint32_t rows = vx_scan_rows(dim, bits), blocks = vx_leaf_blocks_per_page(dim, bits);
	const size_t page = size_t(blocks) * vx_leaf_block_bytes(dim, bits);
	constexpr size_t kPages = 32; // together as large as a second-level cache
	const auto pages = random_bytes<uint8_t>(random, page * kPages);
	const auto query = random_bytes<int8_t>(random, size_t(rows) * 32 / bits + 64);
	std::vector<Survivor> out(size_t(blocks) * VX_LANES);
	size_t at = 0;
	const ScanQuery q{query.data(), 1, 0};
	const double ns = nanoseconds([&] {
		k.scan[bits / 2](&pages[page * (at++ % kPages)], blocks, rows, blocks * VX_LANES, q, -INFINITY, out.data());
	});
	char name[32];
	snprintf(name, sizeof(name), "scan, %u bits", bits);
	line(k.name, dim, name, ns, blocks * VX_LANES, "entry", static_cast<double>(page));
}

void measure(const Kernels &k, uint32_t dim, std::mt19937 &random) {
	for (const uint32_t bits : {1U, 2U, 4U})
		measure_scan(k, dim, bits, random);
	constexpr uint32_t kCentroids = 1600;
	const uint32_t quads = vx_quads(dim);
	const auto blocks = random_bytes<uint8_t>(random, size_t(kCentroids) / 16 * quads * 64);
	const auto codes = random_bytes<int8_t>(random, size_t(quads) * 16);
	std::vector<float> a(dim), b(dim), norm(kCentroids, 1), scale(kCentroids, 1);
	for (uint32_t i = 0; i < dim; i++) {
		a[i] = static_cast<float>(random() % 1000);
		b[i] = static_cast<float>(random() % 1000);
	}
	const auto bytes = static_cast<double>(blocks.size());
	int32_t acc[16] = {};
	line(k.name, dim, "centroids, 1,600", nanoseconds([&] {
			 for (uint32_t i = 0; i < kCentroids / 16; i++)
				 k.centroid_rows(&blocks[size_t(i) * quads * 64], codes.data(), quads, acc);
		 }),
		 kCentroids, "centroid", bytes);
	const int8_t *rows[4] = {codes.data(), &codes[quads * 4], &codes[quads * 8], &codes[quads * 12]};
	const float xscale[4] = {1, 1, 1, 1};
	const int32_t xsum[4] = {};
	uint32_t best[4];
	float cost[4];
	line(k.name, dim, "assign, 4 to 1,600", nanoseconds([&] {
			 k.assign4(rows, xscale, xsum, nullptr, blocks.data(), norm.data(), scale.data(), nullptr, kCentroids / 16,
					   quads, best, cost);
		 }),
		 4, "row", bytes);
	volatile float sink = 0;
	line(k.name, dim, "l2", nanoseconds([&] { sink = k.l2_squared(a.data(), b.data(), dim); }), 1, "pair", dim * 8.0);
	line(k.name, dim, "refine l2", nanoseconds([&] { sink = k.refine_l2_squared(a.data(), codes.data(), 0.1F, dim); }),
		 1, "entry", dim * 5.0);
	float terms[3];
	line(k.name, dim, "cosine", nanoseconds([&] { k.cosine_terms(a.data(), b.data(), dim, terms); }), 1, "pair",
		 dim * 8.0);
	std::vector<double> x(4096, 1.0);
	uint32_t size = 1;
	while (size * 2 <= dim)
		size *= 2;
	line(k.name, dim, "hadamard", nanoseconds([&] {
			 k.hadamard(x.data(), size);
			 x[0] = 1; // keep the numbers finite
			 std::fill(x.begin(), x.begin() + size, 1.0);
		 }),
		 1, "vector", size * 8.0);
}

} // namespace

int main(int argc, char **argv) {
	std::vector<uint32_t> dims;
	for (int i = 1; i < argc; i++)
		dims.push_back(static_cast<uint32_t>(strtoul(argv[i], nullptr, 10)));
	if (dims.empty())
		dims = {100, 384, 784};
	const Kernels *tables[8];
	const size_t n = kernels_available(tables, 8);
	std::mt19937 random(1);
	for (size_t i = 0; i < n; i++)
		for (const uint32_t dim : dims)
			measure(*tables[i], dim, random);
	return 0;
}
