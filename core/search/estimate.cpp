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

} // namespace
} // namespace vecidx

using namespace vecidx;

void vx_scan_estimate(const vx_meta *meta, double rows, double recall, double k, vx_estimate *out) {
	rows = std::fmax(rows, 1);
	k = std::clamp(k, 1.0, rows);
	*out = {};
	out->rows = std::fmin(rows, 1.2 * k + 1);
	const uint32_t dim = meta->dim;
	if (meta->levels == 0 || meta->leaves == 0) {
		out->entries = out->refined = rows;
		out->pages = 2 + std::ceil(rows / vx_raws_per_page(dim));
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
	const double root = leaves / VX_LANES * vx_inner_group_pages(dim) / inner_blocks(dim);
	const double scans = out->leaves * std::ceil(per_leaf / vx_leaf_capacity(dim, meta->scan_bits));
	const double codes = exact ? rows / vx_codes_per_page(dim) : std::fmin(out->refined, rows / vx_codes_per_page(dim));
	out->pages = 2 + std::ceil(root) + scans + (vx_code_rest(dim) > 0 ? 2 : 1) * codes;
}
