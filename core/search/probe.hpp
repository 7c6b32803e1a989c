// What a scan would have read and found at every effort, watched in one scan at the largest.
//
// A scan's gate is fixed when its first leaves are refined, and depends on them, on the k-th distance and on the effort
// alone. So a scan that opens the gate as far as it goes can tell of each leaf the least effort that lets it through,
// for several k at once; and the nearest rows it finds, by the leaves they came from, at which efforts they are found.
// Of those it counts as missed the ones whose scan codes put them too far away.
//
// The largest effort opens most leaves. The first queries show how much less is enough to find nearly all: the others
// are searched with that, and what it misses of the first ones is counted as missed by all.
#pragma once

#include "memory/arena.hpp"
#include "search/children.hpp"
#include "search/dial.hpp"

namespace vecidx {

// For each row wanted so many survivors are refined first.
inline constexpr uint64_t kBestARow = 2;

class Probe {
public:
	static constexpr uint32_t kEfforts = 48;
	// So many queries are searched as far as it goes; from then on they may be divided among several probes.
	static constexpr uint32_t kFirstQueries = 32;
	// Efforts watched, from 0 to the largest: dense where a small one already finds much.
	static float effort(uint32_t number);

	// Query `number` is itself in the index, at `self`: it is not to be found. `self` with offset 0: it is not there.
	void start(const vx_row &self, uint32_t number);
	// How many of the curves this query is for, and the rows to look for. Many rows take the widest search, and being
	// many they tell more: after the first queries every fourth is enough for the last curve.
	uint32_t curves() const { return curves_; }
	uint32_t rows() const { return kCalibratedKs[curves_ - 1]; }
	bool is_self(const vx_row &row) const { return row.block == self_.block && row.offset == self_.offset; }

	// Room for what the next steps note: children known, survivors and refined rows to come.
	[[nodiscard]] bool reserve(Arena &arena, size_t children, size_t rows);

	// Leaves are numbered as children are. `gated`: else it is one of the first, which every effort opens.
	void open(uint32_t leaf, bool gated);
	void read(uint32_t count);
	void survived(uint32_t ref);
	void refined(uint32_t ref, float estimate, double low, double high);

	// Is the gate to be watched: are there other children than the last time, in this scan?
	bool watches(size_t blocks) {
		const bool changed = blocks != watched_;
		watched_ = blocks;
		return changed;
	}
	// The k-th smallest upper bound of those refined so far, by kCalibratedKs; infinity while there are fewer.
	double k_th(uint32_t curve) const { return k_th_of(curve, found_.size()); }
	// The same of the few with the best estimates, which a scan refines first to see how far it must go.
	double k_th_first(uint32_t curve);
	// The effort by number that is large enough for that curve.
	uint32_t widest(uint32_t curve) const { return totals_.narrowed ? totals_.widest[curve] : kEfforts - 1; }
	// An effort, the `number`th, lets these lanes of a block of leaves through.
	void passed(uint32_t block, uint32_t mask, uint32_t curve, uint32_t number);
	// Lanes of a block that any of the efforts watched let through.
	uint32_t passing(uint32_t block) const;

	// The scan is over: add it up. By scan codes rows up to these estimates would have been refined, by the two
	// epsilons of dial.hpp.
	struct Cuts {
		float low[VX_CALIBRATED_KS], high[VX_CALIBRATED_KS];
	};
	void finish(const Cuts &cuts);
	// Means over all queries so far.
	void result(vx_calibration &out) const;
	uint32_t queries() const { return totals_.queries; }

	// What is known of all queries so far. Another probe may go on from it, and what that found be added here: in the
	// end it does not matter who asked which query.
	struct Totals;
	const Totals &totals() const { return totals_; }
	void resume(const Totals &totals);
	void add(const Totals &totals);

private:
	struct Seen {
		uint32_t ref, leaf;
	};
	struct Found {
		double distance, high;
		uint32_t ref;
		float estimate;
	};
	// Least effort by number, kEfforts: none; for each curve.
	struct Levels {
		uint8_t least[VX_CALIBRATED_KS];
	};
	struct Opened {
		uint32_t leaf, count;
	};
	const Seen *survivor(uint32_t ref) const;
	void count_hits(uint32_t curve, const Found &found, const Cuts &cuts);
	double k_th_of(uint32_t curve, size_t rows) const;
	void narrow();

	enum Kind { kHits, kLowHits, kLeaves, kEntries, kKinds }; // hits by the higher epsilon and by the lower
	// Over queries: whole numbers.
	struct Sums {
		double queries[VX_CALIBRATED_KS], wanted[VX_CALIBRATED_KS], of[kKinds][VX_CALIBRATED_KS][kEfforts];
		double missed(Kind hits, uint32_t curve, uint32_t number) const {
			return wanted[curve] > 0 ? 1 - of[hits][curve][number] / wanted[curve] : 0;
		}
	};
	static void add(Sums &to, const Sums &from);

public:
	struct Totals {
		uint32_t queries;
		bool narrowed, stored; // stored: queries were rows of the index
		uint32_t widest[VX_CALIBRATED_KS];
		Sums first, others;
	};

private:
	double missed(Kind hits, uint32_t curve, uint32_t number) const;
	double mean(Kind kind, uint32_t curve, double step) const;
	double unseen() const;
	double step_for(uint32_t curve, double recall) const;

	vx_row self_;
	uint32_t leaf_, curves_;
	size_t watched_;      // blocks of children
	Pool<Levels> levels_; // of each child
	Pool<Seen> seen_;
	Pool<Found> found_;
	Pool<Opened> opened_;
	mutable Pool<double> highs_;
	Totals totals_;
};

} // namespace vecidx
