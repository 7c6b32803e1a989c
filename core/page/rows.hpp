// Entries of the pages that hold row pointers: refine codes, raw vectors, bare pointers. Pure functions on a page's
// bytes, the same for an insert and for a build; adding answers false, and changes nothing, when the page is full or
// damaged.
#pragma once

#include "page/layout.hpp"

namespace vecidx {

// A free slot of a code page, or the next one; kNoSlot when there is none.
inline constexpr uint32_t kNoSlot = UINT32_MAX;
uint32_t code_slot(const void *page, uint32_t dim);
// Fill the slot that code_slot() names.
bool code_put(void *page, uint32_t dim, const vx_code_entry &entry);

bool raw_append(void *page, uint32_t dim, const vx_row &row, const float *x);
bool list_append(void *page, const vx_row &row);

// Row pointer of a slot of a code, raw or list page.
vx_row &row_at(void *page, uint32_t slot);
const vx_row &row_at(const void *page, uint32_t slot);

// Remove slots (bitmap, slot i = bit i % 8 of byte i / 8): those of raw and list pages at once, the last entries moving
// into the gaps; those of code pages become dead. Returns how many were removed.
uint32_t rows_remove(void *page, const uint8_t *slots);
// Make dead slots of a code page free. Returns how many became so.
uint32_t code_release(void *page, const uint8_t *slots);

} // namespace vecidx
