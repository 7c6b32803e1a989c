// Shape, rotation and mean of an index, and the refine code of a vector: all that maps table values to index space.
#include "code/index.hpp"

#include <bit>
#include <cmath>

#include "kernel/kernels.hpp"
#include "page/validate.hpp"
#include "tree/plan.hpp"

namespace vecidx {
namespace {

// Values beyond this are kept out of codes: their squares and products would leave float32.
constexpr float kLargestCoded = 1e15f;
// Under cosine the operator's own float32 norm must neither overflow nor lose its relative precision.
constexpr double kSmallestSquaredNorm = 1e-30, kLargestSquaredNorm = 1e30;
constexpr float kSmallestScale = 1e-37f;

float *mean_of(vx_index &ix) {
	return reinterpret_cast<float *>(&ix + 1);
}
float *rotated_mean_of(vx_index &ix) {
	return mean_of(ix) + ix.meta.dim;
}
uint8_t *signs_of(vx_index &ix) {
	return reinterpret_cast<uint8_t *>(rotated_mean_of(ix) + ix.meta.dim);
}

// splitmix64 (Steele, Lea, Flood 2014)
uint64_t next_random(uint64_t &state) {
	uint64_t z = (state += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

void draw_signs(vx_index &ix) {
	uint64_t state = ix.meta.seed;
	uint8_t *signs = signs_of(ix);
	const uint32_t n = kRotationRounds * ix.meta.dim;
	uint64_t word = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (i % 64 == 0)
			word = next_random(state);
		signs[i] = word >> (i % 64) & 1;
	}
}

void rotate_mean(vx_index &ix) {
	const uint32_t dim = ix.meta.dim;
	double y[VX_MAX_DIM];
	double norm = 0;
	for (uint32_t i = 0; i < dim; i++) {
		y[i] = mean_of(ix)[i];
		norm += y[i] * y[i];
	}
	rotate(ix, y);
	for (uint32_t i = 0; i < dim; i++)
		rotated_mean_of(ix)[i] = static_cast<float>(y[i]);
	ix.mean_norm = std::nextafterf(static_cast<float>(std::sqrt(norm)), INFINITY);
}

void complete(vx_index &ix) {
	ix.limits = kLimits;
	ix.rotation_size = std::bit_floor(ix.meta.dim);
	memset(mean_of(ix), 0, sizeof(float) * 2 * ix.meta.dim);
	ix.mean_norm = 0;
	draw_signs(ix);
}

float rounded_error(double error) {
	return error > 0 ? std::nextafterf(static_cast<float>(error * (1 + 1e-12)), INFINITY) : 0;
}

// From a point in the rotated space to an anchor, 0 being the mean.
double squared_distance(const vx_index &ix, const double *y, uint32_t number) {
	double sum = 0;
	for (uint32_t i = 0; i < ix.meta.dim; i++) {
		const vx_origin *anchor = number > 0 ? &anchor_of(ix, number) : nullptr;
		const double miss = anchor != nullptr ? y[i] - static_cast<double>(anchor->scale) * anchor->code[i] : y[i];
		sum += miss * miss;
	}
	return sum;
}

double squared_norm(const float *x, uint32_t dim) {
	double sum = 0;
	for (uint32_t i = 0; i < dim; i++)
		sum += static_cast<double>(x[i]) * x[i];
	return sum;
}

} // namespace

namespace {

// Sum and difference of each coordinate and its counterpart in the other half.
void mix_halves(double *y, uint32_t dim) {
	const uint32_t half = dim / 2;
	const double scale = 1 / std::sqrt(2.0);
	for (uint32_t i = 0; i < half; i++) {
		const double a = y[i], b = y[dim - half + i];
		y[i] = (a + b) * scale;
		y[dim - half + i] = (a - b) * scale;
	}
}

} // namespace

void rotate(const vx_index &ix, double *y) {
	const uint32_t dim = ix.meta.dim, size = ix.rotation_size;
	const double scale = 1 / std::sqrt(static_cast<double>(size));
	const uint8_t *signs = signs_of(ix);
	for (uint32_t round = 0; round < kRotationRounds; round++, signs += dim) {
		for (uint32_t i = 0; i < dim; i++)
			y[i] = __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, y[i]) ^ uint64_t(signs[i]) << 63);
		if (round == kRotationRounds / 2 && dim > kMostUnmixed)
			mix_halves(y, dim);
		double *part = round % 2 == 0 ? y : y + (dim - size);
		kernels().hadamard(part, size);
		for (uint32_t i = 0; i < size; i++)
			part[i] *= scale;
	}
}

void rotate_back(const vx_index &ix, double *y) {
	const uint32_t dim = ix.meta.dim, size = ix.rotation_size;
	const double scale = 1 / std::sqrt(static_cast<double>(size));
	for (uint32_t round = kRotationRounds; round-- > 0;) {
		double *part = round % 2 == 0 ? y : y + (dim - size);
		kernels().hadamard(part, size);
		for (uint32_t i = 0; i < size; i++)
			part[i] *= scale;
		if (round == kRotationRounds / 2 && dim > kMostUnmixed)
			mix_halves(y, dim);
		const uint8_t *signs = signs_of(ix) + size_t(round) * dim;
		for (uint32_t i = 0; i < dim; i++)
			y[i] = signs[i] != 0 ? -y[i] : y[i];
	}
}

bool decode(const vx_index &ix, const vx_code_entry &entry, float *x) {
	const uint32_t dim = ix.meta.dim;
	const vx_origin *anchor = anchor_of_code(ix, entry);
	if (anchor == nullptr && anchor_number(entry.row) > 0)
		return false;
	double y[VX_MAX_DIM];
	for (uint32_t i = 0; i < dim; i++)
		y[i] = static_cast<double>(entry.scale) * entry.code[i] +
			   (anchor != nullptr ? static_cast<double>(anchor->scale) * anchor->code[i] : 0);
	rotate_back(ix, y);
	for (uint32_t i = 0; i < dim; i++)
		x[i] = static_cast<float>(y[i] + mean_of(ix)[i]);
	return true;
}

void project_row(const vx_index &ix, const float *x, double *y) {
	const uint32_t dim = ix.meta.dim;
	const double scale = ix.meta.metric == VX_COSINE ? 1 / std::sqrt(squared_norm(x, dim)) : 1;
	for (uint32_t i = 0; i < dim; i++)
		y[i] = x[i] * scale - mean_of(ix)[i];
	rotate(ix, y);
}

void project_query(const vx_index &ix, const float *q, double *y) {
	if (ix.meta.metric != VX_IP) {
		project_row(ix, q, y);
		return;
	}
	for (uint32_t i = 0; i < ix.meta.dim; i++)
		y[i] = q[i];
	rotate(ix, y);
}

void encode_point(const double *y, uint32_t dim, vx_code_entry &out) {
	const double largest = largest_magnitude(y, dim);
	float scale = std::nextafterf(static_cast<float>(largest / 127), INFINITY);
	if (scale < kSmallestScale)
		scale = 0;
	const double inverse = scale > 0 ? 1.0 / scale : 0;
	double product = 0, squared = 0, error = 0;
	for (uint32_t i = 0; i < dim; i++) {
		const auto code = static_cast<int8_t>(std::lrint(y[i] * inverse));
		product += y[i] * code;
		squared += code * code;
		out.code[i] = code;
	}
	for (uint32_t i = dim; i < (dim + 3) / 4 * 4; i++)
		out.code[i] = 0;
	// The scale that fits these codes best leaves an error at right angles to them: it has no direction of its own,
	// which likely intervals rely on (search/query.cpp).
	if (scale > 0)
		scale = static_cast<float>(product / squared);
	for (uint32_t i = 0; i < dim; i++) {
		const double miss = y[i] - static_cast<double>(scale) * out.code[i];
		error += miss * miss;
	}
	out.scale = scale;
	out.error = rounded_error(std::sqrt(error));
}

NearAnchor nearest_anchor(const vx_index &ix, const double *y) {
	NearAnchor nearest{0, squared_distance(ix, y, 0)};
	for (uint32_t number = 1; number <= ix.meta.nanchors; number++) {
		const double squared = squared_distance(ix, y, number);
		if (squared < nearest.squared)
			nearest = {number, squared};
	}
	return nearest;
}

void encode_near(const vx_index &ix, const float *x, vx_code_entry &out) {
	const uint32_t dim = ix.meta.dim;
	double y[VX_MAX_DIM];
	project_row(ix, x, y);
	const uint32_t nearest = ix.meta.nanchors > 0 ? nearest_anchor(ix, y).number : 0;
	if (nearest > 0) {
		const vx_origin &anchor = anchor_of(ix, nearest);
		for (uint32_t i = 0; i < dim; i++)
			y[i] -= static_cast<double>(anchor.scale) * anchor.code[i];
	}
	encode_point(y, dim, out);
	out.row.flags = static_cast<uint16_t>((out.row.flags & ~VX_ROW_ANCHOR) | nearest << VX_ROW_ANCHOR_SHIFT);
}

const vx_origin *anchor_of_code(const vx_index &ix, const vx_code_entry &entry) {
	const uint32_t number = anchor_number(entry.row);
	return number > 0 && number <= ix.meta.nanchors ? &anchor_of(ix, number) : nullptr;
}

bool make_absolute(const vx_index &ix, vx_code_entry &entry) {
	const uint32_t number = anchor_number(entry.row), dim = ix.meta.dim;
	if (number == 0)
		return true;
	if (number > ix.meta.nanchors)
		return false;
	const vx_origin &anchor = anchor_of(ix, number);
	const float error = entry.error;
	double y[VX_MAX_DIM];
	for (uint32_t i = 0; i < dim; i++) // products of float32 and int8 are exact: one rounding, in any order of work
		y[i] = static_cast<double>(anchor.scale) * anchor.code[i] + static_cast<double>(entry.scale) * entry.code[i];
	encode_point(y, dim, entry);
	entry.error = rounded_error(static_cast<double>(entry.error) + error);
	entry.row.flags &= static_cast<uint16_t>(~VX_ROW_ANCHOR);
	return true;
}

float extra_coordinate(const vx_index &ix, const vx_code_entry &entry) {
	if (ix.meta.metric != VX_IP)
		return 0;
	// |x|^2 = |R mean + y|^2 = sum (mean_i + scale code_i)^2
	const float sum = kernels().refine_l2_squared(rotated_mean_of(ix), entry.code, -entry.scale, ix.meta.dim);
	return 2 * std::sqrt(sum);
}

} // namespace vecidx

using namespace vecidx;

size_t vx_index_size(uint32_t dim, uint32_t anchors) {
	const size_t bytes = sizeof(vx_index) + size_t(dim) * (2 * sizeof(float) + kRotationRounds) + 3;
	return (bytes + size_t(anchors) * vx_origin_bytes(dim) + 7) / 8 * 8;
}

void vx_index_shape(vx_index *ix, uint32_t dim, vx_metric metric, uint32_t bits, uint32_t leaf_size, uint64_t seed) {
	memset(ix, 0, sizeof(*ix));
	vx_meta &meta = ix->meta;
	meta.magic = VX_MAGIC;
	meta.version = VX_FORMAT_VERSION;
	meta.dim = dim;
	meta.metric = static_cast<uint8_t>(metric);
	meta.tree = VX_TREE_KMEANS;
	// one bit is as quick as two from about 384 dimensions on, at half the bytes
	meta.scan_bits = static_cast<uint8_t>(bits != 0 ? bits : dim >= 384 ? 1 : 2);
	meta.seed = seed;
	meta.epoch = 1;
	meta.clock = 1;
	meta.next_node = 1;
	meta.root = meta.mean = meta.raw = meta.wild = meta.late = meta.code_tail = meta.anchors = VX_NO_BLOCK;
	for (uint32_t &block : meta.room)
		block = VX_NO_BLOCK;
	meta.leaf_size = leaf_size != 0 ? leaf_size : page_leaf_size(dim, meta.scan_bits);
	complete(*ix);
}

void vx_index_open(vx_index *ix, const void *meta_page) {
	memset(ix, 0, sizeof(*ix));
	memcpy(&ix->meta, vx_page_meta(meta_page), sizeof(vx_meta));
	complete(*ix);
}

namespace {

const char *take_mean_page(vx_index &ix, uint32_t part, const void *page, uint32_t *next) {
	const uint32_t dim = ix.meta.dim;
	const char *fault = mean_fault(page, dim);
	if (fault != nullptr)
		return fault;
	const auto &header = page_header<vx_mean_header>(page);
	if (header.part != part)
		return "pages of the mean do not continue each other";
	memcpy(mean_of(ix) + size_t(part) * VX_MEAN_PER_PAGE, static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET,
		   vx_mean_coordinates(dim, part) * sizeof(float));
	const bool last = part + 1 == vx_mean_pages(dim);
	*next = last ? ix.meta.anchors : header.next;
	if (!last && (*next == VX_META_BLOCK || *next == VX_NO_BLOCK))
		return "the mean ends early";
	if (last)
		rotate_mean(ix);
	return nullptr;
}

const char *take_anchor_page(vx_index &ix, uint32_t number, const void *page, uint32_t *next) {
	const char *fault = anchor_fault(page, ix.meta.dim, number);
	if (fault != nullptr)
		return fault;
	memcpy(const_cast<vx_origin *>(&anchor_of(ix, number)), static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET,
		   vx_origin_bytes(ix.meta.dim));
	*next = page_header<vx_mean_header>(page).next;
	return nullptr;
}

} // namespace

// The newest anchor comes first, and its page leads to the one before.
const char *vx_index_take_page(vx_index *ix, uint32_t part, const void *page, uint32_t *next) {
	const uint32_t pages = vx_mean_pages(ix->meta.dim);
	return part < pages ? take_mean_page(*ix, part, page, next)
						: take_anchor_page(*ix, ix->meta.nanchors - (part - pages), page, next);
}

void vx_index_set_mean(vx_index *ix, const float *mean) {
	memcpy(mean_of(*ix), mean, sizeof(float) * ix->meta.dim);
	rotate_mean(*ix);
}

void vx_mean_add(const vx_index *ix, const float *x, double *sums) {
	const uint32_t dim = ix->meta.dim;
	const double scale = ix->meta.metric == VX_COSINE ? 1 / std::sqrt(squared_norm(x, dim)) : 1;
	for (uint32_t i = 0; i < dim; i++)
		sums[i] += x[i] * scale;
}

const vx_meta *vx_index_meta(const vx_index *ix) {
	return &ix->meta;
}

vx_class vx_classify(const vx_index *ix, const float *x) {
	const float largest = largest_magnitude(x, ix->meta.dim);
	if (ix->meta.metric == VX_COSINE) {
		if (largest == 0)
			return VX_CLASS_LATE;
		const double norm = squared_norm(x, ix->meta.dim);
		if (norm < kSmallestSquaredNorm || norm > kLargestSquaredNorm)
			return VX_CLASS_WILD;
	}
	return largest <= kLargestCoded ? VX_CLASS_CODED : VX_CLASS_WILD;
}

void vx_encode(const vx_index *ix, const float *x, vx_code_entry *out) {
	double y[VX_MAX_DIM];
	project_row(*ix, x, y);
	encode_point(y, ix->meta.dim, *out);
}
