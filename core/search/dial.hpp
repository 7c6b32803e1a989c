// From the recall a user asks for to the gate of a scan.
//
// How far a gate is open is one number, the effort, from 0 on: -log(1 - recall) by the default table. What recall an
// effort gives is measured on the index itself (search/calibrate.hpp) and lies in the meta page; until then a table
// measured on other data says it.
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

// Leaves opened before the gate: with fewer, rho_k is too large and lets too many others through; with more, a low
// recall costs more than it must in many dimensions.
inline constexpr uint32_t kFirst = 6;

// Recalls that an index is calibrated for, ascending, and the rows wanted of each curve.
inline constexpr float kRecalls[VX_RECALLS] = {0.5F,   0.7F,  0.8F,   0.85F, 0.9F,   0.925F, 0.95F,
											   0.965F, 0.98F, 0.985F, 0.99F, 0.995F, 0.999F, 0.9999F};
inline constexpr uint32_t kCalibratedKs[VX_CALIBRATED_KS] = {1, 10, 100};

// The largest effort there is.
inline constexpr float kMostEffort = 11.5F;
// Which efforts give a recall, for each of kCalibratedKs; and for k rows.
struct Efforts {
	double of[VX_CALIBRATED_KS];
	double width; // 1 by a calibration, more by the table for small indexes: gates are that much wider
};
Efforts efforts_for(const vx_meta &meta, vx_calibrated_by by, double recall);
double effort_for(const Efforts &efforts, double k);
// The gate at an effort, for a scan that is to find this share of k rows, in an index of that metric and so many
// directions (meta).
Dial dial_at(const vx_meta &meta, double effort, double width, double recall, double k);
// Rows in the index now: the meta page tells what the last build or vacuum found; one that grew since has more leaves.
double likely_rows(const vx_meta &meta);
// Up to this recall epsilon is the lower of two, beyond it the higher.
inline constexpr double kHighRecall = 0.98;
float epsilon_for(bool high, double k);

// What calibration has found of scans for k rows at a recall; false when there is none.
struct Work {
	double leaves, entries;
};
bool measured_work(const vx_meta &meta, double recall, double k, Work &out);

// The gate's width by the default table.
double default_alpha(vx_metric metric, double effort);
double default_effort(double recall);

} // namespace vecidx
