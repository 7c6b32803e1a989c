// Is an index sound, with these rows and no others, each once? By a check and by scans.
#pragma once

#include "catch.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "hand_tree.hpp"

namespace vecidx_test {

inline std::vector<Vector> gaussian(std::mt19937_64 &random, size_t n, uint32_t dim, float scale = 1) {
	std::normal_distribution<float> normal(0, scale);
	std::vector<Vector> rows(n, Vector(dim));
	for (auto &row : rows)
		for (auto &x : row)
			x = normal(random);
	return rows;
}

// No fault, and exactly rows 0 .. n - 1, each once.
inline void require_sound(Store &store, const Index &ix, uint64_t n) {
	CheckReport report = check(store, ix);
	for (const Fault &fault : report.faults)
		UNSCOPED_INFO("block " << fault.block << ": " << fault.why);
	REQUIRE(report.faults.empty());
	REQUIRE(report.end == VX_DONE);
	std::sort(report.rows.begin(), report.rows.end());
	REQUIRE(report.rows.size() == n);
	for (uint64_t i = 0; i < n; i++)
		REQUIRE(report.rows[i] == i);
}

inline void require_scanned_once(Store &store, const Index &ix, const Vector &q, double recall, uint64_t n) {
	const vx_query query{q.empty() ? nullptr : q.data(), recall, 10, VX_BY_ROWS};
	const ScanResult result = scan(store, ix, query);
	REQUIRE(result.end == VX_DONE);
	std::set<uint64_t> seen;
	for (const Hit &hit : result.hits)
		seen.insert(hit.number);
	REQUIRE(result.hits.size() == n);
	REQUIRE(seen.size() == n);
}

inline uint32_t count_kind(const Store &store, vx_page_kind kind) {
	return static_cast<uint32_t>(std::count_if(store.pages.begin(), store.pages.end(),
											   [kind](const Page &page) { return vx_page_is(page.data(), kind); }));
}

} // namespace vecidx_test
