// Conditions of a scan against brute force: exactly the rows within all balls, each once, at every recall, with an
// order and without, for every metric, dimension and kind of data; and with little work where few rows are within.
#include "catch.hpp"

#include <random>
#include <set>

#include "executor.hpp"
#include "growth.hpp"
#include "made_rows.hpp"

using namespace vecidx_test;

namespace {

using Balls = std::vector<vx_ball>;

bool within_all(vx_metric metric, const Vector &row, const Balls &balls) {
	return std::all_of(balls.begin(), balls.end(), [&](const vx_ball &b) { return lies_within(metric, row, b); });
}

struct World {
	World(uint32_t dimensions, vx_metric m, std::vector<Vector> all, uint32_t leaves)
		: dim(dimensions), metric(m), rows(std::move(all)) {
		BuildOptions options;
		options.metric = metric;
		options.leaves = leaves;
		store = build(dim, rows, options);
		ix = store.open();
	}
	uint32_t dim;
	vx_metric metric;
	std::vector<Vector> rows;
	Store store;
	Index ix;

	std::set<uint64_t> expected(const Balls &balls) const {
		std::set<uint64_t> numbers;
		for (uint64_t i = 0; i < rows.size(); i++)
			if (within_all(metric, rows[i], balls))
				numbers.insert(i);
		return numbers;
	}
	// A radius below all results, at some of them, between two, above all.
	std::vector<double> radii(const Vector &center) const {
		std::vector<double> values;
		for (const Vector &row : rows) {
			const SortKey key = key_of(metric, row, center);
			if (key.late == 0)
				values.push_back(key.value);
		}
		std::sort(values.begin(), values.end());
		if (values.empty())
			return {0, INFINITY};
		const size_t n = values.size();
		return {std::nextafter(values[0], -INFINITY), values[0],     values[n / 100],
				(values[n / 3] + values[n / 2]) / 2,  values[n - 1], INFINITY};
	}
};

// Without an order: rows that need no check satisfy the conditions, of the others those that do count.
std::set<uint64_t> found_by(World &w, const Balls &balls, double recall, vx_scan_stats *stats = nullptr) {
	const ScanResult result = scan(w.store, w.ix, {nullptr, recall, 0, VX_BY_ROWS}, SIZE_MAX, {}, balls);
	REQUIRE(result.why == "");
	REQUIRE(result.end == VX_DONE);
	std::set<uint64_t> numbers, met;
	for (const Hit &hit : result.hits) {
		REQUIRE(hit.order == VX_ORDER_ANY);
		REQUIRE(met.insert(hit.number).second);
		REQUIRE(!w.rows.at(hit.number).empty());
		const bool within = within_all(w.metric, w.rows.at(hit.number), balls);
		REQUIRE((within || hit.check));
		if (within)
			numbers.insert(hit.number);
	}
	if (stats != nullptr)
		*stats = result.stats;
	return numbers;
}

std::vector<SortKey> sorted_keys(const World &w, const std::set<uint64_t> &numbers, const Vector &q) {
	std::vector<SortKey> keys;
	for (const uint64_t i : numbers)
		keys.push_back(key_of(w.metric, w.rows[i], q));
	std::sort(keys.begin(), keys.end());
	return keys;
}

void require_ordered(World &w, Executor &executor, const Balls &balls, const Vector &q, size_t limit) {
	const std::set<uint64_t> expected = w.expected(balls);
	const size_t wanted = std::min(limit, expected.size());
	for (const double recall : {1.0, 0.9, 0.5}) {
		CAPTURE(recall, limit);
		const Execution got = executor.run(q, recall, limit, limit % 2 == 0, balls);
		REQUIRE(got.end == VX_DONE);
		std::set<uint64_t> numbers;
		for (const Output &row : got.rows)
			numbers.insert(row.number);
		REQUIRE(numbers.size() == got.rows.size());
		REQUIRE(numbers.size() == wanted);
		if (limit == SIZE_MAX)
			REQUIRE(numbers == expected);
		if (recall < 1)
			continue;
		const std::vector<SortKey> truth = sorted_keys(w, expected, q);
		for (size_t i = 0; i < wanted; i++)
			REQUIRE(got.rows[i].key == truth[i]);
	}
}

struct Sample {
	vx_metric metric;
	uint32_t dim;
	size_t rows;
	int distribution;
	uint32_t leaves;
};

void compare(const Sample &c, std::mt19937_64 &random) {
	CAPTURE(c.metric, c.dim, c.rows, c.distribution, c.leaves);
	World w(c.dim, c.metric, make_rows(random, c.rows, c.dim, c.distribution), c.leaves);
	Executor executor(w.store, w.ix, w.rows);
	const Vector center = make_query(random, w.rows, c.dim), other = make_query(random, w.rows, c.dim);
	const std::vector<double> radii = w.radii(center), others = w.radii(other);
	for (size_t i = 0; i < radii.size(); i++) {
		CAPTURE(i, radii[i]);
		const Balls one = {{center.data(), radii[i]}};
		const Balls two = {{center.data(), radii[i]}, {other.data(), others[i % others.size()]}};
		for (const double recall : {1.0, 0.5}) {
			REQUIRE(found_by(w, one, recall) == w.expected(one));
			REQUIRE(found_by(w, two, recall) == w.expected(two));
		}
		require_ordered(w, executor, one, center, SIZE_MAX);
		require_ordered(w, executor, one, other, i % 2 == 0 ? 10 : 7);
		require_ordered(w, executor, two, center, i % 2 == 0 ? 3 : SIZE_MAX);
	}
}

} // namespace

TEST_CASE("a scan with conditions returns the rows that satisfy them", "[conditions]") {
	std::mt19937_64 random(21);
	for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP})
		for (const uint32_t dim : {1U, 2U, 3U, 8U, 17U, 128U})
			for (int distribution = 0; distribution < kDistributions; distribution++)
				for (const size_t n : {size_t(0), size_t(1), size_t(400)})
					for (const uint32_t leaves : {0U, 1U, 9U})
						if (leaves <= n)
							compare({metric, dim, n, distribution, leaves}, random);
}

TEST_CASE("the same in many dimensions and on several levels", "[conditions]") {
	std::mt19937_64 random(22);
	for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP}) {
		compare({metric, 1536, 200, kClustered, 5}, random);
		compare({metric, 2000, 100, kMixed, 3}, random);
		compare({metric, 9000, 40, kClustered, 3}, random); // codes of two pages, blocks of several
		compare({metric, 4, 6000, kGaussian, 1800}, random);
		compare({metric, 16, 6000, kClustered, 60}, random);
	}
}

TEST_CASE("centers and radii that nothing is proved of, or that no row is within", "[conditions]") {
	std::mt19937_64 random(23);
	for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP})
		for (const uint32_t leaves : {0U, 9U}) {
			World w(16, metric, make_rows(random, 600, 16, kMixed), leaves);
			Executor executor(w.store, w.ix, w.rows);
			const Vector q(16, 0.5F);
			for (const float scale : {0.0F, 3e38F, 1e20F, 1e-25F, -1.0F}) {
				Vector center(16, 0.0F);
				center[3] = scale;
				for (const double radius :
					 {-1e30, -1.0, 0.0, 1.0, 1e20, double(INFINITY), -double(INFINITY), double(NAN)}) {
					CAPTURE(metric, leaves, scale, radius);
					const Balls balls = {{center.data(), radius}};
					vx_scan_stats stats{};
					REQUIRE(found_by(w, balls, 0.95, &stats) == w.expected(balls));
					if (std::isnan(radius) || (metric == VX_COSINE && scale == 0))
						REQUIRE(stats.pages == 0);
					require_ordered(w, executor, balls, q, SIZE_MAX);
					require_ordered(w, executor, balls, q, 10);
				}
			}
		}
}

TEST_CASE("conditions leave out what lies beyond them", "[conditions]") {
	std::mt19937_64 random(24);
	for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP}) {
		World w(24, metric, make_rows(random, 12000, 24, kClustered), 200);
		Executor executor(w.store, w.ix, w.rows);
		const Vector center = w.rows[100];
		const Balls balls = {{center.data(), w.radii(center)[2]}};
		const size_t expected = w.expected(balls).size();
		CAPTURE(metric, expected);
		vx_scan_stats stats{};
		CHECK(found_by(w, balls, 0.95, &stats).size() == expected);
		CHECK(stats.leaves <= 60); // those of one cluster of eight, and a few
		CHECK(stats.entries <= 3500);
		// in order, read to its end: it ends at the radius
		const Execution ordered = executor.run(center, 1, SIZE_MAX, true, balls);
		CHECK(ordered.rows.size() == expected);
		CHECK(ordered.stats.leaves <= 60);
	}
}

TEST_CASE("few rows have to be checked where codes tell them apart", "[conditions]") {
	std::mt19937_64 random(28);
	for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP}) {
		World w(24, metric, make_rows(random, 12000, 24, kManifold), 200);
		const Vector center = w.rows[100];
		const Balls balls = {{center.data(), w.radii(center)[2]}};
		const ScanResult result = scan(w.store, w.ix, {nullptr, 0.95, 0, VX_BY_ROWS}, SIZE_MAX, {}, balls);
		size_t unknown = 0;
		for (const Hit &hit : result.hits)
			unknown += hit.check;
		CAPTURE(metric, result.hits.size());
		CHECK(unknown <= 40);
		CHECK(result.hits.size() <= w.expected(balls).size() + 20);
	}
}

TEST_CASE("rows come while leaves are read, and are not collected first", "[conditions]") {
	std::mt19937_64 random(25);
	World w(8, VX_L2, make_rows(random, 12000, 8, kGaussian), 100);
	const Vector center(8, 0.0F);
	const Balls balls = {{center.data(), 1000}};
	Scanning scanning(w.store, w.ix, {nullptr, 0.95, 0, VX_BY_ROWS}, balls);
	while (scanning.result.hits.size() < 1000)
		REQUIRE(scanning.step());
	scanning.count();
	CHECK(scanning.result.stats.refined < 2500);
}

TEST_CASE("conditions hold for rows that moved, were inserted or removed", "[conditions]") {
	std::mt19937_64 random(26);
	for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP}) {
		CAPTURE(metric);
		World w(10, metric, make_rows(random, 2400, 10, kGaussian), 16);
		Growth growth(w.store);
		const std::vector<LaneAt> leaves = growth.lanes(1);
		for (uint32_t l = 0; l < 4; l++) {
			const uint32_t page = growth.child(leaves[l]).block, n = growth.leaf_header(page).chain.count;
			for (uint32_t slot = 0; slot < std::min(n, 20U); slot++)
				growth.move_entry(w.ix, page, slot, leaves[5 + l]);
			growth.leaf_header(page).moved = ++growth.meta().clock;
		}
		for (const Vector &row : make_rows(random, 300, 10, kMixed)) {
			REQUIRE(insert(w.store, w.ix, w.rows.size(), row) == VX_DONE);
			w.rows.push_back(row);
		}
		remove_rows(w.store, [](uint64_t i) { return i % 5 == 0; });
		for (uint64_t i = 0; i < w.rows.size(); i += 5)
			w.rows[i].clear(); // a NULL is not expected either
		Executor executor(w.store, w.ix, w.rows);
		for (int round = 0; round < 10; round++) {
			const Vector center = make_query(random, {}, 10);
			for (const double radius : w.radii(center)) {
				CAPTURE(radius);
				const Balls balls = {{center.data(), radius}};
				REQUIRE(found_by(w, balls, 0.95) == w.expected(balls));
				require_ordered(w, executor, balls, center, SIZE_MAX);
			}
		}
	}
}

TEST_CASE("a scan that is started again has other conditions, or none", "[conditions]") {
	std::mt19937_64 random(27);
	World w(6, VX_L2, make_rows(random, 3000, 6, kClustered), 20);
	Executor executor(w.store, w.ix, w.rows);
	const Vector center = w.rows[7];
	for (const uint32_t n : {1U, 5U, 0U, 2U, 0U}) {
		Balls balls;
		for (uint32_t i = 0; i < n; i++)
			balls.push_back({center.data(), w.radii(center)[2] + i});
		CHECK(executor.run(center, 0.95, SIZE_MAX, true, balls).rows.size() ==
			  (n > 0 ? w.expected(balls).size() : 3000));
	}
}
