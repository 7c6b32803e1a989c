// Centroids that follow their rows: after a split each leaf of the neighbourhood may have the mean of its rows as its
// centroid again. Its scan codes stay as they are, relative to the point that was the centroid when they were written,
// which the head page keeps as the leaf's origin.
//
// Only where a lane lies on one page is its centroid replaced in place: a scan that reads a larger block page by page
// might see half of each.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"
#include "kernel/kernels.hpp"
#include "page/leaf.hpp"

namespace vecidx {
namespace {

// A centroid is replaced when the mean is so far from it, in root mean square distances of the leaf's rows.
constexpr double kDrift = 0.03;

void add_rows(vx_tend &t) {
	LeafPlan &p = t.plan;
	const uint32_t dim = dim_of(t);
	std::fill_n(p.sums, size_t(kMostLeaves) * dim, 0.0);
	std::fill_n(p.extra_sums, kMostLeaves, 0.0);
	std::fill_n(p.squares, kMostLeaves, 0.0);
	std::fill_n(p.counts, kMostLeaves, 0U);
	for (const TendRow &row : t.hood.rows) {
		if (row.code == kNoIndex)
			continue;
		const vx_code_entry &entry = code_of(t, row.code);
		double *sum = p.sums + size_t(row.target) * dim;
		for (uint32_t i = 0; i < dim; i++)
			sum[i] += static_cast<double>(entry.scale) * entry.code[i];
		const double extra = p.points.extra_of(row.code);
		p.extra_sums[row.target] += extra;
		p.squares[row.target] +=
			p.points.norm[row.code] - extra * extra + static_cast<double>(entry.error) * entry.error;
		p.counts[row.target]++;
	}
	for (uint32_t leaf = 0; leaf < kMostLeaves; leaf++) {
		const double share = p.counts[leaf] > 0 ? 1.0 / p.counts[leaf] : 0;
		for (uint32_t i = 0; i < dim; i++)
			p.sums[size_t(leaf) * dim + i] *= share;
		p.extra_sums[leaf] *= share;
	}
}

// Root mean square distance of the rows that leaf i will have to its mean: their mean square less the mean's.
double spread_around_mean(const vx_tend &t, uint32_t i) {
	const double *mean = t.plan.sums + size_t(i) * dim_of(t);
	double squares = t.plan.squares[i] / std::max(t.plan.counts[i], 1U);
	for (uint32_t j = 0; j < dim_of(t); j++)
		squares -= mean[j] * mean[j];
	return std::sqrt(std::max(squares, 0.0));
}

double distance(const double *a, const double *b, uint32_t dim) {
	double squares = 0;
	for (uint32_t i = 0; i < dim; i++)
		squares += (a[i] - b[i]) * (a[i] - b[i]);
	return std::sqrt(squares);
}

void plan_neighbour(vx_tend &t, uint32_t i) {
	LeafPlan &p = t.plan;
	TendLeaf &leaf = t.hood.leaves[i];
	const uint32_t dim = dim_of(t);
	const double *mean = p.sums + size_t(i) * dim;
	if (p.counts[i] < 2)
		return;
	const double spread = spread_around_mean(t, i);
	if (!(distance(mean, leaf.centroid, dim) > kDrift * spread))
		return;
	leaf.recentred = true;
	p.near.set(i, mean, static_cast<float>(p.extra_sums[i]));
	p.near.decode(i, t.scratch);
	double norm = 0;
	for (uint32_t j = 0; j < dim; j++) {
		leaf.fresh[j] = static_cast<float>(t.scratch[j]);
		norm += t.scratch[j] * t.scratch[j];
	}
	leaf.fresh_norm = rounded_up(std::sqrt(norm));
	leaf.shift = rounded_up(distance(t.scratch, leaf.centroid, dim) * (1 + 1e-6));
	leaf.fresh_spread = static_cast<float>(spread);
	leaf.fresh_radius = 0;
	need_spread(t, leaf.parent, t.scratch);
}

// reach_of in float32, with room for its rounding: that of the sum, and that of the centroid and of scale * code.
float reach_above(const vx_code_entry &entry, const TendLeaf &leaf, uint32_t dim) {
	constexpr double kUnit = 0x1p-24, kTiny = 1e-19;
	const double sum = kernels().refine_l2_squared(leaf.fresh, entry.code, entry.scale, dim);
	const double distance = std::sqrt(sum), gamma = (dim + 8) * kUnit;
	const double slack = gamma * distance + 4 * kUnit * (leaf.fresh_norm + distance + entry.error) + kTiny;
	return rounded_up(distance + slack + entry.error);
}

// ---- origins

// Up to so many leaves whose heads get an origin in one record.
uint32_t next_origins(const vx_tend &t, uint32_t *leaves) {
	uint32_t n = 0;
	for (uint32_t i = 1; i < t.hood.nleaves && n < VX_MAX_WRITE; i++)
		if (t.hood.leaves[i].recentred && !t.hood.leaves[i].has_origin)
			leaves[n++] = i;
	return n;
}

vx_step apply_origins(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	uint32_t leaves[VX_MAX_WRITE], changed = 0;
	const uint32_t n = next_origins(t, leaves);
	for (uint32_t i = 0; i < n; i++) {
		TendLeaf &leaf = t.hood.leaves[leaves[i]];
		const char *fault = leaf_fault(pages[i], dim_of(t), t.ix->meta.scan_bits, leaf.child.node);
		if (fault != nullptr)
			return corrupt(want, blocks[i], fault);
		// a full page cannot take it: then the centroid stays
		leaf.has_origin = leaf.recentred =
			leaf_set_origin(pages[i], dim_of(t), t.ix->meta.scan_bits, leaf.child.scale, leaf.bytes);
		changed += leaf.recentred;
	}
	return changed > 0 ? VX_DONE : VX_YIELD;
}

// ---- lanes

uint32_t page_to_recentre(const vx_tend &t) {
	for (uint32_t i = 1; i < t.hood.nleaves; i++)
		if (t.hood.leaves[i].recentred)
			return t.hood.leaves[i].at.page;
	return VX_NO_BLOCK;
}

vx_step apply_recentre(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Neighbourhood &h = t.hood;
	if (!vx_page_is(pages[0], VX_KIND_INNER))
		return corrupt(want, blocks[0], "not an inner page");
	for (uint32_t i = 1; i < h.nleaves; i++) {
		TendLeaf &leaf = h.leaves[i];
		if (!leaf.recentred || leaf.at.page != blocks[0])
			continue;
		leaf.recentred = false;
		Child child = child_of(block_at(pages[0], blocks[0], leaf.at.row), leaf.at.lane);
		// entries that this machine has not read lie within the old ball
		const bool all = leaf.entries == leaf.met;
		// nor need it reach entries that are forgotten: scans that are too old for that are told
		auto &header = page_header<vx_inner_header>(pages[0]);
		header.forgot = std::max(header.forgot, leaf.gone);
		child.radius = all ? leaf.fresh_radius : std::max(leaf.fresh_radius, rounded_up(child.radius + leaf.shift));
		child.spread = leaf.fresh_spread;
		child.scale = t.plan.near.scale[i];
		child.norm = t.plan.near.norm[i];
		child.aux = t.plan.near.extra_of(i);
		put_fields(pages[0], leaf.at.row, leaf.at.lane, child);
		t.plan.near.bytes(i, leaf.bytes);
		put_codes(pages[0], dim_of(t), leaf.at.row, 0, leaf.at.lane, leaf.bytes);
	}
	return VX_DONE;
}

} // namespace

// Means of the rows as they are to be: those of the new leaves for sure, of neighbours where they moved enough.
void plan_centroids(vx_tend &t) {
	Neighbourhood &h = t.hood;
	LeafPlan &p = t.plan;
	if (p.parts != kMostParts)
		return;
	add_rows(t);
	for (uint32_t part = 0; part < p.parts; part++)
		if (p.counts[h.nleaves + part] > 0)
			set_part(t, part, p.sums + size_t(h.nleaves + part) * dim_of(t), p.extra_sums[h.nleaves + part]);
	for (uint32_t i = 1; vx_inner_group_pages(dim_of(t)) == 1 && i < h.nleaves; i++)
		plan_neighbour(t, i);
}

// A new centroid's ball holds the rows that stay and come, and those that go, because older scans still find them here.
void need_centroid(vx_tend &t, const TendRow &row) {
	if (row.code == kNoIndex)
		return;
	const uint16_t both[] = {row.leaf, row.target};
	for (const uint16_t i : both) {
		TendLeaf &leaf = t.hood.leaves[i];
		if (leaf.recentred)
			leaf.fresh_radius = std::max(leaf.fresh_radius, reach_above(code_of(t, row.code), leaf, dim_of(t)));
	}
}

vx_step step_origins(vx_tend &t, vx_want &want) {
	uint32_t leaves[VX_MAX_WRITE];
	const uint32_t n = next_origins(t, leaves);
	if (n == 0) {
		t.phase = TendPhase::kRecentre;
		return VX_DONE;
	}
	begin_record(t, want, apply_origins);
	for (uint32_t i = 0; i < n; i++)
		add_page(want, t.hood.leaves[leaves[i]].child.block);
	return VX_WRITE;
}

vx_step step_recentre(vx_tend &t, vx_want &want) {
	const uint32_t page = page_to_recentre(t);
	if (page == VX_NO_BLOCK) {
		t.phase = TendPhase::kAnchor;
		return VX_DONE;
	}
	begin_record(t, want, apply_recentre);
	add_page(want, page);
	return VX_WRITE;
}

} // namespace vecidx
