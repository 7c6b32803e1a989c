// Preparation of queries and the error analysis behind every bound the index reports.
#include "search/query.hpp"

#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"

namespace vecidx {
namespace {

constexpr double kUnit = 0x1p-24;
// float64 rounding of centring, normalising and rotating rows and queries (about 60 operations deep), relative
constexpr double kFloat64 = 1e-13;
// absolute loss of the float32 kernels where squares or products underflow: sqrt(16000 * 2^-149) < 1e-20
constexpr double kTiny = 1e-19, kTinyProduct = 1e-38;
constexpr double kInfinity = INFINITY;
// In spreads: from so far on a query is compared with centroids in 16 bits.
constexpr double kFar = 2;

uint32_t padded_bytes(const vx_index &ix) {
	// whole rows of scan codes at 1 bit (32 dimensions a row) cover every other use
	return (ix.meta.dim + 31) / 32 * 32;
}

// From an interval of true distances between (unit) vectors to one of operator results.
Interval operator_interval(const Query &query, double low, double high) {
	const double gamma = query.gamma;
	if (query.metric == VX_L2)
		return {std::max(0.0, low * (1 - gamma) - kTiny), high * (1 + gamma) + kTiny};
	// d = |a - b|^2 / 2 for unit vectors; the operator's product and norms each err by gamma at most
	return {std::max(0.0, low * low / 2 - 4 * gamma), high * high / 2 + 4 * gamma};
}

// A query far from the mean, or for inner product one for rows far from it, is rounded to 8 bits so coarsely that
// leaves could not be told apart. Then centroids are compared with 16.
bool is_far(const vx_index &ix, const Query &query) {
	if (query.metric == VX_IP || !(ix.meta.spread > 0)) // the first rows say nothing of distances
		return ix.meta.nanchors > 0;
	return query.norm > kFar * ix.meta.spread;
}

void prepare_fine(const vx_index &ix, const double *y, Query &query) {
	double rest[VX_MAX_DIM];
	for (uint32_t i = 0; i < query.dim; i++)
		rest[i] = y[i] - static_cast<double>(query.shape.scale) * query.bytes[i];
	query.fine = query.bytes + padded_bytes(ix);
	query.fine_shape = quantize_query(rest, query.dim, padded_bytes(ix), query.fine);
}

void measure_bytes(const double *y, Query &query) {
	double squared = 0, error = 0;
	for (uint32_t i = 0; i < query.dim; i++) {
		double value = static_cast<double>(query.shape.scale) * query.bytes[i];
		if (query.fine != nullptr)
			value += static_cast<double>(query.fine_shape.scale) * query.fine[i];
		squared += value * value;
		error += (y[i] - value) * (y[i] - value);
	}
	query.bytes_squared = squared;
	query.bytes_error = std::sqrt(error);
}

// `y` is the exact query as it looks from the mean.
void prepare_views(const vx_index &ix, const double *y, Query &query) {
	const uint32_t dim = query.dim;
	query.nviews = ix.meta.nanchors + 1;
	query.views[0] = {query.point, query.norm, query.point_error, 0, query.offset};
	auto *points = reinterpret_cast<float *>(query.views + query.nviews);
	for (uint32_t number = 1; number < query.nviews; number++, points += dim) {
		const vx_origin &anchor = anchor_of(ix, number);
		View &view = query.views[number] = {points, 0, 0, 0, query.offset};
		double error = 0, squared = 0, anchor_squared = 0;
		for (uint32_t i = 0; i < dim; i++) {
			const double a = static_cast<double>(anchor.scale) * anchor.code[i];
			const double from = query.metric == VX_IP ? y[i] : y[i] - a;
			points[i] = static_cast<float>(from);
			const double miss = from - points[i];
			error += miss * miss;
			squared += static_cast<double>(points[i]) * points[i];
			anchor_squared += a * a;
			if (query.metric == VX_IP)
				view.offset += y[i] * a;
		}
		view.norm = std::sqrt(squared);
		view.point_error = std::sqrt(error);
		view.anchor_norm = std::sqrt(anchor_squared);
	}
}

bool is_finite(const vx_code_entry &entry) {
	return std::isfinite(entry.scale) && std::isfinite(entry.error) && entry.scale >= 0 && entry.error >= 0;
}

} // namespace

size_t query_bytes(const vx_index &ix) {
	const size_t arrays = (size_t(ix.meta.dim) * 2 * sizeof(float) + 63) / 64 * 64 + 2 * padded_bytes(ix);
	const size_t views = (ix.meta.nanchors + 1) * sizeof(View), tables = table_bytes(ix.meta.dim, ix.meta.scan_bits);
	return arrays + tables + views + size_t(ix.meta.nanchors) * ix.meta.dim * sizeof(float) + 64;
}

void prepare_query(const vx_index &ix, const float *vector, void *memory, Query &query) {
	const uint32_t dim = ix.meta.dim;
	auto *copy = static_cast<float *>(memory);
	query = {};
	query.metric = static_cast<vx_metric>(ix.meta.metric);
	query.dim = dim;
	query.gamma = (dim + 8) * kUnit;
	query.x = copy;
	query.point = copy + dim;
	query.bytes = static_cast<int8_t *>(memory) + (size_t(dim) * 2 * sizeof(float) + 63) / 64 * 64;
	query.tables.values = reinterpret_cast<uint8_t *>(query.bytes + 2 * padded_bytes(ix));
	query.views = reinterpret_cast<View *>(query.tables.values + table_bytes(dim, ix.meta.scan_bits));
	memset(memory, 0, query_bytes(ix));
	if (vector == nullptr)
		return;
	memcpy(copy, vector, sizeof(float) * dim);
	const vx_class kind = vx_classify(&ix, vector);
	query.ordered = kind != VX_CLASS_LATE;
	query.wild = kind == VX_CLASS_WILD;
	if (kind != VX_CLASS_CODED)
		return;

	double y[VX_MAX_DIM];
	project_query(ix, vector, y);
	double error = 0;
	for (uint32_t i = 0; i < dim; i++) {
		query.point[i] = static_cast<float>(y[i]);
		const double miss = y[i] - query.point[i];
		error += miss * miss;
		query.squared += static_cast<double>(query.point[i]) * query.point[i];
	}
	query.point_error = std::sqrt(error);
	query.norm = std::sqrt(query.squared);
	make_tables(query.point, dim, ix.meta.scan_bits, query.tables);
	query.shape = quantize_query(y, dim, padded_bytes(ix), query.bytes);
	if (is_far(ix, query))
		prepare_fine(ix, y, query);
	measure_bytes(y, query);
	const uint32_t covered = vx_scan_dims(dim, ix.meta.scan_bits);
	// -2 <query - bytes, c> for centroids c about as long as the query, in no particular direction
	if (query.fine == nullptr)
		query.estimate_rounding =
			static_cast<float>(2 * query.shape.error * query.norm / std::sqrt(static_cast<double>(covered)));
	if (query.metric == VX_IP)
		for (uint32_t i = 0; i < dim; i++)
			query.offset += static_cast<double>(vector[i]) * mean_of(ix)[i];
	prepare_views(ix, y, query);
}

namespace {

constexpr CodedIntervals kAnywhere = {{-kInfinity, kInfinity}, {-kInfinity, kInfinity}};

double likely_error(const Query &query, double error) {
	return std::min(error, kErrorDeviations / std::sqrt(static_cast<double>(query.dim)) * error);
}

// `a` is the distance from the query to the decoded row, which is `error` away from the row.
CodedIntervals distance_intervals(const Query &query, double a, double error, double slack) {
	const Interval proved = operator_interval(query, std::max(0.0, a - error - slack), a + error + slack);
	// For the true distance t and a share z of the error along it: a^2 = t^2 + 2 z t + error^2.
	const double z = likely_error(query, error);
	if (!(z < error) || !(a > error))
		return {proved, proved};
	const double middle = std::sqrt(a * a - error * error + z * z);
	const Interval likely = operator_interval(query, std::max(0.0, middle - z - slack), middle + z + slack);
	return {proved, {std::max(proved.low, likely.low), std::min(proved.high, likely.high)}};
}

} // namespace

CodedIntervals coded_intervals(const vx_index &ix, const Query &query, const vx_code_entry &entry) {
	const uint32_t number = anchor_number(entry.row);
	if (query.wild || !is_finite(entry) || number >= query.nviews) // an anchor may be newer than this query
		return kAnywhere;
	const View &view = query.views[number];
	const double gamma = query.gamma, error = entry.error;
	if (query.metric != VX_IP) {
		const float sum = kernels().refine_l2_squared(view.point, entry.code, entry.scale, query.dim);
		if (!std::isfinite(sum))
			return kAnywhere;
		const double a = std::sqrt(static_cast<double>(sum));
		// scale * code may be rounded before it is subtracted: an error in the size of the terms, not of the difference
		const double slack = view.point_error + gamma * a + (2 * kUnit + kFloat64) * (view.norm + a + error) +
							 kFloat64 * (query.norm + view.anchor_norm) + kTiny;
		return distance_intervals(query, a, error, slack);
	}
	const float dot = kernels().refine_dot(view.point, entry.code, query.dim);
	const double product = view.offset + static_cast<double>(entry.scale) * dot;
	const double code_norm = 127 * std::sqrt(static_cast<double>(query.dim)) * entry.scale;
	const double row_norm = ix.mean_norm + view.anchor_norm + code_norm + error; // at least |x|
	const double slack = query.point_error * (code_norm + error) + gamma * query.norm * (code_norm + row_norm) +
						 kFloat64 * query.norm * row_norm + kTinyProduct;
	const double all = query.norm * error + slack, likely = query.norm * likely_error(query, error) + slack;
	if (!std::isfinite(product) || !std::isfinite(all))
		return kAnywhere;
	return {{-product - all, -product + all}, {-product - likely, -product + likely}};
}

// The conditions under which distance_intervals has a lower end above the value, solved for the kernel's result a:
// low = a - error - slack, slack being the sum of a share of a and of terms known before. All are beyond a value below
// 0, which either metric has none of: then the distance may be negative or NaN.
Limit limit_of(const Query &query, double value) {
	const double gamma = query.gamma;
	double distance = kInfinity;
	if (query.metric == VX_L2)
		distance = (value + kTiny) / (1 - gamma);
	else if (query.metric == VX_COSINE)
		distance = std::sqrt(2 * (value + 4 * gamma));
	// the few operations here and in is_beyond are rounded in float64
	return {query.wild ? kInfinity : distance, (1 + 1e-12) / (1 - gamma - 2 * kUnit - kFloat64)};
}

bool is_beyond(const Query &query, const Limit &limit, const vx_code_entry &entry) {
	const uint32_t number = anchor_number(entry.row);
	if (!(limit.distance < kInfinity) || number >= query.nviews || !is_finite(entry))
		return false;
	const View &view = query.views[number];
	const double error = entry.error;
	const double slack = view.point_error + (2 * kUnit + kFloat64) * (view.norm + error) +
						 kFloat64 * (query.norm + view.anchor_norm) + kTiny;
	const double a = (limit.distance + error + slack) * limit.stretch;
	const float sum = kernels().refine_l2_squared(view.point, entry.code, entry.scale, query.dim);
	return static_cast<double>(sum) > a * a && sum < INFINITY;
}

double raw_value(const Query &query, const float *x) {
	if (query.metric == VX_L2)
		return vx_l2_value(kernels().l2_squared(x, query.x, query.dim));
	if (query.metric == VX_IP)
		return vx_ip_value(kernels().inner_product(x, query.x, query.dim));
	float terms[3];
	kernels().cosine_terms(x, query.x, query.dim, terms);
	return vx_cosine_value(terms);
}

double ball_bound(const vx_index &ix, const Query &query, double dot, double centroid_squared, double radius) {
	// stored norm, both products of scales and integers, and their sum are float32
	const double rounding = 6 * kUnit * (centroid_squared + query.bytes_squared);
	if (query.metric != VX_IP) {
		const double squared = centroid_squared - 2 * dot + query.bytes_squared - rounding;
		const double distance = std::sqrt(std::fmax(0, squared)) - query.bytes_error;
		const double low = distance * (1 - kFloat64) - radius - kFloat64 * (query.norm + radius);
		return operator_interval(query, std::fmax(0, low), 0).low;
	}
	const double centroid_norm = std::sqrt(centroid_squared);
	const double most = query.offset + dot + rounding + query.bytes_error * centroid_norm + query.norm * radius;
	const double row_norm = ix.mean_norm + centroid_norm + radius;
	return -(most + 2 * query.gamma * query.norm * row_norm + kTinyProduct);
}

double estimate_units(const Query &query, double value) {
	return query.metric == VX_L2 ? value * value : query.metric == VX_COSINE ? 2 * value : value;
}

} // namespace vecidx
