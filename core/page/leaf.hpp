// Entries of a leaf page: scan codes interleaved 16 at a time, with their float16 factors and references to code slots.
//
// In an interleaved block an entry's bytes lie 64 apart, and the WAL would have the whole block when its first entry
// comes. So the block that entries are added to is row-major, an entry's bytes together, until it is full.
#pragma once

#include "code/scancode.hpp"
#include "page/layout.hpp"

namespace vecidx {

// Entries that this page can take behind those it has.
inline uint32_t leaf_room(const void *page, uint32_t dim, uint32_t bits) {
	const bool origin = (page_special(page).level & VX_LEAF_QUADS) != 0;
	const uint32_t capacity = origin ? vx_leaf_capacity_with_origin(dim, bits) : vx_leaf_capacity(dim, bits);
	return capacity - page_header<vx_chain_header>(page).count;
}

// The origin at the end of a head page; nullptr without one.
const vx_origin *leaf_origin(const void *page);
// Give a page one: scale and vx_quads(dim) * 4 bytes (code + 128) of the centroid that its codes are relative to.
// False, and nothing changed, when the page has no room for it.
bool leaf_set_origin(void *page, uint32_t dim, uint32_t bits, float scale, const uint8_t *bytes);
void origin_point(const vx_origin &origin, uint32_t dim, double *out);

// The unit of an empty page: entries yet to come are scaled by it (choose_unit).
void leaf_set_unit(void *page, float unit);

// Add an entry, in the place of a marked one that is forgotten, else behind the others: `code` has one byte a
// covered dimension (vx_scan_dims). False, and nothing changed, when the page is full or damaged.
bool leaf_add(void *page, uint32_t dim, uint32_t bits, const uint8_t *code, const ScanFactors &factors, uint32_t ref);

// What an entry refers to, and its code, one byte a dimension. The slot is below the page's (checked) count.
uint32_t leaf_ref(const void *page, uint32_t dim, uint32_t bits, uint32_t slot);
// The same of the 16 entries of a block that is not open.
void leaf_refs(const void *page, uint32_t dim, uint32_t bits, uint32_t block, uint32_t refs[VX_LANES]);
void leaf_code(const void *page, uint32_t dim, uint32_t bits, uint32_t slot, uint8_t *code);

// A marked entry's row has another entry in another leaf since: its add is +infinity, so no scan takes it.
void leaf_mark(void *page, uint32_t dim, uint32_t bits, uint32_t slot);
bool leaf_marked(const void *page, uint32_t dim, uint32_t bits, uint32_t slot);
// A marked entry becomes one like others again, with this add.
void leaf_unmark(void *page, uint32_t dim, uint32_t bits, uint32_t slot, const ScanFactors &factors);
// Entries that are not marked.
uint32_t leaf_living(const void *page, uint32_t dim, uint32_t bits);

// May other entries take the place of the marked ones, when no snapshot needs what is older than `oldest`?
inline bool marks_forgettable(const vx_leaf_header &header, uint64_t oldest) {
	return header.moved != 0 && (header.forgot >= header.moved || header.horizon < oldest);
}
// If so, scans that still need them are told from now on that they are gone.
void leaf_forget(void *page, uint64_t oldest);
// Is the last block row-major? Scans want it as the others are.
inline bool leaf_open(const void *page) {
	return (page_special(page).level & VX_LEAF_ROWS) != 0;
}
// That block interleaved, in vx_leaf_block_bytes of memory.
void leaf_open_block(const void *page, uint32_t dim, uint32_t bits, uint8_t *block);
// Interleave it on the page: of pages that are written once, so that scans need not.
void leaf_close(void *page, uint32_t dim, uint32_t bits);
// Does it take another entry?
bool leaf_takes(const void *page, uint32_t dim, uint32_t bits, uint64_t oldest);

// Drop slots (bitmap), the last entries moving into the gaps; returns how many went.
uint32_t leaf_drop(void *page, uint32_t dim, uint32_t bits, const uint8_t *slots);

// Its factors as stored: float16, divided by the page's unit.
struct HalfFactors {
	uint16_t add, mul;
};
HalfFactors leaf_half_factors(const void *page, uint32_t dim, uint32_t bits, uint32_t slot);

} // namespace vecidx
