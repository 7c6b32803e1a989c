// What all sessions of a schedule share: its parameters, the index and its locks, the database, memory for machines.
#pragma once

#include <map>
#include <optional>

#include "code/index.hpp"
#include "sim/database.hpp"

namespace vecidx_sim {

struct Config {
	uint64_t seed;
	uint32_t dim, bits, leaf_size, first_rows;
	bool built_raw;
	vx_metric metric;
	vecidx::Limits limits;
	uint32_t writers, readers, standby_readers, steps;
	uint32_t most_writes;   // of a transaction
	uint32_t most_rows;     // from which on more is deleted than inserted
	double feedback;        // share of the standby's readers whose snapshots the primary minds
	double freeze;          // chance a turn that somebody is not looked after for a while
	double crash, late_log; // chances a step: of a crash, of a pause of the standby's replay
	double odd;             // share of rows that are NULL, huge or zero
	double drift;           // how fast the rows' centres wander
	double vacuum, give_up;
	double abort, remove; // shares of transactions and of statements
	bool cut_log;         // crashes lose the newest records too
	float reach;          // how far apart the centres of rows to come lie
};

// Memory of machines, used again: getting it from the system takes longer than what is done in it.
class MemoryPool {
public:
	void *take(size_t bytes, std::vector<void *> &mine) {
#if defined(__SANITIZE_ADDRESS__)
		void *memory = operator new(bytes + vecidx_test::kAlignSlack);
		sizes_[memory] = 0;
#else
		size_t size = 16384;
		while (size < bytes + vecidx_test::kAlignSlack)
			size *= 2;
		std::vector<void *> &free = free_[size];
		if (free.empty())
			free.push_back(operator new(size));
		void *memory = free.back();
		free.pop_back();
		sizes_[memory] = size;
#endif
		mine.push_back(memory);
		return vecidx_test::aligned_to_8(memory);
	}
	void give_back(std::vector<void *> &mine) {
		for (void *memory : mine) {
#if defined(__SANITIZE_ADDRESS__)
			operator delete(memory);
#else
			free_[sizes_.at(memory)].push_back(memory);
#endif
			sizes_.erase(memory);
		}
		mine.clear();
	}
	~MemoryPool() {
		for (auto &[size, list] : free_)
			for (void *memory : list)
				operator delete(memory);
	}
	MemoryPool() = default;
	MemoryPool(const MemoryPool &) = delete;

private:
	std::map<size_t, std::vector<void *>> free_;
	std::map<void *, size_t> sizes_;
};

// One machine's memory.
class MachineMemory {
public:
	explicit MachineMemory(MemoryPool &pool) : pool_(pool) {}
	~MachineMemory() { pool_.give_back(mine_); }
	MachineMemory(const MachineMemory &) = delete;
	void *take(size_t bytes) { return pool_.take(bytes, mine_); }

private:
	MemoryPool &pool_;
	std::vector<void *> mine_;
};

// The tree's lock is shared by inserts, the shape's has one holder.
struct Locks {
	uint32_t tree_shares = 0;
	bool tree = false, shape = false;
};
enum class Lock : uint8_t { kNone, kTreeShare, kTree, kShape };

// A lock held until this goes.
class Held {
public:
	Held() = default;
	~Held() { release(); }
	Held(const Held &) = delete;

	static bool available(const Locks &locks, Lock lock) {
		switch (lock) {
		case Lock::kTreeShare:
			return !locks.tree;
		case Lock::kTree:
			return !locks.tree && locks.tree_shares == 0;
		case Lock::kShape:
			return !locks.shape;
		case Lock::kNone:
			break;
		}
		return true;
	}
	bool take(Locks &locks, Lock lock) {
		require(lock_ == Lock::kNone, "a lock is taken twice");
		if (!available(locks, lock))
			return false;
		locks_ = &locks;
		lock_ = lock;
		change(true);
		return true;
	}
	void release() {
		if (lock_ != Lock::kNone)
			change(false);
		lock_ = Lock::kNone;
	}
	bool held() const { return lock_ != Lock::kNone; }

private:
	void change(bool taken) {
		if (lock_ == Lock::kTreeShare)
			locks_->tree_shares += taken ? 1U : UINT32_MAX;
		else
			(lock_ == Lock::kTree ? locks_->tree : locks_->shape) = taken;
	}
	Locks *locks_ = nullptr;
	Lock lock_ = Lock::kNone;
};

class Scan;

// The other server: the index as of a position of the log.
struct Standby {
	Store store;
	uint64_t applied = 0;
	std::vector<Scan *> scans;
};

// Counts of what happened, for the reader of a run.
struct Counts {
	uint64_t steps = 0, inserts = 0, chores = 0, trainings = 0, vacuums = 0, scans = 0, crashes = 0, standby_scans = 0,
			 again = 0, cancelled = 0, levels = 0, records = 0, rows = 0, untended = 0, anchors = 0;
	void add(const Counts &o) {
		for (size_t i = 0; i < sizeof(Counts) / sizeof(uint64_t); i++)
			reinterpret_cast<uint64_t *>(this)[i] += reinterpret_cast<const uint64_t *>(&o)[i];
	}
};

struct World {
	World(const Config &c, Store initial, Random &r, MemoryPool &pool)
		: config(c), random(r), memory(pool), database(log, r), disk(std::move(initial), log, r) {
		standby.store = disk.store;
	}

	const Config &config;
	Random &random;
	MemoryPool &memory;
	Log log;
	Database database;
	Disk disk;
	Standby standby;
	Locks locks;
	Counts counts;
	bool closing = false; // no new work
	bool vacuuming = false;
	Vector centre;

	// As the shim does at the start of a command that has no shape in its cache.
	Index open(const Store &store) const {
		Index index = store.open();
		index.get()->limits = config.limits;
		return index;
	}
	Vector new_vector();
	void give_chore(vx_chore_kind kind) { counts.chores += kind != VX_CHORE_NONE; }
};

// Rows in a few balls whose centres wander; some have no codes.
inline Vector World::new_vector() {
	const uint32_t dim = config.dim;
	if (random.chance(config.odd)) {
		switch (random.below(4)) {
		case 0:
			return {};
		case 1:
			return Vector(dim, 0.0F);
		case 2:
			return Vector(dim, 1e20F);
		default: // many equal ones
			return Vector(dim, 1.0F);
		}
	}
	if (centre.empty() || random.chance(config.drift)) {
		centre.resize(dim);
		for (float &x : centre)
			x = config.reach * random.normal();
	}
	Vector x(dim);
	for (uint32_t i = 0; i < dim; i++)
		x[i] = centre[i] + random.normal();
	return x;
}

// Something that happens step by step beside others.
class Session {
public:
	explicit Session(World &world) : world_(world) {}
	virtual ~Session() = default;
	Session(const Session &) = delete;
	// Whether it waits for no lock and is not asleep.
	virtual bool runnable() const = 0;
	virtual void step() = 0;
	// The processor has others to care for until then.
	uint64_t frozen_until = 0;
	// Nothing more to do once the world is closing.
	virtual bool idle() const = 0;

protected:
	World &world_;
};

inline std::string fault_of(const char *machine, const vx_want &want) {
	return std::string(machine) + " found block " + std::to_string(want.block) +
		   " corrupt: " + (want.why != nullptr ? want.why : "?");
}
inline void corrupt(const char *machine, const vx_want &want) {
	throw std::logic_error(fault_of(machine, want));
}

} // namespace vecidx_sim
