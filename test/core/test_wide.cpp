// Indexes of more dimensions than a page holds of one thing or another: the mean (2,026), raw vectors (2,030), scan
// codes of one bit (3,968), refine codes (8,112). They are trees from the first row on.
#include "catch.hpp"

#include <cmath>
#include <set>

#include "executor.hpp"
#include "growth.hpp"
#include "sound.hpp"
#include "tending.hpp"

using namespace vecidx_test;

namespace {

// Rows in a few balls, most of the variance in the first dimensions and, for half of the balls, in the last ones.
std::vector<Vector> uneven(std::mt19937_64 &random, size_t n, uint32_t dim) {
	std::vector<Vector> centres = gaussian(random, 4, dim, 0.5F), rows = gaussian(random, n, dim);
	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < dim; j++) {
			const uint32_t from = i % 2 == 0 ? j : dim - 1 - j;
			rows[i][j] =
				centres[i % 4][j] + rows[i][j] * std::exp(-4.0F * static_cast<float>(from) / static_cast<float>(dim));
		}
	return rows;
}

// At recall 1 the nearest rows in their order; each row once when a scan is read to its end.
void require_found(Store &store, const Index &ix, const std::vector<Vector> &rows, const Vector &q,
				   const std::set<uint64_t> &gone = {}) {
	std::vector<SortKey> truth;
	for (uint64_t i = 0; i < rows.size(); i++)
		if (gone.count(i) == 0)
			truth.push_back(key_of(static_cast<vx_metric>(ix.meta().metric), rows[i], q));
	std::sort(truth.begin(), truth.end());
	const size_t limit = std::min<size_t>(20, truth.size());
	Executor executor(store, ix, rows);
	const Execution exact = executor.run(q, 1, limit);
	REQUIRE(exact.why.empty());
	REQUIRE(exact.rows.size() == limit);
	for (size_t i = 0; i < limit; i++)
		REQUIRE(exact.rows[i].key == truth[i]);
	std::set<uint64_t> seen;
	const Execution all = executor.run(q, 0.9, SIZE_MAX);
	REQUIRE(all.why.empty());
	for (const Output &row : all.rows)
		REQUIRE((gone.count(row.number) == 0 && seen.insert(row.number).second));
	REQUIRE(seen.size() == truth.size());
}

void require_checked(Store &store, const Index &ix, size_t rows) {
	const CheckReport report = check(store, ix);
	for (const Fault &fault : report.faults)
		UNSCOPED_INFO("block " << fault.block << ": " << fault.why);
	REQUIRE(report.faults.empty());
	REQUIRE(report.rows.size() == rows);
}

double recall(Store &store, const Index &ix, const std::vector<Vector> &rows, const std::vector<Vector> &queries) {
	const auto metric = static_cast<vx_metric>(ix.meta().metric);
	Executor executor(store, ix, rows);
	size_t found = 0, all = 0;
	for (const Vector &q : queries) {
		std::vector<SortKey> truth;
		for (const Vector &row : rows)
			truth.push_back(key_of(metric, row, q));
		std::sort(truth.begin(), truth.end());
		for (const Output &row : executor.run(q, 0.95, 10).rows)
			found += !(truth[9] < row.key);
		all += 10;
	}
	return static_cast<double>(found) / static_cast<double>(all);
}

} // namespace

TEST_CASE("estimates by scan codes of a part of the coordinates have no bias and the deviation that they say",
		  "[wide]") {
	const uint32_t dim = GENERATE(100, 2033, 3968, 4096, 6001, 8191, 12288, 16000);
	const auto metric = GENERATE(VX_L2, VX_IP);
	CAPTURE(dim, metric);
	std::mt19937_64 random(dim + metric);
	Index ix(dim);
	constexpr uint32_t kRows = 60, kQueries = 20;
	const std::vector<Vector> rows = uneven(random, kRows, dim), queries = uneven(random, kQueries, dim);
	std::vector<double> centroid(dim), q(dim);
	const Vector center = gaussian(random, 1, dim, 0.5F)[0];
	std::vector<uint8_t> memory(vx_code_stride(dim)), code(dim);
	auto &entry = *reinterpret_cast<vx_code_entry *>(memory.data());
	double sum = 0, squares = 0, ratio = 0;
	for (uint32_t row = 0; row < kRows; row++) { // each with a rotation of its own
		vx_index_shape(ix.get(), dim, metric, 1, 0, row + 1);
		vecidx::project_row(*ix.get(), center.data(), centroid.data());
		vx_encode(ix, rows[row].data(), &entry);
		vecidx::ScanFactors factors;
		vecidx::scan_encode(metric, dim, 1, entry, centroid.data(), code.data(), factors);
		for (const Vector &query : queries) {
			vecidx::project_query(*ix.get(), query.data(), q.data());
			double levels = 0, base = 0, truth = 0, norm = 0;
			for (uint32_t i = 0; i < dim; i++) {
				const double x = static_cast<double>(entry.scale) * entry.code[i], miss = q[i] - x;
				if (i < vx_scan_dims(dim, 1))
					levels += (2 * code[i] - 1) * q[i];
				base += metric == VX_IP ? -q[i] * centroid[i] : (q[i] - centroid[i]) * (q[i] - centroid[i]);
				truth += metric == VX_IP ? -q[i] * x : miss * miss;
				norm += q[i] * q[i];
			}
			const double error = (base + factors.add + factors.mul * levels - truth) /
								 (factors.error * std::sqrt(metric == VX_IP ? norm : base));
			sum += error;
			squares += error * error;
			ratio += factors.error / std::sqrt(factors.residual_squared) / (kRows * kQueries);
		}
	}
	const double n = kRows * kQueries, mean = sum / n, deviation = std::sqrt(squares / n);
	INFO("mean " << mean << ", deviation " << deviation);
	CHECK(std::fabs(mean) < 0.3); // errors of one row are alike
	CHECK(deviation > 0.75);
	CHECK(deviation < 1.2);
	// one bit: pi / 2 is the reciprocal of the squared cosine between a vector and its signs
	const double share = static_cast<double>(vx_scan_dims(dim, 1)) / dim;
	const double expected = std::sqrt((3.14159265 / 2 / share - 1) / dim) * (metric == VX_IP ? 1 : 2);
	CHECK(ratio == Approx(expected).epsilon(0.05));
}

TEST_CASE("a residual outside the covered coordinates leaves the decision to the refine code", "[wide]") {
	const uint32_t dim = 4096;
	std::vector<uint8_t> memory(vx_code_stride(dim)), code(dim);
	auto &entry = *reinterpret_cast<vx_code_entry *>(memory.data());
	entry.scale = 1;
	entry.code[4000] = 100;
	const std::vector<double> centroid(dim);
	vecidx::ScanFactors factors, again;
	vecidx::scan_encode(VX_L2, dim, 1, entry, centroid.data(), code.data(), factors);
	vecidx::scan_factors(VX_L2, dim, 1, entry, centroid.data(), code.data(), again);
	CHECK(std::isinf(factors.add));
	CHECK(std::isinf(again.add));
	CHECK(factors.error == 0);
	CHECK(factors.residual_squared == 10000);
	uint16_t add, mul;
	vecidx::pack_factors(factors, 1, add, mul);
	CHECK(add == 0xFC00);
	CHECK(mul == 0);
}

TEST_CASE("a rotation mixes all of the coordinates into those that are covered", "[wide]") {
	const uint32_t dim = GENERATE(4000, 4096, 5000, 8191, 8193, 12000, 16000);
	CAPTURE(dim);
	Index ix(dim);
	vx_index_shape(ix.get(), dim, VX_L2, 1, 0, 3);
	const uint32_t covered = vx_scan_dims(dim, 1);
	for (uint32_t at = 0; at < dim; at += dim / 13) {
		std::vector<double> y(dim);
		y[at] = 1;
		vecidx::rotate(*ix.get(), y.data());
		double all = 0, part = 0;
		for (uint32_t i = 0; i < dim; i++) {
			all += y[i] * y[i];
			part += i < covered ? y[i] * y[i] : 0;
		}
		CAPTURE(at);
		CHECK(all == Approx(1));
		CHECK(part == Approx(static_cast<double>(covered) / dim).epsilon(0.25));
	}
}

TEST_CASE("a wide index grows by inserts from nothing", "[wide]") {
	const uint32_t dim = GENERATE(2027, 2031, 3072, 4096, 8112, 8113, 16000);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	CAPTURE(dim, metric);
	std::mt19937_64 random(dim);
	const std::vector<Vector> rows = uneven(random, dim > 8000 ? 120 : 200, dim);
	const std::vector<Vector> queries = uneven(random, 5, dim);
	Living living(dim, {metric});
	REQUIRE(living.store.meta().levels == 1);
	REQUIRE(living.store.meta().leaves == 1);
	require_checked(living.store, living.index, 0);
	require_found(living.store, living.index, {}, queries[0]);
	for (uint64_t i = 0; i < rows.size(); i++) {
		living.insert(i, rows[i]);
		if (i == 0 || i == 30)
			require_checked(living.store, living.index, i + 1);
	}
	require_checked(living.store, living.index, rows.size());
	CHECK(living.store.meta().leaves > 4);
	for (const Vector &q : queries)
		require_found(living.store, living.index, rows, q);
	CHECK(recall(living.store, living.index, rows, queries) > 0.8);
	// a row moves into the slot of another one that was removed
	const std::set<uint64_t> gone = {3, 50, 51};
	const uint32_t codes = count_kind(living.store, VX_KIND_CODE);
	REQUIRE(remove_rows(living.store, [&](uint64_t number) { return gone.count(number) > 0; }) == gone.size());
	require_checked(living.store, living.index, rows.size() - gone.size());
	REQUIRE(Growth(living.store).release_dead() == gone.size());
	require_checked(living.store, living.index, rows.size() - gone.size());
	require_found(living.store, living.index, rows, queries[1], gone);
	for (const uint64_t number : gone)
		living.insert(number, rows[number]);
	CHECK(count_kind(living.store, VX_KIND_CODE) == codes);
	require_checked(living.store, living.index, rows.size());
	require_found(living.store, living.index, rows, queries[2]);
}

TEST_CASE("a wide index is built, with few rows and with more", "[wide]") {
	const uint32_t dim = GENERATE(2029, 3072, 8121, 16000);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const size_t n = GENERATE(1, 5, 100);
	CAPTURE(dim, metric, n);
	std::mt19937_64 random(dim);
	std::vector<Vector> rows = uneven(random, n, dim);
	rows.emplace_back();
	Store store = build(dim, rows, {metric});
	const Index ix = store.open();
	REQUIRE(store.meta().levels == 1);
	CHECK(store.meta().leaves == std::max<size_t>(1, n / store.meta().leaf_size));
	require_checked(store, ix, rows.size());
	require_found(store, ix, rows, uneven(random, 1, dim)[0]);
	rows.push_back(uneven(random, 1, dim)[0]);
	REQUIRE(insert(store, ix, rows.size() - 1, rows.back()) == VX_DONE);
	require_checked(store, ix, rows.size());
	require_found(store, ix, rows, rows.back());
}

TEST_CASE("a large wide index has several levels", "[wide]") {
	const uint32_t dim = GENERATE(2100, 8200);
	std::mt19937_64 random(dim);
	const std::vector<Vector> rows = uneven(random, 400, dim);
	Living living(dim, {VX_L2, 1, 4});
	for (uint64_t i = 0; i < rows.size(); i++) {
		living.index.get()->limits = {4000, 24, 12};
		living.insert(i, rows[i]);
	}
	require_checked(living.store, living.index, rows.size());
	CHECK(living.store.meta().levels > 1);
	require_found(living.store, living.index, rows, rows[7]);
}

TEST_CASE("faults of codes that take two pages are found", "[wide]") {
	const uint32_t dim = 8121;
	std::mt19937_64 random(1);
	const std::vector<Vector> rows = uneven(random, 20, dim);
	Store store = build(dim, rows);
	const Index ix = store.open();
	std::vector<uint32_t> codes, rests;
	for (uint32_t block = 0; block < store.nblocks(); block++) {
		if (vx_page_is(store.pages[block].data(), VX_KIND_CODE))
			codes.push_back(block);
		if (vx_page_is(store.pages[block].data(), VX_KIND_REST))
			rests.push_back(block);
	}
	REQUIRE(codes.size() == rows.size());
	REQUIRE(rests.size() == rows.size());
	const auto chain = [&](uint32_t block) -> vx_chain_header & {
		return vecidx::page_header<vx_chain_header>(store.pages[block].data());
	};
	const auto finds = [&](uint32_t block, const std::string &why) {
		const CheckReport report = check(store, ix);
		return std::any_of(report.faults.begin(), report.faults.end(),
						   [&](const Fault &fault) { return fault.block == block && fault.why == why; });
	};
	SECTION("none") {
		chain(codes[3]).next = VX_NO_BLOCK;
		CHECK(finds(codes[3], "a code page has no page for the rest of its code"));
	}
	SECTION("that of another") {
		chain(codes[3]).next = rests[4];
		const CheckReport report = check(store, ix);
		CHECK_FALSE(report.faults.empty());
	}
	SECTION("another kind of page") {
		chain(codes[3]).next = store.meta().mean;
		CHECK_FALSE(check(store, ix).faults.empty());
	}
	SECTION("beyond the end") {
		chain(codes[3]).next = store.nblocks() + 5;
		CHECK(finds(codes[3], "a pointer leads beyond the end of the index"));
	}
	SECTION("no way back") {
		chain(rests[3]).next = codes[4];
		CHECK(finds(codes[3], "a code page leads to a page that has not the rest of its code"));
	}
	SECTION("a mean that does not continue") {
		vecidx::page_header<vx_mean_header>(store.pages[store.meta().mean + 1].data()).part = 2;
		CHECK(finds(store.meta().mean + 1, "a page's entries have another size than the index's") +
				  finds(store.meta().mean + 1, "pages of the mean do not continue each other") ==
			  1);
		Index other(dim);
		vx_index_open(other.get(), store.pages[0].data());
		uint32_t next = store.meta().mean;
		REQUIRE(vx_index_take_page(other.get(), 0, store.pages[next].data(), &next) == nullptr);
		CHECK(vx_index_take_page(other.get(), 1, store.pages[next].data(), &next) != nullptr);
		return;
	}
	SECTION("nothing leads there") {
		const Page copy = store.pages[rests[3]];
		store.pages.push_back(copy);
		CHECK(finds(store.nblocks() - 1, "no pointer leads to a page that is in use"));
		return;
	}
	// a scan tells, or finds all rows
	const vx_query query{rows[0].data(), 1, 100, VX_BY_ROWS};
	const ScanResult result = scan(store, ix, query);
	CHECK((result.end == VX_CORRUPT || result.hits.size() == rows.size()));
	const Vector none;
	CHECK(scan(store, ix, {nullptr, 1, 0, VX_BY_ROWS}).hits.size() <= rows.size());
	CHECK(insert(store, ix, 50, rows[0]) == VX_DONE);
}

TEST_CASE("an insert that ends before its record leaves a free slot to the next one", "[wide]") {
	const uint32_t dim = 8121;
	std::mt19937_64 random(2);
	const std::vector<Vector> rows = uneven(random, 3, dim);
	Store store = build(dim, {});
	const Index ix = store.open();
	{
		Insertion in(store, ix, row_number(0), rows[0]);
		while (in.step() != VX_WRITE || count_kind(store, VX_KIND_REST) == 0)
			;
	}
	require_checked(store, ix, 0);
	REQUIRE(insert(store, ix, 1, rows[1]) == VX_DONE);
	CHECK(count_kind(store, VX_KIND_REST) == 1);
	require_checked(store, ix, 1);
	// two that want it at once
	Insertion a(store, ix, row_number(2), rows[2]), b(store, ix, row_number(0), rows[0]);
	bool more = true;
	for (vx_step x = VX_YIELD, y = VX_YIELD; more;) {
		x = ends(x) ? x : a.step();
		y = ends(y) ? y : b.step();
		more = !ends(x) || !ends(y);
		REQUIRE((x != VX_CORRUPT && y != VX_CORRUPT));
	}
	CHECK(a.max_pages <= VX_MAX_WRITE);
	require_checked(store, ix, 3);
	require_found(store, ix, rows, rows[1]);
}
