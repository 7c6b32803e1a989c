// Removal: the row pointers a page holds, and marking some of them dead. Only pages of row pointers change; the scan
// codes that refer to a dead slot stay, and a scan that follows one finds the slot dead.
#include "page/validate.hpp"
#include "vecidx/core.h"

namespace vecidx {
namespace {

bool holds_rows(const void *page, uint32_t dim) {
	constexpr vx_page_kind kKinds[] = {VX_KIND_CODE, VX_KIND_RAW, VX_KIND_LIST};
	for (const vx_page_kind kind : kKinds)
		if (vx_page_is(page, kind))
			return chain_fault(page, kind, dim, 0) == nullptr;
	return false;
}

// Row pointer of a slot: every kind of entry starts with it.
size_t row_offset(const void *page, uint32_t slot) {
	return VX_ENTRIES_OFFSET + size_t(slot) * page_special(page).entry_bytes;
}

} // namespace
} // namespace vecidx

using namespace vecidx;

uint32_t vx_page_rows(const void *page, uint32_t dim, vx_row *out) {
	if (!holds_rows(page, dim))
		return 0;
	const uint32_t count = page_header<vx_chain_header>(page).count;
	for (uint32_t slot = 0; slot < count; slot++)
		memcpy(&out[slot], static_cast<const uint8_t *>(page) + row_offset(page, slot), sizeof(vx_row));
	return count;
}

uint32_t vx_page_remove(void *page, uint32_t dim, const uint8_t *dead) {
	if (!holds_rows(page, dim))
		return 0;
	auto &chain = page_header<vx_chain_header>(page);
	uint32_t removed = 0, all = 0;
	for (uint32_t slot = 0; slot < chain.count; slot++) {
		auto &row = *reinterpret_cast<vx_row *>(static_cast<uint8_t *>(page) + row_offset(page, slot));
		const bool was = (row.flags & VX_ROW_DEAD) != 0, now = (dead[slot / 8] >> (slot % 8) & 1) != 0;
		if (!was && now) {
			row.flags |= VX_ROW_DEAD;
			removed++;
		}
		all += was || now;
	}
	chain.dead = static_cast<uint16_t>(all);
	return removed;
}
