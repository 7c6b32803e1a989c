// Reading an inner node block by block.
#include "page/inner.hpp"

#include <algorithm>
#include <cmath>

#include "page/validate.hpp"

namespace vecidx {

void InnerCursor::start(uint32_t dim, uint32_t block, uint64_t node, uint32_t level, uint8_t *buffer) {
	*this = {};
	dim_ = dim;
	node_ = node;
	level_ = level;
	buffer_ = buffer;
	wanted_ = block;
}

const char *InnerCursor::take(const void *page) {
	const char *fault = inner_fault(page, dim_, node_, level_);
	if (fault != nullptr)
		return fault;
	const auto &header = page_header<vx_inner_header>(page);
	if (header.first_row != page_end_ || (page_end_ > 0 && header.children != children_))
		return "pages of an inner node do not continue each other";
	children_ = header.children;
	before_ = page_;
	page_ = wanted_;
	wanted_ = header.next;
	rows_ = static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET;
	page_start_ = page_end_;
	page_end_ += inner_rows_here(page, dim_);
	return nullptr;
}

// The radius is so near the end of a block that it lies on the same page as the end or on the one before.
void InnerCursor::locate_radius(InnerBlock &out, uint32_t block_index) const {
	static_assert(uint32_t(VX_CHILD_FIELDS) < VX_ROWS_PER_PAGE);
	const uint64_t at = uint64_t(block_index) * vx_inner_block_rows(dim_) + vx_quads(dim_) + VX_CHILD_RADIUS;
	out.page = at >= page_start_ ? page_ : before_;
	out.page_row = static_cast<uint32_t>(at % VX_ROWS_PER_PAGE);
}

bool InnerCursor::next(InnerBlock &out) {
	const uint32_t block_rows = vx_inner_block_rows(dim_);
	const auto have = static_cast<uint32_t>(row_ % block_rows), left = static_cast<uint32_t>(page_end_ - row_);
	const uint32_t need = block_rows - have, n = std::min(need, left);
	const uint8_t *from = rows_ + (row_ - page_start_) * VX_ROW_BYTES;
	if (n == 0)
		return false;
	row_ += n;
	if (n < block_rows)
		memcpy(buffer_ + size_t(have) * VX_ROW_BYTES, from, size_t(n) * VX_ROW_BYTES);
	if (n < need)
		return false;
	const auto index = static_cast<uint32_t>(row_ / block_rows - 1);
	out.rows = n < block_rows ? buffer_ : from;
	out.first = index * VX_LANES;
	out.lanes = std::min(VX_LANES, children_ - out.first);
	locate_radius(out, index);
	return true;
}

void child_centroid(const InnerBlock &block, uint32_t dim, uint32_t lane, double *out) {
	const double scale = child_float(block, dim, VX_CHILD_SCALE, lane);
	for (uint32_t i = 0; i < dim; i++)
		out[i] = scale * (block.rows[size_t(i / 4) * VX_ROW_BYTES + size_t(lane) * 4 + i % 4] - 128);
}

const char *child_fault(const InnerBlock &block, uint32_t dim, uint32_t lane) {
	const float scale = child_float(block, dim, VX_CHILD_SCALE, lane);
	const float norm = child_float(block, dim, VX_CHILD_NORM, lane);
	const float radius = child_float(block, dim, VX_CHILD_RADIUS, lane);
	const float spread = child_float(block, dim, VX_CHILD_SPREAD, lane);
	const float aux = child_float(block, dim, VX_CHILD_AUX, lane);
	if (!(scale >= 0) || !(norm >= 0) || !(radius >= 0) || !(spread >= 0) || !std::isfinite(scale) ||
		!std::isfinite(norm) || std::isnan(radius) || !std::isfinite(spread) || !std::isfinite(aux))
		return "an inner node's child has impossible numbers";
	const uint32_t to = child_bits(block, dim, VX_CHILD_BLOCK, lane);
	return to != VX_META_BLOCK && to != VX_NO_BLOCK ? nullptr : "an inner node's child has no page";
}

double reach_of(const vx_code_entry &entry, const double *centroid, uint32_t dim) {
	double sum = 0;
	for (uint32_t i = 0; i < dim; i++) {
		const double miss = static_cast<double>(entry.scale) * entry.code[i] - centroid[i];
		sum += miss * miss;
	}
	return std::sqrt(sum) + entry.error;
}

} // namespace vecidx
