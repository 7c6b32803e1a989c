// Entries of a leaf page: scan codes interleaved 16 at a time, with their float16 factors and references.
#include "page/leaf.hpp"

#include "kernel/kernels.hpp"
#include "page/validate.hpp"
#include "vecidx/core.h"

namespace vecidx {
namespace {

// Where a dimension's code lies: which 64-byte row, which byte of the entry's quad, shifted by how much.
struct Place {
	uint32_t row, byte, shift;
};

Place place_of(uint32_t dimension, uint32_t bits) {
	const uint32_t fields = 8 / bits, quad = dimension / 4;
	return {quad / fields, dimension % 4, quad % fields * bits};
}

// The two rows after the code rows: add and mul (16 x float16 each), then ref (16 x uint32).
struct LaneFields {
	size_t add, mul, ref;
};

LaneFields fields_of(uint32_t dim, uint32_t bits, uint32_t lane) {
	const size_t factors = size_t(vx_scan_rows(dim, bits)) * VX_ROW_BYTES;
	return {factors + size_t(lane) * 2, factors + VX_ROW_BYTES / 2 + size_t(lane) * 2,
			factors + VX_ROW_BYTES + size_t(lane) * 4};
}

void put_code(uint8_t *block, uint32_t dim, uint32_t bits, uint32_t lane, const uint8_t *code) {
	const uint32_t rows = vx_scan_rows(dim, bits);
	for (uint32_t row = 0; row < rows; row++)
		memset(block + size_t(row) * VX_ROW_BYTES + size_t(lane) * 4, 0, 4);
	for (uint32_t i = 0; i < vx_scan_dims(dim, bits); i++) {
		const Place place = place_of(i, bits);
		uint8_t &byte = block[size_t(place.row) * VX_ROW_BYTES + size_t(lane) * 4 + place.byte];
		byte = static_cast<uint8_t>(byte | code[i] << place.shift);
	}
}

} // namespace

void leaf_set_unit(void *page, float unit) {
	page_header<vx_leaf_header>(page).unit = unit;
}

const vx_origin *leaf_origin(const void *page) {
	if (page_special(page).level == 0)
		return nullptr;
	return reinterpret_cast<const vx_origin *>(static_cast<const uint8_t *>(page) + vx_page_upper(page));
}

bool leaf_set_origin(void *page, uint32_t dim, uint32_t bits, float scale, const uint8_t *bytes) {
	if (page_header<vx_chain_header>(page).count > vx_leaf_capacity_with_origin(dim, bits))
		return false;
	page_special(page).level = static_cast<uint16_t>(vx_quads(dim));
	uint8_t *to = static_cast<uint8_t *>(page) + vx_page_upper(page);
	memcpy(to, &scale, sizeof(scale));
	for (uint32_t i = 0; i < vx_quads(dim) * 4; i++)
		to[sizeof(scale) + i] = static_cast<uint8_t>(bytes[i] - 128);
	return true;
}

void origin_point(const vx_origin &origin, uint32_t dim, double *out) {
	for (uint32_t i = 0; i < dim; i++)
		out[i] = static_cast<double>(origin.scale) * origin.code[i];
}

bool leaf_append(void *page, uint32_t dim, uint32_t bits, const uint8_t *code, const ScanFactors &factors,
				 uint32_t ref) {
	if (leaf_fault(page, dim, bits, page_special(page).node) != nullptr)
		return false;
	auto &header = page_header<vx_leaf_header>(page);
	const uint32_t slot = header.chain.count, lane = slot % VX_LANES;
	if (leaf_room(page, dim, bits) == 0)
		return false;
	uint8_t *block = leaf_block(page, dim, bits, slot / VX_LANES);
	if (lane == 0)
		memset(block, 0, vx_leaf_block_bytes(dim, bits));
	put_code(block, dim, bits, lane, code);
	uint16_t add, mul;
	pack_factors(factors, header.unit, add, mul);
	const LaneFields at = fields_of(dim, bits, lane);
	memcpy(block + at.add, &add, sizeof(add));
	memcpy(block + at.mul, &mul, sizeof(mul));
	memcpy(block + at.ref, &ref, sizeof(ref));
	header.error += (factors.error - header.error) / static_cast<float>(slot + 1);
	header.chain.count = static_cast<uint16_t>(slot + 1);
	return true;
}

uint32_t leaf_ref(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	uint32_t ref;
	memcpy(&ref, leaf_block(page, dim, bits, slot / VX_LANES) + fields_of(dim, bits, slot % VX_LANES).ref, sizeof(ref));
	return ref;
}

void leaf_code(const void *page, uint32_t dim, uint32_t bits, uint32_t slot, uint8_t *code) {
	const uint8_t *block = leaf_block(page, dim, bits, slot / VX_LANES);
	const auto mask = static_cast<uint8_t>((1u << bits) - 1);
	for (uint32_t i = 0; i < vx_scan_dims(dim, bits); i++) {
		const Place place = place_of(i, bits);
		code[i] =
			block[size_t(place.row) * VX_ROW_BYTES + size_t(slot % VX_LANES) * 4 + place.byte] >> place.shift & mask;
	}
}

HalfFactors leaf_half_factors(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	const uint8_t *block = leaf_block(page, dim, bits, slot / VX_LANES);
	const LaneFields at = fields_of(dim, bits, slot % VX_LANES);
	HalfFactors half;
	memcpy(&half.add, block + at.add, sizeof(half.add));
	memcpy(&half.mul, block + at.mul, sizeof(half.mul));
	return half;
}

namespace {

constexpr uint16_t kInfiniteHalf = 0x7C00;

// Everything of one entry to another place, which loses what it had.
void move_entry(void *page, uint32_t dim, uint32_t bits, uint32_t from, uint32_t to) {
	const uint8_t *source = leaf_block(page, dim, bits, from / VX_LANES);
	uint8_t *target = leaf_block(page, dim, bits, to / VX_LANES);
	const uint32_t rows = vx_scan_rows(dim, bits), a = from % VX_LANES, b = to % VX_LANES;
	for (uint32_t row = 0; row < rows; row++)
		memcpy(target + size_t(row) * VX_ROW_BYTES + size_t(b) * 4, source + size_t(row) * VX_ROW_BYTES + size_t(a) * 4,
			   4);
	const LaneFields out = fields_of(dim, bits, a), in = fields_of(dim, bits, b);
	memcpy(target + in.add, source + out.add, 2);
	memcpy(target + in.mul, source + out.mul, 2);
	memcpy(target + in.ref, source + out.ref, 4);
}

void clear_entry(void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	uint8_t *block = leaf_block(page, dim, bits, slot / VX_LANES);
	const uint32_t rows = vx_scan_rows(dim, bits), lane = slot % VX_LANES;
	for (uint32_t row = 0; row < rows; row++)
		memset(block + size_t(row) * VX_ROW_BYTES + size_t(lane) * 4, 0, 4);
	const LaneFields at = fields_of(dim, bits, lane);
	memset(block + at.add, 0, 2);
	memset(block + at.mul, 0, 2);
	memset(block + at.ref, 0, 4);
}

} // namespace

void leaf_mark(void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	uint8_t *block = leaf_block(page, dim, bits, slot / VX_LANES);
	memcpy(block + fields_of(dim, bits, slot % VX_LANES).add, &kInfiniteHalf, sizeof(kInfiniteHalf));
}

bool leaf_marked(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	return leaf_half_factors(page, dim, bits, slot).add == kInfiniteHalf;
}

uint32_t leaf_drop(void *page, uint32_t dim, uint32_t bits, const uint8_t *slots) {
	auto &chain = page_header<vx_chain_header>(page);
	const uint32_t before = chain.count;
	uint32_t left = before;
	for (uint32_t slot = before; slot-- > 0;) {
		if ((slots[slot / 8] >> (slot % 8) & 1) == 0)
			continue;
		left--;
		if (slot < left)
			move_entry(page, dim, bits, left, slot);
		clear_entry(page, dim, bits, left);
	}
	chain.count = static_cast<uint16_t>(left);
	return before - left;
}

} // namespace vecidx
