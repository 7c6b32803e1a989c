// Page operations against models and against the written layout; validators against every kind of damage.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernel/kernels.hpp"
#include "page/inner.hpp"
#include "page/leaf.hpp"
#include "page/page.hpp"
#include "page/rows.hpp"
#include "page/validate.hpp"
#include "pages.hpp"

using namespace vecidx;
using namespace vecidx_test;

namespace {

constexpr vx_page_kind kKinds[] = {VX_KIND_META, VX_KIND_MEAN, VX_KIND_INNER, VX_KIND_LEAF, VX_KIND_CODE,
								   VX_KIND_RAW,  VX_KIND_LIST, VX_KIND_FREE,  VX_KIND_REST};

vx_meta sound_meta(uint32_t dim, uint32_t bits) {
	vx_meta meta{};
	meta.magic = VX_MAGIC;
	meta.version = VX_FORMAT_VERSION;
	meta.dim = dim;
	meta.metric = VX_L2;
	meta.tree = VX_TREE_KMEANS;
	meta.scan_bits = static_cast<uint8_t>(bits);
	meta.levels = 1;
	meta.root = 4;
	meta.root_node = 1;
	meta.raw_node = 2;
	meta.next_node = 3;
	meta.clock = 1;
	meta.mean = 5;
	meta.raw = 1;
	meta.wild = 2;
	meta.late = 3;
	meta.code_tail = meta.anchors = VX_NO_BLOCK;
	std::fill_n(meta.room, 4, VX_NO_BLOCK);
	return meta;
}

Page meta_page(const vx_meta &meta) {
	Page page = fresh(VX_KIND_META, meta.dim, meta.scan_bits);
	page_header<vx_meta>(page.data()) = meta;
	return page;
}

// Where kernels.hpp says that a dimension's code lies, written down a second time.
uint8_t code_by_layout(const Page &page, uint32_t dim, uint32_t bits, uint32_t slot, uint32_t i) {
	const uint32_t fields = 8 / bits, blocks = 8104 / ((dim + fields - 1) / fields * 16 + 128);
	const size_t block = 64 + blocks * 64 + size_t(slot / 16) * ((dim + fields - 1) / fields * 16 + 64);
	return page.bytes[block + i / fields * 16 + slot % 16] >> (i % fields * bits) & ((1u << bits) - 1);
}

uint16_t half_at(const Page &page, size_t at) {
	return page.word(at);
}

} // namespace

TEST_CASE("a new page of each kind is sound, empty and measurable", "[page]") {
	const uint32_t dim = GENERATE(1u, 3u, 100u, 784u, 1984u, 2000u), bits = GENERATE(1u, 2u, 4u);
	for (const vx_page_kind kind : kKinds) {
		Page page = fresh(kind, dim, bits, kind == VX_KIND_INNER || kind == VX_KIND_LEAF ? 9 : 0);
		CHECK(vx_page_is(page.data(), kind));
		CHECK_FALSE(page_is_new(page.data()));
		for (const vx_page_kind other : kKinds)
			CHECK(vx_page_is(page.data(), other) == (other == kind));
		if (kind != VX_KIND_REST && chain_capacity(kind, dim, bits) > 0) { // which is never empty
			CHECK(chain_fault(page.data(), kind, dim, bits) == nullptr);
			page.finish();
			CHECK(page.word(12) == (kind == VX_KIND_LEAF ? vx_leaf_blocks_offset(dim, bits) : VX_ENTRIES_OFFSET));
		}
	}
	Page page;
	CHECK(page_is_new(page.data()));
	page.init();
	CHECK(page_is_new(page.data()));
	CHECK(vx_page_used(page.data()) == 0);
	CHECK_FALSE(vx_page_is(page.data(), VX_KIND_META));
}

TEST_CASE("leaf pages give back what was appended, where the layout says", "[page]") {
	const uint32_t bits = GENERATE(1u, 2u, 4u);
	const uint32_t dim = GENERATE(1u, 2u, 3u, 4u, 5u, 16u, 17u, 31u, 100u, 384u, 784u, 960u, 1984u, 2000u);
	const uint32_t capacity = vx_leaf_capacity(dim, bits);
	if (capacity == 0)
		return;
	std::mt19937_64 random(dim * 8 + bits);
	Page page = fresh(VX_KIND_LEAF, dim, bits, 77);
	leaf_set_unit(page.data(), 2);
	std::vector<LeafEntry> model;
	double errors = 0;
	while (model.size() < capacity) {
		model.push_back(random_entry(random, dim, bits));
		const LeafEntry &e = model.back();
		// the first eight, then every eighth for eight
		const auto n = static_cast<double>(model.size());
		if (n <= 8)
			errors += e.factors.error;
		else if (model.size() % 8 == 0)
			errors += 8 * static_cast<double>(e.factors.error);
		REQUIRE(leaf_add(page.data(), dim, bits, e.code.data(), e.factors, e.ref));
		page.finish(); // what the used part does not cover is lost
	}
	const Page before = page;
	CHECK_FALSE(leaf_add(page.data(), dim, bits, model[0].code.data(), model[0].factors, 1));
	CHECK(before.bytes == page.bytes);
	CHECK(leaf_fault(page.data(), dim, bits, 77) == nullptr);
	CHECK(page_header<vx_leaf_header>(page.data()).error == Approx(errors / (capacity / 8 * 8)).epsilon(1e-4));
	std::vector<uint8_t> code(dim);
	bool same = true;
	for (uint32_t slot = 0; slot < capacity; slot++) {
		const LeafEntry &e = model[slot];
		leaf_code(page.data(), dim, bits, slot, code.data());
		same = same && code == e.code && leaf_ref(page.data(), slot) == e.ref;
		for (uint32_t i = 0; i < dim; i++)
			same = same && code_by_layout(page, dim, bits, slot, i) == e.code[i];
		const size_t fields = vx_leaf_blocks_offset(dim, bits) + size_t(slot / 16) * vx_leaf_block_bytes(dim, bits) +
							  size_t(vx_scan_bytes(dim, bits)) * 16;
		same = same && half_at(page, fields + slot % 16 * 2) == half_from_float(e.factors.add / 4);
		same = same && half_at(page, fields + 32 + slot % 16 * 2) == half_from_float(e.factors.mul / 2);
		uint32_t ref;
		memcpy(&ref, page.bytes.data() + 64 + slot * 4, 4);
		same = same && ref == e.ref;
	}
	CHECK(same);
}

TEST_CASE("scan kernels read appended codes", "[page]") {
	const uint32_t bits = GENERATE(1u, 2u, 4u), dim = GENERATE(3u, 100u, 385u);
	std::mt19937_64 random(5);
	Page page = fresh(VX_KIND_LEAF, dim, bits, 1);
	std::vector<LeafEntry> model;
	while (model.size() < 21) {
		model.push_back(random_entry(random, dim, bits));
		REQUIRE(leaf_add(page.data(), dim, bits, model.back().code.data(), model.back().factors, model.back().ref));
	}
	std::vector<float> query(dim);
	for (float &x : query)
		x = static_cast<float>(static_cast<int>(random() % 255) - 127);
	std::vector<uint8_t> values(table_bytes(dim, bits));
	ScanTables tables{};
	tables.values = values.data();
	make_tables(query.data(), dim, bits, tables);
	std::vector<Survivor> out(64);
	const ScanQuery shape{values.data(), tables.slope, tables.offset};
	const auto scan = kernels().scan;
	const uint32_t bytes = vx_scan_bytes(dim, bits);
	const uint8_t *refs = leaf_refs(page.data());
	// the last five are row-major until their block is wanted, or closed
	REQUIRE(leaf_open(page.data()));
	std::vector<uint8_t> open(vx_leaf_block_bytes(dim, bits));
	leaf_open_block(page.data(), dim, bits, open.data());
	uint32_t n = scan(leaf_block(page.data(), dim, bits, 0), refs, 1, bytes, 16, shape, INFINITY, out.data());
	n += scan(open.data(), refs + 64, 1, bytes, 5, shape, INFINITY, out.data() + n);
	REQUIRE(n == 21);
	leaf_close(page.data(), dim, bits);
	CHECK_FALSE(leaf_open(page.data()));
	REQUIRE(scan(leaf_block(page.data(), dim, bits, 0), refs, 2, bytes, 21, shape, INFINITY, out.data() + 21) == 21);
	CHECK(std::equal(out.begin(), out.begin() + 21, out.begin() + 21,
					 [](const Survivor &a, const Survivor &b) { return a.ref == b.ref && a.est == b.est; }));
	for (uint32_t slot = 0; slot < n; slot++) {
		float product = 0;
		for (uint32_t i = 0; i < dim; i++)
			product += static_cast<float>(2 * model[slot].code[i] - (1 << bits) + 1) * query[i];
		const HalfFactors half = leaf_half_factors(page.data(), dim, bits, slot);
		const float est = float_from_half(half.add) + float_from_half(half.mul) * product;
		// each value of the tables is off by half a step at most
		const float slack = std::fabs(float_from_half(half.mul)) * tables.slope * static_cast<float>(bytes * 2) * 0.5F;
		CHECK(out[slot].ref == model[slot].ref);
		CHECK(std::fabs(out[slot].est - est) <= slack + 1e-4F * std::fabs(est) + 1e-3F);
	}
}

TEST_CASE("a factor that float16 cannot hold lets the entry through every scan", "[page]") {
	const uint32_t dim = 8, bits = 2;
	Page page = fresh(VX_KIND_LEAF, dim, bits, 1);
	const std::vector<uint8_t> code(dim);
	for (const float bad : {1e6F, -1e6F, INFINITY, NAN}) {
		REQUIRE(leaf_add(page.data(), dim, bits, code.data(), {bad, 1, 0, 1}, 1));
		REQUIRE(leaf_add(page.data(), dim, bits, code.data(), {1, bad, 0, 1}, 1));
	}
	for (uint32_t slot = 0; slot < 8; slot++) {
		const HalfFactors half = leaf_half_factors(page.data(), dim, bits, slot);
		CHECK(float_from_half(half.add) == -INFINITY);
		CHECK(float_from_half(half.mul) == 0);
	}
}

TEST_CASE("nothing is listed on a page that is damaged or holds no rows", "[page]") {
	std::vector<vx_row> rows(vx_list_per_page());
	Page page = fresh(VX_KIND_CODE, 10, 2);
	page_header<vx_chain_header>(page.data()).count = static_cast<uint16_t>(vx_codes_per_page(10) + 1);
	CHECK(vx_page_rows(page.data(), 10, rows.data()) == 0);
	page_header<vx_rows_header>(page.data()) = {{VX_NO_BLOCK, 3, 0}, VX_META_BLOCK, 4, 0};
	CHECK(vx_page_rows(page.data(), 10, rows.data()) == 0);
	page_header<vx_rows_header>(page.data()) = {{VX_NO_BLOCK, 3, 0}, VX_META_BLOCK, 1, 2};
	CHECK(vx_page_rows(page.data(), 10, rows.data()) == 0);
	page = fresh(VX_KIND_LEAF, 10, 2, 3);
	page_header<vx_chain_header>(page.data()).count = 5;
	CHECK(vx_page_rows(page.data(), 10, rows.data()) == 0);
	page = fresh(VX_KIND_CODE, 10, 2); // of an index with other entries
	page_header<vx_chain_header>(page.data()).count = 5;
	CHECK(vx_page_rows(page.data(), 14, rows.data()) == 0);
}

TEST_CASE("every fault of a meta page is found", "[page]") {
	const vx_meta good = sound_meta(100, 2);
	REQUIRE(vx_meta_fault(meta_page(good).data()) == nullptr);
	const auto fault = [&](const std::function<void(vx_meta &)> &spoil) {
		vx_meta meta = good;
		spoil(meta);
		return vx_meta_fault(meta_page(meta).data()) != nullptr;
	};
	CHECK(fault([](vx_meta &m) { m.magic++; }));
	CHECK(fault([](vx_meta &m) { m.version++; }));
	CHECK(fault([](vx_meta &m) { m.dim = 0; }));
	CHECK(fault([](vx_meta &m) { m.dim = VX_MAX_DIM + 1; }));
	CHECK(fault([](vx_meta &m) { m.metric = 0; }));
	CHECK(fault([](vx_meta &m) { m.metric = 9; }));
	CHECK(fault([](vx_meta &m) { m.tree = 0; }));
	CHECK(fault([](vx_meta &m) { m.scan_bits = 3; }));
	CHECK(fault([](vx_meta &m) { m.scan_bits = 0; }));
	CHECK(fault([](vx_meta &m) { m.dim = 2000; })); // no two-bit block of 2,000 dimensions fits a page
	CHECK(fault([](vx_meta &m) { m.levels = kMaxLevels + 1; }));
	CHECK(fault([](vx_meta &m) { m.levels = 0; }));
	CHECK(fault([](vx_meta &m) { m.root = VX_NO_BLOCK; }));
	CHECK(fault([](vx_meta &m) { m.root = 0; }));
	CHECK(fault([](vx_meta &m) { m.mean = VX_NO_BLOCK; }));
	CHECK(fault([](vx_meta &m) { m.raw = VX_NO_BLOCK; }));
	CHECK(fault([](vx_meta &m) { m.wild = 0; }));
	CHECK(fault([](vx_meta &m) { m.late = VX_NO_BLOCK; }));
	CHECK(fault([](vx_meta &m) { m.code_tail = 0; }));
	CHECK(fault([](vx_meta &m) { m.root_node = m.next_node; }));
	CHECK(fault([](vx_meta &m) { m.raw_node = m.next_node; }));
	CHECK(fault([](vx_meta &m) { m.anchors = 0; }));
	CHECK(fault([](vx_meta &m) { m.anchors = 5; }));
	CHECK(fault([](vx_meta &m) { m.nanchors = 1; }));
	CHECK(fault([](vx_meta &m) {
		m.anchors = 5;
		m.nanchors = VX_MOST_ANCHORS + 1;
	}));
	CHECK(fault([](vx_meta &m) { m.clock = 0; }));
	CHECK(fault([](vx_meta &m) { m.clock = VX_NEVER; }));
	for (uint32_t list = 0; list < 4; list++)
		CHECK(fault([list](vx_meta &m) { m.room[list] = VX_META_BLOCK; }));
	Page page = meta_page(good);
	page_special(page.data()).page_id++;
	CHECK(vx_meta_fault(page.data()) != nullptr);
	page = meta_page(good);
	page_special(page.data()).version++;
	CHECK(vx_meta_fault(page.data()) != nullptr);
}

TEST_CASE("every fault of a leaf page is found", "[page]") {
	const uint32_t dim = 100, bits = 2;
	const Page good = fresh(VX_KIND_LEAF, dim, bits, 5);
	REQUIRE(leaf_fault(good.data(), dim, bits, 5) == nullptr);
	const auto fault = [&](const std::function<void(vx_special &, vx_leaf_header &)> &spoil) {
		Page page = good;
		spoil(page_special(page.data()), page_header<vx_leaf_header>(page.data()));
		return leaf_fault(page.data(), dim, bits, 5) != nullptr;
	};
	CHECK(fault([](vx_special &s, vx_leaf_header &) { s.kind = VX_KIND_CODE; }));
	CHECK(fault([](vx_special &s, vx_leaf_header &) { s.version++; }));
	CHECK(fault([](vx_special &s, vx_leaf_header &) { s.page_id = 0xFF80; }));
	CHECK(fault([](vx_special &s, vx_leaf_header &) { s.node = 6; }));
	CHECK(fault([](vx_special &s, vx_leaf_header &) { s.level = 1; }));
	CHECK(fault([](vx_special &s, vx_leaf_header &) { s.entry_bytes = 8; }));
	CHECK(fault([](vx_special &, vx_leaf_header &h) { h.chain.count = 0xFFFF; }));
	CHECK(fault([](vx_special &, vx_leaf_header &h) { h.chain.next = VX_META_BLOCK; }));
	for (const float bad : {0.0F, -1.0F, INFINITY, NAN})
		CHECK(fault([bad](vx_special &, vx_leaf_header &h) { h.unit = bad; }));
	for (const float bad : {-1.0F, INFINITY, NAN})
		CHECK(fault([bad](vx_special &, vx_leaf_header &h) { h.error = bad; }));
}

TEST_CASE("every fault of an inner or mean page is found", "[page]") {
	const uint32_t dim = 100; // blocks of 37 rows, three a page
	REQUIRE(inner_blocks(dim) == 3);
	Page good = fresh(VX_KIND_INNER, dim, 2, 5, 1);
	page_header<vx_inner_header>(good.data()).blocks = 3;
	page_header<vx_inner_header>(good.data()).next = 12;
	REQUIRE(inner_fault(good.data(), dim, 5, 1) == nullptr);
	const auto fault = [&](const std::function<void(vx_special &, vx_inner_header &)> &spoil) {
		Page page = good;
		spoil(page_special(page.data()), page_header<vx_inner_header>(page.data()));
		return inner_fault(page.data(), dim, 5, 1) != nullptr;
	};
	CHECK(fault([](vx_special &s, vx_inner_header &) { s.kind = VX_KIND_LEAF; }));
	CHECK(fault([](vx_special &s, vx_inner_header &) { s.node = 6; }));
	CHECK(fault([](vx_special &s, vx_inner_header &) { s.level = 2; }));
	CHECK(fault([](vx_special &s, vx_inner_header &) { s.entry_bytes++; }));
	CHECK(fault([](vx_special &, vx_inner_header &h) { h.blocks = 0; }));
	CHECK(fault([](vx_special &, vx_inner_header &h) { h.blocks = 4; }));
	CHECK(fault([](vx_special &, vx_inner_header &h) { h.part = 1; })); // whole blocks have no parts
	CHECK(fault([](vx_special &, vx_inner_header &h) { h.next = VX_META_BLOCK; }));
	CHECK_FALSE(fault([](vx_special &, vx_inner_header &h) { h.next = VX_NO_BLOCK; }));

	Page mean = fresh(VX_KIND_MEAN, dim, 2);
	REQUIRE(mean_fault(mean.data(), dim) == nullptr);
	CHECK(mean_fault(mean.data(), dim + 1) != nullptr);
	const float bad = NAN;
	memcpy(mean.bytes.data() + VX_BLOCKS_OFFSET + 99 * 4, &bad, 4);
	CHECK(mean_fault(mean.data(), dim) != nullptr);
}

TEST_CASE("a group of pages holds one block, a part on each", "[page]") {
	const uint32_t dim = 1000; // 262 rows: 126, 126, 10
	REQUIRE(vx_inner_group_pages(dim) == 3);
	for (uint32_t part = 0; part < 4; part++) {
		Page page = fresh(VX_KIND_INNER, dim, 1, 5, 1);
		page_header<vx_inner_header>(page.data()).part = static_cast<uint16_t>(part);
		CAPTURE(part);
		CHECK((inner_fault(page.data(), dim, 5, 1) == nullptr) == (part < 3));
		CHECK(vx_page_used(page.data()) == (part < 2    ? VX_SPECIAL_OFFSET - (VX_SPECIAL_OFFSET - 64) % 64
											: part == 2 ? 64 + 10 * 64
														: 0));
		page_header<vx_inner_header>(page.data()).blocks = 2;
		CHECK(inner_fault(page.data(), dim, 5, 1) != nullptr);
	}
}

TEST_CASE("whatever bits flip, no page function reads or writes beyond its page", "[page]") {
	// the pages lie in allocations of their own, so that an address sanitizer sees any step outside
	const uint32_t dim = GENERATE(1u, 100u, 1500u), bits = GENERATE(1u, 2u, 4u);
	if (vx_leaf_capacity(dim, bits) == 0)
		return;
	const vx_meta meta = sound_meta(dim, bits);
	std::mt19937_64 random(dim + bits);
	std::vector<vx_row> rows(vx_list_per_page());
	const std::vector<uint8_t> dead(vx_list_per_page() / 8 + 1, 0x55), code(dim, 1);
	const std::vector<float> x(dim, 1);
	std::vector<uint8_t> entry(vx_code_stride(dim));
	for (const vx_page_kind kind : kKinds)
		for (int round = 0; round < 300; round++) {
			auto page = std::make_unique<Page>(kind == VX_KIND_META ? meta_page(meta) : fresh(kind, dim, bits, 1, 0));
			for (uint64_t flips = random() % 20; flips > 0; flips--) {
				const uint64_t where = random() % 3;
				const size_t at = where == 0   ? VX_SPECIAL_OFFSET + random() % VX_SPECIAL_SIZE
								  : where == 1 ? VX_HEADER_OFFSET + random() % 40
											   : random() % VX_PAGE_SIZE;
				page->bytes[at] ^= static_cast<uint8_t>(1u << random() % 8);
			}
			void *p = page->data();
			CHECK(vx_page_used(p) <= VX_SPECIAL_OFFSET);
			vx_meta_fault(p);
			vx_page_fault(p, &meta);
			mean_fault(p, dim);
			if (inner_fault(p, dim, 1, 0) == nullptr)
				CHECK(vx_page_used(p) > VX_BLOCKS_OFFSET);
			const uint32_t n = vx_page_rows(p, dim, rows.data());
			CHECK(n <= vx_list_per_page());
			if (n > 0)
				CHECK(rows_remove(p, dead.data()) <= n);
			if (n > 0 && vx_page_is(p, VX_KIND_CODE))
				CHECK(code_release(p, dead.data()) <= n);
			if (leaf_fault(p, dim, bits, 1) == nullptr)
				leaf_drop(p, dim, bits, dead.data());
			leaf_add(p, dim, bits, code.data(), {1, 1, 1, 1}, 1);
			code_put(p, dim, *reinterpret_cast<const vx_code_entry *>(entry.data()));
			raw_append(p, dim, vx_row{}, x.data());
			list_append(p, vx_row{});
		}
}
