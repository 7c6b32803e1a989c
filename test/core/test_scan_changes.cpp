// A scan under which pages are used again for something else: it begins again and still hands out each row once. When
// nothing has changed that would explain what it met, it reports damage.
#include "catch.hpp"

#include "executor.hpp"
#include "growth.hpp"
#include "sound.hpp"

using namespace vecidx_test;

namespace {

constexpr uint32_t kDim = 10, kRows = 240;

struct World {
	World() {
		std::mt19937_64 random(1);
		rows = gaussian(random, kRows, kDim);
		query = gaussian(random, 1, kDim)[0];
		HandOptions options;
		options.leaves = 16;
		store = HandTree(kDim, rows, options).take();
		ix = store.open();
	}
	std::vector<Vector> rows;
	Vector query;
	Store store;
	Index ix;
};

// What a change has made unfit for older scans.
using Change = uint32_t (*)(Growth &, const Index &);

// Rows move to another leaf; what they leave behind is dropped before old scans have ended.
uint32_t leaf_forgets(Growth &g, const Index &ix) {
	const std::vector<LaneAt> leaves = g.lanes(1);
	const uint32_t page = g.child(leaves[6]).block, n = g.leaf_header(page).chain.count;
	for (uint32_t slot = 0; slot < n; slot++)
		g.move_entry(ix, page, slot, leaves[slot % 2 == 0 ? 1 : 12]);
	g.leaf_header(page).moved = g.leaf_header(page).forgot = ++g.meta().clock;
	g.forget_marked(page);
	return page;
}

uint32_t leaf_is_freed(Growth &g, const Index &) {
	const uint32_t page = g.replace(g.lanes(1)[6]);
	g.release_page(page);
	return page;
}

// Another leaf moves to where this one was.
uint32_t leaf_is_another(Growth &g, const Index &) {
	const LaneAt mine = g.lanes(1)[6], other = g.lanes(1)[9];
	const uint32_t page = g.replace(mine);
	vecidx::Child moved = g.child(other);
	moved.retired = ++g.meta().clock;
	const LaneAt fresh = g.twin(other);
	g.set(other, moved);
	moved.born = moved.retired;
	moved.retired = VX_NEVER;
	moved.node = g.meta().next_node++;
	moved.block = page;
	g.set(fresh, moved);
	memcpy(g.at(page), g.at(g.child(other).block), VX_PAGE_SIZE);
	vecidx::page_special(g.at(page)).node = moved.node;
	return page;
}

uint32_t inner_is_freed(Growth &g, const Index &) {
	const uint32_t page = g.replace(g.lanes(2)[1]);
	g.release_page(page);
	return page;
}

// A retired lane is used again for what is only in the tree since.
uint32_t inner_forgets(Growth &g, const Index &) {
	const LaneAt lane = g.lanes(1)[6];
	g.replace(lane);
	g.set(lane, {0, INFINITY, 0, 0, 0, VX_NO_BLOCK, 0, VX_NEVER, VX_NEVER});
	g.inner_header(lane.page).forgot = g.meta().clock;
	return lane.page;
}

uint32_t root_is_freed(Growth &g, const Index &) {
	const uint32_t page = g.meta().root;
	const uint64_t node = g.meta().next_node++;
	const uint32_t fresh = g.copy_chain(page, node);
	g.meta().root = fresh;
	g.meta().root_node = node;
	g.meta().clock++;
	g.release_page(page);
	return page;
}

struct Case {
	const char *name;
	Change change;
};

constexpr Case kCases[] = {{"a leaf forgets", leaf_forgets},         {"a leaf is freed", leaf_is_freed},
						   {"a leaf is another", leaf_is_another},   {"an inner node is freed", inner_is_freed},
						   {"an inner node forgets", inner_forgets}, {"the root is freed", root_is_freed}};

constexpr double kModes[] = {1, 0.95, 0, -1}; // 0: no order; -1: no order, and a condition

vx_query query_of(const World &w, double mode) {
	return {mode > 0 ? w.query.data() : nullptr, mode > 0 ? mode : 0.95, 10, VX_BY_ROWS};
}

std::vector<vx_ball> balls_of(const World &w, double mode) {
	return mode < 0 ? std::vector<vx_ball>{{w.query.data(), 100}} : std::vector<vx_ball>{};
}

struct Observed {
	ScanResult result;
	uint32_t meta_reads = 0, victim = VX_NO_BLOCK;
};

// The change happens before the scan reads its n-th page.
Observed scan_with_change(const World &w, Store &store, double mode, const Case &c, uint64_t n, bool tick) {
	Observed o;
	uint64_t reads = 0;
	o.result = scan(
		store, w.ix, query_of(w, mode), SIZE_MAX,
		[&](uint32_t block) {
			o.meta_reads += block == VX_META_BLOCK;
			if (reads++ != n)
				return;
			Growth growth(store);
			const uint64_t before = growth.meta().clock;
			o.victim = c.change(growth, w.ix);
			if (!tick)
				growth.meta().clock = before;
		},
		balls_of(w, mode));
	return o;
}

void require_each_once(const ScanResult &result, uint64_t n) {
	REQUIRE(result.why == "");
	REQUIRE(result.end == VX_DONE);
	std::set<uint64_t> seen;
	for (const Hit &hit : result.hits)
		seen.insert(hit.number);
	REQUIRE(seen.size() == n);
	REQUIRE(result.hits.size() == n);
}

// Exact scans: no row lies nearer than what was said before it came.
void require_ordered(const World &w, const ScanResult &result) {
	double nearest = INFINITY;
	for (size_t i = result.hits.size(); i-- > 0;) {
		const Hit &hit = result.hits[i];
		nearest = std::min(nearest, operator_value(VX_L2, w.rows[hit.number], w.query));
		REQUIRE(hit.value <= nearest);
	}
}

} // namespace

TEST_CASE("the tree may change under a scan before any page it reads", "[scan]") {
	const World w;
	for (const Case &c : kCases)
		for (const double mode : kModes) {
			uint32_t again = 0;
			for (uint64_t n = 0;; n++) {
				CAPTURE(c.name, mode, n);
				Store store = w.store;
				const Observed o = scan_with_change(w, store, mode, c, n, true);
				require_each_once(o.result, kRows);
				if (mode == 1)
					require_ordered(w, o.result);
				REQUIRE(o.meta_reads <= 2);
				again += o.meta_reads == 2;
				if (o.victim == VX_NO_BLOCK)
					break; // the scan ended before
			}
			CAPTURE(c.name, mode);
			CHECK(again > 0);
		}
}

TEST_CASE("the changes under scans leave a sound index", "[scan]") {
	const World w;
	for (const Case &c : kCases) {
		CAPTURE(c.name);
		Store store = w.store;
		Growth growth(store);
		c.change(growth, w.ix);
		require_sound(store, w.ix, kRows);
		for (const double mode : kModes)
			require_each_once(scan(store, w.ix, query_of(w, mode), SIZE_MAX, {}, balls_of(w, mode)), kRows);
	}
}

TEST_CASE("the same without a tick of the clock is damage, reported where it was met", "[scan]") {
	const World w;
	for (const Case &c : kCases)
		for (const double mode : kModes) {
			uint32_t reported = 0;
			for (uint64_t n = 0;; n++) {
				CAPTURE(c.name, mode, n);
				Store store = w.store;
				const Observed o = scan_with_change(w, store, mode, c, n, false);
				if (o.result.end == VX_CORRUPT) {
					CAPTURE(o.result.why);
					REQUIRE(o.result.block == o.victim);
					REQUIRE(o.meta_reads == 2);
					reported++;
				}
				if (o.victim == VX_NO_BLOCK)
					break;
			}
			CAPTURE(c.name, mode);
			CHECK(reported > 0);
		}
}

TEST_CASE("a scan ends although the tree changes again and again", "[scan]") {
	const World w;
	for (const double mode : kModes)
		for (const uint64_t every : {2, 3, 5, 17}) {
			CAPTURE(mode, every);
			Store store = w.store;
			uint64_t reads = 0, changes = 0;
			uint32_t starts = 0;
			const ScanResult result = scan(
				store, w.ix, query_of(w, mode), SIZE_MAX,
				[&](uint32_t block) {
					starts += block == VX_META_BLOCK;
					if (reads++ % every != 0 || changes == 10)
						return;
					Growth growth(store);
					const std::vector<LaneAt> leaves = growth.lanes(1);
					const LaneAt lane = leaves[changes++ * 7 % 16]; // each once: a lane that lives
					growth.release_page(growth.replace(lane));
				},
				balls_of(w, mode));
			require_each_once(result, kRows);
			CHECK((starts > 1 || every > 10));
		}
}

namespace {

Store raw_rows(uint32_t dim, uint32_t n) {
	std::mt19937_64 random(2);
	BuildOptions options;
	options.leaves = 0;
	return build(dim, gaussian(random, n, dim), options);
}

// The raw run moves to other pages, under another id.
void move_raw_run(Growth &g) {
	const uint32_t old = g.meta().raw;
	const uint64_t node = g.meta().next_node++;
	const uint32_t fresh = g.copy_chain(old, node);
	g.meta().raw = fresh;
	g.meta().raw_node = node;
	g.meta().clock++;
	for (uint32_t block = old; block != VX_NO_BLOCK;) {
		const uint32_t next = g.rows_header(block).chain.next;
		g.release_page(block);
		block = next;
	}
}

} // namespace

TEST_CASE("the raw run may move under a scan", "[scan]") {
	const uint32_t dim = 900, rows = 15; // two a page
	const Store good = raw_rows(dim, rows);
	const Index ix = good.open();
	const Vector q(dim, 0.5F);
	for (const double mode : kModes)
		for (const bool tick : {true, false}) {
			uint32_t again = 0;
			bool changed = true;
			for (uint64_t n = 0; changed; n++) {
				CAPTURE(mode, tick, n);
				Store store = good;
				uint64_t reads = 0;
				uint32_t starts = 0;
				changed = false;
				const vx_query query{mode > 0 ? q.data() : nullptr, mode > 0 ? mode : 0.95, 3, VX_BY_ROWS};
				const ScanResult result = scan(store, ix, query, SIZE_MAX, [&](uint32_t block) {
					starts += block == VX_META_BLOCK;
					if (reads++ != n)
						return;
					Growth growth(store);
					const uint64_t before = growth.meta().clock;
					move_raw_run(growth);
					if (!tick)
						growth.meta().clock = before;
					changed = true;
				});
				again += starts > 1;
				if (tick || starts == 1)
					require_each_once(result, rows);
				else
					CHECK(result.why == "not a raw page");
			}
			CHECK(again > 0);
		}
}
