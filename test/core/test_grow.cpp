// An index that is born empty and grown by inserts: the first training, splits, moves between leaves, new levels.
#include <cmath>
#include <random>
#include <set>

#include "catch.hpp"
#include "page/inner.hpp"
#include "sim/verify.hpp"
#include "tending.hpp"

using namespace vecidx_test;

namespace {

std::vector<Vector> balls(uint32_t n, uint32_t dim, uint32_t centres, uint64_t seed) {
	std::mt19937_64 random(seed);
	std::normal_distribution<float> normal;
	std::vector<Vector> centre(centres, Vector(dim)), rows(n, Vector(dim));
	for (Vector &c : centre)
		for (float &x : c)
			x = 3 * normal(random);
	for (Vector &row : rows) {
		const Vector &c = centre[random() % centres];
		for (uint32_t i = 0; i < dim; i++)
			row[i] = c[i] + normal(random);
	}
	return rows;
}

void require_sound(Living &living, size_t rows) {
	const CheckReport report = check(living.store, living.index);
	for (const Fault &fault : report.faults)
		UNSCOPED_INFO("block " << fault.block << ": " << fault.why);
	REQUIRE(report.faults.empty());
	REQUIRE(report.end == VX_DONE);
	REQUIRE(std::set<uint64_t>(report.rows.begin(), report.rows.end()).size() == rows);
	REQUIRE(report.rows.size() == rows);
}

} // namespace

TEST_CASE("an index born empty grows by inserts", "[grow]") {
	const uint32_t dim = GENERATE(3, 24, 100);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const std::vector<Vector> rows = balls(12000, dim, 30, dim);
	Living living(dim, {metric});
	for (uint64_t i = 0; i < rows.size(); i++) {
		living.insert(i, rows[i]);
		if (i % 3000 == 2999)
			require_sound(living, i + 1);
	}
	CHECK(living.store.meta().levels > 0);
	// no leaf is much longer than a page, and none is thin on average
	const double per_leaf = static_cast<double>(rows.size()) / living.store.meta().leaves;
	CHECK(per_leaf < vx_leaf_capacity(dim, living.store.meta().scan_bits));
	CHECK(per_leaf > vx_leaf_capacity(dim, living.store.meta().scan_bits) / 3.0);
	const vx_query query{rows[17].data(), 1, 10, VX_BY_ROWS};
	const ScanResult all = scan(living.store, living.index, query);
	std::set<uint64_t> seen;
	for (const Hit &hit : all.hits)
		seen.insert(hit.number);
	CHECK(all.hits.size() == rows.size());
	CHECK(seen.size() == rows.size());
}

namespace {

// Lanes of the page whose leaf got another centroid in place and had forgotten entries; these the page must forget.
size_t recentred(const Store &before, const Store &after, uint32_t page, uint32_t dim) {
	const void *then = before.pages[page].data(), *now = after.pages[page].data();
	if (!vx_page_is(then, VX_KIND_INNER) || !vx_page_is(now, VX_KIND_INNER))
		return 0;
	size_t found = 0;
	const uint32_t blocks = vecidx::page_header<vx_inner_header>(then).blocks;
	for (uint32_t i = 0; i < blocks * VX_LANES; i++) {
		const uint32_t row = i / VX_LANES * vx_inner_block_rows(dim), lane = i % VX_LANES;
		const vecidx::Child old = child_of(vecidx::block_at(then, page, row), lane);
		const vecidx::Child child = child_of(vecidx::block_at(now, page, row), lane);
		if (old.block == VX_NO_BLOCK || old.node != child.node || old.norm == child.norm)
			continue;
		const uint64_t forgot = vecidx::page_header<vx_leaf_header>(before.pages[old.block].data()).forgot;
		REQUIRE(vecidx::page_header<vx_inner_header>(now).forgot >= forgot);
		found += forgot > 0;
	}
	return found;
}

} // namespace

// A leaf whose centroid is replaced gets a ball without the entries that are forgotten: a scan from before that, as a
// standby may have, must be told on the page that has the ball.
TEST_CASE("an inner page forgets what its recentred leaves forgot", "[grow]") {
	const uint32_t dim = 24;
	const std::vector<Vector> rows = balls(8000, dim, 30, 5);
	BuildOptions options;
	options.leaf_size = 40; // many splits
	Living living(dim, options);
	Store before = living.store;
	size_t found = 0;
	for (uint64_t i = 0, chores = 0; i < rows.size(); i++) {
		living.insert(i, rows[i]);
		if (living.chores == chores)
			continue;
		chores = living.chores;
		for (uint32_t page = 0; page < before.nblocks(); page++)
			found += recentred(before, living.store, page, dim);
		before = living.store;
	}
	CHECK(found > 10);
}

namespace {

// A page that was written to extend an inner node which lives, and that it does not lead to.
bool has_unlinked(const Store &store) {
	const vecidx_sim::Survey tree = vecidx_sim::survey(store);
	for (uint32_t block = 1; block < store.nblocks(); block++) {
		const void *page = store.pages[block].data();
		if (vx_page_is(page, VX_KIND_INNER) && tree.nodes.count(vecidx::page_special(page).node) > 0 &&
			tree.inner_pages.count(block) == 0)
			return true;
	}
	return false;
}

} // namespace

// A crash between two records: the first wrote pages for more lanes, the second was to link them.
TEST_CASE("VACUUM frees pages that an inner node was to be extended by", "[grow]") {
	const uint32_t dim = 600; // 16 lanes on two pages
	const std::vector<Vector> rows = balls(4000, dim, 30, 9);
	BuildOptions options;
	options.leaf_size = 10;
	options.leaves = 100;
	Living living(dim, options, std::vector<Vector>(rows.begin(), rows.begin() + 1000));
	uint32_t crashes = 0;
	for (uint64_t i = 1000; i < rows.size() && crashes < 3; i++) {
		const vx_chore chore = living.add(i, rows[i]);
		if (chore.kind == VX_CHORE_NONE)
			continue;
		{
			Tending tending(living.store, living.free, living.memory, living.index, chore, living.clock);
			bool crash = false;
			for (vx_step step = VX_YIELD; !ends(step) && !crash;) {
				step = tending.step();
				crash = step == VX_WRITE && living.store.meta().levels > 0 && has_unlinked(living.store);
			}
			crashes += crash;
		}
		living.index = living.store.open();
		if (!has_unlinked(living.store))
			continue;
		living.vacuum();
		CHECK(!has_unlinked(living.store));
		require_sound(living, i + 1);
	}
	CHECK(crashes == 3);
}
