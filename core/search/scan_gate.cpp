// The choice of nodes to open: the most promising ones first, then, when rho_k is known, all that may matter.
#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"
#include "search/scan.hpp"

namespace vecidx {
namespace {

// Of a query's norm: three times what the centroid of a leaf near it is off by its rounding to 8 bits (the largest
// coordinate, some 3 / sqrt(dim) of the norm, over 127 and sqrt(12)). Rows that lie as near to each other as that, far
// from the mean, are all to one side of their centroid, so nothing is known of them but how far.
constexpr float kCoarse = 0.02F, kCoarseReach = 1.3F;

// The few smallest of a stream of scores, in order.
struct Best {
	static constexpr uint32_t kMost = kMostPicks;
	float score[kMost];
	uint32_t number[kMost];
	uint32_t size = 0;

	float worst() const { return size < kMost ? INFINITY : score[kMost - 1]; }
	void add(float value, uint32_t of) {
		if (!(value < worst()))
			return;
		uint32_t at = size < kMost ? size++ : kMost - 1;
		for (; at > 0 && score[at - 1] > value; at--) {
			score[at] = score[at - 1];
			number[at] = number[at - 1];
		}
		score[at] = value;
		number[at] = of;
	}
	// Lanes of children whose bit is set in `mask`.
	void add_all(const Children &children, uint32_t mask, uint32_t first) {
		for (; mask != 0 && children.least < worst(); mask &= mask - 1) {
			const auto lane = static_cast<uint32_t>(__builtin_ctz(mask));
			add(children.score[lane], first + lane);
		}
	}
};

// Score that the leaves nearest to the query have, on the average of a few: that of the nearest alone says less. A gate
// of products does without.
float nearest_score(const vx_scan &s) {
	if (s.query.metric == VX_IP)
		return 0;
	Best best;
	for (uint32_t i = 0; i < s.nodes.size(); i++)
		if (s.nodes[i].level == 0)
			best.add_all(s.nodes[i], s.nodes[i].seen, i * VX_LANES);
	float sum = 0;
	for (uint32_t i = 0; i < best.size; i++)
		sum += best.score[i];
	return best.size > 0 ? sum / static_cast<float>(best.size) : 0;
}

// What a node must be below to be opened, rho being the k-th best distance so far. That a leaf's rows may reach down to
// it counts beside its score for compact clusters apart from each other: beyond the query's own, the next ones are all
// far from its centroid.
struct Gate {
	double rho;
	GateTerms terms{};

	Gate(const vx_scan &s, const Dial &dial, double k_th, float nearest) : rho(k_th) {
		terms.limit = dial.alpha;
		if (s.query.metric == VX_IP)
			return;
		const double spread = s.ix->meta.spread, deviations = 2.0 * dial.sigmas * dial.deviation;
		terms.reach = static_cast<float>(estimate_units(s.query, rho));
		terms.limit = std::isfinite(terms.reach) ? nearest + dial.alpha * terms.reach : INFINITY; // alpha may be 0
		terms.breadth = static_cast<float>(deviations * deviations);
		terms.unit = static_cast<float>(1 / (s.query.squared + spread * spread)); // no square exceeds a float then
		terms.coarse = kCoarse * static_cast<float>(s.query.norm);
		terms.far = kCoarseReach;
		terms.root = std::sqrt(terms.reach);
	}
};

template <class Test>
uint32_t lanes_where(Test test) {
	uint32_t mask = 0;
	for (uint32_t lane = 0; lane < VX_LANES; lane++)
		mask |= uint32_t(test(lane)) << lane;
	return mask;
}

// Bit e: lane e passes.
uint32_t passing(const vx_scan &s, const Gate &gate, const Children &c) {
	if (s.dial.exact)
		return lanes_where([&](uint32_t lane) { return c.bound[lane] < gate.rho; });
	if (s.query.metric == VX_IP) {
		const auto rho = static_cast<float>(gate.rho), norm = static_cast<float>(s.query.norm);
		// how many of the leaf's own deviations the k-th product lies above its mean product
		const float rise = c.level == 0 ? 0 : norm * kOptimism, limit = c.level == 0 ? gate.terms.limit * norm : 0;
		return lanes_where([&](uint32_t lane) {
			return bool(c.bound[lane] < gate.rho) |
				   bool(c.base[lane] - rise * c.spread[lane] - rho <= limit * c.spread[lane]);
		});
	}
	if (c.level > 0)
		return lanes_where([&](uint32_t lane) { return c.score[lane] <= gate.terms.limit; });
	return kernels().gate(c.score, c.base, c.spread, gate.terms);
}

} // namespace

bool choose_picks(vx_scan &s) {
	Best best;
	for (uint32_t i = 0; i < s.nodes.size(); i++)
		best.add_all(s.nodes[i], s.nodes[i].seen & ~s.nodes[i].opened, i * VX_LANES);
	memcpy(s.picks, best.number, sizeof(s.picks));
	s.pick = 0;
	s.npicks = best.size;
	return s.npicks > 0;
}

void watch_gate(vx_scan &s) {
	if (!s.probe->watches(s.nodes.size()))
		return;
	const float nearest = nearest_score(s);
	for (uint32_t curve = 0; curve < s.probe->curves(); curve++) {
		const double rho = s.probe->k_th(curve);
		for (uint32_t number = 0; number <= s.probe->widest(curve); number++) {
			const Gate gate(s, dial_at(s.ix->meta, Probe::effort(number), 1, s.wanted.recall, kCalibratedKs[curve]),
							rho, nearest);
			for (uint32_t i = 0; i < s.nodes.size(); i++)
				if (s.nodes[i].level == 0)
					s.probe->passed(i, passing(s, gate, s.nodes[i]) & s.nodes[i].seen & ~s.nodes[i].opened, curve,
									number);
		}
	}
}

void choose_gate(vx_scan &s) {
	const Gate gate(s, s.dial, s.highs.threshold(), nearest_score(s));
	s.open.clear();
	s.open_at = 0;
	bool inner = false;
	for (uint32_t i = 0; i < s.nodes.size(); i++) {
		const Children &children = s.nodes[i];
		if (inner && children.level == 0)
			continue;
		uint32_t mask = (s.probe != nullptr && children.level == 0 ? s.probe->passing(i) : passing(s, gate, children)) &
						children.seen & ~children.opened;
		if (mask != 0 && children.level > 0 && !inner) {
			inner = true;
			s.open.clear();
		}
		for (; mask != 0; mask &= mask - 1)
			s.open.append(i * VX_LANES + static_cast<uint32_t>(__builtin_ctz(mask)));
	}
	const auto block_of = [&](uint32_t number) { return s.nodes[number / VX_LANES].block[child_lane(number)]; };
	const auto bound_of = [&](uint32_t number) { return s.nodes[number / VX_LANES].bound[child_lane(number)]; };
	if (s.dial.exact)
		std::sort(s.open.begin(), s.open.end(), [&](uint32_t a, uint32_t b) {
			return bound_of(a) != bound_of(b) ? bound_of(a) < bound_of(b) : block_of(a) < block_of(b);
		});
	else
		std::sort(s.open.begin(), s.open.end(), [&](uint32_t a, uint32_t b) { return block_of(a) < block_of(b); });
}

} // namespace vecidx
