// Halves a cluster across its longest axis, for centroids that are better used there than where they are.
#pragma once

#include "kernel/float4.hpp"
#include "tree/centroids.hpp"

namespace vecidx {

class Splitter {
public:
	void carve(Carver &memory, uint32_t dim);

	// Means of the two halves of the members around `center`; false when they cannot be told apart. A large cluster is
	// judged by a part of it, so the work is bounded.
	bool split(const Points &points, const uint32_t *members, uint32_t n, const double *center, double center_extra);

	const double *mean(int half) const { return mean_[half]; }
	float extra(int half) const { return static_cast<float>(extra_[half]); }

private:
	double side(const Points &points, uint32_t i) const;
	void improve_axis(const Points &points);
	bool take_means(const Points &points);

	const uint32_t *members_;
	uint32_t n_, stride_; // every stride_-th member is looked at
	const double *center_;
	double center_extra_, center_side_;
	double axis_extra_;
	float *axis_; // [dim]
	Float4 *sum_; // [quads]
	double *mean_[2];
	double extra_[2];
};

} // namespace vecidx
