// Entries of a leaf page: scan codes interleaved 16 at a time, with their float16 factors and references to code slots.
//
// An entry touches 4 bytes in each code row of its block and 8 bytes of factors and reference, all beyond what earlier
// entries use: little to log for one insert, and a scan kernel meets only finished blocks' layout.
#pragma once

#include "code/scancode.hpp"
#include "page/layout.hpp"

namespace vecidx {

// Entries that fit on this page.
inline uint32_t leaf_room(const void *page, uint32_t dim, uint32_t bits) {
	const bool origin = page_special(page).level != 0;
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

// Append an entry: `code` has one byte a covered dimension (vx_scan_dims). False, and nothing changed, when the page is
// full or damaged.
bool leaf_append(void *page, uint32_t dim, uint32_t bits, const uint8_t *code, const ScanFactors &factors,
				 uint32_t ref);

// What an entry refers to, and its code, one byte a dimension. The slot is below the page's (checked) count.
uint32_t leaf_ref(const void *page, uint32_t dim, uint32_t bits, uint32_t slot);
void leaf_code(const void *page, uint32_t dim, uint32_t bits, uint32_t slot, uint8_t *code);

// A marked entry's row has another entry in another leaf since: its add is +infinity, so no scan takes it.
void leaf_mark(void *page, uint32_t dim, uint32_t bits, uint32_t slot);
bool leaf_marked(const void *page, uint32_t dim, uint32_t bits, uint32_t slot);

// Drop slots (bitmap), the last entries moving into the gaps; returns how many went.
uint32_t leaf_drop(void *page, uint32_t dim, uint32_t bits, const uint8_t *slots);

// Its factors as stored: float16, divided by the page's unit.
struct HalfFactors {
	uint16_t add, mul;
};
HalfFactors leaf_half_factors(const void *page, uint32_t dim, uint32_t bits, uint32_t slot);

} // namespace vecidx
