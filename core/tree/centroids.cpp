// Sets of points with 8 bits a dimension: rows to be clustered, and centroids.
#include "tree/centroids.hpp"

#include <algorithm>
#include <cmath>

#include "kernel/float4.hpp"
#include "kernel/kernels.hpp"

namespace vecidx {

void Points::carve(Carver &memory, uint32_t points, uint32_t dimensions, bool with_extra) {
	n = points;
	dim = dimensions;
	stride = vx_code_stride(dim);
	sum = memory.take<int32_t>(n);
	norm = memory.take<float>(n);
	extra = with_extra ? memory.take<float>(n) : nullptr;
}

void Points::measure(uint32_t i, float extra_coordinate) const {
	const vx_code_entry &entry = (*this)[i];
	int32_t total = 0, squares = 0;
	for (uint32_t j = 0; j < dim; j++) {
		total += entry.code[j];
		squares += entry.code[j] * entry.code[j];
	}
	sum[i] = total;
	const double scale = entry.scale;
	norm[i] = static_cast<float>(scale * scale * squares + static_cast<double>(extra_coordinate) * extra_coordinate);
	if (extra != nullptr)
		extra[i] = extra_coordinate;
}

PointView view(const vx_index &ix, const vx_code_entry &entry) {
	PointView point{entry.code, entry.scale, extra_coordinate(ix, entry), 0};
	for (uint32_t i = 0; i < ix.meta.dim; i++)
		point.sum += entry.code[i];
	return point;
}

void Centroids::carve(Carver &memory, uint32_t capacity, uint32_t dimensions, bool with_extra) {
	dim = dimensions;
	quads = vx_quads(dim);
	slots = 0;
	capacity = whole_blocks(capacity);
	codes = memory.take<uint8_t>(checked_product(capacity, size_t(quads) * 4));
	norm = memory.take<float>(capacity);
	scale = memory.take<float>(capacity);
	extra = with_extra ? memory.take<float>(capacity) : nullptr;
}

void Centroids::clear(uint32_t count) {
	slots = whole_blocks(count);
	memset(codes, 128, size_t(slots) * quads * 4);
	std::fill_n(norm, slots, INFINITY);
	std::fill_n(scale, slots, 0.0F);
	if (extra != nullptr)
		std::fill_n(extra, slots, 0.0F);
}

// Fields that follow from the code in the slot.
void Centroids::measure(uint32_t slot, float centroid_scale, float extra_coordinate) {
	const uint8_t *from = lane(slot);
	int32_t squares = 0;
	for (uint32_t quad = 0; quad < quads; quad++)
		for (uint32_t k = 0; k < 4; k++) {
			const int32_t code = from[size_t(quad) * VX_ROW_BYTES + k] - 128;
			squares += code * code;
		}
	const double s = centroid_scale;
	if (extra == nullptr)
		extra_coordinate = 0;
	else
		extra[slot] = extra_coordinate;
	scale[slot] = centroid_scale;
	norm[slot] = static_cast<float>(s * s * squares + static_cast<double>(extra_coordinate) * extra_coordinate);
}

void Centroids::set(uint32_t slot, const double *point, float extra_coordinate) {
	constexpr float kSmallestScale = 1e-37F;
	double largest = 0;
	for (uint32_t i = 0; i < dim; i++)
		largest = std::fmax(largest, std::fabs(point[i]));
	float step = std::nextafterf(static_cast<float>(largest / 127), INFINITY);
	if (step < kSmallestScale)
		step = 0;
	const double inverse = step > 0 ? 1.0 / step : 0;
	uint8_t *to = lane(slot);
	for (uint32_t i = 0; i < dim; i++)
		to[size_t(i / 4) * VX_ROW_BYTES + i % 4] = static_cast<uint8_t>(128 + std::lrint(point[i] * inverse));
	measure(slot, step, extra_coordinate);
}

void Centroids::set(uint32_t slot, const vx_code_entry &entry, float extra_coordinate) {
	uint8_t *to = lane(slot);
	for (uint32_t i = 0; i < dim; i++)
		to[size_t(i / 4) * VX_ROW_BYTES + i % 4] = static_cast<uint8_t>(entry.code[i] + 128);
	measure(slot, entry.scale, extra_coordinate);
}

void Centroids::set_bytes(uint32_t slot, const uint8_t *bytes, float centroid_scale, float extra_coordinate) {
	uint8_t *to = lane(slot);
	for (uint32_t quad = 0; quad < quads; quad++)
		memcpy(to + size_t(quad) * VX_ROW_BYTES, bytes + size_t(quad) * 4, 4);
	measure(slot, centroid_scale, extra_coordinate);
}

void Centroids::copy(uint32_t slot, const Centroids &from, uint32_t from_slot) {
	uint8_t *to = lane(slot);
	const uint8_t *source = from.lane(from_slot);
	for (uint32_t quad = 0; quad < quads; quad++)
		memcpy(to + size_t(quad) * VX_ROW_BYTES, source + size_t(quad) * VX_ROW_BYTES, 4);
	norm[slot] = from.norm[from_slot];
	scale[slot] = from.scale[from_slot];
	if (extra != nullptr)
		extra[slot] = from.extra[from_slot];
}

void Centroids::truncate(uint32_t count) {
	slots = whole_blocks(count);
	for (uint32_t slot = count; slot < slots; slot++) {
		for (uint32_t quad = 0; quad < quads; quad++)
			memset(lane(slot) + size_t(quad) * VX_ROW_BYTES, 128, 4);
		norm[slot] = INFINITY;
		scale[slot] = 0;
		if (extra != nullptr)
			extra[slot] = 0;
	}
}

void Centroids::decode(uint32_t slot, double *out) const {
	const uint8_t *from = lane(slot);
	const double step = scale[slot];
	for (uint32_t i = 0; i < dim; i++)
		out[i] = step * (from[size_t(i / 4) * VX_ROW_BYTES + i % 4] - 128);
}

void Centroids::bytes(uint32_t slot, uint8_t *out) const {
	const uint8_t *from = lane(slot);
	for (uint32_t quad = 0; quad < quads; quad++)
		memcpy(out + size_t(quad) * 4, from + size_t(quad) * VX_ROW_BYTES, 4);
}

void Centroids::entry(uint32_t slot, vx_code_entry &out) const {
	const uint8_t *from = lane(slot);
	out.row = {};
	out.scale = scale[slot];
	out.error = 0;
	for (uint32_t i = 0; i < quads * 4; i++)
		out.code[i] = static_cast<int8_t>(from[size_t(i / 4) * VX_ROW_BYTES + i % 4] - 128);
}

float Centroids::block_costs(uint32_t block, const PointView &point, float cost[VX_LANES]) const {
	alignas(64) int32_t sums[VX_LANES] = {};
	kernels().centroid_rows(codes + size_t(block) * quads * VX_ROW_BYTES, point.code, quads, sums);
	const size_t first = size_t(block) * VX_LANES;
	const float weight = 2 * point.scale, extra_weight = 2 * point.extra;
	const Int4 offset = Int4{} + 128 * point.sum;
	Float4 least = Float4{} + INFINITY;
	for (uint32_t i = 0; i < VX_LANES; i += 4) {
		Int4 sum;
		memcpy(&sum, sums + i, sizeof(sum));
		const Float4 dot = __builtin_convertvector(sum - offset, Float4);
		Float4 value = load4(norm + first + i) - load4(scale + first + i) * weight * dot;
		if (extra != nullptr)
			value -= load4(extra + first + i) * extra_weight;
		memcpy(cost + i, &value, sizeof(value));
		least = value < least ? value : least;
	}
	return std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
}

namespace {

// A point in 6 bits. Halves go to the even side: away from 0 they would make all points longer.
PointView rough_point(const PointView &point, uint32_t bytes, int8_t *out) {
	static_assert((127 + 1 + 1) >> 2 == kLargestRough);
	PointView rough = {out, point.scale * 4, point.extra, 0};
	for (uint32_t i = 0; i < bytes; i++) {
		const int code = point.code[i];
		out[i] = static_cast<int8_t>((code + 1 + (code >> 2 & 1)) >> 2);
		rough.sum += out[i];
	}
	return rough;
}

} // namespace

void Centroids::nearest(const PointView *points, uint32_t n, bool rough, uint32_t best[4], float cost[4]) const {
	int8_t rounded[4][VX_MAX_DIM];
	const int8_t *codes4[4];
	float scales[4], extras[4];
	int32_t sums[4];
	for (uint32_t i = 0; i < 4; i++) {
		const PointView &full = points[i < n ? i : n - 1];
		const PointView point = rough ? rough_point(full, quads * 4, rounded[i]) : full;
		codes4[i] = point.code;
		scales[i] = point.scale;
		extras[i] = point.extra;
		sums[i] = point.sum;
	}
	const auto assign4 = rough ? kernels().assign4_rough : kernels().assign4;
	assign4(codes4, scales, sums, extras, codes, norm, scale, extra, slots / VX_LANES, quads, best, cost);
}

} // namespace vecidx
