// Inserts into pages with room that VACUUM made: first of all there, until they are full and leave their list.
#include "growth.hpp"
#include "sound.hpp"

using namespace vecidx_test;

namespace {

// Rows of each class; `i` makes them differ.
Vector row_of_kind(vx_page_kind kind, uint32_t dim, uint32_t i) {
	return kind == VX_KIND_LIST ? Vector(dim, 1e30F) : Vector(dim, 0.001F * static_cast<float>(i % 1000));
}

uint32_t length_of(Store &store, vx_room list) {
	uint32_t n = 0;
	for (uint32_t block = store.meta().room[list]; block != VX_NO_BLOCK; n++)
		block = Growth(store).rows_header(block).room;
	return n;
}

uint32_t free_slots(Store &store) {
	uint32_t n = 0;
	for (uint32_t block = 0; block < store.nblocks(); block++)
		if (vx_page_is(store.page(block), VX_KIND_CODE))
			n += Growth(store).rows_header(block).free;
	return n;
}

uint32_t codes_on(Store &store) {
	uint32_t n = 0;
	for (uint32_t block = 0; block < store.nblocks(); block++)
		if (vx_page_is(store.page(block), VX_KIND_CODE))
			n += Growth(store).rows_header(block).chain.count;
	return n;
}

// Pages marked as on a list; as many as lists lead to.
uint32_t marked_pages(Store &store) {
	uint32_t n = 0;
	for (uint32_t block = 0; block < store.nblocks(); block++)
		for (const vx_page_kind kind : {VX_KIND_CODE, VX_KIND_RAW, VX_KIND_LIST})
			n += vx_page_is(store.page(block), kind) && Growth(store).rows_header(block).room != VX_META_BLOCK;
	return n;
}

} // namespace

TEST_CASE("free code slots are used before new ones", "[insert]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	std::mt19937_64 random(metric);
	const uint32_t dim = 40, n = 2000;
	HandOptions options;
	options.metric = metric;
	options.leaves = 30;
	Store store = HandTree(dim, gaussian(random, n, dim), options).take();
	const Index ix = store.open();
	const uint32_t slots = codes_on(store), pages = count_kind(store, VX_KIND_CODE);
	const uint64_t gone = remove_rows(store, [](uint64_t i) { return i % 4 == 0 && i < 1500; });
	REQUIRE(Growth(store).release_dead() == gone);
	REQUIRE(free_slots(store) == gone);
	REQUIRE(length_of(store, VX_ROOM_CODE) > 3);
	for (uint32_t i = 0; i < 1500; i += 4) { // the same row pointers come again, as after VACUUM
		REQUIRE(insert(store, ix, i, gaussian(random, 1, dim)[0]) == VX_DONE);
		if (i % 100 == 0)
			REQUIRE(marked_pages(store) == length_of(store, VX_ROOM_CODE));
	}
	CHECK(free_slots(store) == 0);
	CHECK(codes_on(store) == slots);
	CHECK(count_kind(store, VX_KIND_CODE) == pages);
	CHECK(length_of(store, VX_ROOM_CODE) == 1); // its last slot was used: the next insert finds that out
	CHECK(store.aborted == 0);
	require_sound(store, ix, n);
	for (uint32_t i = n; i < n + 200; i++)
		REQUIRE(insert(store, ix, i, gaussian(random, 1, dim)[0]) == VX_DONE);
	CHECK(length_of(store, VX_ROOM_CODE) == 0);
	CHECK(marked_pages(store) == 0);
	CHECK(codes_on(store) == slots + 200);
	require_sound(store, ix, n + 200);
	require_scanned_once(store, ix, Vector(dim, 0.3F), 1, n + 200);
	require_scanned_once(store, ix, Vector(dim, 0.3F), 0.95, n + 200);
	require_scanned_once(store, ix, {}, 0.95, n + 200);
}

TEST_CASE("dead slots that are not free yet are left alone", "[insert]") {
	std::mt19937_64 random(4);
	const uint32_t dim = 40, n = 600;
	Store store = HandTree(dim, gaussian(random, n, dim), {}).take();
	const Index ix = store.open();
	remove_rows(store, [](uint64_t i) { return i % 2 == 0; });
	Growth(store).release_dead();
	remove_rows(store, [](uint64_t i) { return i % 2 == 1 && i % 3 == 0; });
	for (uint32_t i = 0; i < n; i++)
		if (i % 2 == 0 || i % 3 == 0)
			REQUIRE(insert(store, ix, i, gaussian(random, 1, dim)[0]) == VX_DONE);
	CHECK(codes_on(store) - free_slots(store) == n + 100); // a leaf's own page may have been preferred to some
	require_sound(store, ix, n);
	require_scanned_once(store, ix, Vector(dim, 0.3F), 0.95, n);
}

namespace {

struct ListCase {
	vx_page_kind kind;
	vx_room list;
	uint32_t dim;
};

// Raw rows, wild rows or NULLs on many pages, of which every third row goes.
struct Gaps {
	explicit Gaps(const ListCase &c) : kind(c.kind), list(c.list), dim(c.dim) {
		BuildOptions options;
		options.leaves = 0;
		n = 4 * vecidx::chain_capacity(kind, dim, 2);
		std::vector<Vector> rows;
		for (uint32_t i = 0; i < n; i++)
			rows.push_back(row(i));
		store = build(dim, rows, options);
		ix = store.open();
		gone = static_cast<uint32_t>(remove_rows(store, [](uint64_t i) { return i % 3 == 0; }));
		Growth growth(store);
		for (uint32_t block = head(); block != VX_NO_BLOCK; block = growth.rows_header(block).chain.next)
			if (growth.rows_header(block).chain.count < vecidx::chain_capacity(kind, dim, 2))
				growth.put_on_list(list, block);
	}
	Vector row(uint32_t i) const { return list == VX_ROOM_LATE ? Vector() : row_of_kind(kind, dim, i); }
	uint32_t head() const {
		const vx_meta &meta = store.meta();
		return list == VX_ROOM_RAW ? meta.raw : list == VX_ROOM_WILD ? meta.wild : meta.late;
	}

	vx_page_kind kind;
	vx_room list;
	uint32_t dim, n = 0, gone = 0;
	Store store;
	Index ix;
};

} // namespace

TEST_CASE("gaps of the raw run and of lists are filled before new pages are added", "[insert]") {
	const auto c = GENERATE(ListCase{VX_KIND_RAW, VX_ROOM_RAW, 300}, ListCase{VX_KIND_LIST, VX_ROOM_WILD, 4},
							ListCase{VX_KIND_LIST, VX_ROOM_LATE, 4});
	Gaps g(c);
	REQUIRE(length_of(g.store, g.list) == 4);
	const uint32_t blocks = g.store.nblocks();
	for (uint32_t i = 0; i < g.n; i += 3)
		REQUIRE(insert(g.store, g.ix, i, g.row(i)) == VX_DONE);
	CHECK(g.store.nblocks() == blocks);
	CHECK(length_of(g.store, g.list) == 1);
	CHECK(marked_pages(g.store) == 1);
	CHECK(g.store.records == g.gone + 3); // three pages left the list, each by a record of its own
	CHECK(g.store.aborted == 0);
	require_sound(g.store, g.ix, g.n);
	REQUIRE(insert(g.store, g.ix, g.n, g.row(1)) == VX_DONE);
	CHECK(length_of(g.store, g.list) == 0);
	CHECK(marked_pages(g.store) == 0);
	CHECK(g.store.nblocks() == blocks + 1);
	require_sound(g.store, g.ix, g.n + 1);
	require_scanned_once(g.store, g.ix, Vector(c.dim, 0.3F), 0.95, g.n + 1);
	require_scanned_once(g.store, g.ix, {}, 0.95, g.n + 1);
}

TEST_CASE("inserts that interleave share lists of pages with room", "[insert]") {
	const auto seed = GENERATE(range(1u, 5u));
	const auto list = GENERATE(VX_ROOM_CODE, VX_ROOM_RAW);
	std::mt19937_64 random(seed);
	const uint32_t dim = 300, n = 200;
	HandOptions options;
	options.leaves = 4;
	std::vector<Vector> rows = gaussian(random, n, dim);
	Store store;
	std::vector<uint64_t> absent;
	if (list == VX_ROOM_CODE) {
		store = HandTree(dim, rows, options).take();
		remove_rows(store, [](uint64_t i) { return i % 2 == 0; });
		Growth(store).release_dead();
	} else {
		BuildOptions raw;
		raw.leaves = 0;
		store = build(dim, rows, raw);
		remove_rows(store, [](uint64_t i) { return i % 2 == 0; });
		for (uint32_t block = 0; block < store.nblocks(); block++)
			if (vx_page_is(store.page(block), VX_KIND_RAW))
				Growth(store).put_on_list(VX_ROOM_RAW, block);
	}
	for (uint64_t i = 0; i < n + 100; i++)
		if (i % 2 == 0 || i >= n)
			absent.push_back(i);
	const Index ix = store.open();
	std::vector<std::unique_ptr<Insertion>> running;
	size_t begun = 0, finished = 0;
	while (finished < absent.size()) {
		if (running.size() < 6 && begun < absent.size())
			running.push_back(
				std::make_unique<Insertion>(store, ix, row_number(absent[begun++]), gaussian(random, 1, dim)[0]));
		const size_t which = random() % running.size();
		const vx_step step = running[which]->step();
		if (!ends(step))
			continue;
		REQUIRE(step == VX_DONE);
		running.erase(running.begin() + static_cast<ptrdiff_t>(which));
		finished++;
	}
	CHECK(store.aborted > 0);
	CHECK(length_of(store, list) == 0);
	CHECK(marked_pages(store) == 0);
	require_sound(store, ix, n + 100);
	require_scanned_once(store, ix, Vector(dim, 0.1F), 0.9, n + 100);
}

TEST_CASE("a damaged list of pages with room is reported by an insert, and changes nothing", "[insert]") {
	std::mt19937_64 random(6);
	const uint32_t dim = 40, n = 400;
	Store store = HandTree(dim, gaussian(random, n, dim), {}).take();
	const Index ix = store.open();
	remove_rows(store, [](uint64_t i) { return i % 4 == 0; });
	Growth growth(store);
	growth.release_dead();
	const uint32_t first = store.meta().room[VX_ROOM_CODE];
	const Vector x(dim, 0.5F);
	std::string why;
	SECTION("another kind of page") {
		growth.meta().room[VX_ROOM_CODE] = store.meta().late;
		const uint64_t records = store.records;
		CHECK(insert(store, ix, n, x, &why) == VX_CORRUPT);
		CHECK(why == "not a code page");
		CHECK(store.records == records);
	}
	SECTION("a page that is full and not marked") {
		std::vector<uint8_t> bytes(vx_code_stride(dim));
		const auto &entry = *reinterpret_cast<const vx_code_entry *>(bytes.data());
		while (growth.rows_header(first).free > 0)
			vecidx::code_put(growth.at(first), dim, entry);
		growth.rows_header(first).room = VX_META_BLOCK;
		CHECK(insert(store, ix, n, x, &why) == VX_CORRUPT);
		CHECK(why == "a page on a list of pages with room is not marked as such");
		CHECK(store.meta().room[VX_ROOM_CODE] == first);
	}
	SECTION("a raw page of another run") {
		BuildOptions options;
		options.leaves = 0;
		Store raw = build(dim, gaussian(random, 5, dim), options);
		const Index raw_ix = raw.open();
		Growth other(raw);
		other.put_on_list(VX_ROOM_RAW, other.copy_chain(raw.meta().raw, raw.meta().raw_node + 7));
		CHECK(insert(raw, raw_ix, n, x, &why) == VX_CORRUPT);
		CHECK(why == "a raw page belongs to another run");
	}
}
