// VACUUM: removes dead rows from the index, does the chores it noticed, makes the rows' pointers free. Sometimes it
// only asks which rows there are, as the validation of CREATE INDEX CONCURRENTLY does, or only cleans up. One at a
// time.
#pragma once

#include "sim/write.hpp"

namespace vecidx_sim {

class Vacuum : public Session {
public:
	enum class Kind : uint8_t { kRemove, kCollect, kCleanUp };

	explicit Vacuum(World &world) : Session(world), index_(world.open(world.disk.store)) {}

	bool idle() const override { return v_ == nullptr; }
	bool runnable() const override {
		if (wants_shape_)
			return Held::available(world_.locks, Lock::kShape);
		return tend_ == nullptr || tend_->runnable();
	}

	void step() override {
		if (v_ == nullptr) {
			if (world_.random.chance(world_.config.vacuum))
				begin();
		} else if (world_.random.chance(world_.config.give_up)) {
			end(); // cancelled: what it has done so far stays done
		} else if (wants_shape_) {
			wants_shape_ = !shape_.take(world_.locks, Lock::kShape);
		} else if (tend_ != nullptr) {
			step_tend();
		} else if (over_) {
			next_chore();
		} else {
			step_machine();
		}
	}

	void begin(bool only_remove = false) {
		const double share = world_.random.uniform();
		kind_ = only_remove || share < 0.7 ? Kind::kRemove : share < 0.85 ? Kind::kCollect : Kind::kCleanUp;
		dead_.clear();
		wanted_.clear();
		offered_.clear();
		if (kind_ == Kind::kRemove)
			dead_ = world_.database.prune();
		if (kind_ == Kind::kCollect)
			for (const Version &v : world_.database.versions)
				if (v.indexed != kNever && v.pruned == kNever)
					wanted_.push_back(v.number);
		dead_numbers_.clear();
		for (const uint32_t i : dead_)
			dead_numbers_.insert(world_.database.versions[i].number);
		start_machine();
	}

private:
	void start_machine() {
		memory_ = std::make_unique<MachineMemory>(world_.memory);
		machine_index_ = index_;
		const size_t bytes = vx_vacuum_size(machine_index_);
		v_ = vx_vacuum_init(memory_->take(bytes), bytes, machine_index_, world_.database.oldest());
		over_ = false;
		chore_ = 0;
	}
	void end() {
		v_ = nullptr;
		tend_.reset();
		shape_.release();
		wants_shape_ = over_ = false;
	}

	void step_machine() {
		vx_step step = vx_vacuum_next(v_, &want_);
		if (step == VX_WRITE) {
			step = world_.disk.write(want_, [&](void *const pages[], const uint32_t blocks[], vx_want *want) {
				return vx_vacuum_apply(v_, pages, blocks, want);
			});
			step = step == VX_DONE ? VX_YIELD : step;
		}
		switch (step) {
		case VX_LENGTH:
			vx_vacuum_length(v_, world_.disk.store.nblocks());
			break;
		case VX_PAGE:
			read_page();
			break;
		case VX_ROWS:
			answer();
			break;
		case VX_LOCK:
			wants_shape_ = true;
			break;
		case VX_UNLOCK:
			require(shape_.held(), "a vacuum gives a lock back that it has not");
			shape_.release();
			break;
		case VX_MEMORY:
			vx_vacuum_grow(v_, memory_->take(want_.bytes), want_.bytes);
			break;
		case VX_YIELD:
			break;
		case VX_STALE:
			index_ = world_.open(world_.disk.store);
			offered_.clear();
			start_machine();
			break;
		case VX_DONE:
			done();
			break;
		case VX_CORRUPT:
			corrupt("a vacuum", want_);
			break;
		default:
			throw std::logic_error("unexpected step of a vacuum");
		}
	}
	void read_page() {
		const void *page = world_.disk.page(want_.block);
		if (FreeSpace::is_free(world_.disk.store.pages[want_.block]))
			world_.disk.space.blocks.insert(want_.block);
		vx_vacuum_page(v_, page);
	}
	void answer() {
		const vx_row *rows;
		bool *remove;
		const uint32_t n = vx_vacuum_rows(v_, &rows, &remove);
		for (uint32_t i = 0; i < n; i++) {
			if ((rows[i].flags & VX_ROW_DEAD) != 0)
				continue;
			const uint64_t number = vecidx_test::number_of(rows[i]);
			offered_.insert(number);
			remove[i] = dead_numbers_.count(number) > 0;
		}
	}
	void done() {
		require(!shape_.held(), "a vacuum ends with a lock");
		for (const uint64_t number : wanted_)
			require(offered_.count(number) > 0, "a vacuum did not offer a row that was there at its start");
		over_ = true;
	}

	void next_chore() {
		vx_chore chore;
		if (!vx_vacuum_chore(v_, chore_, &chore)) {
			world_.database.release(dead_);
			world_.counts.vacuums++;
			end();
		} else if (!shape_.held()) {
			wants_shape_ = true;
		} else {
			tend_ = std::make_unique<Tend>(world_, index_, chore);
			chore_++;
		}
	}
	void step_tend() {
		if (!tend_->step())
			return;
		tend_.reset();
		shape_.release();
	}

	Index index_, machine_index_;
	Kind kind_ = Kind::kRemove;
	std::unique_ptr<MachineMemory> memory_;
	vx_vacuum *v_ = nullptr;
	std::unique_ptr<Tend> tend_;
	Held shape_;
	bool wants_shape_ = false, over_ = false;
	uint64_t chore_ = 0;
	std::vector<uint32_t> dead_;
	std::vector<uint64_t> wanted_;
	std::unordered_set<uint64_t> dead_numbers_, offered_;
	vx_want want_{};
};

} // namespace vecidx_sim
