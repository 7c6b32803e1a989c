// What a scan sees of a tree that changes its shape: lanes between their birth and retirement, marked entries when it
// is older than their mark, and each row once wherever its entries are.
#include "catch.hpp"

#include "executor.hpp"
#include "growth.hpp"
#include "sound.hpp"

using namespace vecidx_test;

namespace {

constexpr uint32_t kRows = 600;

struct World {
	World(uint32_t dim, uint32_t leaves, uint32_t fanout, vx_metric metric = VX_L2) {
		std::mt19937_64 random(dim + metric);
		rows = gaussian(random, kRows, dim);
		HandOptions options;
		options.metric = metric;
		options.leaves = leaves;
		options.fanout = fanout;
		store = HandTree(dim, rows, options).take();
		ix = store.open();
		query = gaussian(random, 1, dim)[0];
	}

	std::vector<Vector> rows;
	Store store;
	Index ix;
	Vector query;

	uint32_t rows_of_leaf(uint32_t block) {
		uint32_t n = 0;
		for (; block != VX_NO_BLOCK; block = Growth(store).leaf_header(block).chain.next)
			n += Growth(store).leaf_header(block).chain.count;
		return n;
	}
	// In each mode of a scan this many rows, each once.
	void expect(uint32_t n) {
		for (const double recall : {1.0, 0.95, 0.5}) {
			CAPTURE(recall);
			require_scanned_once(store, ix, query, recall, n);
		}
		require_scanned_once(store, ix, {}, 0.95, n);
	}
};

struct Life {
	uint64_t born, retired;
	bool seen; // at clock 10
};

constexpr Life kLives[] = {{1, VX_NEVER, true}, {10, VX_NEVER, true}, {11, VX_NEVER, false},       {1, 10, false},
						   {1, 11, true},       {10, 11, true},       {VX_NEVER, VX_NEVER, false}, {3, 5, false},
						   {12, 13, false}};

} // namespace

TEST_CASE("a lane is seen from its birth until it retires", "[scan]") {
	const uint32_t dim = GENERATE(10u, 1000u); // blocks that lie on a page, and on three
	const uint32_t level = GENERATE(1u, 2u);
	World w(dim, 20, level == 1 ? 20 : 5);
	if (dim == 1000 && level == 2)
		return;
	Growth growth(w.store);
	growth.meta().clock = 10;
	REQUIRE(w.store.meta().levels == level);
	const LaneAt lane = growth.lanes(level)[2];
	vecidx::Child child = growth.child(lane);
	uint32_t below = 0;
	for (const LaneAt &leaf : growth.lanes(1))
		if (level == 1 ? growth.child(leaf).block == child.block : leaf.page == child.block)
			below += w.rows_of_leaf(growth.child(leaf).block);
	REQUIRE(below > 0);
	for (const Life &life : kLives) {
		CAPTURE(life.born, life.retired);
		child.born = life.born;
		child.retired = life.retired;
		growth.set(lane, child);
		w.expect(life.seen ? kRows : kRows - below);
	}
}

TEST_CASE("what lanes hold that no scan sees does not matter", "[scan]") {
	World w(10, 20, 5);
	Growth growth(w.store);
	growth.meta().clock = 10;
	const uint32_t level = GENERATE(1u, 2u);
	const LaneAt used = growth.lanes(level)[0];
	LaneAt unused = used;
	unused.lane = VX_LANES - 1;
	for (const vecidx::Child &child : {vecidx::Child{NAN, NAN, NAN, NAN, NAN, 99999, 99999, VX_NEVER, VX_NEVER},
									   vecidx::Child{0, INFINITY, 0, 0, 0, VX_NO_BLOCK, 0, VX_NEVER, VX_NEVER},
									   vecidx::Child{-1, -1, -1, -1, -1, 99999, 99999, 11, VX_NEVER},
									   vecidx::Child{NAN, INFINITY, NAN, NAN, NAN, 0, 0, 2, 10}}) {
		growth.set(unused, child);
		w.expect(kRows);
		if (child.born != VX_NEVER && child.retired == VX_NEVER)
			continue; // inserts go by what lives
		REQUIRE(insert(w.store, w.ix, kRows, w.query) == VX_DONE);
		remove_rows(w.store, [](uint64_t i) { return i == kRows; });
	}
}

TEST_CASE("a scan sees the tree as it was when it started", "[scan]") {
	World w(10, 20, 4);
	const Index ix = w.store.open();
	const double recall = GENERATE(1.0, 0.95, 0.0); // 0: no order
	uint32_t reads = 0;
	const ScanResult result =
		scan(w.store, ix, {recall > 0 ? w.query.data() : nullptr, recall > 0 ? recall : 0.95, 10, VX_BY_ROWS}, SIZE_MAX,
			 [&](uint32_t) {
				 if (reads++ != 1)
					 return; // right after the meta page
				 Growth growth(w.store);
				 for (const LaneAt &lane : growth.lanes(1))
					 growth.replace(lane);
				 for (const LaneAt &lane : growth.lanes(2))
					 growth.replace(lane);
			 });
	CHECK(result.end == VX_DONE);
	CHECK(result.hits.size() == kRows);
	CHECK(result.stats.leaves <= 20 * result.stats.passes);
	w.expect(kRows);
	require_sound(w.store, w.ix, kRows);
}

TEST_CASE("an insert goes to a living leaf", "[insert]") {
	World w(10, 20, 20);
	Growth growth(w.store);
	growth.meta().clock = 10;
	const Vector x = w.rows[5 * kRows / 20]; // the centroid of leaf 5
	const LaneAt lane = growth.lanes(1)[5];
	const vecidx::Child whole = growth.child(lane);
	for (const Life &life : kLives) {
		CAPTURE(life.born, life.retired);
		Store before = w.store;
		vecidx::Child child = whole;
		child.born = life.born;
		child.retired = life.retired;
		growth.set(lane, child);
		const uint32_t rows = w.rows_of_leaf(whole.block);
		REQUIRE(insert(w.store, w.ix, kRows, x) == VX_DONE);
		const bool lives = life.born != VX_NEVER && life.retired == VX_NEVER;
		CHECK(w.rows_of_leaf(whole.block) == rows + lives);
		w.store = before;
	}
}

TEST_CASE("marked entries are for scans that started before they were marked", "[scan]") {
	World w(10, 20, 4);
	Growth growth(w.store);
	const uint32_t page = growth.child(growth.lanes(1)[3]).block;
	const uint32_t n = growth.leaf_header(page).chain.count;
	REQUIRE(n > 6);
	for (uint32_t slot = 0; slot < n; slot += 3) // as if their rows were elsewhere
		vecidx::leaf_mark(growth.at(page), 10, 2, slot);
	growth.leaf_header(page).moved = 5;
	for (const uint64_t clock : {1, 4, 5, 6}) {
		CAPTURE(clock);
		growth.meta().clock = clock;
		w.expect(clock < 5 ? kRows : kRows - (n + 2) / 3);
	}
}

namespace {

// Every third entry of every other leaf has moved to the leaf after it, at clock 2.
void move_many(World &w) {
	Growth growth(w.store);
	const std::vector<LaneAt> leaves = growth.lanes(1);
	for (size_t l = 0; l + 1 < leaves.size(); l += 2) {
		const uint32_t page = growth.child(leaves[l]).block, n = growth.leaf_header(page).chain.count;
		for (uint32_t slot = 0; slot < n; slot += 3)
			growth.move_entry(w.ix, page, slot, leaves[l + 1]);
		growth.leaf_header(page).moved = 2;
		w.store.pages[page].finish();
	}
	growth.meta().clock = 2;
}

// How many of the ten nearest rows a scan finds, over all queries.
double share_found(World &w, double recall) {
	std::mt19937_64 random(5);
	Executor executor(w.store, w.ix, w.rows);
	const int queries = 40;
	int found = 0;
	for (int i = 0; i < queries; i++) {
		const Vector q = gaussian(random, 1, 10)[0];
		std::vector<SortKey> truth;
		for (const Vector &row : w.rows)
			truth.push_back(key_of(static_cast<vx_metric>(w.ix.meta().metric), row, q));
		std::sort(truth.begin(), truth.end());
		const Execution got = executor.run(q, recall, 10);
		REQUIRE(got.end == VX_DONE);
		REQUIRE(got.rows.size() == 10);
		for (const Output &row : got.rows)
			found += !(truth[9] < row.key);
	}
	return found / (10.0 * queries);
}

} // namespace

TEST_CASE("a row that moved to another leaf is found once, by old scans and by new ones", "[scan]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	World w(10, 20, 4, metric);
	const double before = share_found(w, 0.95);
	move_many(w);
	require_sound(w.store, w.ix, kRows);
	for (const uint64_t clock : {2, 1}) {
		CAPTURE(clock);
		Growth(w.store).meta().clock = clock;
		w.expect(kRows);
		CHECK(share_found(w, 1) == 1);
		CHECK(share_found(w, 0.95) >= before - 0.08); // rows far from their new centroid are a little harder to find
	}
}

TEST_CASE("a row that moved away and came back has two entries in one leaf, and is found once", "[scan]") {
	World w(10, 20, 4);
	Growth growth(w.store);
	const std::vector<LaneAt> leaves = growth.lanes(1);
	const uint32_t here = growth.child(leaves[3]).block, there = growth.child(leaves[4]).block;
	const uint32_t n = growth.leaf_header(here).chain.count, others = growth.leaf_header(there).chain.count;
	for (uint32_t slot = 0; slot < n; slot++)
		growth.move_entry(w.ix, here, slot, leaves[4]);
	for (uint32_t slot = 0; slot < n; slot++)
		growth.move_entry(w.ix, there, others + slot, leaves[3]);
	growth.leaf_header(here).moved = 2;
	growth.leaf_header(there).moved = growth.meta().clock = 3;
	require_sound(w.store, w.ix, kRows);
	for (const uint64_t clock : {3, 2, 1}) {
		CAPTURE(clock);
		growth.meta().clock = clock;
		w.expect(kRows);
	}
}

TEST_CASE("marked entries that are dropped are not missed", "[scan]") {
	World w(10, 20, 4);
	move_many(w);
	Growth growth(w.store);
	for (uint32_t block = 0; block < w.store.nblocks(); block++)
		if (vx_page_is(growth.at(block), VX_KIND_LEAF)) {
			growth.forget_marked(block);
			growth.leaf_header(block).forgot = growth.leaf_header(block).moved;
		}
	require_sound(w.store, w.ix, kRows);
	w.expect(kRows);
}
