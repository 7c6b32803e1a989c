// The layout that FORMAT.md states, checked by the compiler. Changing a number here means a new format version.
#include <cstddef>

#include "code/index.hpp"
#include "kernel/kernels.hpp"
#include "page/layout.hpp"

namespace vecidx {
namespace {

// ---- page
static_assert(VX_PAGE_SIZE == 8192 && VX_SPECIAL_OFFSET == 8168 && VX_HEADER_OFFSET == 24);
static_assert(VX_ENTRIES_OFFSET == VX_HEADER_OFFSET + sizeof(vx_rows_header));
static_assert(VX_BLOCKS_OFFSET == VX_HEADER_OFFSET + sizeof(vx_leaf_header));
static_assert(VX_BLOCKS_OFFSET % 64 == 0 && VX_ROWS_PER_PAGE == 126);

static_assert(sizeof(vx_special) == VX_SPECIAL_SIZE);
static_assert(offsetof(vx_special, node) == 0 && offsetof(vx_special, codes) == 8 && offsetof(vx_special, kind) == 16);
static_assert(offsetof(vx_special, level) == 18 && offsetof(vx_special, entry_bytes) == 20);
static_assert(offsetof(vx_special, page_id) == 22);

// ---- meta
static_assert(sizeof(vx_curve) == 224 && sizeof(vx_calibration) == 688 && offsetof(vx_calibration, curves) == 16);
static_assert(sizeof(vx_meta) == 1544 && offsetof(vx_meta, calibrations) == 168);
static_assert(offsetof(vx_meta, magic) == 0 && offsetof(vx_meta, version) == 4 && offsetof(vx_meta, dim) == 8);
static_assert(offsetof(vx_meta, metric) == 12 && offsetof(vx_meta, tree) == 13);
static_assert(offsetof(vx_meta, scan_bits) == 14 && offsetof(vx_meta, levels) == 15);
static_assert(offsetof(vx_meta, seed) == 16 && offsetof(vx_meta, epoch) == 24 && offsetof(vx_meta, clock) == 32);
static_assert(offsetof(vx_meta, next_node) == 40 && offsetof(vx_meta, root_node) == 48);
static_assert(offsetof(vx_meta, raw_node) == 56 && offsetof(vx_meta, root) == 64 && offsetof(vx_meta, mean) == 68);
static_assert(offsetof(vx_meta, raw) == 72 && offsetof(vx_meta, wild) == 76 && offsetof(vx_meta, late) == 80);
static_assert(offsetof(vx_meta, code_tail) == 84 && offsetof(vx_meta, room) == 88);
static_assert(offsetof(vx_meta, leaves) == 104 && offsetof(vx_meta, leaf_size) == 108);
static_assert(offsetof(vx_meta, rows) == 112 && offsetof(vx_meta, spread) == 120);
static_assert(offsetof(vx_meta, local_dim) == 128 && offsetof(vx_meta, trained) == 136 &&
			  offsetof(vx_meta, anchors) == 144);
static_assert(offsetof(vx_meta, nanchors) == 148 && offsetof(vx_meta, reserved) == 152);

// ---- chains
static_assert(sizeof(vx_chain_header) == 8 && offsetof(vx_chain_header, next) == 0);
static_assert(offsetof(vx_chain_header, count) == 4 && offsetof(vx_chain_header, behind) == 6);
static_assert(sizeof(vx_rows_header) == 16 && offsetof(vx_rows_header, chain) == 0);
static_assert(offsetof(vx_rows_header, room) == 8 && offsetof(vx_rows_header, dead) == 12 &&
			  offsetof(vx_rows_header, free) == 14);
static_assert(sizeof(vx_row) == 8 && offsetof(vx_row, block) == 0);
static_assert(offsetof(vx_row, offset) == 4 && offsetof(vx_row, flags) == 6);
static_assert(sizeof(vx_code_entry) == 16 && offsetof(vx_code_entry, row) == 0 && offsetof(vx_code_entry, scale) == 8);
static_assert(offsetof(vx_code_entry, error) == 12 && offsetof(vx_code_entry, code) == 16);
static_assert((VX_ROW_ANCHOR & (VX_ROW_DEAD | VX_ROW_NULL | VX_ROW_FREE)) == 0 &&
			  VX_ROW_ANCHOR >> VX_ROW_ANCHOR_SHIFT == VX_MOST_ANCHORS);
static_assert(sizeof(vx_raw_entry) == 8 && offsetof(vx_raw_entry, row) == 0 && offsetof(vx_raw_entry, x) == 8);

// ---- leaf
static_assert(sizeof(vx_leaf_header) == 40 && offsetof(vx_leaf_header, chain) == 0);
static_assert(offsetof(vx_leaf_header, unit) == 8 && offsetof(vx_leaf_header, error) == 12);
static_assert(offsetof(vx_leaf_header, moved) == 16 && offsetof(vx_leaf_header, horizon) == 24);
static_assert(offsetof(vx_leaf_header, forgot) == 32);
static_assert(VX_MOST_SCAN_DIMS == 8 * kMostCodeBytes);
static_assert(kBlockEntries == VX_LANES && kRowBytes == VX_ROW_BYTES && VX_ROW_BYTES == 4 * VX_LANES);

// ---- mean
static_assert(sizeof(vx_mean_header) == 8 && offsetof(vx_mean_header, next) == 0);
static_assert(offsetof(vx_mean_header, part) == 6);

// ---- inner
static_assert(sizeof(vx_inner_header) == 40 && offsetof(vx_inner_header, next) == 0);
static_assert(offsetof(vx_inner_header, blocks) == 4 && offsetof(vx_inner_header, part) == 6);
static_assert(offsetof(vx_inner_header, horizon) == 8 && offsetof(vx_inner_header, forgot) == 16);
static_assert(offsetof(vx_inner_header, until) == 24);
static_assert(VX_CHILD_SCALE == 0 && VX_CHILD_NORM == 1 && VX_CHILD_RADIUS == 2 && VX_CHILD_SPREAD == 3);
static_assert(VX_CHILD_AUX == 4 && VX_CHILD_BLOCK == 5 && VX_CHILD_NODE_LO == 6 && VX_CHILD_NODE_HI == 7);
static_assert(VX_CHILD_BORN_LO == 8 && VX_CHILD_RETIRED_LO == 10 && VX_CHILD_FIELDS == 12);

// ---- everything fits
static_assert(VX_HEADER_OFFSET + sizeof(vx_meta) <= VX_SPECIAL_OFFSET);
static_assert(VX_MEAN_PER_PAGE == 2026 && (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / (8 + 4 * VX_MEAN_PER_PAGE) == 1);
static_assert(8 + 4 * VX_MAX_DIM <= UINT16_MAX); // entry_bytes of the empty raw run
static_assert((VX_MAX_DIM + 3) / 4 + VX_CHILD_FIELDS <= UINT16_MAX);
static_assert(16 + VX_MAX_DIM <= 2 * (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET)); // a code takes two pages at most
static_assert(255LL * 127 * VX_MAX_DIM <= INT32_MAX);                          // sums of products of bytes

} // namespace
} // namespace vecidx
