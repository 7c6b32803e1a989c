// Typed views of page bytes: where headers, entries, blocks and rows lie. Nothing here validates; validate.hpp does.
#pragma once

#include <cstdint>
#include <cstring>

#include "vecidx/format.h"

namespace vecidx {

template <class T>
const T &page_header(const void *page) {
	return *reinterpret_cast<const T *>(static_cast<const uint8_t *>(page) + VX_HEADER_OFFSET);
}
template <class T>
T &page_header(void *page) {
	return *reinterpret_cast<T *>(static_cast<uint8_t *>(page) + VX_HEADER_OFFSET);
}
inline const vx_special &page_special(const void *page) {
	return *reinterpret_cast<const vx_special *>(static_cast<const uint8_t *>(page) + VX_SPECIAL_OFFSET);
}
inline vx_special &page_special(void *page) {
	return *reinterpret_cast<vx_special *>(static_cast<uint8_t *>(page) + VX_SPECIAL_OFFSET);
}

inline const vx_code_entry &code_entry(const void *page, uint32_t dim, uint32_t slot) {
	return *reinterpret_cast<const vx_code_entry *>(static_cast<const uint8_t *>(page) + VX_ENTRIES_OFFSET +
													size_t(slot) * vx_code_stride(dim));
}
inline vx_code_entry &code_entry(void *page, uint32_t dim, uint32_t slot) {
	return *reinterpret_cast<vx_code_entry *>(static_cast<uint8_t *>(page) + VX_ENTRIES_OFFSET +
											  size_t(slot) * vx_code_stride(dim));
}
inline const vx_raw_entry &raw_entry(const void *page, uint32_t dim, uint32_t slot) {
	return *reinterpret_cast<const vx_raw_entry *>(static_cast<const uint8_t *>(page) + VX_ENTRIES_OFFSET +
												   size_t(slot) * vx_raw_stride(dim));
}
inline vx_raw_entry &raw_entry(void *page, uint32_t dim, uint32_t slot) {
	return *reinterpret_cast<vx_raw_entry *>(static_cast<uint8_t *>(page) + VX_ENTRIES_OFFSET +
											 size_t(slot) * vx_raw_stride(dim));
}
inline const vx_row &list_entry(const void *page, uint32_t slot) {
	return *reinterpret_cast<const vx_row *>(static_cast<const uint8_t *>(page) + VX_ENTRIES_OFFSET + size_t(slot) * 8);
}
inline vx_row &list_entry(void *page, uint32_t slot) {
	return *reinterpret_cast<vx_row *>(static_cast<uint8_t *>(page) + VX_ENTRIES_OFFSET + size_t(slot) * 8);
}

// Code slot references.
inline uint32_t make_ref(uint32_t block, uint32_t slot, uint32_t dim) {
	return block * vx_codes_per_page(dim) + slot;
}
inline uint32_t ref_block(uint32_t ref, uint32_t dim) {
	return ref / vx_codes_per_page(dim);
}
inline uint32_t ref_slot(uint32_t ref, uint32_t dim) {
	return ref % vx_codes_per_page(dim);
}

// A block of codes and factors.
inline uint8_t *leaf_block(void *page, uint32_t dim, uint32_t bits, uint32_t block) {
	return static_cast<uint8_t *>(page) + vx_leaf_blocks_offset(dim, bits) +
		   size_t(block) * vx_leaf_block_bytes(dim, bits);
}
inline const uint8_t *leaf_block(const void *page, uint32_t dim, uint32_t bits, uint32_t block) {
	return static_cast<const uint8_t *>(page) + vx_leaf_blocks_offset(dim, bits) +
		   size_t(block) * vx_leaf_block_bytes(dim, bits);
}
// The references of all entries of a leaf page, u32 each.
inline const uint8_t *leaf_refs(const void *page) {
	return static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET;
}

} // namespace vecidx
