// How large leaves should be: the one place that weighs pages of scan codes against the routing that leads to them.
#pragma once

#include <cstdint>

#include "vecidx/format.h"

namespace vecidx {

// Rows that leave a leaf of one page well filled, although k-means makes leaves of unequal size.
uint32_t page_leaf_size(uint32_t dim, uint32_t bits);

// Rows a leaf of an index of so many rows should have, where a leaf of one page would have `page_size`. In many
// dimensions a centroid's share of the inner nodes costs more than a page of scan codes, so leaves grow with the rows.
uint32_t balanced_leaf_size(uint32_t dim, uint32_t bits, uint32_t page_size, uint64_t rows);

// Entries from which on a leaf is split; one whose head has an origin has room for fewer.
uint32_t leaf_limit(const vx_meta &meta, bool origin);
// Rows below which one is given to its neighbours.
uint32_t leaf_least(const vx_meta &meta);

} // namespace vecidx
