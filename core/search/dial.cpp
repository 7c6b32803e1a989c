// Default table of gates, measured on embeddings of 100 and 384 dimensions (inner product: word vectors of 100
// dimensions and images of 784, unnormalised) with k = 10; linear in log(1 - recall).
#include "search/dial.hpp"

#include <cmath>

namespace vecidx {
namespace {

struct Point {
	double misses; // -log(1 - recall)
	double alpha;
};

// recall .50 .80 .90 .95 .98 .99 .999 .9999
constexpr Point kDistance[] = {{0.693, 0.06}, {1.609, 0.15}, {2.303, 0.20}, {2.996, 0.25},
							   {3.912, 0.34}, {4.605, 0.42}, {6.908, 0.70}, {9.210, 1.10}};
constexpr Point kProduct[] = {{0.693, 0.20}, {1.609, 0.31}, {2.303, 0.38}, {2.996, 0.46},
							  {3.912, 0.53}, {4.605, 0.60}, {6.908, 0.85}, {9.210, 1.15}};

// The tables hold where near rows lie in about so many directions.
constexpr double kMeasuredDirections = 90;
// Leaves opened before the gate: with fewer, rho_k is too large and lets too many others through; with more, a low
// recall costs more than it must in many dimensions.
constexpr uint32_t kFirst = 6;
// Less than 1 only for distances, and not much: sparse rows have many directions, and leaves as spread as any.
constexpr double kNarrowest = 0.8, kWidest = 2.5;
// Small indexes are less even than large ones, and a wider gate costs them little.
constexpr double kSmallRows = 30000, kLargeRows = 300000, kSmallFactor = 1.2;

// A row next to the query may lie in the leaf across a boundary when the gate's estimate errs by the cosine between two
// directions, which is 1 / sqrt(m) in m of them.
double widening(vx_metric metric, double local_dim) {
	const double least = metric == VX_IP ? 1 : kNarrowest;
	return local_dim >= 1 ? std::fmin(std::fmax(std::sqrt(kMeasuredDirections / local_dim), least), kWidest) : 1;
}

template <size_t N>
double interpolate(const Point (&table)[N], double misses) {
	size_t i = 1;
	while (i + 1 < N && table[i].misses < misses)
		i++;
	const double t = (misses - table[i - 1].misses) / (table[i].misses - table[i - 1].misses);
	return table[i - 1].alpha + t * (table[i].alpha - table[i - 1].alpha);
}

double small_index(double rows) {
	const double share = std::log(std::fmax(rows, 1) / kSmallRows) / std::log(kLargeRows / kSmallRows);
	return kSmallFactor + (1 - kSmallFactor) * std::fmin(std::fmax(share, 0), 1);
}

// The meta page tells what the last build or vacuum found; an index that grew since has leaves for more.
double rows_of(const vx_meta &meta) {
	constexpr double kFill = 0.75; // of the size that a leaf is meant to have
	return std::fmax(static_cast<double>(meta.rows), kFill * meta.leaves * meta.leaf_size);
}

double misses_of(double recall) {
	return -std::log(1 - std::fmin(std::fmax(recall, 0.5), 0.9999));
}

} // namespace

double default_alpha(vx_metric metric, double recall) {
	return metric == VX_IP ? interpolate(kProduct, misses_of(recall)) : interpolate(kDistance, misses_of(recall));
}

Dial dial_for(const vx_meta &meta, double recall) {
	if (!(recall < 1))
		return {true, 0, 0, 0, 0, kFirst};
	const auto metric = static_cast<vx_metric>(meta.metric);
	const double alpha = default_alpha(metric, recall) * widening(metric, meta.local_dim) * small_index(rows_of(meta));
	const double sigmas = 2 + misses_of(recall) / 3;
	const double deviation = 1 / std::sqrt(meta.local_dim >= 1 ? meta.local_dim : static_cast<double>(meta.dim));
	return {false,
			static_cast<float>(alpha),
			static_cast<float>(sigmas),
			static_cast<float>(deviation),
			recall > 0.98 ? 1.9F : 1.5F,
			kFirst};
}

} // namespace vecidx
