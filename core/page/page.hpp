// Making pages: what a new page of each kind starts with, and how much of a page is in use.
#pragma once

#include <cstdint>

#include "page/layout.hpp"

namespace vecidx {

// What special.entry_bytes says on a page of this kind (bytes; on inner pages 64-byte rows of a block; on mean pages
// those of the first of the run): with it a page can be measured without the meta page.
uint32_t entry_bytes_of(vx_page_kind kind, uint32_t dim, uint32_t bits);

// Entries that fit on a page of a chain (code, raw, list, leaf).
uint32_t chain_capacity(vx_page_kind kind, uint32_t dim, uint32_t bits);

// An empty page of this kind. PostgreSQL's header (the first 24 bytes) is left alone, all else is overwritten. Every
// page of a node, inner or leaf, and of the raw run carries its id; pages of other kinds carry 0.
void page_init(void *page, vx_page_kind kind, uint64_t node, uint32_t level, uint32_t dim, uint32_t bits);

// A page of the mean's run, which `next` goes on with: its part of float32[dim].
void mean_put(void *page, uint64_t node, uint32_t dim, uint32_t part, uint32_t next, const float *mean);

// The page of an anchor, which `next` goes on with: exactly scale * (bytes - 128), vx_quads(dim) * 4 of them.
void anchor_put(void *page, uint32_t dim, uint32_t number, uint32_t next, float scale, const uint8_t *bytes);

// Nothing but PostgreSQL's header (or not even that): extended, never filled.
bool page_is_new(const void *page);

} // namespace vecidx
