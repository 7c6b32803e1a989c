// Sessions that change the index: tending, writers and VACUUM, each as the access method's shim drives it.
#pragma once

#include "sim/scan.hpp"

namespace vecidx_sim {

// One chore, step by step. Its caller holds the shape's lock; this one takes the tree's.
class Tend {
public:
	Tend(World &world, Index &index, const vx_chore &chore)
		: world_(world), cached_(index), index_(index), chore_(chore), memory_(world.memory) {
		start();
		world.counts.chores++;
	}

	bool runnable() const { return !waiting_ || Held::available(world_.locks, Lock::kTree); }

	// True when it is over.
	bool step() {
		if (waiting_) {
			waiting_ = !tree_.take(world_.locks, Lock::kTree);
			return false;
		}
		vx_step step = vx_tend_next(t_, &want_);
		if (step == VX_WRITE)
			step = write();
		switch (step) {
		case VX_PAGE:
			vx_tend_page(t_, world_.disk.page(want_.block));
			return false;
		case VX_MEMORY:
			vx_tend_grow(t_, memory_.take(want_.bytes), want_.bytes);
			return false;
		case VX_LOCK:
			waiting_ = true;
			return false;
		case VX_YIELD:
			return false;
		case VX_STALE:
			tree_.release();
			index_ = cached_ = world_.open(world_.disk.store);
			start();
			return false;
		case VX_DONE:
		case VX_FULL:
			break;
		case VX_CORRUPT:
			corrupt("tending", want_);
			break;
		default:
			throw std::logic_error("unexpected step of tending");
		}
		tree_.release();
		return true;
	}

private:
	void start() {
		const size_t bytes = vx_tend_size(index_);
		t_ = vx_tend_init(memory_.take(bytes), bytes, index_, &chore_, world_.database.oldest());
	}
	vx_step write() {
		const vx_step step = world_.disk.write(want_, [&](void *const pages[], const uint32_t blocks[], vx_want *want) {
			return vx_tend_apply(t_, pages, blocks, world_.database.next, want);
		});
		return step == VX_DONE ? VX_YIELD : step;
	}

	World &world_;
	Index &cached_, index_;
	vx_chore chore_;
	MachineMemory memory_;
	vx_tend *t_;
	Held tree_;
	bool waiting_ = false;
	vx_want want_{};
};

// Transactions one after the other: inserts, deletes, updates and now and then a scan that sees what it has written.
class Writer : public Session {
public:
	explicit Writer(World &world) : Session(world), known_{world.open(world.disk.store), nullptr} {}

	bool idle() const override { return xid_ == 0; }
	bool runnable() const override {
		if (wants_tree_)
			return Held::available(world_.locks, Lock::kTreeShare);
		return tend_ == nullptr || tend_->runnable();
	}

	void step() override {
		if (xid_ != 0 && world_.random.chance(world_.config.give_up)) {
			end(false); // an error, or somebody cancels it
			return;
		}
		if (tend_ != nullptr)
			step_tend();
		else if (chore_.kind != VX_CHORE_NONE)
			start_tend();
		else if (wants_tree_)
			start_insert();
		else if (insert_ != nullptr)
			step_insert();
		else if (scan_ != nullptr)
			step_scan();
		else
			step_transaction();
	}

private:
	void end(bool commit) {
		insert_ = nullptr;
		insert_memory_.reset();
		scan_.reset();
		tend_.reset();
		tree_.release();
		shape_.release();
		wants_tree_ = false;
		chore_.kind = VX_CHORE_NONE;
		world_.database.end(xid_, commit);
		xid_ = 0;
	}

	void step_transaction() {
		Random &random = world_.random;
		if (xid_ == 0) {
			xid_ = world_.database.begin();
			left_ = random.between(1, world_.config.most_writes);
			return;
		}
		if (left_-- == 0) {
			end(!random.chance(world_.config.abort));
			return;
		}
		if (random.chance(0.03)) {
			start_scan();
			return;
		}
		const bool many = world_.database.versions.size() > 20 && rows() > world_.config.most_rows;
		const double share = random.uniform();
		if (share < (many ? 0.7 : world_.config.remove)) {
			remove();
		} else {
			if (share > 1 - world_.config.remove)
				remove();
			add();
		}
	}
	// About as many rows as there are.
	size_t rows() const {
		size_t n = 0;
		for (const Version &v : world_.database.versions)
			n += v.made != kNever && v.pruned == kNever && v.deleted_by.empty();
		return n;
	}
	void remove() {
		const uint32_t victim = world_.database.find_victim(xid_);
		if (victim != UINT32_MAX)
			world_.database.remove(victim, xid_);
	}
	void add() {
		row_ = world_.database.insert(xid_, world_.new_vector());
		wants_tree_ = true;
		world_.counts.inserts++;
	}

	void start_insert() {
		if (!tree_.take(world_.locks, Lock::kTreeShare))
			return;
		wants_tree_ = false;
		insert_index_ = known_.index;
		insert_memory_ = std::make_unique<MachineMemory>(world_.memory);
		const Version &v = world_.database.versions[row_];
		insert_ = vx_insert_init(insert_memory_->take(vx_insert_size(insert_index_)), insert_index_,
								 vecidx_test::row_number(v.number), v.x.empty() ? nullptr : v.x.data());
		vx_insert_oldest(insert_, world_.database.oldest());
	}
	void step_insert() {
		vx_step step = vx_insert_next(insert_, &want_);
		if (step == VX_WRITE)
			step = world_.disk.write(want_,
									 [&](void *const pages[], const uint32_t blocks[], vx_want *want) {
										 const vx_step answer = vx_insert_apply(insert_, pages, blocks, want);
										 return answer;
									 }) == VX_CORRUPT
					   ? VX_CORRUPT
					   : VX_YIELD;
		switch (step) {
		case VX_PAGE:
			vx_insert_page(insert_, world_.disk.page(want_.block));
			break;
		case VX_YIELD:
			break;
		case VX_STALE:
			tree_.release();
			known_.index = world_.open(world_.disk.store);
			insert_ = nullptr;
			wants_tree_ = true;
			break;
		case VX_DONE:
			inserted();
			break;
		case VX_CORRUPT:
			corrupt("an insert", want_);
			break;
		default:
			throw std::logic_error("unexpected step of an insert");
		}
	}
	void inserted() {
		vx_insert_chore(insert_, &chore_);
		world_.database.versions[row_].indexed = world_.log.end();
		insert_ = nullptr;
		tree_.release();
	}
	// One of many may do it; nobody waits.
	void start_tend() {
		if (shape_.take(world_.locks, Lock::kShape))
			tend_ = std::make_unique<Tend>(world_, known_.index, chore_);
		else
			world_.counts.untended++;
		chore_.kind = VX_CHORE_NONE;
	}
	void step_tend() {
		if (!tend_->step())
			return;
		tend_.reset();
		shape_.release();
	}

	void start_scan() {
		Database &database = world_.database;
		auto snapshot = std::make_unique<Snapshot>(database, world_.log.end(),
												   database.oldest_running(world_.log.end()), xid_, true);
		scan_ = std::make_unique<Scan>(world_, known_, std::move(snapshot), false);
		scan_->start(world_.random.chance(0.2) ? Vector{} : world_.new_vector(), 1, 0);
	}
	void step_scan() {
		if (scan_->step() == Scan::Progress::kDone)
			scan_.reset();
	}

	Known known_;
	Index insert_index_;
	uint64_t xid_ = 0;
	uint32_t left_ = 0, row_ = 0;
	bool wants_tree_ = false;
	Held tree_, shape_;
	vx_chore chore_{};
	std::unique_ptr<MachineMemory> insert_memory_;
	vx_insert *insert_ = nullptr;
	std::unique_ptr<Tend> tend_;
	std::unique_ptr<Scan> scan_;
	vx_want want_{};
};

} // namespace vecidx_sim
