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

bool code_append(void *page, uint32_t dim, const vx_code_entry &entry) {
	uint8_t *to = next_entry(page, VX_KIND_CODE, dim);
	if (to == nullptr)
		return false;
	memcpy(to, &entry, vx_code_stride(dim));
	return true;
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

} // namespace vecidx
