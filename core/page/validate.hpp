// Is a page what a pointer to it promises? Asked before anything else on a page is read, because no length and no kind
// found on disk is trusted. Each function answers nullptr or, as a static string, what is wrong.
#pragma once

#include <cstdint>

#include "page/page.hpp"
#include "vecidx/core.h"

namespace vecidx {

// More levels than any tree has that fits 2^32 blocks.
inline constexpr uint32_t kMaxLevels = VX_MAX_LEVELS;

// Code, raw, list and leaf pages, and those with the rest of a code: kind, shape, count within capacity.
const char *chain_fault(const void *page, vx_page_kind kind, uint32_t dim, uint32_t bits);

// The same for a page of this leaf, with factors that make sense.
const char *leaf_fault(const void *page, uint32_t dim, uint32_t bits, uint64_t node);

// A page of this inner node. That its pages continue each other is the reader's to check (part).
const char *inner_fault(const void *page, uint32_t dim, uint64_t node, uint32_t level);

// The page that has the rest of the code of a slot on page `slot_page`.
const char *rest_fault(const void *page, uint32_t dim, uint32_t slot_page);

const char *mean_fault(const void *page, uint32_t dim);

// The page of anchor `number`, from 1 on.
const char *anchor_fault(const void *page, uint32_t dim, uint32_t number);

} // namespace vecidx
