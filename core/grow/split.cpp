// What becomes of the rows of a leaf and of its neighbourhood: two halves by balanced 2-means, then one step of Lloyd's
// algorithm, in which every row that is nearer to another of these centroids moves there.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"
#include "page/leaf.hpp"
#include "tree/plan.hpp"

namespace vecidx {
namespace {

// Smallest share of the rows that a half gets.
constexpr double kSmallestShare = 0.3;
constexpr int kIterations = 3;
constexpr uint32_t kRowsAStep = 1024;
// A row moves between leaves that stay when that lowers its squared distance by this share: less is not worth writing
// it again. To a new leaf it may come at little cost (add_waiting), and one whose leaf goes is written again anyway.
constexpr float kLeastGain = 0.08F;

float extra_of(const vx_tend &t, uint32_t code) {
	return t.plan.points.extra_of(code);
}

// Squared distance to a mean, the extra coordinate included.
double cost_of(const vx_tend &t, uint32_t code, const double *mean, double extra) {
	const vx_code_entry &entry = code_of(t, code);
	double sum = (extra_of(t, code) - extra) * (extra_of(t, code) - extra);
	for (uint32_t i = 0; i < dim_of(t); i++) {
		const double miss = static_cast<double>(entry.scale) * entry.code[i] - mean[i];
		sum += miss * miss;
	}
	return sum;
}

// Mean of members [first, end); returns that of their extra coordinate.
double mean_of_members(const vx_tend &t, uint32_t first, uint32_t end, double *mean) {
	const uint32_t dim = dim_of(t);
	double extra = 0;
	std::fill_n(mean, dim, 0.0);
	for (uint32_t m = first; m < end; m++) {
		const vx_code_entry &entry = code_of(t, t.plan.members[m]);
		for (uint32_t i = 0; i < dim; i++)
			mean[i] += static_cast<double>(entry.scale) * entry.code[i];
		extra += extra_of(t, t.plan.members[m]);
	}
	const double share = end > first ? 1.0 / (end - first) : 0;
	for (uint32_t i = 0; i < dim; i++)
		mean[i] *= share;
	return extra * share;
}

// Members in the order of their preference for the first of two means; where to cut.
uint32_t sort_members(vx_tend &t, uint32_t n, const double *const mean[2], const double extra[2]) {
	LeafPlan &p = t.plan;
	uint32_t nearer = 0;
	for (uint32_t m = 0; m < n; m++) {
		const uint32_t code = p.members[m];
		p.side[code] = cost_of(t, code, mean[0], extra[0]) - cost_of(t, code, mean[1], extra[1]);
		nearer += p.side[code] < 0;
	}
	std::sort(p.members, p.members + n,
			  [&](uint32_t a, uint32_t b) { return p.side[a] != p.side[b] ? p.side[a] < p.side[b] : a < b; });
	const auto least = std::max(1U, static_cast<uint32_t>(n * kSmallestShare));
	return std::clamp(nearer, std::min(least, n), n - std::min(least, n));
}

} // namespace

void set_part(vx_tend &t, uint32_t part, const double *mean, double extra) {
	Neighbourhood &h = t.hood;
	LeafPlan &p = t.plan;
	const uint32_t slot = h.nleaves + part;
	p.near.set(slot, mean, static_cast<float>(extra));
	TendLeaf &leaf = h.leaves[slot];
	p.near.decode(slot, leaf.centroid);
	p.near.bytes(slot, leaf.bytes);
	leaf.child = {p.near.scale[slot], p.near.norm[slot], 0, 0, p.near.extra_of(slot), VX_NO_BLOCK, 0,
				  VX_NEVER,           VX_NEVER};
	std::copy_n(leaf.centroid, dim_of(t), leaf.origin);
	leaf.parent = h.leaves[0].parent;
	leaf.needed_radius = 0;
	leaf.npages = leaf.living = 0;
}

namespace {

// Rows of the first leaf in two halves, or in one; means of the halves in the memory of two spare centroids.
void make_parts(vx_tend &t, uint32_t n) {
	Neighbourhood &h = t.hood;
	LeafPlan &p = t.plan;
	double *mean[2] = {h.leaves[h.nleaves].centroid, h.leaves[h.nleaves + 1].centroid};
	double extra[2] = {0, 0};
	uint32_t cut = n;
	if (p.parts == 1) {
		extra[0] = mean_of_members(t, 0, n, mean[0]);
	} else {
		extra[0] = mean_of_members(t, 0, n, mean[0]);
		cut = n / 2;
		if (p.splitter.split(p.points, p.members, n, mean[0], extra[0])) {
			for (int half = 0; half < 2; half++) {
				std::copy_n(p.splitter.mean(half), dim_of(t), mean[half]);
				extra[half] = p.splitter.extra(half);
			}
			cut = sort_members(t, n, mean, extra);
		}
		for (int i = 0; i < kIterations; i++) {
			extra[0] = mean_of_members(t, 0, cut, mean[0]);
			extra[1] = mean_of_members(t, cut, n, mean[1]);
			if (i + 1 < kIterations)
				cut = sort_members(t, n, mean, extra);
		}
	}
	for (uint32_t part = 0; part < p.parts; part++)
		set_part(t, part, mean[part], extra[part]);
	// half of each row, by way of its code
	for (uint32_t m = 0; m < n; m++)
		p.side[p.members[m]] = m < cut ? 0 : 1;
	for (TendRow &row : h.rows)
		if (row.leaf == 0 && row.code != kNoIndex)
			row.half = static_cast<uint16_t>(h.nleaves + (p.side[row.code] > 0 ? 1 : 0));
}

bool take_memory(vx_tend &t) {
	LeafPlan &p = t.plan;
	const Neighbourhood &h = t.hood;
	const uint32_t n = std::max(h.ncodes, 1U);
	const bool extra = t.meta.metric == VX_IP;
	const bool taken = carve(t, [&](Carver &memory) {
		p.points.carve(memory, n, dim_of(t), extra);
		p.near.carve(memory, kMostLeaves, dim_of(t), extra);
		p.splitter.carve(memory, dim_of(t));
		p.members = memory.take<uint32_t>(n);
		p.side = memory.take<double>(n);
		p.sums = memory.take<double>(size_t(kMostLeaves) * dim_of(t));
		p.extra_sums = memory.take<double>(kMostLeaves);
		p.squares = memory.take<double>(kMostLeaves);
		p.counts = memory.take<uint32_t>(kMostLeaves);
	});
	p.points.n = h.ncodes;
	p.points.entries = h.codes.data();
	return taken;
}

uint32_t list_members(vx_tend &t) {
	uint32_t n = 0;
	for (const TendRow &row : t.hood.rows)
		if (row.leaf == 0 && row.code != kNoIndex)
			t.plan.members[n++] = row.code;
	return n;
}

void set_near(vx_tend &t) {
	Neighbourhood &h = t.hood;
	LeafPlan &p = t.plan;
	p.near.clear(h.nleaves + p.parts);
	for (uint32_t i = 1; i < h.nleaves; i++) {
		const TendLeaf &leaf = h.leaves[i];
		p.near.set_bytes(i, leaf.bytes, leaf.child.scale, leaf.child.aux);
	}
}

// The lane of the first leaf stays its own: only rows that VACUUM thinned out look for other leaves, or all of them.
bool may_move(const vx_tend &t, const TendRow &row) {
	return row.code != kNoIndex && (t.plan.parts == kMostParts || (t.plan.parts == 0 && row.leaf == 0));
}

void assign_row(vx_tend &t, TendRow &row) {
	LeafPlan &p = t.plan;
	const uint32_t own = row.leaf == 0 && p.parts > 0 ? row.half : row.leaf;
	row.target = static_cast<uint16_t>(own);
	if (!may_move(t, row))
		return;
	const PointView point = view(p.points, row.code);
	float least = INFINITY, stay = INFINITY;
	uint32_t best = own;
	for (uint32_t block = 0; block < p.near.slots / VX_LANES; block++) {
		float cost[VX_LANES];
		p.near.block_costs(block, point, cost);
		for (uint32_t lane = 0; lane < VX_LANES; lane++) {
			const uint32_t slot = block * VX_LANES + lane;
			if (slot == own)
				stay = cost[lane];
			if (cost[lane] < least) {
				least = cost[lane];
				best = slot;
			}
		}
	}
	const float norm = p.points.norm[row.code];
	const bool both_stay = row.leaf != 0 && best < t.hood.nleaves;
	const bool worth = p.parts == 0 || norm + least < (norm + stay) * (both_stay ? 1 - kLeastGain : 1);
	const bool other_half = row.leaf == 0 && best >= t.hood.nleaves; // halves stay as balanced as they were cut
	if (worth && !other_half)
		row.target = static_cast<uint16_t>(best);
}

// All rows have their targets.
void settle(vx_tend &t) {
	Neighbourhood &h = t.hood;
	plan_centroids(t);
	for (const TendRow &row : h.rows) {
		need_reach(t, row);
		need_centroid(t, row);
	}
	for (uint32_t part = 0; part < t.plan.parts; part++)
		need_spread(t, h.leaves[0].parent, h.leaves[h.nleaves + part].centroid);
}

} // namespace

// How far targets, and what lies above them, must reach.
void need_reach(vx_tend &t, const TendRow &row) {
	Neighbourhood &h = t.hood;
	if (row.code == kNoIndex || row.target == row.leaf)
		return;
	const vx_code_entry &entry = code_of(t, row.code);
	const auto reach = [&](const double *centroid) {
		return rounded_up(reach_of(entry, centroid, dim_of(t)) * (1 + 1e-12));
	};
	TendLeaf &leaf = h.leaves[row.target];
	leaf.needed_radius = std::max(leaf.needed_radius, reach(leaf.centroid));
	if (leaf.parent == h.leaves[row.leaf].parent)
		return;
	for (uint32_t i = leaf.parent; h.above[i].parent != kNoIndex; i = h.above[i].parent)
		h.above[i].needed_radius = std::max(h.above[i].needed_radius, reach(h.above[i].centroid));
}

// A leaf's centroid must lie within what the lanes above say.
void need_spread(vx_tend &t, uint32_t parent, const double *centroid) {
	Neighbourhood &h = t.hood;
	for (uint32_t i = parent; h.above[i].parent != kNoIndex; i = h.above[i].parent) {
		double sum = 0;
		for (uint32_t j = 0; j < dim_of(t); j++)
			sum += (h.above[i].centroid[j] - centroid[j]) * (h.above[i].centroid[j] - centroid[j]);
		h.above[i].needed_spread = std::max(h.above[i].needed_spread, rounded_up(std::sqrt(sum)));
	}
}

// Leaves that are to take the place of the first one, by the number of its entries; `nothing`: it is well as it is.
uint32_t wanted_parts(const vx_tend &t, bool &nothing) {
	const TendLeaf &leaf = t.hood.leaves[0];
	const uint32_t capacity = vx_leaf_capacity(dim_of(t), t.meta.scan_bits), living = leaf.living;
	nothing = false;
	if (living >= leaf_limit(t.meta, leaf.has_origin))
		return 2;
	if (t.chore.kind == VX_CHORE_THIN && living < leaf_least(t.meta) && t.meta.leaves > 1)
		return 0;
	const uint32_t pages = std::max(1U, (living + capacity / 16 + capacity - 1) / capacity);
	// writing it anew pays when that saves a page, and it is not to be split soon; on one page the next inserts
	// overwrite what nobody needs
	const uint32_t limit = leaf_limit(t.meta, leaf.has_origin);
	nothing = leaf.npages <= pages || living + limit / 8 >= limit;
	return 1;
}

vx_step step_plan(vx_tend &t, vx_want &want) {
	LeafPlan &p = t.plan;
	bool nothing;
	p.parts = wanted_parts(t, nothing);
	if (!take_memory(t))
		return need_memory(t, want);
	for (uint32_t i = 0; i < t.hood.ncodes; i++)
		p.points.measure(i, extra_coordinate(*t.ix, code_of(t, i)));
	const uint32_t n = list_members(t);
	if (p.parts == 2 && n < 2)
		p.parts = 1;
	set_near(t);
	if (p.parts > 0) // else its rows go to neighbours; there may be none
		make_parts(t, n);
	t.hood.row_at = 0;
	t.phase = TendPhase::kAssign;
	return VX_YIELD;
}

vx_step step_assign(vx_tend &t) {
	Neighbourhood &h = t.hood;
	for (uint32_t n = 0; n < kRowsAStep && h.row_at < h.rows.size(); n++) {
		assign_row(t, h.rows[h.row_at++]);
	}
	if (h.row_at < h.rows.size())
		return VX_YIELD;
	settle(t);
	t.phase = TendPhase::kLock;
	return VX_DONE;
}

// Rows that came to the first leaf meanwhile go to the nearer half, or to their nearest neighbour.
vx_step late_rows(vx_tend &t, vx_want &want) {
	(void)want;
	Neighbourhood &h = t.hood;
	LeafPlan &p = t.plan;
	for (size_t i = h.known; i < h.rows.size(); i++) {
		TendRow &row = h.rows[i];
		if (row.code == kNoIndex)
			continue;
		const float extra = extra_coordinate(*t.ix, code_of(t, row.code));
		const vx_code_entry &entry = code_of(t, row.code);
		double least = INFINITY;
		const uint32_t first = p.parts > 0 ? h.nleaves : 1, end = p.parts > 0 ? h.nleaves + p.parts : h.nleaves;
		for (uint32_t slot = first; slot < end; slot++) {
			const double reach = reach_of(entry, h.leaves[slot].centroid, dim_of(t)) - entry.error;
			const double miss = static_cast<double>(extra) - h.leaves[slot].child.aux;
			if (reach * reach + miss * miss < least) {
				least = reach * reach + miss * miss;
				row.half = row.target = static_cast<uint16_t>(slot);
			}
		}
		need_reach(t, row);
	}
	return want_ids(t, std::max(p.parts, 1U), TendPhase::kRaise);
}

} // namespace vecidx
