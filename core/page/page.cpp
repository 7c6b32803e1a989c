// Making pages: what a new page of each kind starts with, and how much of a page is in use.
#include "page/page.hpp"

#include <algorithm>

#include "vecidx/core.h"

namespace vecidx {

uint32_t entry_bytes_of(vx_page_kind kind, uint32_t dim, uint32_t bits) {
	switch (kind) {
	case VX_KIND_META:
		return sizeof(vx_meta);
	case VX_KIND_MEAN:
		return vx_mean_coordinates(dim, 0) * 4;
	case VX_KIND_INNER:
		return vx_inner_block_rows(dim);
	case VX_KIND_LEAF:
		return vx_leaf_block_bytes(dim, bits);
	case VX_KIND_CODE:
		return vx_code_here(dim);
	case VX_KIND_REST:
		return vx_code_rest(dim);
	case VX_KIND_RAW:
		return vx_raw_stride(dim);
	case VX_KIND_LIST:
		return sizeof(vx_row);
	case VX_KIND_ANCHOR:
		return vx_origin_bytes(dim);
	case VX_KIND_FREE:
		break;
	}
	return 0;
}

uint32_t chain_capacity(vx_page_kind kind, uint32_t dim, uint32_t bits) {
	switch (kind) {
	case VX_KIND_LEAF:
		return vx_leaf_capacity(dim, bits);
	case VX_KIND_CODE:
		return vx_codes_per_page(dim);
	case VX_KIND_RAW:
		return vx_raws_per_page(dim);
	case VX_KIND_LIST:
		return vx_list_per_page();
	case VX_KIND_REST:
		return 1;
	default:
		return 0;
	}
}

void page_init(void *page, vx_page_kind kind, uint64_t node, uint32_t level, uint32_t dim, uint32_t bits) {
	memset(static_cast<uint8_t *>(page) + VX_HEADER_OFFSET, 0, VX_PAGE_SIZE - VX_HEADER_OFFSET);
	vx_special &special = page_special(page);
	special.node = node;
	special.kind = static_cast<uint8_t>(kind);
	special.version = VX_FORMAT_VERSION;
	special.level = static_cast<uint16_t>(level);
	special.entry_bytes = static_cast<uint16_t>(entry_bytes_of(kind, dim, bits));
	special.page_id = VX_PAGE_ID;
	switch (kind) {
	case VX_KIND_INNER:
		page_header<vx_inner_header>(page).next = VX_NO_BLOCK;
		page_header<vx_inner_header>(page).blocks = 1;
		break;
	case VX_KIND_LEAF:
		page_header<vx_leaf_header>(page).unit = 1;
		[[fallthrough]];
	case VX_KIND_CODE:
	case VX_KIND_RAW:
	case VX_KIND_LIST:
	case VX_KIND_REST:
		page_header<vx_chain_header>(page).next = VX_NO_BLOCK;
		break;
	default:
		break;
	}
}

void mean_put(void *page, uint64_t node, uint32_t dim, uint32_t part, uint32_t next, const float *mean) {
	const uint32_t bytes = vx_mean_coordinates(dim, part) * 4;
	page_init(page, VX_KIND_MEAN, node, 0, dim, 0);
	page_special(page).entry_bytes = static_cast<uint16_t>(bytes);
	page_header<vx_mean_header>(page).next = next;
	page_header<vx_mean_header>(page).part = static_cast<uint16_t>(part);
	memcpy(static_cast<uint8_t *>(page) + VX_BLOCKS_OFFSET, mean + size_t(part) * VX_MEAN_PER_PAGE, bytes);
}

void anchor_put(void *page, uint32_t dim, uint32_t number, uint32_t next, float scale, const uint8_t *bytes) {
	page_init(page, VX_KIND_ANCHOR, 0, 0, dim, 0);
	page_header<vx_mean_header>(page).next = next;
	page_header<vx_mean_header>(page).part = static_cast<uint16_t>(number);
	auto &anchor = *reinterpret_cast<vx_origin *>(static_cast<uint8_t *>(page) + VX_BLOCKS_OFFSET);
	anchor.scale = scale;
	for (uint32_t i = 0; i < vx_quads(dim) * 4; i++)
		anchor.code[i] = static_cast<int8_t>(bytes[i] - 128);
}

bool page_is_new(const void *page) {
	const auto *bytes = static_cast<const uint8_t *>(page);
	return std::all_of(bytes + VX_HEADER_OFFSET, bytes + VX_PAGE_SIZE, [](uint8_t byte) { return byte == 0; });
}

} // namespace vecidx

namespace {

using namespace vecidx;

bool is_ours(const void *page) {
	const vx_special &special = page_special(page);
	return special.page_id == VX_PAGE_ID && special.version == VX_FORMAT_VERSION;
}

// End of the blocks, or of the part of one, that lie on this page.
uint64_t inner_used(const vx_inner_header &header, uint32_t block_rows) {
	const uint64_t before = uint64_t(header.part) * VX_ROWS_PER_PAGE, rows = uint64_t(header.blocks) * block_rows;
	if (header.blocks == 0 || before >= rows)
		return 0;
	const uint64_t here = block_rows > VX_ROWS_PER_PAGE ? std::min<uint64_t>(rows - before, VX_ROWS_PER_PAGE) : rows;
	return VX_BLOCKS_OFFSET + here * VX_ROW_BYTES;
}

} // namespace

uint32_t vx_page_used(const void *page) {
	if (!is_ours(page))
		return 0;
	const vx_special &special = page_special(page);
	const uint64_t bytes = special.entry_bytes;
	uint64_t used = 0;
	switch (special.kind) {
	case VX_KIND_META:
		used = VX_HEADER_OFFSET + bytes;
		break;
	case VX_KIND_MEAN:
	case VX_KIND_ANCHOR:
		used = VX_BLOCKS_OFFSET + bytes;
		break;
	case VX_KIND_INNER:
		used = inner_used(page_header<vx_inner_header>(page), special.entry_bytes);
		break;
	case VX_KIND_LEAF: {
		const uint64_t count = page_header<vx_chain_header>(page).count, tail = count % VX_LANES;
		const bool open = (special.level & VX_LEAF_ROWS) != 0;
		used = VX_BLOCKS_OFFSET + uint64_t(vx_leaf_blocks_of(special.entry_bytes)) * VX_LEAF_REFS_BYTES +
			   count / VX_LANES * bytes +
			   (open       ? tail * (bytes / VX_LANES)
				: tail > 0 ? bytes
						   : 0);
		break;
	}
	case VX_KIND_FREE:
		used = VX_HEADER_OFFSET;
		break;
	case VX_KIND_CODE:
	case VX_KIND_RAW:
	case VX_KIND_LIST:
	case VX_KIND_REST:
		used = VX_ENTRIES_OFFSET + page_header<vx_chain_header>(page).count * bytes;
		break;
	default:
		break;
	}
	return used <= VX_SPECIAL_OFFSET ? static_cast<uint32_t>(used) : 0;
}

uint32_t vx_page_upper(const void *page) {
	const vx_special &special = page_special(page);
	if (!is_ours(page) || special.kind != VX_KIND_LEAF || (special.level & VX_LEAF_QUADS) == 0)
		return VX_SPECIAL_OFFSET;
	const uint32_t bytes = 4 + 4 * (special.level & VX_LEAF_QUADS);
	return bytes < VX_SPECIAL_OFFSET ? VX_SPECIAL_OFFSET - bytes : 0;
}

bool vx_page_is(const void *page, vx_page_kind kind) {
	return is_ours(page) && page_special(page).kind == kind;
}
