// The pages of a new index, read back with nothing but the format's own words: every row once, radii that contain what
// is below, references and chains that hold, estimates that follow the true distances. The checker must agree.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "code/scancode.hpp"
#include "kernel/kernels.hpp"
#include "page/leaf.hpp"
#include "store.hpp"
#include "tree/train.hpp"

using namespace vecidx;
using namespace vecidx_test;

namespace {

using Rows = std::vector<Vector>;
using Point = std::vector<double>;

Rows make_rows(std::mt19937_64 &random, uint32_t n, uint32_t dim) {
	std::normal_distribution<float> normal;
	Rows centers(20, Vector(dim)), rows(n, Vector(dim));
	for (Vector &center : centers)
		for (float &x : center)
			x = 2 * normal(random);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < dim; j++)
			rows[i][j] = centers[i % 20][j] + normal(random);
	return rows;
}

struct Child {
	Point centroid;
	double norm, radius, spread, extra;
	uint32_t block, level; // level of the node the block belongs to
	uint64_t node;
	int parent; // in Reader::children, -1: the root
};

// Reads an index page by page and remembers every page it met.
class Reader {
public:
	explicit Reader(Store &store) : store_(store), meta_(store.meta()), met_(store.nblocks()) {
		meet(VX_META_BLOCK, VX_KIND_META, 0, 0);
	}

	std::vector<Child> children; // of all inner nodes
	std::vector<uint32_t> leaves;

	const uint8_t *meet(uint32_t block, vx_page_kind kind, uint64_t node, uint32_t level) {
		REQUIRE(block < store_.nblocks());
		REQUIRE(!met_[block]);
		met_[block] = true;
		const auto *page = static_cast<const uint8_t *>(store_.page(block));
		const vx_special &special = page_special(page);
		REQUIRE(special.page_id == VX_PAGE_ID);
		REQUIRE(special.version == VX_FORMAT_VERSION);
		REQUIRE(special.kind == kind);
		REQUIRE(special.node == node);
		REQUIRE(special.level == level);
		REQUIRE(vx_page_fault(page, &meta_) == nullptr);
		return page;
	}
	void read_tree() {
		read_inner(meta_.root, meta_.root_node, meta_.levels, -1);
		meet(meta_.mean, VX_KIND_MEAN, 0, 0);
	}
	bool all_met() const {
		return std::all_of(met_.begin(), met_.end(), [](bool met) { return met; });
	}

	// Pages of a chain in order, and the chain's rule.
	std::vector<const uint8_t *> chain(uint32_t head, vx_page_kind kind, uint64_t node, uint32_t capacity) {
		std::vector<const uint8_t *> pages;
		for (uint32_t block = head; block != VX_NO_BLOCK; block = page_header<vx_chain_header>(pages.back()).next)
			pages.push_back(meet(block, kind, node, 0));
		for (size_t i = 0; i < pages.size(); i++) {
			const uint32_t count = page_header<vx_chain_header>(pages[i]).count;
			CHECK(count <= capacity);
			if (pages.size() > 1 && i != 1)
				CHECK(count == capacity);
			if (i == 1)
				CHECK(count > 0);
		}
		CHECK(page_header<vx_chain_header>(pages[0]).behind == pages.size() - 1);
		return pages;
	}

private:
	// Groups of pages, each with its whole blocks or, page by page, the parts of one.
	void read_inner(uint32_t block, uint64_t node, uint32_t level, int parent) {
		const uint32_t block_bytes = vx_inner_block_rows(meta_.dim) * VX_ROW_BYTES;
		const uint32_t most = std::max(vx_inner_blocks_per_page(meta_.dim), 1U);
		std::vector<uint8_t> stream;
		uint32_t pages = 0;
		for (uint32_t at = block; at != VX_NO_BLOCK; pages++) {
			const uint8_t *page = meet(at, VX_KIND_INNER, node, level);
			const auto &header = page_header<vx_inner_header>(page);
			REQUIRE(header.part == pages % vx_inner_group_pages(meta_.dim));
			REQUIRE((header.blocks == most || (header.blocks < most && header.next == VX_NO_BLOCK)));
			CHECK(header.forgot == 0);
			stream.insert(stream.end(), page + VX_BLOCKS_OFFSET, page + vx_page_used(page));
			at = header.next;
		}
		REQUIRE(pages % vx_inner_group_pages(meta_.dim) == 0);
		REQUIRE(stream.size() % block_bytes == 0);
		bool more = true; // lanes in use come first
		for (uint32_t i = 0; i < stream.size() / block_bytes * VX_LANES; i++) {
			const bool used = read_child(&stream[size_t(i / VX_LANES) * block_bytes], i % VX_LANES, level, parent);
			CHECK((more || !used));
			CHECK((used || i > 0));
			more = used;
		}
	}
	// False when the lane is not in use.
	bool read_child(const uint8_t *block, uint32_t lane, uint32_t level, int parent) {
		const auto bits = [&](vx_inner_row field) {
			uint32_t value;
			memcpy(&value, block + size_t(field) * VX_ROW_BYTES + size_t(lane) * 4, 4);
			return value;
		};
		const auto word = [&](vx_inner_row low) { return uint64_t(bits(vx_inner_row(low + 1))) << 32 | bits(low); };
		const uint8_t *codes = block + size_t(VX_CHILD_FIELDS) * VX_ROW_BYTES + size_t(lane) * 4;
		const auto number = [&](vx_inner_row field) { return double(__builtin_bit_cast(float, bits(field))); };
		CHECK(word(VX_CHILD_RETIRED_LO) == VX_NEVER);
		if (bits(VX_CHILD_BLOCK) == VX_NO_BLOCK) {
			CHECK(number(VX_CHILD_NORM) == INFINITY);
			CHECK(word(VX_CHILD_BORN_LO) == VX_NEVER);
			for (uint32_t i = 0; i < vx_quads(meta_.dim) * 4; i++)
				CHECK(codes[size_t(i / 4) * VX_ROW_BYTES + i % 4] == 128);
			return false;
		}
		CHECK(word(VX_CHILD_BORN_LO) == meta_.clock);
		Child child{Point(meta_.dim),
					number(VX_CHILD_NORM),
					number(VX_CHILD_RADIUS),
					number(VX_CHILD_SPREAD),
					number(VX_CHILD_AUX),
					bits(VX_CHILD_BLOCK),
					level - 1,
					word(VX_CHILD_NODE_LO),
					parent};
		double norm = child.extra * child.extra;
		for (uint32_t i = 0; i < meta_.dim; i++) {
			child.centroid[i] = number(VX_CHILD_SCALE) * (codes[size_t(i / 4) * VX_ROW_BYTES + i % 4] - 128);
			norm += child.centroid[i] * child.centroid[i];
		}
		CHECK(std::fabs(norm - child.norm) <= 1e-6 * norm);
		CHECK(child.node < meta_.next_node);
		children.push_back(child);
		const int self = static_cast<int>(children.size()) - 1;
		if (level == 1)
			leaves.push_back(static_cast<uint32_t>(self));
		else
			read_inner(child.block, child.node, level - 1, self);
		return true;
	}

	Store &store_;
	vx_meta meta_;
	std::vector<bool> met_;
};

double distance(const Point &a, const Point &b) {
	double sum = 0;
	for (size_t i = 0; i < a.size(); i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return std::sqrt(sum);
}

Point decode(const vx_code_entry &entry, uint32_t dim) {
	Point y(dim);
	for (uint32_t i = 0; i < dim; i++)
		y[i] = static_cast<double>(entry.scale) * entry.code[i];
	return y;
}

// How far estimates are from the truth, in units of what the page says of their error.
struct EstimateErrors {
	double sum = 0, squares = 0, n = 0;
	void add(double error) {
		sum += error;
		squares += error * error;
		n++;
	}
	double mean() const { return sum / n; }
	double rms() const { return std::sqrt(squares / n); }
};

// Walks the whole index built over `rows` and verifies it.
class Verifier {
public:
	Verifier(Store &store, const Rows &rows)
		: store_(store), ix_(store.open()), rows_(rows), reader_(store), found_(rows.size()),
		  refs_(size_t(store.nblocks()) * vx_codes_per_page(store.meta().dim)) {}

	EstimateErrors errors;
	uint64_t contained = 0, nonempty = 0;
	double rms_query = 0;

	Reader &reader() { return reader_; }

	void run(const std::vector<Vector> &queries) {
		for (const Vector &query : queries) {
			queries_.emplace_back(dim());
			project_query(*ix_.get(), query.data(), queries_.back().data());
		}
		reader_.read_tree();
		read_code_pages();
		for (const uint32_t leaf : reader_.leaves)
			verify_leaf(leaf);
		verify_counts();
		verify_lists();
		CHECK(reader_.all_met());
		CHECK(std::all_of(found_.begin(), found_.end(), [](uint32_t times) { return times == 1; }));
		const CheckReport report = check(store_, ix_);
		for (const Fault &fault : report.faults)
			UNSCOPED_INFO("block " << fault.block << ": " << fault.why);
		CHECK(report.faults.empty());
		CHECK(report.rows.size() == rows_.size());
	}

private:
	uint32_t dim() const { return ix_.meta().dim; }
	uint32_t bits() const { return ix_.meta().scan_bits; }

	// One stream: all pages but the last are full.
	void read_code_pages() {
		for (uint32_t block = 0; block < store_.nblocks(); block++) {
			if (!vx_page_is(store_.page(block), VX_KIND_CODE))
				continue;
			reader_.meet(block, VX_KIND_CODE, 0, 0);
			const bool last = block == ix_.meta().code_tail;
			CHECK((last || page_header<vx_chain_header>(store_.page(block)).count == vx_codes_per_page(dim())));
		}
	}
	void verify_leaf(uint32_t number) {
		const Child &leaf = reader_.children[number];
		CHECK(leaf.level == 0);
		uint32_t rows = 0;
		double squares = 0;
		for (const uint8_t *page :
			 reader_.chain(leaf.block, VX_KIND_LEAF, leaf.node, vx_leaf_capacity(dim(), bits()))) {
			const uint32_t count = page_header<vx_chain_header>(page).count;
			for (uint32_t slot = 0; slot < count; slot++)
				squares += verify_entry(page, slot, number);
			rows += count;
		}
		rows_in_leaves_ += rows;
		const double spread = rows > 0 ? std::sqrt(squares / rows) : 0;
		CHECK(std::fabs(spread - leaf.spread) <= 1e-5 * spread + 1e-12);
		nonempty += rows > 0;
		for (int above = leaf.parent; above >= 0; above = reader_.children[above].parent)
			CHECK(distance(leaf.centroid, reader_.children[above].centroid) <= reader_.children[above].spread);
	}
	double verify_entry(const uint8_t *page, uint32_t slot, uint32_t number) {
		const Child &leaf = reader_.children[number];
		const uint32_t ref = leaf_ref(page, slot);
		REQUIRE(ref < refs_.size());
		REQUIRE(!refs_[ref]);
		refs_[ref] = true;
		const void *codes = store_.page(ref_block(ref, dim()));
		REQUIRE(vx_page_is(codes, VX_KIND_CODE));
		REQUIRE(ref_slot(ref, dim()) < page_header<vx_chain_header>(codes).count);
		const vx_code_entry &entry = code_entry(codes, dim(), ref_slot(ref, dim()));
		found_.at(number_of(entry.row))++;
		const Point y = decode(entry, dim());
		verify_code(entry, y);
		for (int at = static_cast<int>(number); at >= 0; at = reader_.children[at].parent) {
			REQUIRE(distance(y, reader_.children[at].centroid) + entry.error <= reader_.children[at].radius);
			contained++;
		}
		verify_estimates(page, slot, leaf, y);
		return std::pow(distance(y, leaf.centroid), 2);
	}
	// The row itself lies within the code's error.
	void verify_code(const vx_code_entry &entry, const Point &y) {
		Point exact(dim());
		project_row(*ix_.get(), rows_.at(number_of(entry.row)).data(), exact.data());
		REQUIRE(distance(y, exact) <= entry.error * (1 + 1e-6) + 1e-9);
	}
	void verify_estimates(const uint8_t *page, uint32_t slot, const Child &leaf, const Point &y) {
		const bool product = ix_.meta().metric == VX_IP;
		const HalfFactors half = leaf_half_factors(page, dim(), bits(), slot);
		const auto &header = page_header<vx_leaf_header>(page);
		const double add = float_from_half(half.add) * header.unit * header.unit;
		const double mul = float_from_half(half.mul) * header.unit;
		std::vector<uint8_t> code(dim());
		leaf_code(page, dim(), bits(), slot, code.data());
		REQUIRE(std::isfinite(add));
		for (const Point &q : queries_) {
			double levels = 0, base = 0, truth = 0, norm = 0;
			for (uint32_t i = 0; i < dim(); i++) {
				levels += (2.0 * code[i] - ((1 << bits()) - 1)) * q[i];
				base += product ? -q[i] * leaf.centroid[i] : std::pow(q[i] - leaf.centroid[i], 2);
				truth += product ? -q[i] * y[i] : std::pow(q[i] - y[i], 2);
				norm += q[i] * q[i];
			}
			const double est = base + add + mul * levels;
			const double unit = header.error * std::sqrt(product ? norm : base);
			if (unit > 0)
				errors.add((est - truth) / unit);
		}
	}
	void verify_counts() {
		const auto coded = [&](const Vector &x) { return !x.empty() && vx_classify(ix_, x.data()) == VX_CLASS_CODED; };
		CHECK(rows_in_leaves_ == std::count_if(rows_.begin(), rows_.end(), coded));
		CHECK(ix_.meta().leaves == reader_.leaves.size());
		CHECK(ix_.meta().rows == rows_.size());
	}
	void verify_lists() {
		const vx_meta &meta = ix_.meta();
		const auto raw = reader_.chain(meta.raw, VX_KIND_RAW, meta.raw_node, vx_raws_per_page(dim()));
		CHECK(page_header<vx_chain_header>(raw[0]).count == 0);
		for (const uint32_t head : {meta.wild, meta.late})
			for (const uint8_t *page :
				 reader_.chain(head, VX_KIND_LIST, head == meta.wild ? VX_ROOM_WILD : VX_ROOM_LATE, vx_list_per_page()))
				for (uint32_t i = 0; i < page_header<vx_chain_header>(page).count; i++) {
					const vx_row &row = list_entry(page, i);
					const Vector &x = rows_.at(number_of(row));
					found_.at(number_of(row))++;
					CHECK(((row.flags & VX_ROW_NULL) != 0) == x.empty());
					if (head == meta.wild)
						CHECK(vx_classify(ix_, x.data()) == VX_CLASS_WILD);
				}
	}

	Store &store_;
	const Index ix_;
	const Rows &rows_;
	Reader reader_;
	std::vector<Point> queries_;
	std::vector<uint32_t> found_; // by row number
	int64_t rows_in_leaves_ = 0;
	std::vector<bool> refs_;
};

} // namespace

TEST_CASE("a built index holds every row once, where it says", "[writer]") {
	std::mt19937_64 random(1);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const auto bits = GENERATE(1U, 2U, 4U);
	const auto dim = GENERATE(1U, 7U, 40U, 100U);
	const Rows rows = make_rows(random, 3000, dim);
	BuildOptions options{metric, bits, 0, 25, 1};
	Store store = build(dim, rows, options);
	Verifier verifier(store, rows);
	verifier.run({});
	CHECK(store.meta().levels == 1);
	CHECK(verifier.contained == 3000);
	CHECK(verifier.nonempty == store.meta().leaves);
}

TEST_CASE("estimates of scan codes follow true distances", "[writer]") {
	std::mt19937_64 random(2);
	const auto metric = GENERATE(VX_L2, VX_IP);
	const auto bits = GENERATE(1U, 2U, 4U);
	const uint32_t dim = 96;
	const Rows rows = make_rows(random, 2000, dim), queries = make_rows(random, 10, dim);
	Store store = build(dim, rows, {metric, bits, 0, 20, 1});
	Verifier verifier(store, rows);
	verifier.run(queries);
	CHECK(std::fabs(verifier.errors.mean()) < 0.05);
	CHECK(verifier.errors.rms() > 0.7);
	CHECK(verifier.errors.rms() < 1.3);
}

// VECIDX_ROWS=500000 for a million rows and balls.
TEST_CASE("every row lies in every ball above it", "[writer]") {
	std::mt19937_64 random(3);
	const char *text = getenv("VECIDX_ROWS");
	const uint32_t n = text != nullptr ? static_cast<uint32_t>(strtoul(text, nullptr, 10)) : 20000;
	const Rows rows = make_rows(random, n, 8);
	Store store = build(8, rows, {VX_L2, 0, 0, 4400, 1});
	Verifier verifier(store, rows);
	verifier.run({});
	CHECK(store.meta().levels == 2);
	CHECK(verifier.contained == 2 * n);
}

TEST_CASE("trees of several levels", "[writer]") {
	std::mt19937_64 random(4);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const auto leaves = GENERATE(4096U, 4097U, 5000U);
	const Rows rows = make_rows(random, 12000, 5);
	Store store = build(5, rows, {metric, 0, 0, leaves, 1});
	Verifier verifier(store, rows);
	verifier.run({});
	CHECK(store.meta().levels == (leaves > 4096 ? 2 : 1));
	CHECK(store.meta().leaves > leaves * 8 / 10);
}

TEST_CASE("rows that no code can hold", "[writer]") {
	std::mt19937_64 random(5);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	Rows rows = make_rows(random, 6000, 16);
	for (uint32_t i = 0; i < rows.size(); i++)
		if (i % 3 == 0)
			rows[i].clear();
		else if (i % 5 == 0)
			rows[i].assign(16, 0);
		else if (i % 7 == 0)
			rows[i][2] = 1e20F;
	Store store = build(16, rows, {metric, 0, 0, 12, 1});
	Verifier verifier(store, rows);
	verifier.run({});
}

TEST_CASE("equal rows share one long leaf", "[writer]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const Rows rows(5000, Vector(12, 2.5F));
	Store store = build(12, rows, {metric, 0, 0, 30, 1});
	Verifier verifier(store, rows);
	verifier.run({});
	CHECK(store.meta().leaves == 1);
}

TEST_CASE("wide rows, a block of children over several pages", "[writer]") {
	std::mt19937_64 random(6);
	const auto dim = GENERATE(500U, 1536U, 2000U);
	const Rows rows = make_rows(random, 300, dim);
	Store store = build(dim, rows, {VX_L2, 0, 0, 40, 1});
	Verifier verifier(store, rows);
	verifier.run({});
}

TEST_CASE("an index without a tree", "[writer]") {
	std::mt19937_64 random(7);
	const auto n = GENERATE(0U, 1U, 20U, 900U);
	Rows rows = make_rows(random, n, 30);
	for (uint32_t i = 0; i < n; i += 9)
		rows[i].clear();
	Store store = build(30, rows, {VX_COSINE, 0, 0, 0, 1});
	const vx_meta &meta = store.meta();
	CHECK(meta.levels == 0);
	CHECK(meta.root == VX_NO_BLOCK);
	CHECK(meta.mean == VX_NO_BLOCK);
	CHECK(meta.code_tail == VX_NO_BLOCK);
	CHECK(meta.rows == n);
	Reader reader(store);
	uint32_t raw = 0, late = 0;
	for (const uint8_t *page : reader.chain(meta.raw, VX_KIND_RAW, meta.raw_node, vx_raws_per_page(30)))
		for (uint32_t i = 0; i < page_header<vx_chain_header>(page).count; i++, raw++) {
			const vx_raw_entry &entry = raw_entry(page, 30, i);
			CHECK(memcmp(entry.x, rows[number_of(entry.row)].data(), 120) == 0);
		}
	reader.chain(meta.wild, VX_KIND_LIST, VX_ROOM_WILD, vx_list_per_page());
	for (const uint8_t *page : reader.chain(meta.late, VX_KIND_LIST, VX_ROOM_LATE, vx_list_per_page()))
		late += page_header<vx_chain_header>(page).count;
	CHECK(late == (n + 8) / 9);
	CHECK(raw + late == n);
	CHECK(reader.all_met());
}

TEST_CASE("leaves without rows have a page to insert into", "[writer]") {
	std::mt19937_64 random(8);
	const Rows rows = make_rows(random, 1000, 6);
	Index ix(6);
	vx_index_shape(ix.get(), 6, VX_L2, 0, 0, 1);
	Vector mean(6);
	vx_index_set_mean(ix.get(), mean.data());
	std::vector<uint8_t> entries(1000 * vx_code_stride(6));
	for (uint32_t i = 0; i < 1000; i++) {
		auto *entry = reinterpret_cast<vx_code_entry *>(&entries[i * vx_code_stride(6)]);
		vx_encode(ix, rows[i].data(), entry);
		entry->row = row_number(i);
	}
	Memory memory;
	const size_t train_bytes = vx_train_size(ix, 1000, 10);
	vx_train *train = vx_train_init(memory.take(train_bytes), train_bytes, ix, entries.data(), 1000, 10);
	while (vx_train_next(train) != VX_DONE) {
	}
	const size_t bytes = vx_writer_size(ix, train);
	vx_writer *writer = vx_writer_init(memory.take(bytes), bytes, ix, train);
	// one row alone, in leaf 5
	vx_want want{};
	Store store;
	const auto drain = [&] {
		vx_step step;
		while ((step = vx_writer_next(writer, &want)) == VX_WRITE) {
			if (want.pages[0] >= store.nblocks())
				store.pages.resize(want.pages[0] + 1);
			memcpy(store.pages[want.pages[0]].bytes.data(), want.image, VX_PAGE_SIZE);
		}
		return step;
	};
	REQUIRE(drain() == VX_DONE);
	vx_writer_coded(writer, 5, reinterpret_cast<const vx_code_entry *>(entries.data()));
	REQUIRE(drain() == VX_DONE);
	SECTION("finished") {
		vx_writer_finish(writer);
		REQUIRE(drain() == VX_DONE);
		REQUIRE(store.nblocks() == vx_writer_blocks(writer));
		const Rows only = {rows[0]};
		Verifier verifier(store, only);
		verifier.run({});
		CHECK(verifier.nonempty == 1);
		CHECK(verifier.reader().leaves.size() == 10);
	}
	SECTION("rows out of order are refused") {
		vx_writer_coded(writer, 4, reinterpret_cast<const vx_code_entry *>(entries.data()));
		CHECK(drain() == VX_CORRUPT);
		vx_writer_coded(writer, 10, reinterpret_cast<const vx_code_entry *>(entries.data()));
		CHECK(drain() == VX_CORRUPT);
	}
}
