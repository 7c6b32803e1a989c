// The part of PostgreSQL that decides who sees which row: transactions in the order of their commits, row versions,
// snapshots, the horizon of VACUUM, and row pointers that are used again once VACUUM has removed them from the index.
#pragma once

#include <algorithm>
#include <memory>

#include "sim/disk.hpp"

namespace vecidx_sim {

struct Transaction {
	uint64_t begun = 0, ended = kNever; // positions in the log
	bool committed = false;
};

// A row version. Its pointer is a number, as in store.hpp.
struct Version {
	uint64_t number = 0, made_by = 0;
	std::vector<uint64_t> deleted_by; // the last one may be running, all before it were aborted
	Vector x;
	// positions in the log: when it came into the table, when its insert into the index was over, when VACUUM found it
	// dead, when VACUUM made its pointer free
	uint64_t made = 0, indexed = kNever, pruned = kNever, freed = kNever;
};

class Database;

// What a transaction sees. While it is alive, VACUUM keeps what it sees.
class Snapshot {
public:
	Snapshot(Database &database, uint64_t at, uint64_t xmin, uint64_t own, bool counts);
	~Snapshot();
	Snapshot(const Snapshot &) = delete;

	std::vector<uint32_t> visible; // versions

private:
	Database &database_;
	uint64_t xmin_;
	bool counts_;
};

class Database {
public:
	Database(Log &log, Random &random) : log_(log), random_(random) {}

	std::vector<Version> versions;
	std::multiset<uint64_t> xmins; // of the snapshots in use
	uint64_t next = 100;           // transaction id

	// ---- transactions

	uint64_t begin() {
		transactions_.push_back({log_.append(), kNever, false});
		return next++;
	}
	void end(uint64_t xid, bool commit) {
		Transaction &t = transaction(xid);
		require(t.ended == kNever, "a transaction ends twice");
		t.ended = log_.append();
		t.committed = commit;
	}
	bool running(uint64_t xid) const { return transaction(xid).ended == kNever; }
	bool committed(uint64_t xid) const { return transaction(xid).committed; }
	bool aborted(uint64_t xid) const { return !running(xid) && !committed(xid); }

	// Every snapshot in use, and every one to come, needs at most what this transaction or later ones removed.
	uint64_t oldest() const {
		uint64_t least = oldest_running(log_.end());
		return xmins.empty() ? least : std::min(least, *xmins.begin());
	}
	// At a position of the log: of transactions begun by then, the first that had not ended.
	uint64_t oldest_running(uint64_t at) const {
		for (uint64_t i = 0; i < transactions_.size(); i++)
			if (transactions_[i].begun > at || transactions_[i].ended > at)
				return kFirst + i;
		return next;
	}

	// ---- rows

	// Does a snapshot taken at this position of the log see the version? `own`: a transaction that sees itself, or 0.
	bool visible(const Version &v, uint64_t at, uint64_t own) const {
		const auto seen = [&](uint64_t xid) {
			return xid == own || (transaction(xid).committed && transaction(xid).ended <= at);
		};
		return v.made <= at && v.freed > at && seen(v.made_by) &&
			   std::none_of(v.deleted_by.begin(), v.deleted_by.end(), seen);
	}
	uint32_t insert(uint64_t xid, Vector x) {
		Version v;
		v.number = take_number();
		v.made_by = xid;
		v.x = std::move(x);
		v.made = log_.append();
		versions.push_back(std::move(v));
		return static_cast<uint32_t>(versions.size() - 1);
	}
	// A row that this transaction may delete; UINT32_MAX when none was found.
	uint32_t find_victim(uint64_t xid) {
		for (int tries = 0; tries < 20 && !versions.empty(); tries++) {
			const auto i = static_cast<uint32_t>(random_.below(versions.size()));
			const Version &v = versions[i];
			const bool free = v.deleted_by.empty() || aborted(v.deleted_by.back());
			if (free && v.indexed != kNever && visible(v, log_.end(), xid))
				return i;
		}
		return UINT32_MAX;
	}
	void remove(uint32_t i, uint64_t xid) { versions[i].deleted_by.push_back(xid); }

	// ---- VACUUM

	bool dead(const Version &v, uint64_t oldest) const {
		if (v.freed != kNever || v.made == kNever)
			return false;
		if (aborted(v.made_by))
			return true;
		return !v.deleted_by.empty() && committed(v.deleted_by.back()) && v.deleted_by.back() < oldest;
	}
	// The rows that are dead now: from here on nobody but the index knows them.
	std::vector<uint32_t> prune() {
		const uint64_t horizon = oldest();
		LogEntry entry;
		for (uint32_t i = 0; i < versions.size(); i++)
			if (dead(versions[i], horizon))
				entry.pruned.push_back(i);
		const std::vector<uint32_t> found = entry.pruned;
		const uint64_t at = log_.append(std::move(entry));
		for (const uint32_t i : found)
			versions[i].pruned = std::min(versions[i].pruned, at);
		return found;
	}
	// They are in no index any more: their pointers may be used again.
	void release(const std::vector<uint32_t> &dead) {
		const uint64_t at = log_.append();
		for (const uint32_t i : dead) {
			versions[i].freed = at;
			free_numbers_.push_back(versions[i].number);
		}
	}

	// ---- crash

	// Everything after this position did not happen.
	void crash(uint64_t end) {
		for (Transaction &t : transactions_) {
			t.begun = std::min(t.begun, end);
			if (t.ended > end) {
				t.ended = end;
				t.committed = false;
			}
		}
		free_numbers_.clear();
		for (Version &v : versions) {
			if (v.made > end)
				v.made = v.freed = kNever;
			for (uint64_t *position : {&v.indexed, &v.pruned, &v.freed})
				if (*position > end)
					*position = kNever;
		}
		find_free_numbers();
	}

private:
	static constexpr uint64_t kFirst = 100;

	Transaction &transaction(uint64_t xid) { return transactions_.at(xid - kFirst); }
	const Transaction &transaction(uint64_t xid) const { return transactions_.at(xid - kFirst); }

	// A pointer that was used before, where there is one, more often than not.
	uint64_t take_number() {
		if (free_numbers_.empty() || random_.chance(0.1))
			return next_number_++;
		std::swap(free_numbers_[random_.below(free_numbers_.size())], free_numbers_.back());
		const uint64_t number = free_numbers_.back();
		free_numbers_.pop_back();
		return number;
	}
	void find_free_numbers() {
		std::vector<bool> used(next_number_);
		for (const Version &v : versions)
			if (v.made != kNever && v.freed == kNever)
				used[v.number] = true;
		for (uint64_t number = 0; number < next_number_; number++)
			if (!used[number])
				free_numbers_.push_back(number);
	}

	Log &log_;
	Random &random_;
	std::vector<Transaction> transactions_;
	std::vector<uint64_t> free_numbers_;
	uint64_t next_number_ = 0;
};

inline Snapshot::Snapshot(Database &database, uint64_t at, uint64_t xmin, uint64_t own, bool counts)
	: database_(database), xmin_(xmin), counts_(counts) {
	for (uint32_t i = 0; i < database.versions.size(); i++)
		if (database.visible(database.versions[i], at, own))
			visible.push_back(i);
	if (counts_)
		database_.xmins.insert(xmin_);
}
inline Snapshot::~Snapshot() {
	if (counts_)
		database_.xmins.erase(database_.xmins.find(xmin_));
}

} // namespace vecidx_sim
