// Speed of the inner loops, alone, for every SIMD target this machine has: nanoseconds and bytes a second.
//
//   bench_kernels [DIM ...]     (default 100 384 784)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "code/scancode.hpp"
#include "kernel/kernels.hpp"
#include "vecidx/format.h"

using namespace vecidx;

namespace {

// Least time of one call, of many short runs: what others do on the machine only ever adds.
double nanoseconds(const std::function<void()> &call) {
	using Clock = std::chrono::steady_clock;
	constexpr int kRuns = 60;
	double best = INFINITY;
	size_t calls = 1;
	for (int run = 0; run < kRuns;) {
		const auto start = Clock::now();
		for (size_t i = 0; i < calls; i++)
			call();
		const double elapsed = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
		if (elapsed < 2e5) {
			calls *= 2;
			continue;
		}
		best = std::min(best, elapsed / static_cast<double>(calls));
		run++;
	}
	return best;
}

void line(const char *target, uint32_t dim, const char *kernel, double ns, double units, const char *unit,
		  double bytes) {
	printf("%-11s %5u  %-24s %9.2f ns a call  %8.3f ns a %-9s %7.1f GB/s\n", target, dim, kernel, ns, ns / units, unit,
		   bytes / ns);
}

template <class T>
std::vector<T> random_bytes(std::mt19937 &random, size_t n) {
	std::vector<T> out(n);
	for (auto &v : out)
		v = static_cast<T>(static_cast<int>(random() % 255) - 127);
	return out;
}

// Leaf pages of random codes; every estimate is about 0 to 2,000 times the slope.
std::vector<uint8_t> random_pages(std::mt19937 &random, uint32_t dim, uint32_t bits, size_t pages) {
	const uint32_t blocks = vx_leaf_blocks_per_page(dim, bits);
	auto bytes = random_bytes<uint8_t>(random, size_t(blocks) * vx_leaf_block_bytes(dim, bits) * pages);
	for (size_t b = 0; b < blocks * pages; b++)
		for (uint32_t e = 0; e < 32; e++) { // 16 x add, then 16 x mul
			const uint16_t half = half_from_float(e < 16 ? static_cast<float>(random() % 2000) : 1);
			memcpy(&bytes[b * vx_leaf_block_bytes(dim, bits) + size_t(vx_scan_bytes(dim, bits)) * 16 + size_t(e) * 2],
				   &half, 2);
		}
	return bytes;
}

std::vector<uint32_t> random_order(std::mt19937 &random, size_t n) {
	std::vector<uint32_t> order(n);
	std::iota(order.begin(), order.end(), 0);
	std::shuffle(order.begin(), order.end(), random);
	return order;
}

// Pages in such an order with next to nothing done to them, to compare scans with: each word is added up.
void measure_reading(size_t npages, const char *what, std::mt19937 &random) {
	constexpr size_t kWords = VX_PAGE_SIZE / 8;
	const std::vector<uint64_t> words(npages * kWords, 1);
	const auto order = random_order(random, npages);
	size_t at = 0;
	volatile uint64_t sink = 0;
	const double ns = nanoseconds([&] {
		const uint64_t *page = &words[order[at++ % npages] * kWords];
		sink = std::accumulate(page, page + kWords, uint64_t(0));
	});
	line("any", 0, what, ns, 1, "page", VX_PAGE_SIZE);
}

// `cut` lets through no entry (0), a hundredth (about 20) or all.
void measure_scan(const Kernels &k, uint32_t dim, uint32_t bits, size_t npages, float cut, const char *what,
				  std::mt19937 &random) {
	const uint32_t code = vx_scan_bytes(dim, bits), blocks = vx_leaf_blocks_per_page(dim, bits);
	const size_t page = size_t(blocks) * vx_leaf_block_bytes(dim, bits);
	const auto pages = random_pages(random, dim, bits, npages);
	auto query = random_bytes<uint8_t>(random, table_bytes(dim, bits));
	for (uint8_t &value : query)
		value /= 4;
	std::vector<Survivor> out(size_t(blocks) * VX_LANES);
	const std::vector<uint8_t> refs(out.size() * 4);
	const auto order = random_order(random, npages);
	size_t at = 0;
	const ScanQuery q{query.data(), 0, 0};
	const double ns = nanoseconds([&] {
		k.scan(&pages[page * order[at++ % npages]], refs.data(), blocks, code, blocks * VX_LANES, q, cut, out.data());
	});
	char name[40];
	snprintf(name, sizeof(name), "scan, %u bits%s", bits, what);
	line(k.name, dim, name, ns, blocks * VX_LANES, "entry", static_cast<double>(page));
}

constexpr size_t kCached = 32, kFar = 16384; // pages: a second-level cache's worth, 128 MB

void measure(const Kernels &k, uint32_t dim, std::mt19937 &random) {
	for (const uint32_t bits : {1U, 2U, 4U})
		measure_scan(k, dim, bits, kCached, 0, "", random);
	measure_scan(k, dim, 2, kCached, 20, ", 1 % pass", random);
	measure_scan(k, dim, 2, kCached, 1e9F, ", all pass", random);
	measure_scan(k, dim, 2, kFar, 0, ", from RAM", random);
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
	std::vector<int8_t> small(codes);
	for (int8_t &code : small)
		code = static_cast<int8_t>(code * kLargestRough / 127);
	const int8_t *rough[4] = {small.data(), &small[quads * 4], &small[quads * 8], &small[quads * 12]};
	const float xscale[4] = {1, 1, 1, 1};
	const int32_t xsum[4] = {};
	uint32_t best[4];
	float cost[4];
	line(k.name, dim, "assign, 4 to 1,600", nanoseconds([&] {
			 k.assign4(rows, xscale, xsum, nullptr, blocks.data(), norm.data(), scale.data(), nullptr, kCentroids / 16,
					   quads, best, cost);
		 }),
		 4, "row", bytes);
	line(k.name, dim, "assign rough, 4 to 1,600", nanoseconds([&] {
			 k.assign4_rough(rough, xscale, xsum, nullptr, blocks.data(), norm.data(), scale.data(), nullptr,
							 kCentroids / 16, quads, best, cost);
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
	measure_reading(kCached, "pages, read", random);
	measure_reading(kFar, "pages, read from RAM", random);
	for (size_t i = 0; i < n; i++)
		for (const uint32_t dim : dims)
			measure(*tables[i], dim, random);
	return 0;
}
