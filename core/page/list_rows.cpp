// The wall's view of pages of rows: which row pointers a page holds, for whoever walks all pages.
#include "page/rows.hpp"
#include "page/validate.hpp"
#include "vecidx/core.h"

namespace {

using namespace vecidx;

bool holds_rows(const void *page, uint32_t dim) {
	constexpr vx_page_kind kKinds[] = {VX_KIND_CODE, VX_KIND_RAW, VX_KIND_LIST};
	for (const vx_page_kind kind : kKinds)
		if (vx_page_is(page, kind))
			return chain_fault(page, kind, dim, 0) == nullptr;
	return false;
}

} // namespace

uint32_t vx_page_rows(const void *page, uint32_t dim, vx_row *out) {
	if (!holds_rows(page, dim))
		return 0;
	const uint32_t count = page_header<vx_chain_header>(page).count;
	for (uint32_t slot = 0; slot < count; slot++)
		out[slot] = row_at(page, slot);
	return count;
}

bool vx_page_counts(const void *page, const vx_meta *meta) {
	const uint64_t node = page_special(page).node;
	if (vx_page_is(page, VX_KIND_RAW))
		return node == meta->raw_node;
	if (vx_page_is(page, VX_KIND_CODE))
		return node == 0 || node == meta->trained;
	return vx_page_is(page, VX_KIND_LIST);
}
