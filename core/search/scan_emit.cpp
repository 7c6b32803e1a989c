// From candidates to rows in order: what may be handed out, with which bound, and when the executor need not recheck.
#include <algorithm>
#include <cmath>

#include "search/scan.hpp"

namespace vecidx {
namespace {

bool later(const Candidate &a, const Candidate &b) {
	if (a.low != b.low)
		return a.low > b.low;
	return a.row.block != b.row.block ? a.row.block > b.row.block : a.row.offset > b.row.offset;
}

// Candidates are a heap while rows are handed out: most scans want a few of them, and sorting millions would be one
// step that cannot be interrupted.
Candidate take_nearest(vx_scan &s) {
	std::pop_heap(s.candidates.begin(), s.candidates.end(), later);
	s.candidates.set_size(s.candidates.size() - 1);
	return *s.candidates.end();
}

void put(vx_want &want, const Candidate &c, double value, double bound, bool recheck, vx_order order) {
	want.row = c.row;
	want.check = c.check;
	want.value = value;
	want.bound = bound;
	want.recheck = recheck;
	want.order = order;
}

// Beyond this no row of the pass may be handed out but the fence.
double horizon(const vx_scan &s) {
	return s.complete ? INFINITY : s.highs.threshold();
}

// A row needs no recheck when its interval meets no other row's, handed out before or still to come. It is reported at
// the lower end of it then, which lets go of all rows before it.
bool must_recheck(const vx_scan &s, const Candidate &c) {
	double next = horizon(s);
	if (!s.candidates.empty())
		next = std::min(next, s.candidates[0].low);
	return c.high > next || s.emitted_high > c.low;
}

// The fence is reported at rho_k, so it must be proved to lie beyond.
void offer_fence(vx_scan &s, const Candidate &c) {
	if (c.bound < s.highs.threshold() || (s.has_fence && s.fence.low <= c.low) || s.emitted.contains(c.row))
		return;
	s.fence = c;
	s.has_fence = true;
}

bool emit_fence(vx_scan &s, vx_want &want) {
	if (s.fence_sent || s.complete)
		return false;
	s.fence_sent = true;
	// its pointer may have been used again by a row that was met later and handed out
	s.has_fence = s.has_fence && !s.emitted.contains(s.fence.row);
	while (!s.candidates.empty() && !(s.has_fence && s.fence.low <= s.candidates[0].low))
		offer_fence(s, take_nearest(s));
	if (!s.has_fence)
		return false;
	s.emitted.add(s.fence.row);
	s.emitted_high = std::max(s.emitted_high, s.fence.high);
	put(want, s.fence, s.highs.threshold(), s.highs.threshold(), true, VX_ORDER_VALUE);
	return true;
}

// Rows without an order; the late list comes once more after a scan that lost its way, so here too each row once.
bool emit_next(vx_scan &s, vx_want &want, vx_order order) {
	while (s.emit_at < s.candidates.size()) {
		const Candidate &c = s.candidates[s.emit_at++];
		if (!s.emitted.add(c.row))
			continue;
		put(want, c, 0, 0, false, order);
		return true;
	}
	return false;
}

} // namespace

void keep_candidate(vx_scan &s, const Candidate &candidate) {
	if (!s.query.ordered) {
		s.candidates.append(candidate);
		return;
	}
	if (candidate.low < s.highs.threshold() || !s.highs.full()) {
		if (!s.kept.add(candidate.row))
			return;
		s.highs.add(candidate.high);
		s.candidates.append(candidate);
		return;
	}
	s.complete = false;
	offer_fence(s, candidate);
}

// False when memory is missing.
bool start_emit(vx_scan &s) {
	s.emit_at = 0;
	s.fence_sent = false;
	if (!s.query.ordered)
		return true;
	std::make_heap(s.candidates.begin(), s.candidates.end(), later);
	if (s.complete)
		s.complete = std::all_of(s.nodes.begin(), s.nodes.end(), [](const Children &c) { return c.opened == c.seen; });
	return true;
}

// The next row; false when this batch is exhausted. The caller has made room for one more row in `emitted`.
bool emit_row(vx_scan &s, vx_want &want) {
	if (!s.query.ordered)
		return emit_next(s, want, VX_ORDER_ANY);
	if (s.after_emit == Phase::kNan || s.after_emit == Phase::kNull)
		return emit_next(s, want, s.after_emit == Phase::kNan ? VX_ORDER_NAN : VX_ORDER_NULL);
	const double end = horizon(s);
	while (!s.candidates.empty() && (s.candidates[0].low < end || s.complete)) {
		const Candidate c = take_nearest(s);
		const bool recheck = must_recheck(s, c);
		s.emitted_high = std::max(s.emitted_high, c.high);
		if (s.emitted.contains(c.row))
			continue;
		s.emitted.add(c.row);
		put(want, c, recheck ? c.bound : c.low, c.bound, recheck, VX_ORDER_VALUE);
		return true;
	}
	return emit_fence(s, want);
}

} // namespace vecidx
