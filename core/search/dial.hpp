// From the recall a user asks for to the gate of a scan, until an index carries its own calibration.
#pragma once

#include "vecidx/core.h"

namespace vecidx {

struct Dial {
	bool exact; // stop by proved bounds only
	// open a leaf whose score exceeds the mean of the best ones by alpha * rho_k^2 at most (L2, cosine), or when
	// (ip_k - <q,c>) / rms <= alpha
	float alpha;
	// ... or when its rows would have to lie nearer than so many deviations of their distances to be beyond rho_k
	float sigmas;
	float deviation; // of the squared distances to a leaf's rows, over 2 |q-c| rms: 1 / sqrt(directions)
	float epsilon;   // deviations of the scan code's estimate that a candidate may lie beyond rho_k
	uint32_t first;  // leaves opened in order of score before the gate is fixed
};

// The gate for an index of the kind the default table was measured on.
double default_alpha(vx_metric metric, double recall);

Dial dial_for(const vx_meta &meta, double recall);

} // namespace vecidx
