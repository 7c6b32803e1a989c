// The structure checker on what grows and shrinks: lists of pages with room, free slots, marked entries, lanes that
// were born or retired, nodes that live or not.
#include "damaged.hpp"
#include "growth.hpp"
#include "sound.hpp"

using namespace vecidx_test;
using vecidx::page_init;
using vecidx::page_special;

namespace {

// A tree some of whose rows are gone: free slots on several code pages, all on their list.
Damaged with_free_slots() {
	Store store = sound_tree();
	remove_rows(store, [](uint64_t i) { return i % 3 == 0; });
	Growth(store).release_dead();
	return Damaged(std::move(store));
}

// Lists of several pages with gaps in the raw run and in both lists.
Store with_gaps(uint32_t dim) {
	BuildOptions options;
	options.leaves = 0;
	std::vector<Vector> rows = gaussian(1, 9, dim);
	const uint32_t listed = 2 * vx_list_per_page() + 10;
	for (uint32_t i = 0; i < listed; i++) {
		rows.emplace_back();
		rows.emplace_back(dim, 1e30F);
	}
	Store store = build(dim, rows, options);
	remove_rows(store, [](uint64_t i) { return i % 5 == 0; });
	return store;
}

// All pages of a chain on a list.
void list_chain(Store &store, vx_room list, uint32_t head) {
	Growth growth(store);
	for (uint32_t block = head; block != VX_NO_BLOCK; block = growth.rows_header(block).chain.next)
		growth.put_on_list(list, block);
}

Damaged with_lists() {
	Store store = with_gaps(900);
	list_chain(store, VX_ROOM_RAW, store.meta().raw);
	list_chain(store, VX_ROOM_WILD, store.meta().wild);
	list_chain(store, VX_ROOM_LATE, store.meta().late);
	return Damaged(std::move(store));
}

// Pages of a list in its order.
std::vector<uint32_t> listed(Damaged &d, vx_room list) {
	std::vector<uint32_t> pages;
	for (uint32_t block = d.meta().room[list]; block != VX_NO_BLOCK; block = d.rows_header(block).room)
		pages.push_back(block);
	return pages;
}

} // namespace

TEST_CASE("pages on lists of pages with room are sound", "[check]") {
	Damaged tree = with_free_slots();
	REQUIRE(listed(tree, VX_ROOM_CODE).size() > 2);
	CHECK(faults_of(tree.store, tree.ix).empty());
	Damaged lists = with_lists();
	REQUIRE(listed(lists, VX_ROOM_RAW).size() > 2);
	REQUIRE(listed(lists, VX_ROOM_WILD).size() == 3);
	REQUIRE(listed(lists, VX_ROOM_LATE).size() == 3);
	CHECK(faults_of(lists.store, lists.ix).empty());
}

TEST_CASE("damage to the list of code pages is found", "[check]") {
	Damaged d = with_free_slots();
	const std::vector<uint32_t> pages = listed(d, VX_ROOM_CODE);
	SECTION("a loop") {
		d.rows_header(pages[2]).room = pages[0];
		d.expect(pages[2], "two pointers lead to the same page");
	}
	SECTION("a page that follows itself") {
		d.rows_header(pages[1]).room = pages[1];
		d.expect(pages[1], "two pointers lead to the same page");
		d.expect(pages[2], "a page is on a list that does not lead to it");
	}
	SECTION("a page marked but not on the list") {
		d.rows_header(pages[0]).room = pages[2];
		d.expect(pages[1], "a page is on a list that does not lead to it");
	}
	SECTION("no list for a page that is marked") {
		d.meta().room[VX_ROOM_CODE] = VX_NO_BLOCK;
		d.expect(pages[0], "a page is on a list that does not lead to it");
	}
	SECTION("free slots on no list") {
		d.rows_header(pages[0]).room = pages[2];
		d.rows_header(pages[1]).room = VX_META_BLOCK;
		d.expect(pages[1], "a page with free slots is on no list");
	}
	SECTION("a page on the list but not marked") {
		d.rows_header(pages[1]).room = VX_META_BLOCK;
		d.expect(pages[0], "a pointer leads to a page that is on no list");
		d.expect(pages[2], "a page is on a list that does not lead to it");
	}
	SECTION("a page of another kind") {
		d.rows_header(pages[1]).room = d.leaf();
		d.expect(pages[1], "a pointer leads to a page that is on no list");
	}
	SECTION("beyond the end") {
		const bool first = GENERATE(true, false);
		(first ? d.meta().room[VX_ROOM_CODE] : d.rows_header(pages[1]).room) = d.store.nblocks();
		d.expect(first ? VX_META_BLOCK : pages[1], "a pointer leads beyond the end");
	}
	SECTION("a page never written") {
		d.store.pages.emplace_back();
		d.rows_header(pages[1]).room = d.store.nblocks() - 1;
		d.expect(pages[1], "a pointer leads to a page that is on no list");
	}
	SECTION("the lists mixed up") {
		std::swap(d.meta().room[VX_ROOM_CODE], d.meta().room[VX_ROOM_RAW]);
		d.expect(VX_META_BLOCK, "a pointer leads to a page that is on no list");
		d.expect(pages[1], "a page is on a list that does not lead to it");
	}
}

TEST_CASE("damage to the lists of the raw run, of wild and of late rows is found", "[check]") {
	Damaged d = with_lists();
	const std::vector<uint32_t> raw = listed(d, VX_ROOM_RAW), wild = listed(d, VX_ROOM_WILD);
	const std::vector<uint32_t> late = listed(d, VX_ROOM_LATE);
	SECTION("a page on two lists") {
		d.rows_header(wild[2]).room = late[0];
		d.expect(VX_META_BLOCK, "two pointers lead to the same page");
	}
	SECTION("a page on a list of another kind") {
		d.rows_header(raw.back()).room = wild[0];
		d.expect(raw.back(), "a pointer leads to a page that is on no list");
	}
	SECTION("a loop") {
		d.rows_header(raw.back()).room = raw[1];
		d.expect(raw.back(), "two pointers lead to the same page");
	}
	SECTION("wild and late rows mixed up") {
		std::swap(d.meta().room[VX_ROOM_WILD], d.meta().room[VX_ROOM_LATE]);
		d.expect(late[0], "a page is on the list of another kind of rows");
		d.expect(wild[0], "a page is on the list of another kind of rows");
	}
	SECTION("a page of no chain") {
		const auto kind = GENERATE(VX_KIND_RAW, VX_KIND_LIST);
		d.store.pages.emplace_back();
		d.store.pages.back().init();
		const uint32_t block = d.store.nblocks() - 1;
		page_init(d.at(block), kind, kind == VX_KIND_RAW ? d.meta().raw_node + 1 : 0, 0, 900, d.meta().scan_bits);
		Growth(d.store).put_on_list(kind == VX_KIND_RAW ? VX_ROOM_RAW : VX_ROOM_LATE, block);
		d.expect(block, "a page with room belongs to no chain");
	}
	SECTION("a page that left its chain") {
		const uint32_t second = d.chain(d.meta().late).next, third = d.chain(second).next;
		d.chain(d.meta().late).next = third;
		d.expect(second, "no pointer leads to a page that is in use");
	}
}

TEST_CASE("damage to slots that are free is found", "[check]") {
	Damaged d = with_free_slots();
	const uint32_t leaf = d.leaf(1), page = d.code_page_of(leaf);
	vx_code_entry &entry = d.code_of(leaf);
	const uint32_t codes = vx_codes_per_page(kDim);
	uint32_t slot = 0;
	while ((vecidx::code_entry(d.at(page), kDim, slot).row.flags & VX_ROW_FREE) == 0)
		slot++;
	SECTION("a scan entry leads to one") {
		d.set_ref(leaf, d.chain(leaf).count - 1U, page * codes + slot);
		d.expect(leaf, "a scan entry refers to a free code slot");
	}
	SECTION("it is not counted") {
		d.rows_header(page).free--;
		d.expect(page, "a page's count of dead entries is wrong");
	}
	SECTION("the count is of others") {
		d.rows_header(page).dead++;
		d.expect(page, "a page's count of dead entries is wrong");
	}
	SECTION("a row that lives is free") {
		entry.row.flags = VX_ROW_FREE;
		d.rows_header(page).free++;
		const std::string faults = faults_of(d.store, d.ix);
		INFO(faults);
		CHECK_FALSE(faults.empty());
	}
	SECTION("a slot lives again without a scan entry") {
		vecidx::code_entry(d.at(page), kDim, slot).row.flags = 0;
		d.rows_header(page).free--;
		d.rows_header(page).dead--;
		d.expect(page, "no scan entry refers to a live code slot");
	}
}

TEST_CASE("the number of pages of a leaf is checked", "[check]") {
	HandOptions options;
	options.leaves = 2;
	Damaged d(HandTree(100, gaussian(5, 600, 100), options).take());
	REQUIRE(faults_of(d.store, d.ix).empty());
	Growth growth(d.store);
	const uint32_t head = growth.child(growth.lanes(1)[0]).block;
	REQUIRE(d.chain(head).behind > 1);
	uint32_t last = head;
	while (d.chain(last).next != VX_NO_BLOCK)
		last = d.chain(last).next;
	const char *why = "a chain has another number of pages than its head says";
	SECTION("more") {
		d.chain(head).behind++;
		d.expect(last, why);
	}
	SECTION("less") {
		d.chain(head).behind = 0;
		d.expect(last, why);
	}
	SECTION("only the head's counts") {
		d.chain(last).behind = 17;
		CHECK(faults_of(d.store, d.ix).empty());
	}
}

TEST_CASE("a leaf page with entries that moved is sound, one marked without a time is not", "[check]") {
	Damaged d;
	Growth growth(d.store);
	const std::vector<LaneAt> leaves = growth.lanes(1);
	const uint32_t page = growth.child(leaves[4]).block;
	REQUIRE(d.chain(page).count > 2);
	growth.move_entry(d.ix, page, 1, leaves[5]);
	d.leaf_header(page).moved = ++d.meta().clock;
	REQUIRE(faults_of(d.store, d.ix).empty());
	SECTION("no time") {
		d.leaf_header(page).moved = 0;
		d.expect(page, "a leaf page without moved entries has a marked one");
	}
	SECTION("a time to come") {
		d.leaf_header(page).moved = d.meta().clock + 1;
		d.expect(page, "entries of a leaf page moved at a time that has not come");
	}
	SECTION("forgotten in time to come") {
		d.leaf_header(page).forgot = d.meta().clock + 1;
		d.expect(page, "entries of a leaf page moved at a time that has not come");
	}
	SECTION("its row has no other entry") {
		vecidx::leaf_mark(d.at(page), kDim, 2, 2);
		const uint32_t codes = vecidx::ref_block(d.ref(page, 2), kDim);
		d.expect(codes, "no scan entry refers to a live code slot");
	}
	SECTION("it was dropped") {
		growth.forget_marked(page);
		d.leaf_header(page).forgot = d.leaf_header(page).moved;
		CHECK(faults_of(d.store, d.ix).empty());
	}
}

TEST_CASE("lanes of a time to come, and lives that end before they begin, are found", "[check]") {
	Damaged d;
	const uint64_t now = d.meta().clock = 8;
	const uint32_t level = GENERATE(1u, 2u), inner = d.find(VX_KIND_INNER, 1, level);
	const char *early = "an inner entry was changed at a time that has not come";
	SECTION("born") {
		d.set_word(inner, VX_CHILD_BORN_LO, 1, now + 1);
		d.expect(inner, early);
	}
	SECTION("born long after") {
		d.set_word(inner, VX_CHILD_BORN_LO, 1, uint64_t(1) << 40);
		d.expect(inner, early);
	}
	SECTION("retired") {
		d.set_word(inner, VX_CHILD_RETIRED_LO, 1, now + 1);
		d.expect(inner, early);
	}
	SECTION("retired before it was born") {
		d.set_word(inner, VX_CHILD_BORN_LO, 1, 5);
		d.set_word(inner, VX_CHILD_RETIRED_LO, 1, 4);
		d.expect(inner, "an inner node's child retired before it was born");
	}
	SECTION("retired but never born") {
		d.set_word(inner, VX_CHILD_BORN_LO, 1, VX_NEVER);
		d.set_word(inner, VX_CHILD_RETIRED_LO, 1, 4);
		d.expect(inner, "an inner node's child retired before it was born");
	}
	SECTION("a retired one without a page") {
		const LaneAt lane{inner, 0, 1};
		Growth growth(d.store);
		growth.replace(lane);
		REQUIRE(faults_of(d.store, d.ix).empty());
		d.set_field(inner, VX_CHILD_BLOCK, 1, VX_NO_BLOCK);
		d.expect(inner, "an inner node's child has no page");
	}
	SECTION("what a lane holds before its birth") {
		Growth growth(d.store);
		growth.set({inner, 0, VX_LANES - 1}, {NAN, NAN, NAN, NAN, NAN, 99999, 99999, VX_NEVER, VX_NEVER});
		CHECK(faults_of(d.store, d.ix).empty());
	}
	SECTION("a page that forgot") {
		d.inner_header(inner).forgot = now;
		REQUIRE(faults_of(d.store, d.ix).empty());
		d.inner_header(inner).forgot = now + 1;
		d.expect(inner, "an inner page forgot lanes at a time that has not come");
	}
	SECTION("the meta page's clock") {
		d.meta().clock = 0;
		d.expect(VX_META_BLOCK, "the meta page has an impossible clock");
	}
}

TEST_CASE("the number of leaves is checked", "[check]") {
	Damaged d;
	d.meta().leaves += GENERATE(1u, UINT32_MAX);
	d.expect(VX_META_BLOCK, "the meta page counts another number of leaves");
}

TEST_CASE("pages that nothing leads to must be of nodes that live no more", "[check]") {
	Damaged d;
	Growth growth(d.store);
	const char *lost = "no pointer leads to a page that is in use";
	const LaneAt leaf = growth.lanes(1)[3], inner = growth.lanes(2)[3];
	SECTION("of a living leaf") {
		const uint32_t block = growth.copy_chain(growth.child(leaf).block, growth.child(leaf).node);
		d.expect(block, lost);
	}
	SECTION("but for pages that were to extend a living inner node: its own would be missed") {
		growth.copy_chain(growth.child(inner).block, growth.child(inner).node);
		growth.copy_chain(d.meta().root, d.meta().root_node);
		CHECK(faults_of(d.store, d.ix).empty());
	}
	SECTION("of the raw run") {
		d.expect(growth.copy_chain(d.meta().raw, d.meta().raw_node), lost);
	}
	SECTION("of nodes that were retired") {
		growth.replace(leaf);
		growth.replace(inner);
		CHECK(faults_of(d.store, d.ix).empty());
	}
	SECTION("of nodes that were retired and forgotten") {
		growth.replace(leaf);
		growth.set(leaf, {0, INFINITY, 0, 0, 0, VX_NO_BLOCK, 0, VX_NEVER, VX_NEVER});
		CHECK(faults_of(d.store, d.ix).empty());
	}
	SECTION("of nodes that were never published") {
		growth.copy_chain(growth.child(leaf).block, d.meta().next_node++);
		growth.copy_chain(growth.child(inner).block, d.meta().next_node++);
		growth.copy_chain(d.meta().raw, d.meta().next_node++); // a raw run of its own
		CHECK(faults_of(d.store, d.ix).empty());
	}
	SECTION("free ones") {
		growth.release_page(growth.replace(leaf));
		CHECK(faults_of(d.store, d.ix).empty());
	}
}

TEST_CASE("a pointer to a page that is free, or of a node that it does not name, is found", "[check]") {
	Damaged d;
	Growth growth(d.store);
	const uint32_t leaf = d.leaf(3), inner = d.find(VX_KIND_INNER, 1, 1);
	SECTION("a leaf") {
		growth.release_page(leaf);
		d.expect(leaf, "not a leaf page");
	}
	SECTION("an inner node") {
		growth.release_page(inner);
		d.expect(inner, "not an inner page");
	}
	SECTION("the raw run") {
		growth.release_page(d.meta().raw);
		d.expect(d.meta().raw, "not a raw page");
	}
	SECTION("a raw page of another node") {
		page_special(d.at(d.meta().raw)).node++;
		d.expect(d.meta().raw, "a page belongs to another chain");
	}
	SECTION("a list with a node") {
		page_special(d.at(d.meta().late)).node = 1;
		d.expect(d.meta().late, "a page belongs to another chain");
	}
}
