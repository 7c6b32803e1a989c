// In how many directions the rows next to a row lie: the participation ratio of the differences between near rows.
//
// A gate that looks at distances to centroids alone errs by the cosine between such a difference and the axis between
// two centroids. In m directions that cosine is about 1 / sqrt(m), whatever the number of dimensions, so m says how
// wide the gate must be (search/dial.cpp).
#pragma once

#include "tree/lloyd.hpp"

namespace vecidx {

class Directions {
public:
	void carve(Carver &memory, uint32_t dim);
	void start();

	// Looks at one row more; true when there were enough. `clusters` is as its last pass left it.
	bool step(const Points &points, const Lloyd &clusters, uint32_t slots);

	// 0 when too few rows differ from their neighbours to tell.
	double count(uint32_t dim) const;

private:
	bool point_away(const Points &points, const uint32_t *members, uint32_t n, uint32_t at);

	uint32_t looked_, found_;
	float *units_; // [rows looked at][dim] of length 1, from a row to its nearest neighbour
	float *row_;   // [dim]
};

} // namespace vecidx
