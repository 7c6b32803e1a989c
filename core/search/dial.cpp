// Default table of gates, measured on embeddings of 100 and 384 dimensions (inner product: word vectors of 100
// dimensions and images of 784, unnormalised) with k = 10, linear in log(1 - recall); and the reading of a calibration.
#include "search/dial.hpp"

#include <algorithm>
#include <cmath>

namespace vecidx {
namespace {

struct Point {
	double effort; // -log(1 - recall)
	double alpha;
};

// recall 0 .50 .80 .90 .95 .98 .99 .999 .9999 .99999
constexpr Point kDistance[] = {{0, 0},        {0.693, 0.06}, {1.609, 0.15}, {2.303, 0.20}, {2.996, 0.25},
							   {3.912, 0.34}, {4.605, 0.42}, {6.908, 0.70}, {9.210, 1.10}, {11.513, 1.60}};
constexpr Point kProduct[] = {{0, -0.2},     {0.693, 0.20}, {1.609, 0.31}, {2.303, 0.38}, {2.996, 0.46},
							  {3.912, 0.53}, {4.605, 0.60}, {6.908, 0.85}, {9.210, 1.15}, {11.513, 1.50}};

// The tables hold where near rows lie in about so many directions.
constexpr double kMeasuredDirections = 90;
// Less than 1 only for distances, and not much: sparse rows have many directions, and leaves as spread as any.
constexpr double kNarrowest = 0.8, kWidest = 2.5;
// Small indexes are less even than large ones, and a wider gate costs them little.
constexpr double kSmallRows = 30000, kLargeRows = 300000, kSmallFactor = 1.2;
// Recall that a scan without calibration is trusted to tell apart.
constexpr double kLeastRecall = 0.5, kMostRecall = 0.9999;

// A row next to the query may lie in the leaf across a boundary when the gate's estimate errs by the cosine between two
// directions, which is 1 / sqrt(m) in m of them.
double widening(vx_metric metric, double local_dim) {
	const double least = metric == VX_IP ? 1 : kNarrowest;
	return local_dim >= 1 ? std::fmin(std::fmax(std::sqrt(kMeasuredDirections / local_dim), least), kWidest) : 1;
}

template <size_t N>
double interpolate(const Point (&table)[N], double effort) {
	size_t i = 1;
	while (i + 1 < N && table[i].effort < effort)
		i++;
	const double t = (effort - table[i - 1].effort) / (table[i].effort - table[i - 1].effort);
	return table[i - 1].alpha + t * (table[i].alpha - table[i - 1].alpha);
}

double small_index(double rows) {
	const double share = std::log(std::fmax(rows, 1) / kSmallRows) / std::log(kLargeRows / kSmallRows);
	return kSmallFactor + (1 - kSmallFactor) * std::fmin(std::fmax(share, 0), 1);
}

// A curve's value for a recall.
double value_at(const float *values, double recall) {
	const double misses = -std::log(1 - recall);
	uint32_t i = 1;
	while (i + 1 < VX_RECALLS && kRecalls[i] < recall)
		i++;
	const double low = -std::log(1 - static_cast<double>(kRecalls[i - 1])),
				 high = -std::log(1 - static_cast<double>(kRecalls[i]));
	const double share = std::clamp((misses - low) / (high - low), 0.0, 1.0);
	return values[i - 1] + share * (static_cast<double>(values[i]) - values[i - 1]);
}

// From one value for each curve that for k rows.
double between(const double (&values)[VX_CALIBRATED_KS], double k) {
	const double at = std::clamp(std::log10(std::fmax(k, 1)), 0.0, VX_CALIBRATED_KS - 1.0);
	const auto low = std::min(static_cast<uint32_t>(at), VX_CALIBRATED_KS - 2);
	return values[low] + (at - low) * (values[low + 1] - values[low]);
}

const vx_calibration *calibration_of(const vx_meta &meta, vx_calibrated_by by) {
	if (meta.calibrations[by].queries > 0)
		return &meta.calibrations[by];
	return meta.calibrations[VX_BY_ROWS].queries > 0 ? &meta.calibrations[VX_BY_ROWS] : nullptr;
}

} // namespace

double default_alpha(vx_metric metric, double effort) {
	return metric == VX_IP ? interpolate(kProduct, effort) : interpolate(kDistance, effort);
}

double likely_rows(const vx_meta &meta) {
	constexpr double kFill = 0.75; // of the size that a leaf is meant to have
	return std::fmax(static_cast<double>(meta.rows), kFill * meta.leaves * meta.leaf_size);
}

double default_effort(double recall) {
	return -std::log(1 - std::clamp(recall, kLeastRecall, kMostRecall));
}

Efforts efforts_for(const vx_meta &meta, vx_calibrated_by by, double recall) {
	const vx_calibration *calibration = calibration_of(meta, by);
	const double known = std::clamp(recall, kLeastRecall, kMostRecall);
	Efforts efforts;
	efforts.width = calibration != nullptr ? 1 : small_index(likely_rows(meta));
	for (uint32_t curve = 0; curve < VX_CALIBRATED_KS; curve++) {
		const double effort = calibration != nullptr ? value_at(calibration->curves[curve].efforts, known) : NAN;
		efforts.of[curve] = effort >= 0 && effort <= kMostEffort ? effort : default_effort(recall);
	}
	return efforts;
}

double effort_for(const Efforts &efforts, double k) {
	return between(efforts.of, k);
}

// The k-th row itself is lost as often as a normal deviate exceeds epsilon, those before it less often: of one row
// wanted that is all, of many next to nothing.
float epsilon_for(bool high, double k) {
	constexpr double kFew = 0.6; // more for a single row
	return static_cast<float>((high ? 1.9 : 1.5) + kFew * (1 - std::clamp(std::log10(std::fmax(k, 1)), 0.0, 1.0)));
}

Dial dial_at(const vx_meta &meta, double effort, double width, double recall, double k) {
	if (!(recall < 1))
		return {true, 0, 0, 0, 0, kFirst};
	const auto metric = static_cast<vx_metric>(meta.metric);
	const double alpha = default_alpha(metric, effort) * widening(metric, meta.local_dim) * width;
	const double sigmas = 2 * std::fmin(1, effort / default_effort(kLeastRecall)) + effort / 3;
	const double deviation = 1 / std::sqrt(meta.local_dim >= 1 ? meta.local_dim : static_cast<double>(meta.dim));
	return {false,
			static_cast<float>(alpha),
			static_cast<float>(sigmas),
			static_cast<float>(deviation),
			epsilon_for(recall > kHighRecall, k),
			kFirst};
}

bool measured_work(const vx_meta &meta, double recall, double k, Work &out) {
	const vx_calibration *calibration = calibration_of(meta, VX_BY_ROWS);
	if (calibration == nullptr)
		return false;
	recall = std::clamp(recall, kLeastRecall, kMostRecall);
	double leaves[VX_CALIBRATED_KS], entries[VX_CALIBRATED_KS];
	for (uint32_t curve = 0; curve < VX_CALIBRATED_KS; curve++) {
		leaves[curve] = value_at(calibration->curves[curve].leaves, recall);
		entries[curve] = value_at(calibration->curves[curve].entries, recall);
	}
	out = {between(leaves, k), between(entries, k)};
	return std::isfinite(out.leaves) && std::isfinite(out.entries); // of a damaged page they may not be
}

} // namespace vecidx
