// Bookkeeping of one watched scan, and the sums over many.
#include "search/probe.hpp"

#include <algorithm>
#include <cmath>

namespace vecidx {
namespace {

constexpr uint32_t kEveryFew = 4;
// A share of the true neighbours that may be missed where they are counted.
constexpr double kMostMissed = 0.003;

// The share that may be missed where a recall is to be trusted: one standard error less than it says. Neighbours of one
// query are found or missed together, so those of 10 and of 100 count as a few.
double allowed(double missed, double queries, uint32_t curve) {
	constexpr double kIndependent[VX_CALIBRATED_KS] = {1, 4, 12};
	const double recall = 1 - missed;
	return std::fmax(missed - std::sqrt(recall * missed / (queries * kIndependent[curve])), 0.6 * missed);
}

} // namespace

// Steps of 1/30 up to 0.7, and from there on in equal ratios.
float Probe::effort(uint32_t number) {
	constexpr uint32_t kEven = 21;
	constexpr float kStep = 1.0F / 30;
	if (number <= kEven)
		return kStep * static_cast<float>(number);
	const float growth = std::pow(kMostEffort / (kEven * kStep), 1.0F / (kEfforts - 1 - kEven));
	return kEven * kStep * std::pow(growth, static_cast<float>(number - kEven));
}

void Probe::start(const vx_row &self, uint32_t number) {
	self_ = self;
	totals_.stored = self.offset != 0;
	curves_ = totals_.narrowed && number % kEveryFew != 0 ? VX_CALIBRATED_KS - 1 : VX_CALIBRATED_KS;
	watched_ = 0;
	levels_.clear();
	seen_.clear();
	found_.clear();
	opened_.clear();
}

bool Probe::reserve(Arena &arena, size_t children, size_t rows) {
	if (!levels_.reserve(arena, children) || !opened_.reserve_more(arena, 1) || !seen_.reserve_more(arena, rows) ||
		!found_.reserve_more(arena, rows) || !highs_.reserve(arena, found_.size() + rows))
		return false;
	while (levels_.size() < children)
		levels_.append({{kEfforts, kEfforts, kEfforts}});
	return true;
}

void Probe::open(uint32_t leaf, bool gated) {
	leaf_ = leaf;
	opened_.append({leaf, 0});
	if (!gated)
		levels_[leaf] = {};
}

void Probe::read(uint32_t count) {
	opened_[opened_.size() - 1].count += count;
}

void Probe::survived(uint32_t ref) {
	seen_.append({ref, leaf_});
}

void Probe::refined(uint32_t ref, float estimate, double low, double high) {
	found_.append({(low + high) / 2, high, ref, estimate});
}

double Probe::k_th_first(uint32_t curve) {
	const size_t most = std::min<size_t>(found_.size(), kBestARow * kCalibratedKs[curve]);
	std::nth_element(found_.begin(), found_.begin() + most, found_.end(),
					 [](const Found &a, const Found &b) { return a.estimate < b.estimate; });
	return k_th_of(curve, most);
}

double Probe::k_th_of(uint32_t curve, size_t rows) const {
	const size_t k = kCalibratedKs[curve];
	if (rows < k)
		return INFINITY;
	highs_.clear();
	for (size_t i = 0; i < rows; i++)
		highs_.append(found_[i].high);
	std::nth_element(highs_.begin(), highs_.begin() + (k - 1), highs_.end());
	return highs_[k - 1];
}

void Probe::passed(uint32_t block, uint32_t mask, uint32_t curve, uint32_t number) {
	for (; mask != 0; mask &= mask - 1) {
		uint8_t &least = levels_[size_t(block) * VX_LANES + static_cast<uint32_t>(__builtin_ctz(mask))].least[curve];
		least = std::min(least, static_cast<uint8_t>(number));
	}
}

// `seen_` is in order of references.
const Probe::Seen *Probe::survivor(uint32_t ref) const {
	const Seen *at = std::lower_bound(seen_.begin(), seen_.end(), ref,
									  [](const Seen &s, uint32_t wanted) { return s.ref < wanted; });
	return at != seen_.end() && at->ref == ref ? at : nullptr;
}

void Probe::count_hits(uint32_t curve, const Found &found, const Cuts &cuts) {
	const Seen *seen = survivor(found.ref);
	if (seen == nullptr)
		return;
	const bool low = !(found.estimate > cuts.low[curve]), high = !(found.estimate > cuts.high[curve]);
	for (uint32_t e = levels_[seen->leaf].least[curve]; e < kEfforts; e++) {
		totals_.others.of[kHits][curve][e] += high ? 1 : 0;
		totals_.others.of[kLowHits][curve][e] += low ? 1 : 0;
	}
}

uint32_t Probe::passing(uint32_t block) const {
	uint32_t mask = 0;
	for (uint32_t lane = 0; lane < VX_LANES; lane++)
		for (const uint8_t least : levels_[size_t(block) * VX_LANES + lane].least)
			mask |= uint32_t(least < kEfforts) << lane;
	return mask;
}

void Probe::finish(const Cuts &cuts) {
	std::sort(seen_.begin(), seen_.end(), [](const Seen &a, const Seen &b) { return a.ref < b.ref; });
	const size_t most = std::min<size_t>(found_.size(), rows());
	std::partial_sort(found_.begin(), found_.begin() + most, found_.end(),
					  [](const Found &a, const Found &b) { return a.distance < b.distance; });
	for (uint32_t curve = 0; curve < curves_; curve++) {
		const size_t k = std::min<size_t>(kCalibratedKs[curve], most);
		totals_.others.queries[curve]++;
		totals_.others.wanted[curve] += static_cast<double>(k);
		for (size_t i = 0; i < k; i++)
			count_hits(curve, found_[i], cuts);
		for (const Opened &opened : opened_)
			for (uint32_t e = levels_[opened.leaf].least[curve]; e < kEfforts; e++) {
				totals_.others.of[kLeaves][curve][e]++;
				totals_.others.of[kEntries][curve][e] += opened.count;
			}
	}
	if (++totals_.queries >= kFirstQueries && !totals_.narrowed)
		narrow();
}

void Probe::narrow() {
	totals_.narrowed = true;
	uint32_t widest = 0; // of larger k too: they open what smaller ones would
	for (uint32_t curve = VX_CALIBRATED_KS; curve-- > 0; totals_.widest[curve] = widest)
		while (widest < kEfforts - 1 && totals_.others.missed(kHits, curve, widest) > kMostMissed)
			widest++;
	totals_.first = totals_.others;
	totals_.others = {};
}

// Up to the widest effort all queries tell; what that missed of the first ones' neighbours it missed of the others'
// too, where nobody could see it.
double Probe::missed(Kind hits, uint32_t curve, uint32_t number) const {
	const uint32_t last = widest(curve);
	if (number > last)
		return totals_.first.missed(hits, curve, number);
	const double seen = 1 - totals_.first.missed(kHits, curve, last),
				 wanted = totals_.first.wanted[curve] + totals_.others.wanted[curve];
	const double found = totals_.first.of[hits][curve][number] + seen * totals_.others.of[hits][curve][number];
	return wanted > 0 ? 1 - found / wanted : 0;
}

void Probe::add(Sums &to, const Sums &from) {
	for (uint32_t curve = 0; curve < VX_CALIBRATED_KS; curve++) {
		to.queries[curve] += from.queries[curve];
		to.wanted[curve] += from.wanted[curve];
		for (uint32_t kind = 0; kind < kKinds; kind++)
			for (uint32_t e = 0; e < kEfforts; e++)
				to.of[kind][curve][e] += from.of[kind][curve][e];
	}
}

void Probe::resume(const Totals &totals) {
	totals_ = totals;
	totals_.others = {};
	totals_.queries = kFirstQueries;
}

void Probe::add(const Totals &totals) {
	add(totals_.others, totals.others);
	totals_.queries += totals.queries - kFirstQueries;
}

// At a step, which may lie between two efforts.
double Probe::mean(Kind kind, uint32_t curve, double step) const {
	const auto at = [&](uint32_t number) {
		if (number > widest(curve))
			return totals_.first.of[kind][curve][number] / totals_.first.queries[curve];
		return (totals_.first.of[kind][curve][number] + totals_.others.of[kind][curve][number]) /
			   (totals_.first.queries[curve] + totals_.others.queries[curve]);
	};
	const auto low = std::min(static_cast<uint32_t>(step), kEfforts - 1), high = std::min(low + 1, kEfforts - 1);
	return at(low) + (step - low) * (at(high) - at(low));
}

// A stored row has drawn its leaf's centroid towards itself, and neighbours with it: it finds a little more than a new
// one would. By this factor fewer misses are to be measured.
double Probe::unseen() const {
	constexpr double kPull = 8, kLeast = 0.8;
	const double leaves = mean(kLeaves, 0, 0), rows = leaves > 0 ? mean(kEntries, 0, 0) / leaves : INFINITY;
	return !totals_.stored ? 1 : std::fmax(1 - kPull / rows, kLeast);
}

// Where the curve reaches a recall; or, where it never does, nearly as much as it ever reaches: a gate that is open
// farther would not help. Recalls that the search for true neighbours is not sure of go by the default table.
double Probe::step_for(uint32_t curve, double recall) const {
	constexpr double kNearly = 1.05;
	const uint32_t last = widest(curve);
	if (recall > 1 - kMostMissed && last < kEfforts - 1) {
		uint32_t number = last;
		while (number + 1 < kEfforts && effort(number) < default_effort(recall))
			number++;
		return number;
	}
	const Kind hits = recall > kHighRecall ? kHits : kLowHits;
	const double most =
		allowed(1 - recall, totals_.first.queries[curve] + totals_.others.queries[curve], curve) * unseen();
	const double wanted = std::fmax(most, missed(hits, curve, last) * kNearly);
	uint32_t number = 0;
	while (number < last && missed(hits, curve, number) > wanted)
		number++;
	if (number == 0)
		return 0;
	const double before = missed(hits, curve, number - 1), after = missed(hits, curve, number);
	const double share = before > after ? std::log(before / wanted) / std::log(before / std::fmax(after, 1e-6)) : 1;
	return number - 1 + std::clamp(share, 0.0, 1.0);
}

void Probe::result(vx_calibration &out) const {
	out = {};
	out.queries = queries();
	for (uint32_t curve = 0; curve < VX_CALIBRATED_KS && out.queries > 0; curve++) {
		vx_curve &to = out.curves[curve];
		for (uint32_t i = 0; i < VX_RECALLS; i++) {
			const double step = step_for(curve, kRecalls[i]);
			const auto low = static_cast<uint32_t>(step), high = std::min(low + 1, kEfforts - 1);
			const auto at_least = [&](const float *values, double value) { // whoever reads them relies on the order
				return std::fmax(static_cast<float>(value), i > 0 ? values[i - 1] : 0);
			};
			to.efforts[i] = at_least(to.efforts, effort(low) + (step - low) * (effort(high) - effort(low)));
			const Kind hits = kRecalls[i] > kHighRecall ? kHits : kLowHits;
			const double missed_low = missed(hits, curve, low), missed_high = missed(hits, curve, high);
			to.found[i] = at_least(to.found, 1 - missed_low - (step - low) * (missed_high - missed_low));
			to.leaves[i] = at_least(to.leaves, mean(kLeaves, curve, step));
			to.entries[i] = at_least(to.entries, mean(kEntries, curve, step));
		}
	}
}

} // namespace vecidx
