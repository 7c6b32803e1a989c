// A query prepared for one index, and the proved intervals in which the operator's result for a stored row lies.
//
// All bounds are in units of the SQL operator's result (L2 distance, cosine distance, negated inner product) and hold
// for the float8 that the operator really returns, its own rounding included. Notation: u = 2^-24, gamma = (d + 8) u.
#pragma once

#include "code/index.hpp"
#include "code/scancode.hpp"

namespace vecidx {

struct Interval {
	double low, high;
};

// The query as it looks from the mean, or from an anchor: what refine codes relative to that are compared with.
struct View {
	const float *point; // float32[dim], rotated; inner product: always the query itself
	double norm;        // |point|
	double point_error; // |exact - point|
	double anchor_norm; // distance of the anchor from the mean
	double offset;      // inner product: <q, mean + anchor>; else 0
};

struct Query {
	vx_metric metric;
	uint32_t dim;
	bool ordered;   // false: no vector, or one for which every distance is NaN
	bool wild;      // values beyond what codes can bound: nothing is known of any row
	const float *x; // as given
	float *point;   // rotated, float32[dim]
	int8_t *bytes;  // rotated, 8 bits, zero-padded
	ScanTables tables;
	ScanQueryShape shape;
	double squared;     // |point|^2
	double norm;        // |point|
	double point_error; // |exact rotated query - point|
	int8_t *fine;       // what the bytes leave, in 8 bits again; nullptr: not needed
	ScanQueryShape fine_shape;
	double bytes_squared; // |scale * bytes|^2, and with `fine`: this is what centroids are compared with
	double bytes_error;   // its distance from the query
	// deviation of a squared distance estimated with the bytes instead of the query; not with `fine`
	float estimate_rounding;
	double offset; // inner product: <q, mean>; else 0
	double gamma;
	View *views; // 0: from the mean, then from each anchor
	uint32_t nviews;
};

// Bytes that prepare_query needs for its arrays.
size_t query_bytes(const vx_index &ix);
// Fills `query` from `vector` (may be nullptr) using `memory` of query_bytes().
void prepare_query(const vx_index &ix, const float *vector, void *memory, Query &query);

// Where the operator's result lies for a coded row; everything when the entry's numbers make no sense.
struct CodedIntervals {
	Interval proved;
	// Within that. A code's error lies at a random angle to the query, so that kErrorDeviations / sqrt(dim) of it
	// counts.
	Interval likely;
};
CodedIntervals coded_intervals(const vx_index &ix, const Query &query, const vx_code_entry &entry);
// Beyond that lie 4e-8 of all pairs, as of a normal deviate.
inline constexpr double kErrorDeviations = 5.5;

// A quick look at coded rows, at a fraction of what the interval takes: no (unit) vectors farther apart than `distance`
// have a result of at most some value; infinite where that says nothing.
struct Limit {
	double distance, stretch;
};
Limit limit_of(const Query &query, double value);
// True: the lower end of the row's proved interval is above the value. False: it may be or not.
bool is_beyond(const Query &query, const Limit &limit, const vx_code_entry &entry);

// The operator's result itself for a raw row: the same kernel, so bit for bit.
double raw_value(const Query &query, const float *x);

// Lower bound for every row within `radius` of a centroid, given <query, centroid> by its bytes.
double ball_bound(const vx_index &ix, const Query &query, double dot, double centroid_squared, double radius);

// The operator's result as the squared distance (L2, cosine) or negated product in which scan codes estimate; and back.
double estimate_units(const Query &query, double value);

} // namespace vecidx
