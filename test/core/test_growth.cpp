// Everything at once: rows come and go, entries move, nodes move to other pages, slots, lanes and pages are used again,
// and scans that started at any time run on. The index stays sound; a scan hands out each row that was there all the
// time exactly once, and no row twice.
#include "growth.hpp"
#include "sound.hpp"

using namespace vecidx_test;

namespace {

constexpr uint32_t kDim = 12;

// A scan under way, and the rows it owes.
struct Running {
	Running(Store &store, const Index &ix, const std::set<uint64_t> &rows, Vector q, double recall)
		: query(std::move(q)), scanning(store, ix, {query.empty() ? nullptr : query.data(), recall, 10, VX_BY_ROWS}),
		  owed(rows) {}

	Vector query;
	Scanning scanning;
	std::set<uint64_t> owed;
};

class Turmoil {
public:
	Turmoil(vx_metric metric, uint64_t seed) : random_(seed * 8 + metric) {
		HandOptions options;
		options.metric = metric;
		options.leaves = 24;
		std::vector<Vector> rows = gaussian(random_, 400, kDim);
		store_ = HandTree(kDim, rows, options).take();
		ix_ = store_.open();
		for (; next_row_ < rows.size(); next_row_++)
			rows_.insert(next_row_);
	}

	uint64_t scans = 0, restarts = 0;

	void run(uint32_t steps) {
		for (uint32_t i = 0; i < steps; i++) {
			change();
			begin();
			drive();
			if (i % 50 == 0)
				verify();
		}
		while (!running_.empty())
			drive();
		verify();
	}

private:
	void change() {
		switch (random_() % 12) {
		case 0:
			remove();
			break;
		case 1:
			Growth(store_).release_dead();
			break;
		case 2:
		case 3:
			move();
			break;
		case 4:
			forget();
			break;
		case 5:
			replace(1);
			break;
		case 6:
			replace(2);
			break;
		case 7:
			reclaim();
			break;
		default:
			add();
		}
	}

	void add() {
		Vector x = gaussian(random_, 1, kDim)[0];
		const uint64_t kind = random_() % 20;
		if (kind == 0)
			x.clear();
		else if (kind == 1)
			x.assign(kDim, 1e30F);
		REQUIRE(insert(store_, ix_, next_row_, x) == VX_DONE);
		rows_.insert(next_row_++);
	}

	void remove() {
		std::set<uint64_t> gone;
		for (const uint64_t row : rows_)
			if (random_() % 60 == 0)
				gone.insert(row);
		remove_rows(store_, [&](uint64_t row) { return gone.count(row) > 0; });
		for (const uint64_t row : gone) {
			rows_.erase(row);
			for (const auto &r : running_)
				r->owed.erase(row);
		}
	}

	// Some entries of a leaf get another leaf.
	void move() {
		Growth g(store_);
		const std::vector<LaneAt> leaves = g.living(1);
		const LaneAt from = leaves[random_() % leaves.size()], to = leaves[random_() % leaves.size()];
		const uint32_t page = g.child(from).block;
		if (g.child(to).block == page)
			return;
		const uint32_t n = g.leaf_header(page).chain.count, before = g.leaf_header(g.child(to).block).chain.count;
		if (before + n > vx_leaf_capacity(kDim, store_.meta().scan_bits))
			return;
		for (uint32_t slot = 0; slot < n; slot++)
			if (random_() % 3 == 0 && !vecidx::leaf_marked(g.at(page), kDim, store_.meta().scan_bits, slot))
				g.move_entry(ix_, page, slot, to);
		g.leaf_header(page).moved = ++g.meta().clock;
		store_.pages[page].finish();
		store_.pages[g.child(to).block].finish();
	}

	// Marked entries go, whoever may still need them.
	void forget() {
		Growth g(store_);
		for (const LaneAt &leaf : g.lanes(1)) {
			const uint32_t page = g.child(leaf).block;
			if (random_() % 4 != 0 || !vx_page_is(g.at(page), VX_KIND_LEAF) || g.leaf_header(page).moved == 0)
				continue;
			g.leaf_header(page).forgot = g.leaf_header(page).moved;
			g.forget_marked(page);
		}
	}

	void replace(uint32_t level) {
		Growth g(store_);
		const std::vector<LaneAt> lanes = g.living(level);
		const uint32_t page = g.replace(lanes[random_() % lanes.size()]);
		if (random_() % 2 == 0)
			g.release_page(page);
	}

	// Pages of nodes that live no more become free.
	void reclaim() {
		Growth g(store_);
		std::set<uint64_t> nodes = {store_.meta().root_node};
		for (uint32_t level = 1; level <= store_.meta().levels; level++)
			for (const LaneAt &l : g.living(level))
				nodes.insert(g.child(l).node);
		for (uint32_t block = 0; block < store_.nblocks(); block++) {
			const bool of_node = vx_page_is(g.at(block), VX_KIND_LEAF) || vx_page_is(g.at(block), VX_KIND_INNER);
			if (of_node && nodes.count(vecidx::page_special(g.at(block)).node) == 0)
				g.release_page(block);
		}
	}

	void begin() {
		const double recalls[] = {1, 0.95, 0.7};
		if (running_.size() == 4)
			return;
		Vector q = random_() % 3 == 0 ? Vector() : gaussian(random_, 1, kDim)[0];
		running_.push_back(std::make_unique<Running>(store_, ix_, rows_, std::move(q), recalls[random_() % 3]));
	}

	// Scans under way make a few steps, and what ends is judged.
	void drive() {
		for (size_t i = 0; i < running_.size();) {
			bool more = true;
			const auto watch = [&](uint32_t block) { meta_reads_ += block == VX_META_BLOCK; };
			for (uint64_t steps = random_() % 60; more && steps > 0; steps--)
				more = running_[i]->scanning.step(watch);
			if (more) {
				i++;
				continue;
			}
			judge(*running_[i]);
			running_.erase(running_.begin() + static_cast<ptrdiff_t>(i));
		}
		restarts = meta_reads_ - std::min(meta_reads_, scans + running_.size());
	}

	void judge(const Running &r) {
		const ScanResult &result = r.scanning.result;
		scans++;
		INFO(result.why);
		REQUIRE(result.end == VX_DONE);
		std::set<uint64_t> seen;
		for (const Hit &hit : result.hits)
			REQUIRE(seen.insert(hit.number).second);
		REQUIRE(std::includes(seen.begin(), seen.end(), r.owed.begin(), r.owed.end()));
	}

	void verify() {
		CheckReport report = check(store_, ix_);
		for (const Fault &fault : report.faults)
			UNSCOPED_INFO("block " << fault.block << ": " << fault.why);
		REQUIRE(report.faults.empty());
		std::sort(report.rows.begin(), report.rows.end());
		REQUIRE(std::equal(report.rows.begin(), report.rows.end(), rows_.begin(), rows_.end()));
		Vector q = gaussian(random_, 1, kDim)[0];
		require_scanned_once(store_, ix_, q, 1, rows_.size());
		require_scanned_once(store_, ix_, q, 0.95, rows_.size());
		require_scanned_once(store_, ix_, {}, 0.95, rows_.size());
	}

	std::mt19937_64 random_;
	Store store_;
	Index ix_;
	std::set<uint64_t> rows_; // those in the index
	uint64_t next_row_ = 0, meta_reads_ = 0;
	std::vector<std::unique_ptr<Running>> running_;
};

} // namespace

TEST_CASE("scans run while everything changes", "[growth]") {
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const auto seed = GENERATE(range(1u, 4u));
	CAPTURE(metric, seed);
	Turmoil turmoil(metric, seed);
	turmoil.run(300);
	CHECK(turmoil.scans > 20);
	CHECK(turmoil.restarts > 20);
}
