// Data that moves away from the rows an index was first trained on: anchors, what they are worth, and what a check and
// a scan make of damaged ones.
#include "catch.hpp"

#include <cmath>
#include <random>

#include "damaged.hpp"
#include "executor.hpp"
#include "tending.hpp"

using namespace vecidx_test;

namespace {

constexpr uint32_t kDimensions = 24, kFirst = 4200, kLater = 4000;

// Some rows near 0, then others `away` of their spreads from there.
std::vector<Vector> moving(double away, uint64_t seed) {
	std::vector<Vector> rows = gaussian(seed, kFirst + kLater, kDimensions);
	for (size_t i = kFirst; i < rows.size(); i++)
		for (float &x : rows[i])
			x += static_cast<float>(away);
	return rows;
}

void grow(Living &living, const std::vector<Vector> &rows) {
	for (uint64_t i = 0; i < rows.size(); i++)
		living.insert(i, rows[i]);
}

struct Work {
	double fetched = 0, pages = 0, found = 0;
};

// A query's share, with queries like the rows that came last.
Work search(Store &store, const Index &ix, const std::vector<Vector> &rows, double away, double recall) {
	constexpr int kQueries = 60;
	const auto metric = static_cast<vx_metric>(ix.meta().metric);
	Executor executor(store, ix, rows);
	Work work;
	for (Vector &q : gaussian(99, kQueries, kDimensions)) {
		for (float &x : q)
			x += static_cast<float>(away);
		std::vector<SortKey> truth;
		for (const Vector &row : rows)
			truth.push_back(key_of(metric, row, q));
		std::sort(truth.begin(), truth.end());
		const Execution got = executor.run(q, recall, 10);
		for (const Output &row : got.rows)
			work.found += truth[9] < row.key ? 0 : 0.1 / kQueries;
		work.fetched += static_cast<double>(got.fetched) / kQueries;
		work.pages += static_cast<double>(got.stats.pages) / kQueries;
	}
	return work;
}

// Grown, with rows that moved away: some of its codes are relative to an anchor.
class Moved : public Damaged {
public:
	Moved() : Damaged(grown()) {}
	uint32_t anchor() { return meta().anchors; }
	vx_mean_header &header() { return vecidx::page_header<vx_mean_header>(at(anchor())); }
	vx_origin &point() { return *reinterpret_cast<vx_origin *>(store.pages[anchor()].bytes.data() + VX_BLOCKS_OFFSET); }
	// The n-th live code slot of an anchor.
	vx_code_entry &anchored(uint32_t n, uint32_t &page) {
		for (page = 0; page < store.nblocks(); page++)
			for (uint32_t slot = 0; vx_page_is(at(page), VX_KIND_CODE) && slot < chain(page).count; slot++) {
				auto &entry = vecidx::code_entry(at(page), kDimensions, slot);
				if (vecidx::anchor_number(entry.row) > 0 && n-- == 0)
					return entry;
			}
		throw std::logic_error("no code is relative to an anchor");
	}
	bool opens() {
		Index other(kDimensions);
		vx_index_open(other.get(), at(0));
		uint32_t next = meta().mean;
		for (uint32_t part = 0; next != VX_NO_BLOCK; part++)
			if (next >= store.nblocks() || vx_index_take_page(other.get(), part, at(next), &next) != nullptr)
				return false;
		return true;
	}

private:
	static Store grown() {
		static const Store store = [] {
			Living living(kDimensions, {});
			grow(living, moving(20, 3));
			return living.store;
		}();
		return store;
	}
};

} // namespace

TEST_CASE("rows that move away are found with as little work as others", "[anchors]") {
	const double away = GENERATE(0.0, 3.0, 20.0, 100.0, 1000.0);
	const auto metric = GENERATE(VX_L2, VX_IP);
	if (metric == VX_IP && away > 100) // products of such rows differ by less than codes can tell
		return;
	CAPTURE(away, metric);
	const std::vector<Vector> rows = moving(away, 3);
	BuildOptions options;
	options.metric = metric;
	Living living(kDimensions, options);
	grow(living, rows);
	const vx_meta &meta = living.store.meta();
	CHECK((meta.nanchors > 0) == (away > 2));
	CHECK(meta.nanchors <= VX_MOST_ANCHORS);
	CHECK(faults_of(living.store, living.index).empty());
	const Work exact = search(living.store, living.index, rows, away, 1);
	CHECK(exact.found > 1 - 1e-9);
	const Work grown = search(living.store, living.index, rows, away, 0.95);
	options.leaves = meta.leaves;
	Store built = build(kDimensions, rows, options);
	const Index ix = built.open();
	const Work other = search(built, ix, rows, away, 0.95);
	CAPTURE(grown.found, grown.fetched, grown.pages, other.found, other.fetched, other.pages);
	CHECK(grown.found > 0.9);
	if (away < 100 && metric == VX_L2) { // else its float32 values, and products, tell little in any index
		CHECK(grown.fetched < 1.25 * other.fetched);
		CHECK(grown.pages < 2 * other.pages);
	}
}

namespace {

std::vector<double> anchor_point(const Index &ix, uint32_t number) {
	const vx_origin &anchor = vecidx::anchor_of(*ix.get(), number);
	std::vector<double> point(ix.meta().dim);
	for (size_t i = 0; i < point.size(); i++)
		point[i] = static_cast<double>(anchor.scale) * anchor.code[i];
	return point;
}

// The least distance between two of the mean and the anchors.
double least_distance(const Index &ix) {
	std::vector<std::vector<double>> points = {std::vector<double>(ix.meta().dim)};
	for (uint32_t number = 1; number <= ix.meta().nanchors; number++)
		points.push_back(anchor_point(ix, number));
	double least = INFINITY;
	for (size_t a = 0; a < points.size(); a++)
		for (size_t b = 0; b < a; b++) {
			double sum = 0;
			for (size_t i = 0; i < points[a].size(); i++)
				sum += (points[a][i] - points[b][i]) * (points[a][i] - points[b][i]);
			least = std::min(least, std::sqrt(sum));
		}
	return least;
}

} // namespace

TEST_CASE("anchors are far from the mean and from each other, and not for rows that have not moved", "[anchors]") {
	SECTION("two moves") {
		Living living(kDimensions, {});
		std::vector<Vector> rows = moving(6, 3);
		for (size_t i = kFirst + kLater / 2; i < rows.size(); i++)
			rows[i][0] += 60;
		grow(living, rows);
		CHECK(living.index.meta().nanchors >= 2);
		CHECK(living.index.meta().nanchors <= 4);
		CHECK(least_distance(living.index) >= 2 * living.index.meta().spread);
	}
	SECTION("not as far as two spreads") {
		Living living(kDimensions, {});
		grow(living, moving(1.2, 3));
		CHECK(living.index.meta().nanchors == 0);
	}
	SECTION("a tree from the first row, around 0") {
		Living living(2100, {});
		const std::vector<Vector> rows = gaussian(5, 400, 2100);
		for (uint64_t i = 0; i < rows.size(); i++)
			living.insert(i, rows[i]);
		CHECK(living.index.meta().leaves > 2);
		CHECK(living.index.meta().nanchors == 0);
	}
	SECTION("equal rows first, then ordinary ones") {
		Living living(kDimensions, {});
		std::vector<Vector> rows = gaussian(6, kFirst + kLater, kDimensions);
		for (size_t i = 0; i < kFirst; i++)
			rows[i].assign(kDimensions, 5);
		grow(living, rows);
		CHECK(living.index.meta().spread < 1e-3);
		CHECK(living.index.meta().nanchors >= 1);
		CHECK(living.index.meta().nanchors <= 3);
		CHECK(search(living.store, living.index, rows, 0, 0.95).found > 0.9);
	}
}

TEST_CASE("a scan that began before an anchor fetches the rows that it cannot bound", "[anchors]") {
	Moved moved;
	const Vector q(kDimensions, 20);
	// as the index was known before: what it says of itself is new, and its anchors are unknown
	Index old = moved.ix;
	old.get()->meta.nanchors = 0;
	old.get()->meta.anchors = VX_NO_BLOCK;
	const ScanResult all = scan(moved.store, old, {q.data(), 1, 10, VX_BY_ROWS});
	CHECK(all.hits.size() == kFirst + kLater);
}

TEST_CASE("damage to anchors is found", "[anchors]") {
	Moved moved;
	REQUIRE(moved.meta().nanchors > 0);
	CHECK(faults_of(moved.store, moved.ix).empty());
	REQUIRE(moved.opens());
	SECTION("another number") {
		moved.header().part = VX_MOST_ANCHORS + 1;
		moved.expect(moved.anchor(), "an anchor page has another number");
		CHECK_FALSE(moved.opens());
	}
	SECTION("not the only one") {
		moved.header().next = moved.header().next == VX_NO_BLOCK ? 1 : VX_NO_BLOCK;
		moved.expect(moved.anchor(), "anchor pages do not continue each other");
		CHECK_FALSE(moved.opens());
	}
	SECTION("impossible numbers") {
		moved.point().scale = NAN;
		moved.expect(moved.anchor(), "an anchor is not finite");
		CHECK_FALSE(moved.opens());
	}
	SECTION("another page in its place") {
		moved.meta().anchors = moved.leaf();
		moved.expect(moved.meta().anchors, "not an anchor page");
		CHECK_FALSE(moved.opens());
	}
	SECTION("beyond the end") {
		moved.meta().anchors = 1000000;
		moved.expect(0, "a pointer leads beyond the end of the index");
	}
	SECTION("lost") {
		moved.store.pages[moved.anchor()].bytes.fill(0);
		moved.expect(0, "a pointer leads to a page that was never written");
		CHECK_FALSE(moved.opens());
	}
	SECTION("elsewhere") {
		moved.point().scale *= 1.5F;
		Moved other;
		other.ix = moved.store.open();
		CHECK_FALSE(faults_of(other.store, other.ix).empty());
	}
	SECTION("a code of none") {
		uint32_t page;
		vx_code_entry &entry = moved.anchored(5, page);
		entry.row.flags = static_cast<uint16_t>(entry.row.flags | VX_ROW_ANCHOR);
		moved.expect(page, "a refine code is relative to an anchor that is not there");
		// that row can be anywhere, so whoever searches fetches it
		const uint64_t number = number_of(entry.row);
		const Vector q(kDimensions, -50);
		const ScanResult all = scan(moved.store, moved.ix, {q.data(), 1, 10, VX_BY_ROWS});
		CHECK(std::any_of(all.hits.begin(), all.hits.end(), [&](const Hit &hit) { return hit.number == number; }));
	}
	SECTION("a code of another") {
		uint32_t page;
		vx_code_entry &entry = moved.anchored(5, page);
		entry.row.flags &= static_cast<uint16_t>(~VX_ROW_ANCHOR);
		CHECK_FALSE(faults_of(moved.store, moved.ix).empty());
	}
}
