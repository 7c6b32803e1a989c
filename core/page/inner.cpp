// Inner nodes: reading one block by block, and the fields of its lanes.
#include "page/inner.hpp"

#include <algorithm>
#include <cmath>

#include "page/validate.hpp"

namespace vecidx {
namespace {

uint8_t *row_of(void *page, uint32_t row) {
	return static_cast<uint8_t *>(page) + VX_BLOCKS_OFFSET + size_t(row) * VX_ROW_BYTES;
}

// Fields of a block that lie on the first page of its group: all of them.
static_assert(uint32_t(VX_CHILD_FIELDS) < VX_ROWS_PER_PAGE);

} // namespace

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
	if (header.part != part_)
		return "pages of an inner node do not continue each other";
	page_ = wanted_;
	wanted_ = header.next;
	rows_ = static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET;
	blocks_ = header.blocks;
	at_ = 0;
	if (part_ == 0)
		first_ = page_;
	const uint32_t parts = vx_inner_group_pages(dim_);
	if (parts > 1) {
		const uint32_t done = part_ * VX_ROWS_PER_PAGE, left = vx_inner_block_rows(dim_) - done;
		memcpy(buffer_ + size_t(done) * VX_ROW_BYTES, rows_, size_t(std::min(left, VX_ROWS_PER_PAGE)) * VX_ROW_BYTES);
		part_ = part_ + 1 < parts ? part_ + 1 : 0;
		blocks_ = part_ == 0 ? 1 : 0;
		if (part_ != 0 && wanted_ == VX_NO_BLOCK)
			return "an inner node ends within a block";
	}
	return nullptr;
}

bool InnerCursor::next(InnerBlock &out) {
	if (at_ == blocks_)
		return false;
	const uint32_t row = at_++ * vx_inner_block_rows(dim_);
	const bool alone = vx_inner_group_pages(dim_) > 1;
	out.rows = alone ? buffer_ : rows_ + size_t(row) * VX_ROW_BYTES;
	out.place = {first_, row};
	if (!alone)
		out.place.page = page_;
	return true;
}

void child_centroid(const InnerBlock &block, uint32_t dim, uint32_t lane, double *out) {
	const double scale = block.number(VX_CHILD_SCALE, lane);
	const uint8_t *codes = block.codes() + size_t(lane) * 4;
	for (uint32_t i = 0; i < dim; i++)
		out[i] = scale * (codes[size_t(i / 4) * VX_ROW_BYTES + i % 4] - 128);
}

const char *child_fault(const InnerBlock &block, uint32_t lane) {
	const Child child = child_of(block, lane);
	if (!(child.scale >= 0) || !(child.norm >= 0) || !(child.radius >= 0) || !(child.spread >= 0) ||
		!std::isfinite(child.scale) || !std::isfinite(child.norm) || std::isnan(child.radius) ||
		!std::isfinite(child.spread) || !std::isfinite(child.aux))
		return "an inner node's child has impossible numbers";
	if (child.born > child.retired)
		return "an inner node's child retired before it was born";
	return child.block != VX_META_BLOCK && child.block != VX_NO_BLOCK ? nullptr : "an inner node's child has no page";
}

Child child_of(const InnerBlock &block, uint32_t lane) {
	return {block.number(VX_CHILD_SCALE, lane),
			block.number(VX_CHILD_NORM, lane),
			block.number(VX_CHILD_RADIUS, lane),
			block.number(VX_CHILD_SPREAD, lane),
			block.number(VX_CHILD_AUX, lane),
			block.child(lane),
			block.node(lane),
			block.born(lane),
			block.retired(lane)};
}

void clear_block(void *page, uint32_t dim, uint32_t block) {
	const uint32_t rows = vx_inner_block_rows(dim), part = page_header<vx_inner_header>(page).part;
	const uint32_t row = block * rows, first_code = part == 0 ? uint32_t(VX_CHILD_FIELDS) : 0;
	const uint32_t here = std::min(rows - part * VX_ROWS_PER_PAGE, VX_ROWS_PER_PAGE);
	memset(row_of(page, row + first_code), 128, size_t(here - first_code) * VX_ROW_BYTES);
	const Child none{0, INFINITY, 0, 0, 0, VX_NO_BLOCK, 0, VX_NEVER, VX_NEVER};
	for (uint32_t lane = 0; part == 0 && lane < VX_LANES; lane++)
		put_fields(page, row, lane, none);
}

void put_float(void *page, uint32_t row, vx_inner_row field, uint32_t lane, float value) {
	memcpy(row_of(page, row + field) + size_t(lane) * 4, &value, sizeof(value));
}

float get_float(const void *page, uint32_t row, vx_inner_row field, uint32_t lane) {
	return block_at(page, 0, row).number(field, lane);
}

namespace {

void put_half(void *page, uint32_t row, uint32_t field, uint32_t lane, uint32_t value) {
	memcpy(row_of(page, row + field) + size_t(lane) * 4, &value, sizeof(value));
}

} // namespace

void put_word(void *page, uint32_t row, vx_inner_row low, uint32_t lane, uint64_t value) {
	put_half(page, row, low, lane, static_cast<uint32_t>(value));
	put_half(page, row, low + 1U, lane, static_cast<uint32_t>(value >> 32));
}

void put_fields(void *page, uint32_t row, uint32_t lane, const Child &child) {
	put_float(page, row, VX_CHILD_SCALE, lane, child.scale);
	put_float(page, row, VX_CHILD_NORM, lane, child.norm);
	put_float(page, row, VX_CHILD_RADIUS, lane, child.radius);
	put_float(page, row, VX_CHILD_SPREAD, lane, child.spread);
	put_float(page, row, VX_CHILD_AUX, lane, child.aux);
	put_half(page, row, VX_CHILD_BLOCK, lane, child.block);
	put_word(page, row, VX_CHILD_NODE_LO, lane, child.node);
	put_word(page, row, VX_CHILD_BORN_LO, lane, child.born);
	put_word(page, row, VX_CHILD_RETIRED_LO, lane, child.retired);
}

void put_codes(void *page, uint32_t dim, uint32_t row, uint32_t part, uint32_t lane, const uint8_t *codes) {
	const uint32_t fields = VX_CHILD_FIELDS, first = part * VX_ROWS_PER_PAGE;
	const uint32_t end = std::min(vx_inner_block_rows(dim), first + VX_ROWS_PER_PAGE);
	for (uint32_t r = std::max(first, fields); r < end; r++)
		memcpy(row_of(page, row + r - first) + size_t(lane) * 4, codes + size_t(r - fields) * 4, 4);
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
