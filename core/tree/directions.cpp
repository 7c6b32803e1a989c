// Directions between near rows, from a few rows and the nearest of their cluster.
#include "tree/directions.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernel/kernels.hpp"

namespace vecidx {
namespace {

constexpr uint32_t kRows = 256;   // 32,640 pairs: the mean squared cosine is known to about one percent
constexpr uint32_t kEnough = 16;  // of these
constexpr uint32_t kAround = 256; // members of its cluster that a row is compared with

void decode(const vx_code_entry &entry, uint32_t dim, float *out) {
	for (uint32_t i = 0; i < dim; i++)
		out[i] = entry.scale * static_cast<float>(entry.code[i]);
}

bool equal(const vx_code_entry &a, const vx_code_entry &b, uint32_t dim) {
	return a.scale == b.scale && memcmp(a.code, b.code, dim) == 0;
}

} // namespace

void Directions::carve(Carver &memory, uint32_t dim) {
	units_ = memory.take<float>(size_t(kRows) * dim);
	row_ = memory.take<float>(dim);
}

void Directions::start() {
	looked_ = found_ = 0;
}

// The unit vector from member `at` to the nearest other one; false when all are equal.
bool Directions::point_away(const Points &points, const uint32_t *members, uint32_t n, uint32_t at) {
	const uint32_t dim = points.dim, around = std::min(n, kAround), first = std::min(at, n - around);
	const vx_code_entry &row = points[members[at]];
	decode(row, dim, row_);
	float nearest = INFINITY;
	uint32_t neighbour = at;
	for (uint32_t i = first; i < first + around; i++) {
		const vx_code_entry &other = points[members[i]];
		if (equal(row, other, dim))
			continue;
		const float squared = kernels().refine_l2_squared(row_, other.code, other.scale, dim);
		if (squared < nearest) {
			nearest = squared;
			neighbour = i;
		}
	}
	if (neighbour == at)
		return false;
	float *unit = units_ + size_t(found_) * dim;
	decode(points[members[neighbour]], dim, unit);
	const float length = std::sqrt(nearest);
	for (uint32_t i = 0; i < dim; i++)
		unit[i] = (unit[i] - row_[i]) / length;
	return true;
}

bool Directions::step(const Points &points, const Lloyd &clusters, uint32_t slots) {
	const auto slot = static_cast<uint32_t>(uint64_t(looked_) * slots / kRows);
	const uint32_t n = clusters.size(slot);
	// other members each time when there are fewer clusters than rows to look at
	if (n > 1 && point_away(points, clusters.members(slot), n, static_cast<uint32_t>(uint64_t(looked_) * 7919 % n)))
		found_++;
	return ++looked_ == kRows;
}

double Directions::count(uint32_t dim) const {
	if (found_ < kEnough)
		return 0;
	double squares = 0;
	for (uint32_t i = 0; i < found_; i++)
		for (uint32_t j = 0; j < i; j++) {
			const double cosine = kernels().inner_product(units_ + size_t(i) * dim, units_ + size_t(j) * dim, dim);
			squares += cosine * cosine;
		}
	const double mean = squares * 2 / (static_cast<double>(found_) * (found_ - 1));
	return std::clamp(1 / std::fmax(mean, 1e-6), 1.0, static_cast<double>(dim));
}

} // namespace vecidx
