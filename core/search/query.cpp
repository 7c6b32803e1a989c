// Preparation of queries and the error analysis behind every bound the index reports.
#include "search/query.hpp"

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

uint32_t padded_bytes(const vx_index &ix) {
	// whole rows of scan codes at 1 bit (32 dimensions a row) cover every other use
	return (ix.meta.dim + 31) / 32 * 32;
}

// From an interval of true distances between (unit) vectors to one of operator results.
Interval operator_interval(const Query &query, double low, double high) {
	const double gamma = query.gamma;
	if (query.metric == VX_L2)
		return {std::fmax(0, low * (1 - gamma) - kTiny), high * (1 + gamma) + kTiny};
	// d = |a - b|^2 / 2 for unit vectors; the operator's product and norms each err by gamma at most
	return {std::fmax(0, low * low / 2 - 4 * gamma), high * high / 2 + 4 * gamma};
}

bool is_finite(const vx_code_entry &entry) {
	return std::isfinite(entry.scale) && std::isfinite(entry.error) && entry.scale >= 0 && entry.error >= 0;
}

} // namespace

size_t query_bytes(const vx_index &ix) {
	return (size_t(ix.meta.dim) * 2 * sizeof(float) + 63) / 64 * 64 + padded_bytes(ix) + 64;
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
	query.shape = quantize_query(y, dim, padded_bytes(ix), query.bytes);
	double bytes_squared = 0;
	for (uint32_t i = 0; i < dim; i++)
		bytes_squared += static_cast<double>(query.bytes[i]) * query.bytes[i];
	query.bytes_squared = bytes_squared * query.shape.scale * query.shape.scale;
	const uint32_t covered = vx_scan_dims(dim, ix.meta.scan_bits);
	for (uint32_t i = 0; i < covered; i++)
		query.covered_sum += query.bytes[i];
	// -2 <query - bytes, y> for rows y about as long as the query, in no particular direction, by what codes cover
	query.estimate_rounding =
		static_cast<float>(2 * query.shape.error * query.norm / std::sqrt(static_cast<double>(covered)));
	if (query.metric == VX_IP)
		for (uint32_t i = 0; i < dim; i++)
			query.offset += static_cast<double>(vector[i]) * mean_of(ix)[i];
}

Interval coded_interval(const vx_index &ix, const Query &query, const vx_code_entry &entry) {
	if (query.wild || !is_finite(entry))
		return {-kInfinity, kInfinity};
	const double gamma = query.gamma, error = entry.error;
	if (query.metric != VX_IP) {
		const float sum = kernels().refine_l2_squared(query.point, entry.code, entry.scale, query.dim);
		if (!std::isfinite(sum))
			return {-kInfinity, kInfinity};
		const double a = std::sqrt(static_cast<double>(sum));
		// scale * code may be rounded before it is subtracted: an error in the size of the terms, not of the difference
		const double slack = query.point_error + gamma * a + (2 * kUnit + kFloat64) * (query.norm + a + error) + kTiny;
		return operator_interval(query, std::fmax(0, a - error - slack), a + error + slack);
	}
	const float dot = kernels().refine_dot(query.point, entry.code, query.dim);
	const double product = query.offset + static_cast<double>(entry.scale) * dot;
	const double code_norm = 127 * std::sqrt(static_cast<double>(query.dim)) * entry.scale;
	const double row_norm = ix.mean_norm + code_norm + error; // at least |x|
	const double slack = query.norm * error + query.point_error * (code_norm + error) +
						 gamma * query.norm * (code_norm + row_norm) + kFloat64 * query.norm * row_norm + kTinyProduct;
	if (!std::isfinite(product) || !std::isfinite(slack))
		return {-kInfinity, kInfinity};
	return {-product - slack, -product + slack};
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
	const double rounding = 4 * kUnit * (centroid_squared + query.bytes_squared); // stored norm and scales are float32
	if (query.metric != VX_IP) {
		const double squared = centroid_squared - 2 * dot + query.bytes_squared - rounding;
		const double distance = std::sqrt(std::fmax(0, squared)) - query.shape.error;
		const double low = distance * (1 - kFloat64) - radius - kFloat64 * (query.norm + radius);
		return operator_interval(query, std::fmax(0, low), 0).low;
	}
	const double centroid_norm = std::sqrt(centroid_squared);
	const double most = query.offset + dot + rounding + query.shape.error * centroid_norm + query.norm * radius;
	const double row_norm = ix.mean_norm + centroid_norm + radius;
	return -(most + 2 * query.gamma * query.norm * row_norm + kTinyProduct);
}

double estimate_units(const Query &query, double value) {
	return query.metric == VX_L2 ? value * value : query.metric == VX_COSINE ? 2 * value : value;
}

} // namespace vecidx
