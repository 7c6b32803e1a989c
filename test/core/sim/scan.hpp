// One scan with the executor above it, and the oracle: what its snapshot sees, and satisfies its conditions, comes
// once, the nearest first.
//
// The executor's rules are those of nodeIndexscan.c (IndexNextWithReorder), as in executor.hpp, here fed row by row.
// Rows that the snapshot does not see are what the table's visibility check drops: they may come, each pointer once all
// the same, since a pointer that a snapshot sees a row behind is not used again before the snapshot goes.
#pragma once

#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "executor.hpp"
#include "sim/world.hpp"

namespace vecidx_sim {

using vecidx_test::SortKey;

// A scan's machine and its memory.
struct ScanMachine {
	explicit ScanMachine(MemoryPool &pool) : memory(pool) {}
	MachineMemory memory;
	Index index;
	vx_scan *scan = nullptr;
};

// What a session has of the index: its shape, and the machine that it used last, which remembers the root.
struct Known {
	Index index;
	std::unique_ptr<ScanMachine> spare;
};

class Scan {
public:
	enum class Progress : uint8_t { kGoes, kRow, kDone };

	// On the primary, or on the standby.
	Scan(World &world, Known &known, std::unique_ptr<Snapshot> snapshot, bool standby)
		: world_(world), known_(known), snapshot_(std::move(snapshot)), standby_(standby) {
		for (const uint32_t i : snapshot_->visible)
			by_number_[version(i).number] = i;
		if (standby_)
			world_.standby.scans.push_back(this);
	}
	~Scan() {
		leave_machine();
		auto &scans = world_.standby.scans;
		scans.erase(std::remove(scans.begin(), scans.end(), this), scans.end());
	}
	Scan(const Scan &) = delete;

	bool cancelled = false; // by what the standby replays

	// A query of the same snapshot; the first one, or the next one. Conditions have a row's distance as their radius.
	void start(Vector q, double recall, uint32_t k, uint32_t conditions = 0) {
		q_ = std::move(q);
		draw_conditions(conditions);
		ordered_ = !q_.empty() && vx_classify(known_.index, q_.data()) != VX_CLASS_LATE;
		recall_ = recall;
		k_ = k;
		seen_.clear();
		visible_seen_ = 0;
		again_ = false;
		reported_ = {0, -INFINITY};
		queue_ = {};
		put_out_ = 0;
		expected_.clear();
		wanted_ = 0;
		for (const uint32_t i : snapshot_->visible) {
			const bool wanted = satisfies(i);
			wanted_ += wanted;
			if (ordered_ && wanted)
				expected_.push_back(true_key(i));
		}
		std::sort(expected_.begin(), expected_.end());
		leave_machine();
		take_machine();
	}

	bool sees(const std::vector<uint32_t> &versions) const {
		return std::any_of(versions.begin(), versions.end(), [&](uint32_t i) {
			return std::binary_search(snapshot_->visible.begin(), snapshot_->visible.end(), i);
		});
	}

	Progress step() {
		const vx_step step = vx_scan_next(machine(), &want_);
		switch (step) {
		case VX_PAGE:
			read_page();
			return Progress::kGoes;
		case VX_MEMORY:
			vx_scan_grow(machine(), machines_.back()->memory.take(want_.bytes), want_.bytes);
			return Progress::kGoes;
		case VX_YIELD:
			return Progress::kGoes;
		case VX_STALE:
			start_anew();
			return Progress::kGoes;
		case VX_ROW:
			take_row();
			return Progress::kRow;
		case VX_DONE:
			finish();
			return Progress::kDone;
		case VX_CORRUPT:
			throw std::logic_error(fault_of(standby_ ? "a scan of the standby" : "a scan", want_));
		default:
			throw std::logic_error("unexpected step of a scan");
		}
	}

private:
	struct Waiting {
		SortKey key;
		uint32_t version;
		bool operator<(const Waiting &o) const { return o.key < key; }
	};

	const Version &version(uint32_t i) const { return world_.database.versions[i]; }
	vx_scan *machine() { return machines_.back()->scan; }
	Store &store() { return standby_ ? world_.standby.store : world_.disk.store; }
	// Not for a query whose distances are all NaN.
	bool ordered() const { return ordered_; }
	bool exact() const { return recall_ >= 1; }
	SortKey true_key(uint32_t i) const { return vecidx_test::key_of(world_.config.metric, version(i).x, q_); }

	void draw_conditions(uint32_t n) {
		balls_.clear();
		centers_.clear();
		for (uint32_t i = 0; i < n && !snapshot_->visible.empty(); i++) {
			Vector center = i == 0 && !q_.empty() && world_.random.chance(0.4) ? q_ : world_.new_vector();
			const Vector &row = version(snapshot_->visible[world_.random.below(snapshot_->visible.size())]).x;
			if (center.empty() || row.empty())
				continue;
			centers_.push_back(std::make_unique<Vector>(std::move(center)));
			const double radius = vecidx_test::operator_value(world_.config.metric, row, *centers_.back());
			balls_.push_back({centers_.back()->data(), world_.random.chance(0.1) ? INFINITY : radius});
		}
	}
	bool satisfies(uint32_t i) const {
		return std::all_of(balls_.begin(), balls_.end(), [&](const vx_ball &ball) {
			return vecidx_test::lies_within(world_.config.metric, version(i).x, ball);
		});
	}
	void give_conditions() { vx_scan_within(machine(), balls_.data(), static_cast<uint32_t>(balls_.size())); }

	vx_query query() const { return {q_.empty() ? nullptr : q_.data(), recall_, k_, VX_BY_ROWS}; }

	// As the shim does (workspace.c): the machine used last goes on if the index has still the same shape.
	void take_machine() {
		if (known_.spare == nullptr || known_.spare->index.meta().epoch != known_.index.meta().epoch) {
			begin_machine(nullptr);
			return;
		}
		machines_.push_back(std::move(known_.spare));
		const vx_query next = query();
		vx_scan_restart(machine(), &next);
		give_conditions();
		read_meta_ = false;
	}
	void leave_machine() {
		if (machines_.size() == 1)
			known_.spare = std::move(machines_[0]);
		machines_.clear();
	}
	void begin_machine(const vx_scan *from) {
		machines_.push_back(std::make_unique<ScanMachine>(world_.memory));
		ScanMachine &m = *machines_.back();
		m.index = known_.index;
		const vx_query query = this->query();
		const size_t bytes = vx_scan_size(m.index);
		m.scan = vx_scan_init(m.memory.take(bytes), bytes, m.index, &query);
		give_conditions();
		if (from != nullptr)
			vx_scan_inherit(m.scan, from);
		read_meta_ = false;
	}
	void start_anew() {
		known_.index = world_.open(store());
		again_ = true;
		begin_machine(machine());
	}

	void read_page() {
		if (want_.block == VX_META_BLOCK) {
			if (read_meta_) {
				// what was retired lately is kept for the scans of the primary
				require(standby_, "a scan of the primary lost its way");
				world_.counts.again++;
				again_ = true;
			}
			read_meta_ = true;
		}
		require(want_.block < store().nblocks(), "a scan asks for a page beyond the end");
		vx_scan_page(machine(), store().pages[want_.block].data());
	}

	void take_row() {
		const uint64_t number = vecidx_test::number_of(want_.row);
		require(seen_.insert(number).second, "a scan returned a row pointer twice");
		require(ordered() == (want_.order != VX_ORDER_ANY),
				"a row without an order, or with one that nobody asked for");
		world_.counts.rows++;
		const auto found = by_number_.find(number);
		if (found == by_number_.end())
			return; // the table says that it is not visible
		if (!satisfies(found->second)) {
			require(want_.check, "a row came as if it satisfied the conditions");
			return;
		}
		visible_seen_++;
		if (ordered())
			execute(found->second);
	}

	void execute(uint32_t i) {
		const SortKey reported{want_.order == VX_ORDER_NAN ? 1 : want_.order == VX_ORDER_NULL ? 2 : 0, want_.value};
		const SortKey key = true_key(i);
		require(!(key < reported), "a scan reported more than the true distance");
		// a ball may prove more than a code: then the executor looks again
		if (exact() && !want_.recheck && !again_)
			require(!(reported < reported_), "a scan reported values out of order");
		reported_ = reported;
		queue_.push({want_.recheck ? key : reported, i});
		release(reported);
	}
	void release(const SortKey &reported) {
		while (!queue_.empty() && !(reported < queue_.top().key)) {
			if (exact())
				require(true_key(queue_.top().version) == expected_[put_out_], "an exact scan missed a nearer row");
			put_out_++;
			queue_.pop();
		}
	}

	void finish() {
		world_.counts.scans++;
		world_.counts.standby_scans += standby_;
		if (ordered())
			release({3, 0});
		require(visible_seen_ == wanted_,
				"a scan did not return every row of its snapshot that satisfies its conditions");
	}

	World &world_;
	Known &known_;
	std::unique_ptr<Snapshot> snapshot_;
	bool standby_;
	std::unordered_map<uint64_t, uint32_t> by_number_;
	std::vector<std::unique_ptr<ScanMachine>> machines_; // the last one runs, those before it were stale

	Vector q_;
	std::vector<std::unique_ptr<Vector>> centers_;
	std::vector<vx_ball> balls_;
	size_t wanted_ = 0; // rows of the snapshot
	bool ordered_ = false;
	double recall_ = 1;
	uint32_t k_ = 0;
	std::unordered_set<uint64_t> seen_;
	size_t visible_seen_ = 0;
	bool read_meta_ = false, again_ = false;
	SortKey reported_{0, 0};
	std::priority_queue<Waiting> queue_;
	std::vector<SortKey> expected_;
	size_t put_out_ = 0;
	vx_want want_{};
};

} // namespace vecidx_sim
