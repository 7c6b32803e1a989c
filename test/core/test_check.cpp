// The structure checker: silent on sound indexes, and a test for each kind of damage it must find.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "damaged.hpp"

using namespace vecidx_test;
using vecidx::page_header;
using vecidx::page_special;

TEST_CASE("a sound index has no fault, and each of its live rows is reported once", "[check]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	Store store = sound_tree(metric);
	const Index ix = store.open();
	REQUIRE(store.meta().levels == 3);
	CHECK(faults_of(store, ix).empty());
	std::vector<uint64_t> rows = check(store, ix).rows, expected;
	for (uint64_t i = 0; i < kRows + 10; i++)
		if (i % 50 != 7)
			expected.push_back(i);
	std::sort(rows.begin(), rows.end());
	CHECK(rows == expected);
}

TEST_CASE("pages that a crash leaves behind are no fault", "[check]") {
	Damaged d;
	d.store.pages.emplace_back(); // extended, never written
	d.store.pages.emplace_back();
	d.store.pages.back().init();
	d.store.pages.emplace_back(); // formatted, empty
	d.store.pages.back().init();
	vecidx::page_init(d.store.pages.back().data(), VX_KIND_CODE, 0, 0, kDim, 2);
	CHECK(faults_of(d.store, d.ix).empty());
}

TEST_CASE("a page that nothing leads to is found", "[check]") {
	Damaged d;
	d.store.pages.emplace_back();
	d.store.pages.back().init();
	vecidx::page_init(d.store.pages.back().data(), VX_KIND_LIST, 0, 0, kDim, 2);
	vecidx::list_append(d.store.pages.back().data(), row_number(100000));
	d.expect(d.store.nblocks() - 1, "no pointer leads to a page that is in use");
}

TEST_CASE("damage to the meta page is found", "[check]") {
	Damaged d;
	SECTION("not a meta page") {
		d.meta().magic++;
		d.expect(0, "not a vecidx meta page");
	}
	SECTION("another epoch") {
		d.meta().epoch++;
		CHECK(check(d.store, d.ix).end == VX_STALE);
	}
	SECTION("another shape without another epoch") {
		d.meta().scan_bits = 4;
		d.expect(0, "the meta page changed without a new epoch");
	}
	SECTION("a level less") {
		d.meta().levels--;
		d.expect(d.meta().root, "an inner page belongs to another node");
	}
	SECTION("a root beyond the end") {
		d.meta().root = 100000;
		d.expect(0, "a pointer leads beyond the end");
	}
	SECTION("a root that is none") {
		d.meta().root = d.leaf();
		d.expect(d.leaf(), "not an inner page");
	}
	SECTION("another node as root") {
		d.meta().root_node--;
		d.expect(d.meta().root, "an inner page belongs to another node");
	}
	SECTION("a mean page that is none") {
		d.meta().mean = d.find(VX_KIND_CODE);
		d.expect(d.meta().mean, "not a mean page");
	}
	SECTION("a code tail that is none") {
		d.meta().code_tail = d.leaf();
		d.expect(0, "a pointer to a code page leads to another");
	}
	SECTION("a code tail beyond the end") {
		d.meta().code_tail = 100000;
		d.expect(0, "a pointer leads beyond the end");
	}
	SECTION("lists mixed up") {
		d.meta().wild = d.meta().raw;
		d.expect(0, "two pointers lead to the same page");
	}
	SECTION("a list that is none") {
		d.meta().late = d.find(VX_KIND_CODE);
		d.expect(0, "two pointers lead to the same page");
	}
	SECTION("a second one") {
		d.store.pages.push_back(d.store.pages[0]);
		d.expect(d.store.nblocks() - 1, "a second meta page");
	}
	SECTION("a node id not given out") {
		d.meta().next_node = d.meta().root_node;
		d.expect(0, "the meta page's root has a node id");
	}
}

TEST_CASE("damage that a page shows by itself is found", "[check]") {
	Damaged d;
	const auto kind = GENERATE(VX_KIND_INNER, VX_KIND_LEAF, VX_KIND_CODE, VX_KIND_RAW, VX_KIND_LIST, VX_KIND_MEAN);
	const uint32_t block = d.find(kind, 0, kind == VX_KIND_INNER ? 1 : 0);
	SECTION("not ours") {
		page_special(d.at(block)).page_id = 0xFF80;
		d.expect(block, "not a vecidx page");
	}
	SECTION("another version") {
		page_special(d.at(block)).version = 7;
		d.expect(block, "not a");
	}
	SECTION("an unknown kind") {
		page_special(d.at(block)).kind = 99;
		d.expect(block, "a page of an unknown kind");
	}
	SECTION("entries of another size") {
		page_special(d.at(block)).entry_bytes++;
		d.expect(block, "a page's entries have another size");
	}
	SECTION("more entries than fit") {
		if (kind == VX_KIND_INNER || kind == VX_KIND_MEAN)
			return;
		d.chain(block).count = 0xFFFF;
		d.expect(block, "a page counts more entries than fit");
	}
	SECTION("more dead than there are") {
		if (kind != VX_KIND_CODE)
			return;
		d.rows_header(block).dead = static_cast<uint16_t>(d.chain(block).count + 1);
		d.expect(block, "a page counts more dead entries");
	}
	SECTION("more free than dead ones") {
		if (kind != VX_KIND_CODE)
			return;
		d.rows_header(block).free = static_cast<uint16_t>(d.rows_header(block).dead + 1);
		d.expect(block, "a page counts more dead entries");
	}
	SECTION("dead ones where rows are removed at once") {
		if (kind != VX_KIND_RAW && kind != VX_KIND_LIST)
			return;
		d.rows_header(block).dead = 1;
		d.expect(block, "a page's count of dead entries is wrong");
	}
	SECTION("followed by the meta page") {
		if (kind == VX_KIND_MEAN)
			return;
		d.chain(block).next = 0; // the first word of an inner page's header as well
		CHECK_FALSE(faults_of(d.store, d.ix).empty());
	}
	SECTION("a lost write") {
		if (kind == VX_KIND_RAW)
			CHECK(d.chain(block).count == 0); // with a tree
		d.store.pages[block].bytes.fill(0);
		CHECK_FALSE(faults_of(d.store, d.ix).empty());
	}
}

TEST_CASE("a mean that is not finite is found", "[check]") {
	Damaged d;
	const float bad = NAN;
	memcpy(d.store.pages[d.meta().mean].bytes.data() + VX_BLOCKS_OFFSET, &bad, 4);
	d.expect(d.meta().mean, "the mean is not finite");
}

TEST_CASE("damage to an inner node's pointers is found", "[check]") {
	Damaged d;
	const uint32_t parent = d.find(VX_KIND_INNER, 1, 1);
	SECTION("pointer beyond the end") {
		d.set_field(parent, VX_CHILD_BLOCK, 1, 99999u);
		d.expect(parent, "a pointer leads beyond the end");
	}
	SECTION("no pointer") {
		d.set_field(parent, VX_CHILD_BLOCK, 1, VX_NO_BLOCK);
		d.expect(parent, "an inner node's child has no page");
	}
	SECTION("pointer to a page never written") {
		d.store.pages.emplace_back();
		d.set_field(parent, VX_CHILD_BLOCK, 1, d.store.nblocks() - 1);
		d.expect(parent, "a pointer leads to a page that was never written");
	}
	SECTION("pointer to another leaf") {
		const uint32_t other = d.find(VX_KIND_LEAF, 59);
		d.set_field(parent, VX_CHILD_BLOCK, 1, other);
		d.expect(other, "a leaf page belongs to another node");
	}
	SECTION("two pointers to one leaf") {
		for (const vx_inner_row row : {VX_CHILD_BLOCK, VX_CHILD_NODE_LO, VX_CHILD_NODE_HI})
			memcpy(d.field(parent, row, 1), d.field(parent, row, 0), 4);
		d.expect(parent, "two pointers lead to the same page");
	}
	SECTION("another node id") {
		uint32_t id;
		memcpy(&id, d.field(parent, VX_CHILD_NODE_LO, 2), 4);
		uint32_t block;
		memcpy(&block, d.field(parent, VX_CHILD_BLOCK, 2), 4);
		d.set_field(parent, VX_CHILD_NODE_LO, 2, id + 1);
		d.expect(block, "a leaf page belongs to another node");
	}
	SECTION("a node id not given out, agreed on by both") {
		uint32_t block;
		memcpy(&block, d.field(parent, VX_CHILD_BLOCK, 2), 4);
		d.set_field(parent, VX_CHILD_NODE_LO, 2, 500000u);
		page_special(d.at(block)).node = 500000;
		d.expect(parent, "a node has an id that was not given out yet");
	}
}

TEST_CASE("damage to the numbers of inner entries is found", "[check]") {
	Damaged d;
	const uint32_t parent = d.find(VX_KIND_INNER, 1, 1), upper = d.find(VX_KIND_INNER, 1, 2);
	SECTION("radius too small for a leaf") {
		d.set_field(parent, VX_CHILD_RADIUS, 0, d.float_field(parent, VX_CHILD_RADIUS, 0) * 0.999F);
		d.expect(parent, "a row lies outside the radius");
	}
	SECTION("radius too small above") {
		d.set_field(upper, VX_CHILD_RADIUS, 1, d.float_field(upper, VX_CHILD_RADIUS, 1) * 0.999F);
		d.expect(upper, "a row lies outside the radius");
	}
	SECTION("spread too small above") {
		d.set_field(upper, VX_CHILD_SPREAD, 1, d.float_field(upper, VX_CHILD_SPREAD, 1) * 0.99F);
		d.expect(upper, "a leaf's centroid lies outside the spread");
	}
	SECTION("norm") {
		d.set_field(parent, VX_CHILD_NORM, 1, d.float_field(parent, VX_CHILD_NORM, 1) * 1.001F);
		d.expect(parent, "an inner entry's norm is not its centroid's");
	}
	SECTION("scale") {
		d.set_field(parent, VX_CHILD_SCALE, 1, d.float_field(parent, VX_CHILD_SCALE, 1) * 1.1F);
		d.expect(parent, "an inner entry's norm is not its centroid's");
	}
	SECTION("a centroid's code") {
		d.store.pages[parent].bytes[VX_BLOCKS_OFFSET + VX_CHILD_FIELDS * VX_ROW_BYTES + 4] ^= 0x40;
		d.expect(parent, "an inner entry's norm is not its centroid's");
	}
	SECTION("an extra coordinate under L2") {
		d.set_field(parent, VX_CHILD_AUX, 1, 1.0F);
		d.expect(parent, "an inner entry has an extra coordinate");
	}
	SECTION("impossible numbers") {
		const auto row = GENERATE(VX_CHILD_SCALE, VX_CHILD_NORM, VX_CHILD_RADIUS, VX_CHILD_SPREAD, VX_CHILD_AUX);
		d.set_field(parent, row, 1, NAN);
		d.expect(parent, "an inner node's child has impossible numbers");
	}
}

TEST_CASE("damage to an inner page's level and number of blocks is found", "[check]") {
	Damaged d;
	const uint32_t parent = d.find(VX_KIND_INNER, 1, 1);
	SECTION("level") {
		page_special(d.at(parent)).level = 2;
		d.expect(parent, "an inner page belongs to another node");
	}
	SECTION("no blocks") {
		d.inner_header(parent).blocks = 0;
		d.expect(parent, "an inner page has an impossible number of blocks");
	}
	SECTION("more blocks than fit") {
		d.inner_header(parent).blocks = static_cast<uint16_t>(vx_inner_blocks_per_page(kDim) + 1);
		d.expect(parent, "an inner page has an impossible number of blocks");
	}
	SECTION("a block of zeros too many") {
		d.inner_header(parent).blocks++;
		d.expect(parent, "an inner node's child has no page");
	}
	SECTION("a part of a group where blocks are whole") {
		d.inner_header(parent).part = 1;
		d.expect(parent, "an inner page lies beyond the end of its block");
	}
	SECTION("a lane too few") {
		d.set_word(parent, VX_CHILD_RETIRED_LO, 1, d.meta().clock); // its leaf's rows are nowhere else
		const std::string faults = faults_of(d.store, d.ix);
		CHECK(faults.find("the meta page counts another number of leaves") != std::string::npos);
		CHECK(faults.find("no scan entry refers to a live code slot") != std::string::npos);
	}
}

TEST_CASE("pages of an inner node that do not continue each other are found", "[check]") {
	HandOptions options;
	options.leaves = options.fanout = 300; // one node of 19 blocks
	Damaged d(HandTree(kDim, gaussian(3, 600, kDim), options).take());
	REQUIRE(faults_of(d.store, d.ix).empty());
	const uint32_t first = d.meta().root, second = d.inner_header(first).next;
	REQUIRE(second != VX_NO_BLOCK);
	SECTION("another node") {
		page_special(d.at(second)).node++;
		d.expect(second, "an inner page belongs to another node");
	}
	SECTION("cycle") {
		d.inner_header(first).next = first;
		d.expect(first, "two pointers lead to the same page");
	}
	SECTION("end") {
		d.inner_header(first).next = VX_NO_BLOCK;
		d.expect(VX_META_BLOCK, "the meta page counts another number of leaves");
	}
}

TEST_CASE("pages of one large block that do not continue each other are found", "[check]") {
	const uint32_t dim = 1000; // a block takes three pages
	HandOptions options;
	options.leaves = options.fanout = 20; // two blocks
	Damaged d(HandTree(dim, gaussian(3, 60, dim), options).take());
	REQUIRE(faults_of(d.store, d.ix).empty());
	uint32_t pages[6] = {d.meta().root};
	for (int i = 1; i < 6; i++)
		pages[i] = d.inner_header(pages[i - 1]).next;
	REQUIRE(d.inner_header(pages[5]).next == VX_NO_BLOCK);
	const char *broken = "pages of an inner node do not continue each other";
	SECTION("a part twice") {
		d.inner_header(pages[4]).part = 0;
		d.expect(pages[4], broken);
	}
	SECTION("a part missing") {
		d.inner_header(pages[0]).next = pages[2];
		d.expect(pages[2], broken);
	}
	SECTION("a group that begins in its middle") {
		d.inner_header(pages[2]).next = pages[4];
		d.expect(pages[4], broken);
	}
	SECTION("a part that no block has") {
		d.inner_header(pages[1]).part = 3;
		d.expect(pages[1], "an inner page lies beyond the end of its block");
	}
	SECTION("the end within a block") {
		d.inner_header(pages[4]).next = VX_NO_BLOCK;
		d.expect(pages[4], "an inner node ends within a block");
	}
}

TEST_CASE("damage to leaf pages is found", "[check]") {
	Damaged d;
	const uint32_t leaf = d.leaf(2), other = d.leaf(5);
	const uint32_t codes = vx_codes_per_page(kDim);
	SECTION("cycle") {
		d.chain(leaf).next = leaf;
		d.expect(leaf, "two pointers lead to the same page");
	}
	SECTION("a successor of another leaf") {
		d.chain(leaf).next = other;
		const std::string faults = faults_of(d.store, d.ix);
		CHECK((says(faults, other, "a leaf page belongs") || says(faults, leaf, "two pointers")));
	}
	SECTION("unit") {
		d.leaf_header(leaf).unit *= 1.5F;
		d.expect(leaf, "a scan entry is not that of the code slot");
	}
	SECTION("impossible unit") {
		d.leaf_header(leaf).unit = NAN;
		d.expect(leaf, "a leaf page has impossible factors");
	}
	SECTION("a reference beyond the end") {
		d.set_ref(leaf, 0, d.store.nblocks() * codes + 1);
		d.expect(leaf, "a scan entry refers to a page that is no code page");
	}
	SECTION("a reference to another kind of page") {
		d.set_ref(leaf, 0, other * codes);
		d.expect(leaf, "a scan entry refers to a page that is no code page");
	}
	SECTION("a reference to an unused slot") {
		const uint32_t tail = d.meta().code_tail;
		d.set_ref(leaf, 0, tail * codes + d.chain(tail).count);
		d.expect(leaf, "a scan entry refers to a code slot that is not in use");
	}
	SECTION("two references to one slot") {
		uint32_t slot;
		d.code_of(leaf, &slot);
		const uint32_t from = d.code_page_of(leaf);
		d.set_ref(leaf, slot, d.ref(leaf, slot + 1));
		d.expect(leaf, "two scan entries refer to the same code slot");
		d.expect(from, "no scan entry refers to a live code slot");
	}
	SECTION("references exchanged") {
		uint32_t a, b;
		d.code_of(leaf, &a);
		d.code_of(other, &b);
		const uint32_t mine = d.ref(leaf, a);
		d.set_ref(leaf, a, d.ref(other, b));
		d.set_ref(other, b, mine);
		d.expect(leaf, "a scan entry is not that of the code slot");
	}
	SECTION("one entry less") {
		d.chain(leaf).count--;
		CHECK(faults_of(d.store, d.ix).find("no scan entry refers to a live code slot") != std::string::npos);
	}
	SECTION("one entry more") {
		d.chain(leaf).count++;
		CHECK_FALSE(faults_of(d.store, d.ix).empty());
	}
	SECTION("a factor") {
		uint32_t slot;
		d.code_of(leaf, &slot);
		const uint32_t offset = GENERATE(0u, 32u);
		d.fields_of(leaf, slot)[offset + slot % VX_LANES * 2 + 1] ^= 0x04; // the exponent
		d.expect(leaf, "a scan entry is not that of the code slot");
	}
	SECTION("a scan code") {
		uint32_t slot;
		d.code_of(leaf, &slot);
		vecidx::leaf_close(d.at(leaf), kDim, 2);
		uint8_t *block = vecidx::leaf_block(d.at(leaf), kDim, 2, slot / VX_LANES);
		for (uint32_t byte = 0; byte < vx_scan_bytes(kDim, 2); byte++) // a few dimensions may cancel each other out
			block[size_t(byte) * VX_LANES + slot % VX_LANES] ^= 0xFF;
		d.expect(leaf, "a scan entry is not that of the code slot");
	}
}

TEST_CASE("damage to code pages is found", "[check]") {
	Damaged d;
	const uint32_t leaf = d.leaf(1), page = d.code_page_of(leaf);
	vx_code_entry &entry = d.code_of(leaf);
	SECTION("code") {
		entry.code[3] = static_cast<int8_t>(entry.code[3] > 0 ? entry.code[3] - 60 : entry.code[3] + 60);
		const std::string faults = faults_of(d.store, d.ix);
		INFO(faults);
		CHECK((says(faults, leaf, "a scan entry is not") || faults.find("outside the radius") != std::string::npos));
	}
	SECTION("code out of range") {
		entry.code[3] = -128;
		d.expect(page, "a refine code is out of range");
	}
	SECTION("scale") {
		entry.scale *= 1.5F;
		const std::string faults = faults_of(d.store, d.ix);
		INFO(faults);
		CHECK((says(faults, leaf, "a scan entry is not") || faults.find("outside the radius") != std::string::npos));
	}
	SECTION("impossible scale") {
		entry.scale = INFINITY;
		d.expect(page, "a refine code has impossible numbers");
	}
	SECTION("impossible error") {
		entry.error = -1;
		d.expect(page, "a refine code has impossible numbers");
	}
	SECTION("error") {
		entry.error = 1000;
		CHECK(faults_of(d.store, d.ix).find("a row lies outside the radius") != std::string::npos);
	}
	SECTION("a row pointer") {
		entry.row.offset = 0;
		d.expect(page, "a row pointer is impossible");
	}
	SECTION("flags") {
		entry.row.flags = 64;
		d.expect(page, "a row pointer is impossible");
	}
	SECTION("a row twice") {
		vx_row &late = vecidx::list_entry(d.at(d.meta().late), 0);
		late.block = entry.row.block;
		late.offset = entry.row.offset;
		d.expect(d.meta().late, "a row is in the index twice");
	}
	SECTION("dead without being counted") {
		entry.row.flags |= VX_ROW_DEAD;
		d.expect(page, "a page's count of dead entries is wrong");
	}
	SECTION("an entry less") {
		const uint32_t tail = d.meta().code_tail;
		d.chain(tail).count--;
		CHECK(faults_of(d.store, d.ix).find("code slot that is not in use") != std::string::npos);
	}
	SECTION("an entry more") {
		const uint32_t tail = d.meta().code_tail;
		d.chain(tail).count++;
		d.expect(tail, "no scan entry refers to a live code slot");
	}
	SECTION("a page lost") {
		d.store.pages[page].bytes.fill(0);
		d.expect(leaf, "a scan entry refers to a page that is no code page");
	}
}

TEST_CASE("damage to raw runs and lists is found", "[check]") {
	BuildOptions options;
	options.leaves = 0;
	const uint32_t dim = 900; // two raw rows a page
	Damaged d(build(dim, gaussian(1, 9, dim), options));
	REQUIRE(faults_of(d.store, d.ix).empty());
	const uint32_t head = d.meta().raw, second = d.chain(head).next, third = d.chain(second).next;
	REQUIRE(third != VX_NO_BLOCK);
	SECTION("another number of pages") {
		d.chain(head).behind++;
		d.expect(d.find(VX_KIND_RAW, 1), "a chain has another number of pages than its head says");
	}
	SECTION("cycle") {
		d.chain(third).next = second;
		d.expect(third, "two pointers lead to the same page");
	}
	SECTION("another chain's page") {
		d.chain(third).next = d.meta().wild;
		d.expect(d.meta().wild, "not a raw page");
	}
	SECTION("another node's page") {
		page_special(d.at(third)).node = 5;
		d.expect(third, "a page belongs to another chain");
	}
	SECTION("cut short") {
		const uint32_t fourth = d.chain(third).next;
		REQUIRE(fourth != VX_NO_BLOCK);
		d.chain(third).next = VX_NO_BLOCK;
		d.expect(fourth, "no pointer leads to a page that is in use");
	}
	SECTION("a vector") {
		vecidx::raw_entry(d.at(third), dim, 1).x[899] = NAN;
		d.expect(third, "a raw vector is not finite");
	}
	SECTION("a row twice") {
		vecidx::raw_entry(d.at(third), dim, 1).row = vecidx::raw_entry(d.at(third), dim, 0).row;
		d.expect(third, "a row is in the index twice");
	}
	SECTION("flags that only the late list has") {
		vecidx::raw_entry(d.at(third), dim, 1).row.flags = VX_ROW_NULL;
		d.expect(third, "a row pointer is impossible");
	}
}

TEST_CASE("whatever bits flip, a check ends and reads only pages of the index", "[check]") {
	const Store good = sound_tree();
	const Index ix = good.open();
	std::mt19937_64 random(17);
	uint32_t found = 0, stale = 0;
	const int rounds = 1500;
	for (int round = 0; round < rounds; round++) {
		Store store = good;
		for (uint64_t flips = 1 + random() % 5; flips > 0; flips--) {
			Page &page = store.pages[random() % store.nblocks()];
			const uint64_t where = random() % 3;
			const size_t at = where == 0   ? VX_SPECIAL_OFFSET + random() % VX_SPECIAL_SIZE
							  : where == 1 ? VX_HEADER_OFFSET + random() % 40
										   : VX_HEADER_OFFSET + random() % (VX_PAGE_SIZE - VX_HEADER_OFFSET);
			page.bytes[at] ^= static_cast<uint8_t>(1u << random() % 8);
		}
		const CheckReport report = check(store, ix); // throws when it asks for a page beyond the end
		found += !report.faults.empty();
		stale += report.end == VX_STALE;
	}
	CHECK(found > rounds / 2);
	CHECK(found + stale <= rounds);
}
