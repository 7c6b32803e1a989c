// The insert machine: every row in once and findable, radii that cover, the chain rule, plans that lost to another
// insert, damage met on the way.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "sound.hpp"

using namespace vecidx_test;

namespace {

Store empty_index(uint32_t dim, vx_metric metric) {
	BuildOptions options;
	options.metric = metric;
	options.leaves = 0;
	return build(dim, {}, options);
}

} // namespace

TEST_CASE("20,000 rows inserted into a tree are all there, once", "[insert]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	std::mt19937_64 random(metric);
	const uint32_t dim = 24, old = 4000, added = 20000;
	const auto rows = gaussian(random, old, dim);
	HandOptions options;
	options.metric = metric;
	options.leaves = 120;
	options.fanout = 12;
	Store store = HandTree(dim, rows, options).take();
	const Index ix = store.open();
	require_sound(store, ix, old);
	// farther out than what was built over: radii must grow
	const auto more = gaussian(random, added, dim, 1.5F);
	uint32_t most = 0;
	for (uint32_t i = 0; i < added; i++) {
		Insertion in(store, ix, row_number(old + i), more[i]);
		vx_step step = in.step();
		while (!ends(step))
			step = in.step();
		REQUIRE(step == VX_DONE);
		most = std::max(most, in.max_pages);
	}
	CHECK(most >= 2);
	CHECK(store.aborted == 0);
	CHECK(store.records > added); // some radii grew
	require_sound(store, ix, old + added);
	require_scanned_once(store, ix, more[0], 1, old + added);
	require_scanned_once(store, ix, more[1], 0.9, old + added);
	require_scanned_once(store, ix, {}, 0.9, old + added);
}

TEST_CASE("rows inserted into an empty index are all there, once", "[insert]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	std::mt19937_64 random(metric);
	const uint32_t dim = 16, added = 20000;
	Store store = empty_index(dim, metric);
	const Index ix = store.open();
	require_sound(store, ix, 0);
	auto rows = gaussian(random, added, dim);
	for (uint32_t i = 0; i < added; i += 97)
		rows[i].clear();
	for (uint32_t i = 5; i < added; i += 89)
		rows[i].assign(dim, 0);
	for (uint32_t i = 7; i < added; i += 83)
		rows[i].assign(dim, 1e30F);
	for (uint32_t i = 0; i < added; i++)
		REQUIRE(insert(store, ix, i, rows[i]) == VX_DONE);
	require_sound(store, ix, added);
	require_scanned_once(store, ix, rows[1], 0.95, added);
}

TEST_CASE("inserts continue what a build has begun", "[insert]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	std::mt19937_64 random(metric);
	const uint32_t dim = 32, old = 6000, added = 6000;
	BuildOptions options;
	options.metric = metric;
	options.leaves = 50;
	Store store = build(dim, gaussian(random, old, dim), options);
	const Index ix = store.open();
	REQUIRE(store.meta().levels > 0);
	require_sound(store, ix, old);
	const uint32_t pages = store.nblocks();
	for (uint32_t i = 0; i < added; i++)
		REQUIRE(insert(store, ix, old + i, gaussian(random, 1, dim)[0]) == VX_DONE);
	require_sound(store, ix, old + added);
	require_scanned_once(store, ix, Vector(dim, 0.3F), 0.95, old + added);
	CHECK(store.nblocks() < 3 * pages);
}

TEST_CASE("a block of children that spans pages is read, and its radius written, where it lies", "[insert]") {
	const uint32_t dim = GENERATE(1u, 97u, 480u, 500u, 700u, 1900u);
	std::mt19937_64 random(dim);
	const uint32_t old = 150, added = 300;
	const auto rows = gaussian(random, old, dim);
	HandOptions options;
	options.leaves = 50;
	options.fanout = 37;
	Store store = HandTree(dim, rows, options).take();
	const Index ix = store.open();
	for (uint32_t i = 0; i < added; i++)
		REQUIRE(insert(store, ix, old + i, gaussian(random, 1, dim, i % 2 == 0 ? 3 : 0.3F)[0]) == VX_DONE);
	require_sound(store, ix, old + added);
}

namespace {

// As trees measure it: inner product counts the difference of the norms, twice, as one more coordinate.
double tree_distance(vx_metric metric, const Vector &a, const Vector &b) {
	double sum = 0, aa = 0, bb = 0;
	for (size_t i = 0; i < a.size(); i++) {
		sum += (static_cast<double>(a[i]) - b[i]) * (a[i] - b[i]);
		aa += static_cast<double>(a[i]) * a[i];
		bb += static_cast<double>(b[i]) * b[i];
	}
	const double norms = 2 * (std::sqrt(aa) - std::sqrt(bb));
	return metric == VX_IP ? sum + norms * norms : sum;
}

uint32_t nearest_row(vx_metric metric, const std::vector<Vector> &rows, const Vector &x) {
	uint32_t nearest = 0;
	for (uint32_t l = 1; l < rows.size(); l++)
		if (tree_distance(metric, rows[l], x) < tree_distance(metric, rows[nearest], x))
			nearest = l;
	return nearest;
}

// Ordinal of the only leaf that has an entry.
uint32_t leaf_in_use(const Store &store) {
	uint32_t at = 0;
	for (const Page &page : store.pages)
		if (vx_page_is(page.data(), VX_KIND_LEAF)) {
			if (vecidx::page_header<vx_chain_header>(page.data()).count > 0)
				return at;
			at++;
		}
	return UINT32_MAX;
}

} // namespace

TEST_CASE("a row goes to the nearest leaf, not to the first that a greedy descent meets", "[insert]") {
	const auto metric = GENERATE(VX_L2, VX_IP);
	std::mt19937_64 random(3);
	const uint32_t dim = 12, leaves = 512, added = 200;
	auto rows = gaussian(random, leaves, dim);
	const auto upper = gaussian(random, leaves / 64, dim), lower = gaussian(random, leaves / 8, dim);
	for (uint32_t l = 0; l < leaves; l++) // siblings are near each other, but their groups overlap
		for (uint32_t j = 0; j < dim; j++)
			rows[l][j] = 0.6F * rows[l][j] + 1.5F * upper[l / 64][j] + lower[l / 8][j];
	HandOptions options;
	options.metric = metric;
	options.leaves = leaves;
	options.fanout = 8;
	options.rows = false;
	Store store = HandTree(dim, rows, options).take(); // lays its leaves in order
	const Index ix = store.open();
	REQUIRE(store.meta().levels == 3);
	uint32_t right = 0;
	for (uint32_t i = 0; i < added; i++) {
		const auto x = gaussian(random, 1, dim, 1.9F)[0];
		Store copy = store;
		REQUIRE(insert(copy, ix, i, x) == VX_DONE);
		right += leaf_in_use(copy) == nearest_row(metric, rows, x);
	}
	CHECK(right > added * 8 / 10); // a greedy descent: three in ten
}

TEST_CASE("rows without codes go to their lists", "[insert]") {
	const bool tree = GENERATE(false, true);
	std::mt19937_64 random(1);
	const uint32_t dim = 4;
	HandOptions options;
	options.metric = VX_COSINE;
	options.leaves = 3;
	Store store = tree ? HandTree(dim, gaussian(random, 10, dim), options).take() : empty_index(dim, VX_COSINE);
	const Index ix = store.open();
	REQUIRE(insert(store, ix, 100, {}) == VX_DONE);
	REQUIRE(insert(store, ix, 101, Vector(dim, 0)) == VX_DONE);
	REQUIRE(insert(store, ix, 102, Vector(dim, 1e30F)) == VX_DONE);
	const void *late = store.page(store.meta().late), *wild = store.page(store.meta().wild);
	std::vector<vx_row> rows(vx_list_per_page());
	REQUIRE(vx_page_rows(late, dim, rows.data()) == 2);
	CHECK(number_of(rows[0]) == 100);
	CHECK(rows[0].flags == VX_ROW_NULL);
	CHECK(number_of(rows[1]) == 101);
	CHECK(rows[1].flags == 0);
	REQUIRE(vx_page_rows(wild, dim, rows.data()) == 1);
	CHECK(number_of(rows[0]) == 102);
}

TEST_CASE("a chain keeps its head, and its room in the first two pages", "[insert]") {
	const uint32_t dim = 1000; // two raw rows a page
	Store store = empty_index(dim, VX_L2);
	const Index ix = store.open();
	const uint32_t head = store.meta().raw;
	for (uint32_t i = 0; i < 21; i++)
		REQUIRE(insert(store, ix, i, Vector(dim, static_cast<float>(i))) == VX_DONE);
	CHECK(store.meta().raw == head);
	CHECK(count_kind(store, VX_KIND_RAW) == 11);
	uint32_t pages = 0;
	for (uint32_t block = head; block != VX_NO_BLOCK; pages++) {
		const auto &chain = vecidx::page_header<vx_chain_header>(store.page(block));
		CHECK(chain.count == (pages == 1 ? 1 : 2));
		block = chain.next;
	}
	CHECK(pages == 11);
	require_sound(store, ix, 21);
}

TEST_CASE("dead entries are left alone, and new rows come after them", "[insert]") {
	std::mt19937_64 random(2);
	const uint32_t dim = 20, n = 1000;
	HandOptions options;
	Store store = HandTree(dim, gaussian(random, n, dim), options).take();
	const Index ix = store.open();
	REQUIRE(insert(store, ix, 5000, {}) == VX_DONE);
	CHECK(remove_rows(store, [](uint64_t i) { return i % 3 == 0 || i == 5000; }) == 335);
	for (uint32_t i = 0; i < n; i += 3) // the same row pointers come again, as after VACUUM
		REQUIRE(insert(store, ix, i, gaussian(random, 1, dim)[0]) == VX_DONE);
	require_sound(store, ix, n);
	require_scanned_once(store, ix, Vector(dim, 0.5F), 0.95, n);
}

TEST_CASE("inserts that interleave make their plans anew and lose nothing", "[insert]") {
	const bool tree = GENERATE(true, false);
	const auto seed = GENERATE(range(1u, 7u));
	std::mt19937_64 random(seed);
	const uint32_t dim = 300, old = 60, added = 700, at_once = 5;
	HandOptions options;
	options.leaves = 4;
	options.bits = 4; // pages hold few entries: much to quarrel about
	Store store = tree ? HandTree(dim, gaussian(random, old, dim), options).take() : empty_index(dim, VX_L2);
	const uint32_t before = tree ? old : 0;
	const Index ix = store.open();
	std::vector<std::unique_ptr<Insertion>> running;
	uint32_t begun = 0, finished = 0, most = 0;
	while (finished < added) {
		if (running.size() < at_once && begun < added) {
			Vector x = gaussian(random, 1, dim, begun % 3 == 0 ? 4 : 1)[0];
			if (begun % 11 == 0)
				x.clear();
			running.push_back(std::make_unique<Insertion>(store, ix, row_number(before + begun++), x));
		}
		const size_t which = random() % running.size();
		const vx_step step = running[which]->step();
		if (!ends(step))
			continue;
		REQUIRE(step == VX_DONE);
		most = std::max(most, running[which]->max_pages);
		running.erase(running.begin() + static_cast<ptrdiff_t>(which));
		finished++;
	}
	CHECK(store.aborted > 0);
	CHECK(most == (tree ? 3 : 2));
	if (tree) { // no code page was begun in vain
		const uint32_t coded = before + added - (added + 10) / 11, codes = vx_codes_per_page(dim);
		const size_t least = (coded + codes - 1) / codes;
		CHECK(count_kind(store, VX_KIND_CODE) >= least);
		CHECK(count_kind(store, VX_KIND_CODE) <= least + least / 8 + 4); // each leaf fills a page of its own
	}
	require_sound(store, ix, before + added);
	require_scanned_once(store, ix, Vector(dim, 0.1F), 0.9, before + added);
}

TEST_CASE("an index reshaped meanwhile is noticed before anything is written", "[insert]") {
	std::mt19937_64 random(1);
	const uint32_t dim = 8;
	Store store = HandTree(dim, gaussian(random, 50, dim), {}).take();
	const Index ix = store.open();
	vecidx::page_header<vx_meta>(store.pages[0].data()).epoch++;
	const uint64_t records = store.records;
	CHECK(insert(store, ix, 100, Vector(dim, 1)) == VX_STALE);
	CHECK(insert(store, ix, 100, {}) == VX_STALE);
	CHECK(store.records == records);
}

TEST_CASE("references that do not fit 32 bits are refused cleanly", "[insert]") {
	const uint32_t dim = 4;
	std::mt19937_64 random(1);
	HandOptions options;
	options.rows = false; // no code page yet: the first row needs one
	Store store = HandTree(dim, gaussian(random, 50, dim), options).take();
	const Index ix = store.open();
	for (const bool fits : {true, false}) {
		std::vector<uint64_t> memory(vx_insert_size(ix) / 8 + 1);
		const Vector x(dim, 1);
		vx_insert *in = vx_insert_init(memory.data(), ix, row_number(1), x.data());
		vx_want want{};
		vx_step step = vx_insert_next(in, &want);
		Store scratch = store;
		while (step == VX_PAGE || (step == VX_WRITE && want.npages == 1)) {
			if (step == VX_PAGE) {
				vx_insert_page(in, scratch.page(want.block));
			} else { // a radius
				void *page = scratch.pages[want.pages[0]].data();
				REQUIRE(vx_insert_apply(in, &page, want.pages, &want) == VX_DONE);
			}
			step = vx_insert_next(in, &want);
		}
		REQUIRE(step == VX_WRITE);
		REQUIRE(want.npages == 2);
		Page fresh;
		fresh.init();
		void *const pages[] = {scratch.pages[want.pages[0]].data(), fresh.data()};
		const uint32_t last = UINT32_MAX / vx_codes_per_page(dim) - (fits ? 1 : 0);
		const uint32_t blocks[] = {want.pages[0], fits ? last : last + 1};
		const Page leaf = scratch.pages[blocks[0]];
		step = vx_insert_apply(in, pages, blocks, &want);
		CHECK(step == (fits ? VX_DONE : VX_FULL));
		CHECK((leaf.bytes == scratch.pages[blocks[0]].bytes) == !fits);
		CHECK(vecidx::page_is_new(fresh.data()) == !fits);
	}
}

TEST_CASE("an insert into a damaged index reports it or does no harm", "[insert]") {
	std::mt19937_64 random(9);
	const uint32_t dim = 10, n = 400;
	HandOptions options;
	options.leaves = 30;
	const Store good = HandTree(dim, gaussian(random, n, dim), options).take();
	const Index ix = good.open();
	uint32_t reported = 0;
	for (int round = 0; round < 3000; round++) {
		Store store = good;
		for (uint64_t flips = 1 + random() % 4; flips > 0; flips--) {
			Page &page = store.pages[random() % store.nblocks()];
			const size_t at = random() % 2 == 0 ? VX_HEADER_OFFSET + random() % 60
												: VX_HEADER_OFFSET + random() % (VX_PAGE_SIZE - VX_HEADER_OFFSET);
			page.bytes[at] ^= static_cast<uint8_t>(1u << random() % 8);
		}
		Vector x = gaussian(random, 1, dim)[0];
		if (round % 5 == 0)
			x.clear();
		try {
			std::string why;
			const vx_step step = insert(store, ix, n, x, &why);
			REQUIRE((step == VX_DONE || step == VX_CORRUPT || step == VX_STALE || step == VX_FULL));
			reported += step == VX_CORRUPT;
		} catch (const std::logic_error &e) {
			// the shim refuses to write a page with bytes beyond its used part
			REQUIRE(std::string(e.what()) == "a page has bytes beyond its used part");
		}
	}
	CHECK(reported > 100);
}
