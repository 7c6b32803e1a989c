// Calibration against what it stands for: the probe's counts against real scans at each effort, the recall that a
// calibrated index gives against what was asked, and decoded codes against the rows they were made of.
#include "catch.hpp"

#include <cmath>
#include <random>
#include <set>

#include "code/index.hpp"
#include "executor.hpp"
#include "search/dial.hpp"

using namespace vecidx_test;

namespace {

std::vector<Vector> gaussian_rows(std::mt19937_64 &random, size_t n, uint32_t dim, uint32_t directions) {
	std::normal_distribution<float> normal;
	std::vector<Vector> rows(n, Vector(dim)), axes(directions, Vector(dim));
	for (auto &axis : axes)
		for (float &v : axis)
			v = normal(random);
	for (auto &row : rows) {
		for (const auto &axis : axes) {
			const float along = normal(random);
			for (uint32_t i = 0; i < dim; i++)
				row[i] += along * axis[i];
		}
		for (float &v : row)
			v += 0.3F * normal(random);
	}
	return rows;
}

// As the server drives it.
class Calibrator {
public:
	Calibrator(Store &store, const Index &ix) : store_(store) {
		const size_t bytes = vx_calibrate_size(ix);
		machine_ = vx_calibrate_init(memory_.take(bytes), bytes, ix, store.nblocks(), 7);
	}
	void row() {
		vx_calibrate_row(machine_, number_++);
		drive();
	}
	void query(const Vector &q) {
		vx_calibrate_query(machine_, number_++, q.data());
		drive();
	}
	// Goes on where another one is, with the queries from that number on.
	void resume(const std::vector<uint64_t> &state, uint32_t number) {
		vx_calibrate_resume(machine_, state.data());
		number_ = number;
	}
	std::vector<uint64_t> state() const {
		std::vector<uint64_t> out(vx_calibrate_state_size() / 8 + 1);
		vx_calibrate_save(machine_, out.data());
		return out;
	}
	void add(const std::vector<uint64_t> &state) { vx_calibrate_add(machine_, state.data()); }
	std::function<void(uint32_t)> before_page;
	uint32_t queries() const { return vx_calibrate_queries(machine_); }
	vx_calibration result() const {
		vx_calibration out;
		vx_calibrate_result(machine_, &out);
		return out;
	}

private:
	void drive() {
		vx_want want{};
		for (vx_step step; (step = vx_calibrate_next(machine_, &want)) != VX_DONE;) {
			if (step == VX_PAGE && before_page)
				before_page(want.block);
			if (step == VX_PAGE)
				vx_calibrate_page(machine_, store_.page(want.block));
			else if (step == VX_MEMORY)
				vx_calibrate_grow(machine_, memory_.take(want.bytes), want.bytes);
			else
				require(step == VX_YIELD, "a calibration stops");
		}
	}
	Store &store_;
	Memory memory_;
	vx_calibrate *machine_;
	uint32_t number_ = 0;
};

struct Measured {
	double recall = 0, entries = 0, leaves = 0;
};

// Mean over the queries; `truth` by brute force, ties counted as found.
Measured measure(Store &store, const Index &ix, const std::vector<Vector> &rows, const std::vector<Vector> &queries,
				 vx_metric metric, double recall, size_t k) {
	Executor executor(store, ix, rows);
	Measured mean;
	for (const Vector &q : queries) {
		std::vector<SortKey> truth;
		for (const auto &row : rows)
			truth.push_back(key_of(metric, row, q));
		std::nth_element(truth.begin(), truth.begin() + (k - 1), truth.end());
		const Execution got = executor.run(q, recall, k);
		size_t hits = 0;
		for (const auto &row : got.rows)
			hits += row.key < truth[k - 1] || row.key == truth[k - 1] ? 1 : 0;
		mean.recall += static_cast<double>(hits) / static_cast<double>(k * queries.size());
		mean.entries += static_cast<double>(got.stats.entries) / static_cast<double>(queries.size());
		mean.leaves += static_cast<double>(got.stats.leaves) / static_cast<double>(queries.size());
	}
	return mean;
}

struct World {
	std::vector<Vector> rows, queries;
	Store store;

	World(vx_metric metric, uint32_t dim, uint32_t directions, size_t n, size_t nqueries, uint32_t leaves) {
		std::mt19937_64 random(dim);
		rows = gaussian_rows(random, n + nqueries, dim, directions);
		queries.assign(rows.begin() + static_cast<ptrdiff_t>(n), rows.end());
		rows.resize(n);
		BuildOptions options;
		options.metric = metric;
		options.leaves = leaves;
		options.leaf_size = static_cast<uint32_t>(n / leaves);
		store = build(dim, rows, options);
	}
	void write(vx_calibrated_by by, const vx_calibration &calibration) {
		REQUIRE(vx_meta_calibrate(store.pages[VX_META_BLOCK].data(), by, &calibration));
	}
};

} // namespace

TEST_CASE("a decoded code is its row, as near as its error says", "[calibrate]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const uint32_t dim = GENERATE(1u, 2u, 3u, 7u, 100u, 384u, 2001u, 5000u);
	std::mt19937_64 random(dim);
	std::normal_distribution<float> normal;
	Index ix(dim);
	vx_index_shape(ix.get(), dim, metric, 0, 0, 11);
	Vector mean(dim), x(dim), back(dim);
	for (float &v : mean)
		v = 0.3F * normal(random);
	vx_index_set_mean(ix.get(), mean.data());
	std::vector<uint8_t> memory(vx_code_stride(dim));
	auto &entry = *reinterpret_cast<vx_code_entry *>(memory.data());
	for (int turn = 0; turn < 20; turn++) {
		double squared = 0, miss = 0;
		for (float &v : x) {
			v = 5 * normal(random);
			squared += static_cast<double>(v) * v;
		}
		vx_encode(ix, x.data(), &entry);
		entry.row.flags = 0;
		REQUIRE(vecidx::decode(*ix.get(), entry, back.data()));
		const double scale = metric == VX_COSINE ? 1 / std::sqrt(squared) : 1;
		for (uint32_t i = 0; i < dim; i++)
			miss += (x[i] * scale - back[i]) * (x[i] * scale - back[i]);
		CHECK(std::sqrt(miss) <= entry.error * 1.0001 + std::sqrt(squared) * scale * 1e-6);
	}
	entry.row.flags = 3 << VX_ROW_ANCHOR_SHIFT;
	CHECK_FALSE(vecidx::decode(*ix.get(), entry, back.data()));
}

TEST_CASE("a probe counts what scans at every effort read and find", "[calibrate]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	World w(metric, 24, 14, 6000, 100, 90);
	const Index ix = w.store.open();
	Calibrator calibrator(w.store, ix);
	for (const Vector &q : w.queries)
		calibrator.query(q);
	const vx_calibration found = calibrator.result();
	REQUIRE(found.queries == w.queries.size());
	for (uint32_t i = 0; i < VX_RECALLS; i++) {
		const double recall = vx_calibrated_recall(i);
		for (uint32_t curve = 0; curve < VX_CALIBRATED_KS; curve++) {
			vx_calibration only = found; // searches at just this effort
			for (vx_curve &each : only.curves)
				for (float &effort : each.efforts)
					effort = found.curves[curve].efforts[i];
			w.write(VX_BY_ROWS, only);
			const Measured real = measure(w.store, ix, w.rows, w.queries, metric, recall, vecidx::kCalibratedKs[curve]);
			INFO("metric " << metric << ", k " << vecidx::kCalibratedKs[curve] << ", " << recall << ": recall "
						   << found.curves[curve].found[i] << " real " << real.recall << ", entries "
						   << found.curves[curve].entries[i] << " real " << real.entries);
			CHECK(std::fabs(found.curves[curve].found[i] - real.recall) <= (curve == 0 ? 0.025 : 0.012));
			if (recall > 0.995) // beyond, only the first queries were searched so far
				continue;
			CHECK(found.curves[curve].entries[i] == Approx(real.entries).epsilon(0.04));
			CHECK(found.curves[curve].leaves[i] == Approx(real.leaves).epsilon(0.04));
		}
	}
}

TEST_CASE("a calibrated index gives the recall asked for, and hardly more work than it takes", "[calibrate]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const uint32_t directions = GENERATE(6u, 30u);
	World w(metric, 30, directions, 8000, 200, 110);
	const Index ix = w.store.open();
	Calibrator calibrator(w.store, ix);
	for (int i = 0; i < 400; i++)
		calibrator.row();
	const vx_calibration found = calibrator.result();
	REQUIRE(found.queries == 400);
	w.write(VX_BY_ROWS, found);
	for (const size_t k : {1, 10, 100})
		for (const double recall : {0.8, 0.95, 0.99}) {
			const Measured real = measure(w.store, ix, w.rows, w.queries, metric, recall, k);
			// 200 queries of rows whose recall differs: three standard errors
			const double error = 3 * std::sqrt(recall * (1 - recall) / 200 / (k == 1 ? 1 : 3));
			INFO("metric " << metric << ", " << directions << " directions, k " << k << ": " << recall << " asked, "
						   << real.recall << " found, " << real.entries << " entries");
			CHECK(real.recall >= recall - 0.01 - error);
			vx_estimate work;
			vx_scan_estimate(vx_page_meta(w.store.page(VX_META_BLOCK)), 8000, recall, static_cast<double>(k), &work);
			CHECK(work.entries == Approx(real.entries).epsilon(0.25));
		}
	// the default table asks for more on this data
	const double least = measure(w.store, ix, w.rows, w.queries, metric, 0.8, 10).entries;
	w.write(VX_BY_ROWS, vx_calibration{});
	CHECK(least <= 1.05 * measure(w.store, ix, w.rows, w.queries, metric, 0.8, 10).entries);
}

TEST_CASE("who asks which query makes no difference", "[calibrate]") {
	World w(VX_L2, 24, 14, 6000, 1, 90);
	const Index ix = w.store.open();
	Calibrator alone(w.store, ix), leader(w.store, ix), one(w.store, ix), other(w.store, ix);
	for (uint32_t i = 0; i < 120; i++)
		alone.row();
	for (uint32_t i = 0; i < vx_calibrate_first(); i++)
		leader.row();
	const auto begun = leader.state();
	one.resume(begun, 90);
	other.resume(begun, 50);
	for (uint32_t i = 90; i < 120; i++)
		one.row();
	for (uint32_t i = 50; i < 90; i++)
		other.row();
	for (uint32_t i = vx_calibrate_first(); i < 50; i++)
		leader.row();
	leader.add(one.state());
	leader.add(other.state());
	const vx_calibration together = leader.result(), by_one = alone.result();
	CHECK(together.queries == 120);
	CHECK(memcmp(&together, &by_one, sizeof(together)) == 0);
}

TEST_CASE("a row is not found as its own neighbour", "[calibrate]") {
	// with itself every query would find its nearest row in the first leaf
	World w(VX_L2, 40, 40, 5000, 1, 100);
	const Index ix = w.store.open();
	Calibrator calibrator(w.store, ix);
	for (int i = 0; i < 60; i++)
		calibrator.row();
	const vx_calibration found = calibrator.result();
	CHECK(found.curves[0].found[0] < 0.95); // at the least effort
}

TEST_CASE("a calibration is due when the index has changed, and not again after it", "[calibrate]") {
	World w(VX_L2, 12, 6, 5000, 1, 80);
	vx_calibration some{};
	some.queries = 100;
	auto &meta = vecidx::page_header<vx_meta>(w.store.pages[VX_META_BLOCK].data());
	CHECK(vx_meta_calibration_due(&meta));
	w.write(VX_BY_ROWS, some);
	CHECK_FALSE(vx_meta_calibration_due(&meta));
	const vx_meta before = meta;
	meta.rows = before.rows * 11 / 10;
	CHECK_FALSE(vx_meta_calibration_due(&meta));
	meta.rows = before.rows * 13 / 10;
	CHECK(vx_meta_calibration_due(&meta));
	meta = before;
	meta.leaves = before.leaves * 7 / 10;
	CHECK(vx_meta_calibration_due(&meta));
	// most rows were deleted from leaves that are still there: whatever is written must do until the next change
	meta = before;
	meta.rows = before.rows / 5;
	w.write(VX_BY_ROWS, some);
	CHECK_FALSE(vx_meta_calibration_due(&meta));
	meta.calibrations[VX_BY_ROWS].rows = NAN;
	CHECK(vx_meta_calibration_due(&meta));
}

TEST_CASE("a calibration by queries serves those who ask for it", "[calibrate]") {
	World w(VX_L2, 24, 14, 6000, 60, 90);
	const Index ix = w.store.open();
	Calibrator by_rows(w.store, ix), by_queries(w.store, ix);
	for (int i = 0; i < 60; i++)
		by_rows.row();
	for (Vector q : w.queries) {
		for (float &v : q)
			v *= 3; // far outside
		by_queries.query(q);
	}
	w.write(VX_BY_ROWS, by_rows.result());
	const vx_meta &meta = *vx_page_meta(w.store.page(VX_META_BLOCK));
	const double rows_before = vecidx::efforts_for(meta, VX_BY_ROWS, 0.95).of[1];
	CHECK(vecidx::efforts_for(meta, VX_BY_QUERIES, 0.95).of[1] == rows_before); // there is none yet
	w.write(VX_BY_QUERIES, by_queries.result());
	CHECK(vecidx::efforts_for(meta, VX_BY_ROWS, 0.95).of[1] == rows_before);
	CHECK(vecidx::efforts_for(meta, VX_BY_QUERIES, 0.95).of[1] != rows_before);
	CHECK(vecidx::efforts_for(meta, VX_BY_ROWS, 0.99).of[1] >= rows_before);
}

TEST_CASE("whatever a damaged calibration says, scans find something and estimates are numbers", "[calibrate]") {
	World w(VX_COSINE, 12, 6, 5000, 5, 80);
	const Index ix = w.store.open();
	auto &meta = const_cast<vx_meta &>(*vx_page_meta(w.store.page(VX_META_BLOCK)));
	std::mt19937_64 random(3);
	for (int turn = 0; turn < 200; turn++) {
		auto *bytes = reinterpret_cast<uint8_t *>(&meta.calibrations);
		for (size_t i = 0; i < sizeof(meta.calibrations); i++)
			bytes[i] = turn == 0 ? 0xFF : static_cast<uint8_t>(random());
		for (const double recall : {0.5, 0.9, 0.9999}) {
			Executor executor(w.store, ix, w.rows);
			CHECK(executor.run(w.queries[turn % 5], recall, 10).rows.size() == 10);
			vx_estimate work;
			vx_scan_estimate(&meta, 5000, recall, 10, &work);
			CHECK((work.entries >= 0 && work.entries <= 5000 && work.pages >= 0 && std::isfinite(work.pages)));
		}
	}
}

TEST_CASE("a query that a change of the tree cuts short is not counted", "[calibrate]") {
	World w(VX_L2, 24, 14, 6000, 20, 90);
	const Index ix = w.store.open();
	Calibrator calibrator(w.store, ix);
	calibrator.query(w.queries[0]);
	REQUIRE(calibrator.queries() == 1);
	// late in the second search a page is used again for what this scan must not see, and the clock tells that it may
	// be
	uint32_t leaves = 0, spoiled = VX_NO_BLOCK;
	calibrator.before_page = [&](uint32_t block) {
		if (!vx_page_is(w.store.page(block), VX_KIND_LEAF) || ++leaves != 60)
			return;
		spoiled = block;
		vecidx::page_header<vx_leaf_header>(w.store.pages[block].data()).forgot = VX_NEVER - 1;
		vecidx::page_header<vx_meta>(w.store.pages[VX_META_BLOCK].data()).clock++;
	};
	calibrator.query(w.queries[1]);
	REQUIRE(spoiled != VX_NO_BLOCK);
	CHECK(calibrator.queries() == 1);
	calibrator.before_page = {};
	vecidx::page_header<vx_leaf_header>(w.store.pages[spoiled].data()).forgot = 0;
	calibrator.query(w.queries[2]);
	CHECK(calibrator.queries() == 2);
}

TEST_CASE("a scan without an order reads all of a tree of two levels at the least effort", "[calibrate]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	std::mt19937_64 random(9);
	const auto rows = gaussian_rows(random, 5000, 12, 12);
	BuildOptions options;
	options.metric = metric;
	options.leaves = 300;
	options.root_children = 20;
	Store store = build(12, rows, options);
	REQUIRE(store.meta().levels >= 2);
	vx_calibration none{};
	none.queries = 100; // all efforts are 0
	REQUIRE(vx_meta_calibrate(store.pages[VX_META_BLOCK].data(), VX_BY_ROWS, &none));
	const Index ix = store.open();
	CHECK(scan(store, ix, {nullptr, 0.5, 0, VX_BY_ROWS}).hits.size() == rows.size());
	CHECK(scan(store, ix, {rows[3].data(), 0.5, 10, VX_BY_ROWS}).hits.size() == rows.size());
}

TEST_CASE("an index without a tree has nothing to calibrate", "[calibrate]") {
	std::mt19937_64 random(5);
	const auto rows = gaussian_rows(random, 300, 8, 8);
	Store store = build(8, rows);
	const Index ix = store.open();
	Calibrator calibrator(store, ix);
	calibrator.row();
	calibrator.query(rows[0]);
	CHECK(calibrator.result().queries == 0);
}
