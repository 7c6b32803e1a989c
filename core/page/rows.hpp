// Entries of the pages that hold row pointers: refine codes, raw vectors, bare pointers. Appending is a pure function
// on the page's bytes, the same for an insert and for a build; each answers false, and changes nothing, when the page
// is full or damaged.
#pragma once

#include "page/layout.hpp"

namespace vecidx {

bool code_append(void *page, uint32_t dim, const vx_code_entry &entry);
bool raw_append(void *page, uint32_t dim, const vx_row &row, const float *x);
bool list_append(void *page, const vx_row &row);

} // namespace vecidx
