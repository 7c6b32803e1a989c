// What a scan is expected to cost: by the index's calibration, or, until there is one, by a model.
//
// Shape of the model: the share of leaves that pass the gate grows with alpha and slowly with k; measured at 340,000
// rows of 100 dimensions, k = 10, recall .95: 6.3 % of the leaves. Small indexes open a larger share.
#include <algorithm>
#include <cmath>

#include "page/inner.hpp"
#include "search/dial.hpp"

namespace vecidx {
namespace {

constexpr double kMeasuredShare = 0.063, kMeasuredRecall = 0.95, kMeasuredRows = 340000;

double leaf_share(const vx_meta &meta, double recall, double rows, double k) {
	if (!(recall < 1))
		return 1;
	const auto metric = static_cast<vx_metric>(meta.metric);
	const double width =
		default_alpha(metric, default_effort(recall)) / default_alpha(metric, default_effort(kMeasuredRecall));
	const double gate = std::pow(width, metric == VX_IP ? 1.3 : 2.2) * std::pow(std::fmax(k, 1) / 10, 0.25);
	return std::fmin(1, kMeasuredShare * gate * std::sqrt(kMeasuredRows / std::fmax(rows, 1)));
}

// Leaves and entries grow with the root of the rows, and beyond what was calibrated with a small power of k.
Work calibrated(const vx_meta &meta, const Work &work, double rows, double k) {
	constexpr double kMost = kCalibratedKs[VX_CALIBRATED_KS - 1], kPower = 0.35;
	const double then = std::fmax(meta.calibrations[VX_BY_ROWS].rows, 1);
	const double grown = std::sqrt(rows / then) * std::pow(std::fmax(k / kMost, 1), kPower);
	return {work.leaves * grown, work.entries * grown};
}

// By the model.
Work modelled(const vx_meta &meta, double recall, double rows, double k) {
	const double leaves = meta.leaves, per_leaf = rows / leaves;
	const double opened = std::fmax(kFirst, leaves * leaf_share(meta, recall, rows, k));
	return {opened, opened * per_leaf};
}

void estimate_raw(const vx_meta &meta, double rows, vx_estimate &out) {
	out.entries = out.refined = rows;
	out.pages = 2 + std::ceil(rows / vx_raws_per_page(meta.dim));
}

// `codes`: so many pages of refine codes.
double pages_of(const vx_meta &meta, double rows, double leaves, double codes) {
	const double blocks = std::fmax(meta.leaves, 1) / VX_LANES;
	const double root = blocks * vx_inner_group_pages(meta.dim) / inner_blocks(meta.dim);
	const double per_leaf = rows / std::fmax(meta.leaves, 1);
	const double scans = leaves * std::ceil(per_leaf / vx_leaf_capacity(meta.dim, meta.scan_bits));
	return 2 + std::ceil(root) + scans + (vx_code_rest(meta.dim) > 0 ? 2 : 1) * codes;
}

// Leaves that a scan with conditions opens: those whose balls reach into the condition's. Where rows lie in m
// directions a ball with a share s of them has a radius of s^(1/m), and a leaf's ball reaches as far as 1/leaves^(1/m):
// with more than a few directions all balls meet, and every leaf is opened.
double range_leaves(const vx_meta &meta, double share) {
	const double leaves = meta.leaves, m = meta.local_dim > 0 ? std::fmin(meta.local_dim, meta.dim) : meta.dim;
	const double reach = std::pow(share, 1 / m) + 2 * std::pow(leaves, -1 / m);
	return std::fmin(leaves, 1 + leaves * std::pow(reach, m));
}

} // namespace
} // namespace vecidx

using namespace vecidx;

void vx_scan_estimate(const vx_meta *meta, double rows, double recall, double k, vx_estimate *out) {
	rows = std::fmax(rows, 1);
	k = std::clamp(k, 1.0, rows);
	*out = {};
	out->rows = std::fmin(rows, 1.2 * k + 1);
	if (meta->levels == 0 || meta->leaves == 0) {
		estimate_raw(*meta, rows, *out);
		return;
	}
	const bool exact = !(recall < 1);
	const double leaves = meta->leaves, per_leaf = rows / leaves;
	const double least = std::fmin(leaves, 1.5 * k / std::fmax(per_leaf, 1)); // so many rows there must be
	Work work;
	if (!exact && measured_work(*meta, recall, k, work))
		work = calibrated(*meta, work, rows, k);
	else
		work = modelled(*meta, recall, rows, k);
	out->leaves = std::clamp(work.leaves, least, leaves);
	out->entries = std::clamp(work.entries, std::fmin(rows, least * per_leaf), rows);
	out->refined = exact ? out->entries : std::fmin(out->entries, 40 + 8 * k);
	const double all = rows / vx_codes_per_page(meta->dim);
	out->pages = pages_of(*meta, rows, out->leaves, exact ? all : std::fmin(out->refined, all));
}

void vx_range_estimate(const vx_meta *meta, double rows, double share, vx_estimate *out) {
	rows = std::fmax(rows, 1);
	*out = {};
	out->rows = rows * share;
	if (meta->levels == 0 || meta->leaves == 0) {
		estimate_raw(*meta, rows, *out);
		return;
	}
	out->leaves = range_leaves(*meta, share);
	out->entries = out->refined = rows * out->leaves / meta->leaves;
	out->pages = pages_of(*meta, rows, out->leaves, std::ceil(out->refined / vx_codes_per_page(meta->dim)));
}
