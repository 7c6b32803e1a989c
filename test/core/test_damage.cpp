// Scans over damaged indexes: they end, they report damage with a place and a reason, and they never ask the caller for
// anything impossible.
#include "catch.hpp"

#include <random>

#include "hand_tree.hpp"

using namespace vecidx_test;
using vecidx::page_header;

namespace {

std::vector<Vector> gaussian(uint64_t seed, size_t n, uint32_t dim) {
	std::mt19937_64 random(seed);
	std::normal_distribution<float> normal;
	std::vector<Vector> rows(n, Vector(dim));
	for (auto &row : rows)
		for (auto &x : row)
			x = normal(random);
	return rows;
}

uint32_t find(Store &store, vx_page_kind kind) {
	for (uint32_t block = 0; block < store.nblocks(); block++)
		if (vx_page_is(store.page(block), kind))
			return block;
	throw std::logic_error("no such page");
}

// A scan to its end in so many steps that no sound one needs them.
ScanResult bounded_scan(Store &store, const Index &ix, const Vector &q, double recall) {
	const vx_query query{q.data(), recall, 10, VX_BY_ROWS};
	store.reads = 0;
	ScanResult result = scan(store, ix, query, 10000);
	REQUIRE(store.reads < 100000);
	return result;
}

} // namespace

TEST_CASE("a cycle of pages ends a scan with its place and reason", "[damage]") {
	const uint32_t dim = 10;
	Store store = HandTree(dim, gaussian(1, 300, dim), {}).take();
	const Index ix = store.open();
	const auto kind = GENERATE(VX_KIND_LEAF, VX_KIND_LIST);
	const uint32_t block = find(store, kind);
	page_header<vx_chain_header>(store.pages[block].data()).next = block;
	for (const double recall : {0.9, 1.0}) {
		const ScanResult result = bounded_scan(store, ix, Vector(dim, 0.1F), recall);
		CHECK(result.end == VX_CORRUPT);
		CHECK(result.why == "a chain of pages runs in a circle");
	}
}

TEST_CASE("a raw run in a circle ends a scan", "[damage]") {
	const uint32_t dim = 1000;
	BuildOptions options;
	options.leaves = 0;
	Store store = build(dim, gaussian(1, 9, dim), options);
	const Index ix = store.open();
	const uint32_t second = page_header<vx_chain_header>(store.page(store.meta().raw)).next;
	const uint32_t third = page_header<vx_chain_header>(store.page(second)).next;
	page_header<vx_chain_header>(store.pages[third].data()).next = second;
	const ScanResult result = bounded_scan(store, ix, Vector(dim, 0.1F), 0.9);
	CHECK(result.end == VX_CORRUPT);
	CHECK(result.why == "a chain of pages runs in a circle");
}

TEST_CASE("entries whose factors became infinite or NaN do not keep a scan from its end", "[damage]") {
	const uint32_t dim = 10, bits = 2, n = 300;
	const auto half = GENERATE(as<uint16_t>{}, 0x7C00, 0xFC00, 0x7E00);
	Store store = HandTree(dim, gaussian(1, n, dim), {}).take();
	const Index ix = store.open();
	for (Page &page : store.pages)
		if (vx_page_is(page.data(), VX_KIND_LEAF))
			memcpy(page.bytes.data() + vx_leaf_blocks_offset(dim, bits) + size_t(vx_scan_bytes(dim, bits)) * VX_LANES,
				   &half, 2);
	const ScanResult result = bounded_scan(store, ix, Vector(dim, 0.1F), 0.9);
	CHECK(result.end == VX_DONE);
	CHECK(result.hits.size() == n);
}

TEST_CASE("whatever bits flip, a scan ends", "[damage]") {
	const uint32_t dim = 12;
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	HandOptions options;
	options.metric = metric;
	options.leaves = 30;
	const Store good = HandTree(dim, gaussian(2, 200, dim), options).take();
	const Index ix = good.open();
	const Vector q(dim, 0.2F);
	std::mt19937_64 random(metric);
	uint32_t reported = 0;
	for (int round = 0; round < 400; round++) {
		Store store = good;
		for (uint64_t flips = 1 + random() % 4; flips > 0; flips--) {
			Page &page = store.pages[random() % store.nblocks()];
			const uint64_t where = random() % 4;
			const size_t at = where == 0   ? VX_SPECIAL_OFFSET + random() % VX_SPECIAL_SIZE
							  : where == 1 ? VX_HEADER_OFFSET + random() % 40
							  : where == 2 ? VX_BLOCKS_OFFSET + random() % 1000
										   : VX_HEADER_OFFSET + random() % (VX_PAGE_SIZE - VX_HEADER_OFFSET);
			page.bytes[at] ^= static_cast<uint8_t>(1u << random() % 8);
		}
		for (const double recall : {0.9, 1.0})
			reported += bounded_scan(store, ix, q, recall).end == VX_CORRUPT;
	}
	CHECK(reported > 50);
}
