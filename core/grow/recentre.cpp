// Centroids that follow their rows: after a split each leaf of the neighbourhood may have the mean of its rows as its
// centroid again. Its scan codes stay as they are, relative to the point that was the centroid when they were written,
// which the head page keeps as the leaf's origin.
//
// Only where a lane lies on one page is its centroid replaced in place: a scan that reads a larger block page by page
// might see half of each.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"
#include "page/leaf.hpp"

namespace vecidx {
namespace {

// A centroid is replaced when the mean is so far from it, in root mean square distances of the leaf's rows.
constexpr double kDrift = 0.02;

void add_rows(vx_tend &t) {
	LeafPlan &p = t.plan;
	const uint32_t dim = dim_of(t);
	std::fill_n(p.sums, size_t(kMostLeaves) * dim, 0.0);
	std::fill_n(p.extra_sums, kMostLeaves, 0.0);
	std::fill_n(p.counts, kMostLeaves, 0U);
	for (const TendRow &row : t.hood.rows) {
		if (row.code == kNoIndex)
			continue;
		const vx_code_entry &entry = code_of(t, row.code);
		double *sum = p.sums + size_t(row.target) * dim;
		for (uint32_t i = 0; i < dim; i++)
			sum[i] += static_cast<double>(entry.scale) * entry.code[i];
		p.extra_sums[row.target] += p.points.extra_of(row.code);
		p.counts[row.target]++;
	}
	for (uint32_t leaf = 0; leaf < kMostLeaves; leaf++) {
		const double share = p.counts[leaf] > 0 ? 1.0 / p.counts[leaf] : 0;
		for (uint32_t i = 0; i < dim; i++)
			p.sums[size_t(leaf) * dim + i] *= share;
		p.extra_sums[leaf] *= share;
	}
}

// Root mean square distance of the rows that leaf i will have to its mean.
double spread_around_mean(const vx_tend &t, uint32_t i) {
	const double *mean = t.plan.sums + size_t(i) * dim_of(t);
	double squares = 0;
	for (const TendRow &row : t.hood.rows)
		if (row.code != kNoIndex && row.target == i) {
			const vx_code_entry &entry = code_of(t, row.code);
			const double distance = reach_of(entry, mean, dim_of(t)) - entry.error;
			squares += distance * distance;
		}
	return std::sqrt(squares / std::max(t.plan.counts[i], 1U));
}

void plan_neighbour(vx_tend &t, uint32_t i) {
	LeafPlan &p = t.plan;
	TendLeaf &leaf = t.hood.leaves[i];
	const double *mean = p.sums + size_t(i) * dim_of(t);
	if (p.counts[i] < 2)
		return;
	double squares = 0;
	for (uint32_t j = 0; j < dim_of(t); j++)
		squares += (mean[j] - leaf.centroid[j]) * (mean[j] - leaf.centroid[j]);
	const double spread = spread_around_mean(t, i);
	if (!(std::sqrt(squares) > kDrift * spread))
		return;
	leaf.recentred = true;
	p.near.set(i, mean, static_cast<float>(p.extra_sums[i]));
	p.near.decode(i, leaf.fresh);
	squares = 0;
	for (uint32_t j = 0; j < dim_of(t); j++)
		squares += (leaf.fresh[j] - leaf.centroid[j]) * (leaf.fresh[j] - leaf.centroid[j]);
	leaf.shift = rounded_up(std::sqrt(squares) * (1 + 1e-6));
	leaf.fresh_spread = static_cast<float>(spread);
	leaf.fresh_radius = 0;
	need_spread(t, leaf.parent, leaf.fresh);
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
			leaf.fresh_radius = std::max(
				leaf.fresh_radius, rounded_up(reach_of(code_of(t, row.code), leaf.fresh, dim_of(t)) * (1 + 1e-12)));
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
		check_lanes(t, t.hood.leaves[0].parent, t.swap.living);
		return VX_DONE;
	}
	begin_record(t, want, apply_recentre);
	add_page(want, page);
	return VX_WRITE;
}

} // namespace vecidx
