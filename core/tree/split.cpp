// Halves a cluster across its longest axis, found by power iteration.
#include "tree/split.hpp"

#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"

namespace vecidx {
namespace {

constexpr uint32_t kMostMembers = 512;
constexpr int kIterations = 3;

} // namespace

void Splitter::carve(Carver &memory, uint32_t dim) {
	axis_ = memory.take<float>(dim);
	sum_ = memory.take<Float4>(vx_quads(dim));
	mean_[0] = memory.take<double>(dim);
	mean_[1] = memory.take<double>(dim);
}

// Where a point lies along the axis; 0 at the center.
double Splitter::side(const Points &points, uint32_t i) const {
	const vx_code_entry &entry = points[i];
	const double along = static_cast<double>(entry.scale) * kernels().refine_dot(axis_, entry.code, points.dim);
	return along + axis_extra_ * points.extra_of(i) - center_side_;
}

// axis := covariance * axis, of length 1
void Splitter::improve_axis(const Points &points) {
	const uint32_t dim = points.dim;
	std::fill_n(sum_, vx_quads(dim), Float4{});
	double sides = 0, extra = 0;
	for (uint32_t i = 0; i < n_; i += stride_) {
		const vx_code_entry &entry = points[members_[i]];
		const double at = side(points, members_[i]);
		sides += at;
		extra += at * (points.extra_of(members_[i]) - center_extra_);
		add_code(sum_, static_cast<float>(at) * entry.scale, entry.code, vx_quads(dim));
	}
	double norm = extra * extra;
	for (uint32_t i = 0; i < dim; i++) {
		const double x = sum_[i / 4][i % 4] - sides * center_[i];
		norm += x * x;
	}
	const double inverse = norm > 0 && std::isfinite(norm) ? 1 / std::sqrt(norm) : 0;
	center_side_ = extra * inverse * center_extra_;
	for (uint32_t i = 0; i < dim; i++) {
		axis_[i] = static_cast<float>((sum_[i / 4][i % 4] - sides * center_[i]) * inverse);
		center_side_ += axis_[i] * center_[i];
	}
	axis_extra_ = extra * inverse;
}

bool Splitter::take_means(const Points &points) {
	const uint32_t dim = points.dim;
	for (int half = 0; half < 2; half++) {
		std::fill_n(sum_, vx_quads(dim), Float4{});
		uint32_t count = 0;
		extra_[half] = 0;
		for (uint32_t i = 0; i < n_; i += stride_) {
			if ((side(points, members_[i]) > 0) != (half == 1))
				continue;
			const vx_code_entry &entry = points[members_[i]];
			add_code(sum_, entry.scale, entry.code, vx_quads(dim));
			extra_[half] += points.extra_of(members_[i]);
			count++;
		}
		if (count == 0)
			return false;
		for (uint32_t i = 0; i < dim; i++)
			mean_[half][i] = static_cast<double>(sum_[i / 4][i % 4]) / count;
		extra_[half] /= count;
	}
	return true;
}

bool Splitter::split(const Points &points, const uint32_t *members, uint32_t n, const double *center,
					 double center_extra) {
	members_ = members;
	n_ = n;
	stride_ = (n + kMostMembers - 1) / kMostMembers;
	center_ = center;
	center_extra_ = center_extra;
	// begin along any member
	const vx_code_entry &first = points[members[n / 2]];
	center_side_ = axis_extra_ = 0;
	for (uint32_t i = 0; i < points.dim; i++) {
		axis_[i] = static_cast<float>(static_cast<double>(first.scale) * first.code[i] - center[i]);
		center_side_ += axis_[i] * center[i];
	}
	for (int i = 0; i < kIterations; i++)
		improve_axis(points);
	return take_means(points);
}

} // namespace vecidx
