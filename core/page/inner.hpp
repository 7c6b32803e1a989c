// Inner nodes: reading one block by block, and the fields of its lanes.
//
// A lane is a child entry. It is written while its birth is VX_NEVER, becomes visible to scans that start later when a
// birth is set, and stays readable for those that started before its retirement: see lane_seen.
#pragma once

#include <cstdint>

#include "page/layout.hpp"

namespace vecidx {

// Where a block's fields lie.
struct BlockPlace {
	uint32_t page; // first page of its group
	uint32_t row;  // of the first field there
};

// 16 lanes, valid until the cursor moves or the page goes.
struct InnerBlock {
	const uint8_t *rows; // a row for each vx_inner_row, then code rows
	BlockPlace place;

	uint32_t bits(vx_inner_row field, uint32_t lane) const {
		uint32_t value;
		memcpy(&value, rows + size_t(field) * VX_ROW_BYTES + size_t(lane) * 4, sizeof(value));
		return value;
	}
	float number(vx_inner_row field, uint32_t lane) const { return __builtin_bit_cast(float, bits(field, lane)); }
	uint64_t word(vx_inner_row low, uint32_t lane) const {
		return uint64_t(bits(static_cast<vx_inner_row>(low + 1), lane)) << 32 | bits(low, lane);
	}
	uint32_t child(uint32_t lane) const { return bits(VX_CHILD_BLOCK, lane); }
	uint64_t node(uint32_t lane) const { return word(VX_CHILD_NODE_LO, lane); }
	uint64_t born(uint32_t lane) const { return word(VX_CHILD_BORN_LO, lane); }
	uint64_t retired(uint32_t lane) const { return word(VX_CHILD_RETIRED_LO, lane); }
	const uint8_t *codes() const { return rows + size_t(VX_CHILD_FIELDS) * VX_ROW_BYTES; }
};

// Does a scan that started at this clock use the lane?
inline bool lane_seen(const InnerBlock &block, uint32_t lane, uint64_t start) {
	return block.born(lane) <= start && start < block.retired(lane);
}
inline bool lane_lives(const InnerBlock &block, uint32_t lane) {
	return block.born(lane) != VX_NEVER && block.retired(lane) == VX_NEVER;
}
inline bool lane_used(const InnerBlock &block, uint32_t lane) {
	return block.child(lane) != VX_NO_BLOCK;
}

class InnerCursor {
public:
	// `buffer` has inner_block_bytes(dim) bytes and outlives the cursor.
	void start(uint32_t dim, uint32_t block, uint64_t node, uint32_t level, uint8_t *buffer);

	// The page to read next, VX_NO_BLOCK when the node is read.
	uint32_t wanted() const { return wanted_; }

	// Take the wanted page; nullptr, or what is wrong with it.
	const char *take(const void *page);

	// The next block that ends on the page taken last; false when there is none.
	bool next(InnerBlock &out);

private:
	uint8_t *buffer_ = nullptr;
	const uint8_t *rows_ = nullptr; // of the page taken last
	uint64_t node_ = 0;
	uint32_t dim_ = 0, level_ = 0;
	uint32_t wanted_ = VX_NO_BLOCK, page_ = VX_NO_BLOCK;
	uint32_t first_ = VX_NO_BLOCK; // first page of the group being read
	uint32_t part_ = 0;            // next page of that group
	uint32_t blocks_ = 0, at_ = 0; // on the page taken last
};

inline uint32_t inner_block_bytes(uint32_t dim) {
	return vx_inner_block_rows(dim) * VX_ROW_BYTES;
}
// Blocks that fit a page, or the one that takes several.
inline uint32_t inner_blocks(uint32_t dim) {
	return vx_inner_blocks_per_page(dim) > 0 ? vx_inner_blocks_per_page(dim) : 1;
}

void child_centroid(const InnerBlock &block, uint32_t dim, uint32_t lane, double *out);

// nullptr, or what is wrong with a used lane's numbers and pointer taken by themselves.
const char *child_fault(const InnerBlock &block, uint32_t lane);

// ---- writing

// What a lane says of its child.
struct Child {
	float scale, norm, radius, spread, aux;
	uint32_t block;
	uint64_t node, born, retired;
};
Child child_of(const InnerBlock &block, uint32_t lane);

// All lanes of a block of this page, or of this part of a group, out of use.
void clear_block(void *page, uint32_t dim, uint32_t block);
// The fields of a lane whose block starts at this row of the page.
void put_fields(void *page, uint32_t row, uint32_t lane, const Child &child);
// The centroid's bytes (vx_quads(dim) * 4, code + 128) as far as they lie on this part of the block's group.
void put_codes(void *page, uint32_t dim, uint32_t row, uint32_t part, uint32_t lane, const uint8_t *codes);
// One field.
void put_float(void *page, uint32_t row, vx_inner_row field, uint32_t lane, float value);
void put_word(void *page, uint32_t row, vx_inner_row low, uint32_t lane, uint64_t value);
float get_float(const void *page, uint32_t row, vx_inner_row field, uint32_t lane);

// A lane of this page was retired at that clock. The horizon covers the lanes retired up to `until`; one that is set
// may come to pass while others go on retiring, so it is not moved before the lanes that it covers are used again.
inline void retire_on(void *page, uint64_t clock, uint64_t now) {
	auto &header = page_header<vx_inner_header>(page);
	if (header.until != 0)
		return;
	header.horizon = now;
	header.until = clock;
}

// The block at this row of a page, for its fields alone where a block takes several pages.
inline InnerBlock block_at(const void *page, uint32_t number, uint32_t row) {
	return {static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET + size_t(row) * VX_ROW_BYTES, {number, row}};
}

// |scale * code - centroid| + error: how far from the centroid the row of this entry may be.
double reach_of(const vx_code_entry &entry, const double *centroid, uint32_t dim);

} // namespace vecidx
