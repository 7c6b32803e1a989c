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
constexpr Point kDistance[] = {{0.693, 0.05}, {1.609, 0.15}, {2.303, 0.22}, {2.996, 0.34},
							   {3.912, 0.50}, {4.605, 0.60}, {6.908, 1.00}, {9.210, 1.60}};
constexpr Point kProduct[] = {{0.693, 0.20}, {1.609, 0.31}, {2.303, 0.36}, {2.996, 0.41},
							  {3.912, 0.47}, {4.605, 0.53}, {6.908, 0.80}, {9.210, 1.10}};

template <size_t N>
double interpolate(const Point (&table)[N], double misses) {
	size_t i = 1;
	while (i + 1 < N && table[i].misses < misses)
		i++;
	const double t = (misses - table[i - 1].misses) / (table[i].misses - table[i - 1].misses);
	return table[i - 1].alpha + t * (table[i].alpha - table[i - 1].alpha);
}

} // namespace

Dial dial_for(vx_metric metric, double recall) {
	if (!(recall < 1))
		return {true, 0, 0, 8};
	const double misses = -std::log(1 - std::fmax(recall, 0.5));
	const double alpha = metric == VX_IP ? interpolate(kProduct, misses) : interpolate(kDistance, misses);
	return {false, static_cast<float>(alpha), recall > 0.98 ? 1.9F : 1.5F, 8};
}

} // namespace vecidx
