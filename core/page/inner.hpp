// Reading an inner node block by block: a node is one stream of 64-byte rows over a run of pages, so a block of 16
// children may begin on one page and end on a later one. The cursor puts such a block together in a buffer and hands
// out blocks that lie on one page in place.
#pragma once

#include <cstdint>

#include "page/layout.hpp"

namespace vecidx {

// 16 children (fewer in a node's last block), valid until the cursor moves or the page goes.
struct InnerBlock {
	const uint8_t *rows; // code rows, then a row for each vx_inner_row
	uint32_t first;      // ordinal of the first child
	uint32_t lanes;      // children in this block
	uint32_t page;       // page of the radius row
	uint32_t page_row;   // its row there
};

class InnerCursor {
public:
	// `buffer` has entry_bytes_of(VX_KIND_INNER, dim, 0) bytes and outlives the cursor.
	void start(uint32_t dim, uint32_t block, uint64_t node, uint32_t level, uint8_t *buffer);

	// The page to read next, VX_NO_BLOCK when the node is read.
	uint32_t wanted() const { return wanted_; }

	// Take the wanted page; nullptr, or what is wrong with it.
	const char *take(const void *page);

	// The next block that ends on the page taken last; false when there is none.
	bool next(InnerBlock &out);

	uint32_t children() const { return children_; }

private:
	void locate_radius(InnerBlock &out, uint32_t block_index) const;

	uint8_t *buffer_ = nullptr;
	const uint8_t *rows_ = nullptr; // of the page taken last
	uint64_t node_ = 0;
	uint32_t dim_ = 0, level_ = 0;
	uint32_t wanted_ = VX_NO_BLOCK, page_ = VX_NO_BLOCK, before_ = VX_NO_BLOCK;
	uint32_t children_ = 0;
	uint64_t row_ = 0, page_start_ = 0, page_end_ = 0; // ordinals in the stream
};

// Fields and centroid of one child.
inline uint32_t child_bits(const InnerBlock &block, uint32_t dim, vx_inner_row field, uint32_t lane) {
	uint32_t bits;
	memcpy(&bits, block.rows + (size_t(vx_quads(dim)) + field) * VX_ROW_BYTES + size_t(lane) * 4, sizeof(bits));
	return bits;
}
inline float child_float(const InnerBlock &block, uint32_t dim, vx_inner_row field, uint32_t lane) {
	return __builtin_bit_cast(float, child_bits(block, dim, field, lane));
}
inline uint64_t child_node(const InnerBlock &block, uint32_t dim, uint32_t lane) {
	return uint64_t(child_bits(block, dim, VX_CHILD_NODE_HI, lane)) << 32 |
		   child_bits(block, dim, VX_CHILD_NODE_LO, lane);
}
void child_centroid(const InnerBlock &block, uint32_t dim, uint32_t lane, double *out);

// nullptr, or what is wrong with a child's numbers and pointer taken by themselves.
const char *child_fault(const InnerBlock &block, uint32_t dim, uint32_t lane);

// |scale * code - centroid| + error: how far from the centroid the row of this entry may be.
double reach_of(const vx_code_entry &entry, const double *centroid, uint32_t dim);

} // namespace vecidx
