// Sessions that read: snapshots with scans of the primary or of the standby, some of which pause for long in their
// midst, as cursors do.
#pragma once

#include "sim/scan.hpp"

namespace vecidx_sim {

class Reader : public Session {
public:
	Reader(World &world, bool standby, bool feedback)
		: Session(world), standby_(standby), feedback_(feedback), known_{world.open(store()), nullptr} {}

	bool idle() const override { return scan_ == nullptr; }
	bool runnable() const override { return world_.closing || sleep_ <= world_.counts.steps; }

	void step() override {
		if (scan_ == nullptr) {
			begin();
		} else if (scan_->cancelled) {
			world_.counts.cancelled++;
			scan_.reset();
		} else if (!started_) {
			start_query();
		} else {
			step_scan();
		}
	}

private:
	Store &store() { return standby_ ? world_.standby.store : world_.disk.store; }

	// Far apart from each other: many pauses are short, some outlast everything else.
	void sleep(double p) {
		if (world_.random.chance(p))
			sleep_ =
				world_.counts.steps + world_.random.below(uint64_t(1) << world_.random.between(standby_ ? 7 : 1, 13));
	}

	void begin() {
		const uint64_t at = standby_ ? world_.standby.applied : world_.log.end();
		const uint64_t xmin = world_.database.oldest_running(at);
		auto snapshot = std::make_unique<Snapshot>(world_.database, at, xmin, 0, !standby_ || feedback_);
		scan_ = std::make_unique<Scan>(world_, known_, std::move(snapshot), standby_);
		queries_ = world_.random.between(1, 3);
		started_ = false;
		sleep(0.5);
	}
	void start_query() {
		Random &random = world_.random;
		const double recall = random.chance(0.6) ? 1 : 0.95;
		const uint32_t k = random.chance(0.5) ? 0 : random.between(1, 30);
		const uint32_t conditions = random.chance(0.6) ? 0 : random.between(1, 2);
		scan_->start(random.chance(0.2) ? Vector{} : world_.new_vector(), recall, k, conditions);
		rows_left_ = random.chance(0.3) ? random.between(1, 20) : UINT32_MAX;
		lazy_ = random.chance(0.3);
		pages_ = 0;
		started_ = true;
	}
	void step_scan() {
		const Scan::Progress progress = scan_->step();
		if (progress == Scan::Progress::kRow)
			rows_left_--;
		else
			sleep(!standby_ ? 0.005 : pages_++ < 6 ? 0.15 : 0.05); // what is read first says what is read later
		if (progress == Scan::Progress::kRow && lazy_)
			sleep(0.1);
		if (progress != Scan::Progress::kDone && rows_left_ > 0)
			return;
		started_ = false;
		if (--queries_ == 0 || world_.closing)
			scan_.reset();
		sleep(0.3);
	}

	bool standby_, feedback_;
	Known known_;
	std::unique_ptr<Scan> scan_;
	bool started_ = false, lazy_ = false;
	uint32_t queries_ = 0, rows_left_ = 0, pages_ = 0;
	uint64_t sleep_ = 0;
};

// Replays the primary's records on the standby, now and then long after.
class Replay : public Session {
public:
	using Session::Session;

	bool idle() const override { return world_.standby.applied == world_.log.end(); }
	bool runnable() const override { return !idle() && (world_.closing || sleep_ <= world_.counts.steps); }
	void step() override {
		Standby &standby = world_.standby;
		const LogEntry &entry = world_.log.entry(standby.applied + 1);
		for (Scan *scan : standby.scans)
			scan->cancelled = scan->cancelled || scan->sees(entry.pruned);
		replay(standby.store, entry);
		standby.applied++;
		if (world_.random.chance(world_.config.late_log))
			sleep_ = world_.counts.steps + world_.random.below(uint64_t(1) << world_.random.between(4, 12));
	}

private:
	uint64_t sleep_ = 0;
};

} // namespace vecidx_sim
