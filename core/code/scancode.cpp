// Encoding of scan codes, and of queries for them. RaBitQ's estimator with uniform levels.
#include "code/scancode.hpp"

#include <cmath>
#include <cstring>

#include "kernel/float4.hpp"
#include "kernel/kernels.hpp"

namespace vecidx {
namespace {

// Coordinates that a code of any kind covers: those of one bit.
constexpr uint32_t kMostCoded = VX_MOST_SCAN_DIMS;

// Step between levels, in standard deviations of a coordinate, near which the cosine between a Gaussian residual and
// its code is largest (two bits 1.0, four bits 0.335; Max 1960).
float first_step(uint32_t bits) {
	return bits == 2 ? 1.0F : 0.335F;
}

// Code of one coordinate: the sign's half, then how many steps from zero.
uint8_t level_code(double r, double inverse_step, int half) {
	int steps = static_cast<int>(std::fabs(r) * inverse_step);
	if (steps > half - 1)
		steps = half - 1;
	return static_cast<uint8_t>(r >= 0 ? half + steps : half - 1 - steps);
}

// Cosine (up to their length) between magnitudes (zero-padded to whole quads) and their code at this step.
float alignment(const Float4 *magnitudes, uint32_t dim, float step, int half) {
	const uint32_t quads = vx_quads(dim);
	const float inverse = 1 / step;
	const Int4 most = Int4{} + (half - 1);
	Float4 along = {}, norm = {};
	for (uint32_t quad = 0; quad < quads; quad++) {
		const Int4 steps = __builtin_convertvector(magnitudes[quad] * inverse, Int4), over = steps > most;
		const Float4 u = __builtin_convertvector((over & most) | (~over & steps), Float4) + 0.5F;
		along += u * magnitudes[quad];
		norm += u * u;
	}
	return sum_of(along) / std::sqrt(sum_of(norm) - 0.25F * static_cast<float>(quads * 4 - dim));
}

// The step whose code points best along the residual.
double best_step(const double *r, uint32_t dim, uint32_t bits, double squared) {
	const int half = 1 << (bits - 1);
	const double deviation = std::sqrt(squared / dim), inverse = 1 / deviation;
	Float4 magnitudes[kMostCoded / 4];
	magnitudes[vx_quads(dim) - 1] = Float4{};
	for (uint32_t i = 0; i < dim; i++)
		magnitudes[i / 4][i % 4] = static_cast<float>(std::fabs(r[i]) * inverse);
	float best = -1, step = 1;
	for (int i = -4; i <= 4; i++) {
		const float trial = first_step(bits) * (1 + static_cast<float>(i) * 0.09F);
		const float score = alignment(magnitudes, dim, trial, half);
		if (score > best) {
			best = score;
			step = trial;
		}
	}
	return step * deviation;
}

// A point less the centroid.
struct Residual {
	double squared; // its squared norm
	double covered; // that of the coordinates that a code covers
};

// r := these coordinates.
Residual residual_of(uint32_t dim, uint32_t coded, const CodedPoint &point, const double *centroid, double *r) {
	Residual residual{0, 0};
	for (uint32_t i = 0; i < dim; i++) {
		const double miss = point[i] - centroid[i];
		if (i < coded)
			r[i] = miss;
		residual.squared += miss * miss;
		if (i + 1 == coded)
			residual.covered = residual.squared;
	}
	return residual;
}

// The covered coordinates have so little of the residual that they say nothing about it.
bool says_nothing(const Residual &residual, uint32_t dim, uint32_t coded) {
	constexpr double kLeastShare = 1.0 / 64; // of the expected one
	return coded < dim && residual.covered * dim < residual.squared * coded * kLeastShare;
}

void fill_factors(vx_metric metric, uint32_t dim, uint32_t bits, const double *r, double rr, const double *centroid,
				  const uint8_t *code, ScanFactors &out) {
	const int top = (1 << bits) - 1;
	const uint32_t coded = vx_scan_dims(dim, bits);
	double ur = 0, uu = 0, uc = 0;
	for (uint32_t i = 0; i < coded; i++) {
		const double u = 2 * code[i] - top;
		ur += u * r[i];
		uu += u * u;
		uc += u * centroid[i];
	}
	const double rescale = rr / ur;                                           // <u,r> >= sum |r_i| > 0
	const double miss = std::sqrt(std::fmax(0, rescale * rescale * uu - rr)); // |r| sqrt(dim/m/x0^2 - 1)
	const double spread = dim > 1 ? miss / std::sqrt(dim - 1.0) : miss;
	out.residual_squared = static_cast<float>(rr);
	if (metric == VX_IP) {
		out.add = 0;
		out.mul = static_cast<float>(-rescale);
		out.error = static_cast<float>(spread);
	} else {
		out.add = static_cast<float>(rr + 2 * rescale * uc);
		out.mul = static_cast<float>(-2 * rescale);
		out.error = static_cast<float>(2 * spread);
	}
}

void factors_of(vx_metric metric, uint32_t dim, uint32_t bits, const double *r, const Residual &residual,
				const double *centroid, const uint8_t *code, ScanFactors &out) {
	if (!(residual.squared > 0))
		out = {0, 0, 0, 0};
	else if (says_nothing(residual, dim, vx_scan_dims(dim, bits)))
		out = {INFINITY, 0, 0, static_cast<float>(residual.squared)};
	else
		fill_factors(metric, dim, bits, r, residual.squared, centroid, code, out);
}

} // namespace

void scan_encode(vx_metric metric, uint32_t dim, uint32_t bits, const CodedPoint &point, const double *centroid,
				 uint8_t *code, ScanFactors &out) {
	const uint32_t coded = vx_scan_dims(dim, bits);
	double r[kMostCoded];
	const Residual residual = residual_of(dim, coded, point, centroid, r);
	const int half = 1 << (bits - 1);
	if (!(residual.covered > 0)) {
		memset(code, half, coded);
	} else {
		const double inverse = bits == 1 ? 0 : 1 / best_step(r, coded, bits, residual.covered);
		for (uint32_t i = 0; i < coded; i++)
			code[i] = level_code(r[i], inverse, half);
	}
	factors_of(metric, dim, bits, r, residual, centroid, code, out);
}

void scan_factors(vx_metric metric, uint32_t dim, uint32_t bits, const CodedPoint &point, const double *centroid,
				  const uint8_t *code, ScanFactors &out) {
	double r[kMostCoded];
	const Residual residual = residual_of(dim, vx_scan_dims(dim, bits), point, centroid, r);
	factors_of(metric, dim, bits, r, residual, centroid, code, out);
}

void pack_factors(const ScanFactors &factors, float unit, uint16_t &add, uint16_t &mul) {
	constexpr double kLargestHalf = 65504;
	const double scaled_add = static_cast<double>(factors.add) / unit / unit;
	const double scaled_mul = static_cast<double>(factors.mul) / unit;
	if (std::fabs(scaled_add) <= kLargestHalf && std::fabs(scaled_mul) <= kLargestHalf) {
		add = half_from_float(static_cast<float>(scaled_add));
		mul = half_from_float(static_cast<float>(scaled_mul));
	} else {
		add = half_from_float(-INFINITY);
		mul = 0;
	}
}

float choose_unit(float mean_residual_squared, double spread, const double *centroid, uint32_t dim) {
	constexpr double kSmallestUnit = 1e-15, kLargestUnit = 1e17; // within what leaf_fault takes
	// float16 ends at 65504: so an entry may have 250 times the unit as its residual, and rows of a leaf whose first
	// ones were all equal may lie a few spreads from them
	constexpr double kSpreadShare = 1.0 / 100;
	// beyond |r|^2, |add| is at most some 3 |r| |c|
	constexpr double kAddShare = 1.0 / 4096;
	double norm = 0;
	for (uint32_t i = 0; i < dim; i++)
		norm += centroid[i] * centroid[i];
	const double likely = std::fmax(mean_residual_squared, spread * spread * kSpreadShare * kSpreadShare);
	const double squared = std::fmax(likely, std::sqrt(likely * norm) * kAddShare);
	return static_cast<float>(std::fmin(kLargestUnit, std::fmax(kSmallestUnit, std::sqrt(squared))));
}

namespace {

// The largest magnitudes of <levels, q> over each of the four nibbles of a group, and their sum.
struct Magnitudes {
	float largest = 0, sum = 0;
};
void add_group(const float *q, uint32_t coded, uint32_t bits, uint32_t group, Magnitudes &out) {
	const uint32_t fields = 4 / bits, first = group * fields * 4;
	float most[4] = {};
	for (uint32_t f = 0; f < fields; f++)
		for (uint32_t k = 0; k < 4; k++)
			most[k] += first + k * fields + f < coded ? std::fabs(q[first + k * fields + f]) : 0;
	const auto top = static_cast<float>((1 << bits) - 1);
	out.largest = std::max(out.largest, top * std::max(std::max(most[0], most[1]), std::max(most[2], most[3])));
	out.sum += top * (most[0] + most[1] + most[2] + most[3]);
}

// Values of one nibble, in 256ths while they are added up: each bit adds its share to the value without it.
void fill_table(const int16_t shares[4], uint8_t *table) {
	constexpr int16_t kBits[4][16] = {{0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1},
									  {0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1},
									  {0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1},
									  {0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1}};
	int16_t least = 128; // one half, for rounding
	for (uint32_t bit = 0; bit < 4; bit++)
		least = static_cast<int16_t>(least - std::min<int16_t>(shares[bit], 0));
	for (uint32_t c = 0; c < 16; c++) {
		const int value = least + (kBits[0][c] & shares[0]) + (kBits[1][c] & shares[1]) + (kBits[2][c] & shares[2]) +
						  (kBits[3][c] & shares[3]);
		table[c] = static_cast<uint8_t>(static_cast<uint16_t>(value) >> 8);
	}
}
// no share of a nibble, nor a sum of its shares, exceeds the largest value by more than their rounding
static_assert((kLargestValue + 1) * 256 < INT16_MAX);

// Shares of the lowest bit of each dimension's code.
void put_shares(const float *q, uint32_t coded, float inverse, int16_t *shares) {
	for (uint32_t i = 0; i < coded; i++) {
		const float share = 512 * q[i] * inverse;
		shares[i] = static_cast<int16_t>(static_cast<int32_t>(share + (share < 0 ? -0.5F : 0.5F)));
	}
}

// Root mean square of the levels that codes of Gaussian residuals take.
float typical_level(uint32_t bits) {
	return bits == 1 ? 1 : bits == 2 ? 2 : 6;
}

} // namespace

void make_tables(const float *q, uint32_t dim, uint32_t bits, ScanTables &out) {
	const uint32_t coded = vx_scan_dims(dim, bits), fields = 4 / bits, nibbles = table_rows(dim, bits) * 8;
	Magnitudes magnitudes;
	for (uint32_t group = 0; group < nibbles / 4; group++)
		add_group(q, coded, bits, group, magnitudes);
	const float step = 2 * magnitudes.largest / static_cast<float>(kLargestValue), inverse = step > 0 ? 1 / step : 0;
	int16_t shares[VX_MAX_DIM + 32]; // a row has at most 32 dimensions
	put_shares(q, coded, inverse, shares);
	memset(shares + coded, 0, 32 * sizeof(*shares));
	for (uint32_t i = 0; i < nibbles; i++) {
		const int16_t *first = shares + size_t(i) * fields;
		int16_t of_bits[4];
		for (uint32_t bit = 0; bit < 4; bit++)
			of_bits[bit] = static_cast<int16_t>(first[bit / bits] * (1 << bit % bits));
		const uint32_t byte = i / 2, table = byte / 4 * 8 + i % 2 * 4 + byte % 4;
		fill_table(of_bits, out.values + size_t(table) * 16);
	}
	out.slope = step;
	out.offset = -magnitudes.sum;
	// each value is rounded evenly; <r, q> is estimated by |r| / |levels| of it
	const double rounding = step * std::sqrt(static_cast<double>(coded) * bits / 4 / 12);
	const double norm = typical_level(bits) * std::sqrt(static_cast<double>(coded));
	out.error = static_cast<float>(2 * rounding / norm);
}

ScanQueryShape quantize_query(const double *q, uint32_t dim, uint32_t padded, int8_t *bytes) {
	const double largest = largest_magnitude(q, dim);
	const auto scale = static_cast<float>(largest / 127);
	const double inverse = scale > 0 ? 127 / largest : 0;
	ScanQueryShape shape{scale, 0, 0};
	double error = 0;
	memset(bytes + dim, 0, padded - dim);
	for (uint32_t i = 0; i < dim; i++) {
		bytes[i] = static_cast<int8_t>(std::lrint(q[i] * inverse));
		shape.sum += bytes[i];
		const double miss = q[i] - static_cast<double>(scale) * bytes[i];
		error += miss * miss;
	}
	shape.error = std::sqrt(error);
	return shape;
}

} // namespace vecidx
