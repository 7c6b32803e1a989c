// Entries of the pages that hold row pointers: refine codes, raw vectors, bare pointers. Pure functions on a page's
// bytes, the same for an insert and for a build; adding answers false, and changes nothing, when the page is full or
// damaged.
#pragma once

#include "page/layout.hpp"

namespace vecidx {

// A free slot of a code page, or the next one; kNoSlot when there is none.
inline constexpr uint32_t kNoSlot = UINT32_MAX;
uint32_t code_slot(const void *page, uint32_t dim);
// Fill the slot that code_slot() names, as far as its page goes.
bool code_put(void *page, uint32_t dim, const vx_code_entry &entry);

// ---- codes of two pages (vx_code_rest(dim) > 0)

// Two new pages for a code that are to lie in these blocks: the slot, which is free, and the rest of the code.
void long_code_init(void *slot_page, uint32_t slot_block, void *rest_page, uint32_t rest_block, uint32_t dim);
// The rest of a code, on the page that its slot's page leads to.
void long_code_put_rest(void *rest_page, uint32_t dim, const vx_code_entry &entry);

// A code put together from its two pages, for those who read codes page by page: the slot's page begins one, then the
// page in `rest` is asked for and finishes it. Between the two the slot may be used again, but only when nobody can see
// the row whose pointer was read: then a code that is half another one's makes no difference.
struct LongCode {
	vx_code_entry *entry = nullptr; // vx_code_stride(dim) bytes
	uint32_t slot_page = VX_NO_BLOCK;
	uint32_t rest = VX_NO_BLOCK; // page to be read next; VX_NO_BLOCK: no code is begun

	bool begun() const { return rest != VX_NO_BLOCK; }
	void begin(const void *page, uint32_t block, uint32_t dim);
	// nullptr: the entry is whole; or what is wrong with the page.
	const char *finish(const void *page, uint32_t dim);
};

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
