// Entries of the pages that hold row pointers: refine codes, raw vectors, bare pointers.
#include "page/rows.hpp"

#include "page/validate.hpp"

namespace vecidx {
namespace {

// The bytes of the next entry, counted in; nullptr when there is none.
uint8_t *next_entry(void *page, vx_page_kind kind, uint32_t dim) {
	if (chain_fault(page, kind, dim, 0) != nullptr)
		return nullptr;
	auto &chain = page_header<vx_chain_header>(page);
	if (chain.count == chain_capacity(kind, dim, 0))
		return nullptr;
	const size_t at = VX_ENTRIES_OFFSET + size_t(chain.count) * entry_bytes_of(kind, dim, 0);
	chain.count++;
	return static_cast<uint8_t *>(page) + at;
}

} // namespace

uint32_t code_slot(const void *page, uint32_t dim) {
	if (chain_fault(page, VX_KIND_CODE, dim, 0) != nullptr)
		return kNoSlot;
	const auto &header = page_header<vx_rows_header>(page);
	if (header.free > 0)
		for (uint32_t slot = 0; slot < header.chain.count; slot++)
			if ((row_at(page, slot).flags & VX_ROW_FREE) != 0)
				return slot;
	return header.chain.count < vx_codes_per_page(dim) ? header.chain.count : kNoSlot;
}

bool code_put(void *page, uint32_t dim, const vx_code_entry &entry) {
	const uint32_t slot = code_slot(page, dim);
	if (slot == kNoSlot)
		return false;
	auto &header = page_header<vx_rows_header>(page);
	if (slot == header.chain.count) {
		header.chain.count++;
	} else {
		header.dead--;
		header.free--;
	}
	memcpy(&code_entry(page, dim, slot), &entry, vx_code_here(dim));
	return true;
}

void long_code_init(void *slot_page, uint32_t slot_block, void *rest_page, uint32_t rest_block, uint32_t dim) {
	page_init(slot_page, VX_KIND_CODE, 0, 0, dim, 0);
	auto &header = page_header<vx_rows_header>(slot_page);
	header.chain.next = rest_block;
	header.chain.count = header.dead = header.free = 1;
	row_at(slot_page, 0).flags = VX_ROW_DEAD | VX_ROW_FREE;
	page_init(rest_page, VX_KIND_REST, 0, 0, dim, 0);
	page_header<vx_chain_header>(rest_page).next = slot_block;
	page_header<vx_chain_header>(rest_page).count = 1;
}

void long_code_put_rest(void *rest_page, uint32_t dim, const vx_code_entry &entry) {
	memcpy(static_cast<uint8_t *>(rest_page) + VX_ENTRIES_OFFSET,
		   reinterpret_cast<const uint8_t *>(&entry) + vx_code_here(dim), vx_code_rest(dim));
}

void LongCode::begin(const void *page, uint32_t block, uint32_t dim) {
	memcpy(entry, &code_entry(page, dim, 0), vx_code_here(dim));
	slot_page = block;
	rest = page_header<vx_chain_header>(page).next;
}

const char *LongCode::finish(const void *page, uint32_t dim) {
	rest = VX_NO_BLOCK;
	const char *fault = rest_fault(page, dim, slot_page);
	if (fault == nullptr)
		memcpy(reinterpret_cast<uint8_t *>(entry) + vx_code_here(dim),
			   static_cast<const uint8_t *>(page) + VX_ENTRIES_OFFSET, vx_code_rest(dim));
	return fault;
}

bool raw_append(void *page, uint32_t dim, const vx_row &row, const float *x) {
	uint8_t *to = next_entry(page, VX_KIND_RAW, dim);
	if (to == nullptr)
		return false;
	memcpy(to, &row, sizeof(row));
	memcpy(to + sizeof(row), x, size_t(dim) * sizeof(float));
	return true;
}

bool list_append(void *page, const vx_row &row) {
	uint8_t *to = next_entry(page, VX_KIND_LIST, 0);
	if (to == nullptr)
		return false;
	memcpy(to, &row, sizeof(row));
	return true;
}

const vx_row &row_at(const void *page, uint32_t slot) {
	const size_t at = VX_ENTRIES_OFFSET + size_t(slot) * page_special(page).entry_bytes;
	return *reinterpret_cast<const vx_row *>(static_cast<const uint8_t *>(page) + at);
}

vx_row &row_at(void *page, uint32_t slot) {
	return const_cast<vx_row &>(row_at(static_cast<const void *>(page), slot));
}

namespace {

bool has(const uint8_t *slots, uint32_t slot) {
	return (slots[slot / 8] >> (slot % 8) & 1) != 0;
}

// The last entries move into the gaps, so that little changes.
uint32_t compact(void *page, const uint8_t *slots) {
	auto &chain = page_header<vx_chain_header>(page);
	const size_t bytes = page_special(page).entry_bytes;
	const uint32_t before = chain.count;
	uint32_t left = before;
	for (uint32_t slot = before; slot-- > 0;) {
		if (!has(slots, slot))
			continue;
		left--;
		if (slot < left)
			memcpy(&row_at(page, slot), &row_at(page, left), bytes);
		memset(&row_at(page, left), 0, bytes);
	}
	chain.count = static_cast<uint16_t>(left);
	return before - left;
}

} // namespace

uint32_t rows_remove(void *page, const uint8_t *slots) {
	if (page_special(page).kind != VX_KIND_CODE)
		return compact(page, slots);
	auto &header = page_header<vx_rows_header>(page);
	uint32_t removed = 0;
	for (uint32_t slot = 0; slot < header.chain.count; slot++) {
		vx_row &row = row_at(page, slot);
		if (has(slots, slot) && (row.flags & VX_ROW_DEAD) == 0) {
			row.flags |= VX_ROW_DEAD;
			removed++;
		}
	}
	header.dead = static_cast<uint16_t>(header.dead + removed);
	return removed;
}

uint32_t code_release(void *page, const uint8_t *slots) {
	auto &header = page_header<vx_rows_header>(page);
	uint32_t released = 0;
	for (uint32_t slot = 0; slot < header.chain.count; slot++) {
		vx_row &row = row_at(page, slot);
		if (has(slots, slot) && (row.flags & (VX_ROW_DEAD | VX_ROW_FREE)) == VX_ROW_DEAD) {
			row.flags |= VX_ROW_FREE;
			released++;
		}
	}
	header.free = static_cast<uint16_t>(header.free + released);
	return released;
}

} // namespace vecidx
