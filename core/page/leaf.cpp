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

// Where an entry's bytes lie, from the begin of the page: quads of its code `stride` apart and the bytes of each
// `step`, factors, reference.
struct EntryPlace {
	size_t code, stride, step, add, mul, ref;
};

EntryPlace in_interleaved(size_t block, uint32_t rows, uint32_t lane) {
	const size_t factors = block + size_t(rows) * VX_ROW_BYTES;
	return {block + lane,
			VX_ROW_BYTES,
			VX_LANES,
			factors + size_t(lane) * 2,
			factors + VX_ROW_BYTES / 2 + size_t(lane) * 2,
			factors + VX_ROW_BYTES + size_t(lane) * 4};
}

EntryPlace in_open(size_t block, uint32_t rows, uint32_t lane) {
	const size_t entry = block + size_t(lane) * 4 * (rows + 2), factors = entry + size_t(rows) * 4;
	return {entry, 4, 1, factors, factors + 2, factors + 4};
}

EntryPlace place_of_entry(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	const uint32_t rows = vx_scan_rows(dim, bits), number = slot / VX_LANES, lane = slot % VX_LANES;
	const size_t block = VX_BLOCKS_OFFSET + size_t(number) * vx_leaf_block_bytes(dim, bits);
	const bool open = leaf_open(page) && number == page_header<vx_chain_header>(page).count / VX_LANES;
	return open ? in_open(block, rows, lane) : in_interleaved(block, rows, lane);
}

void copy_entry(uint8_t *to, const EntryPlace &in, const uint8_t *from, const EntryPlace &out, uint32_t rows) {
	for (uint32_t row = 0; row < rows; row++)
		for (uint32_t k = 0; k < 4; k++)
			to[in.code + row * in.stride + k * in.step] = from[out.code + row * out.stride + k * out.step];
	memcpy(to + in.add, from + out.add, 2);
	memcpy(to + in.mul, from + out.mul, 2);
	memcpy(to + in.ref, from + out.ref, 4);
}

uint8_t *bytes_of(void *page) {
	return static_cast<uint8_t *>(page);
}
const uint8_t *bytes_of(const void *page) {
	return static_cast<const uint8_t *>(page);
}

void put_code(uint8_t *page, const EntryPlace &at, uint32_t dim, uint32_t bits, const uint8_t *code) {
	const uint32_t rows = vx_scan_rows(dim, bits);
	for (uint32_t row = 0; row < rows; row++)
		for (uint32_t k = 0; k < 4; k++)
			page[at.code + row * at.stride + k * at.step] = 0;
	for (uint32_t i = 0; i < vx_scan_dims(dim, bits); i++) {
		const Place place = place_of(i, bits);
		uint8_t &byte = page[at.code + place.row * at.stride + place.byte * at.step];
		byte = static_cast<uint8_t>(byte | code[i] << place.shift);
	}
}

} // namespace

void leaf_set_unit(void *page, float unit) {
	page_header<vx_leaf_header>(page).unit = unit;
}

const vx_origin *leaf_origin(const void *page) {
	if ((page_special(page).level & VX_LEAF_QUADS) == 0)
		return nullptr;
	return reinterpret_cast<const vx_origin *>(static_cast<const uint8_t *>(page) + vx_page_upper(page));
}

bool leaf_set_origin(void *page, uint32_t dim, uint32_t bits, float scale, const uint8_t *bytes) {
	if (page_header<vx_chain_header>(page).count > vx_leaf_capacity_with_origin(dim, bits))
		return false;
	page_special(page).level = static_cast<uint16_t>((page_special(page).level & VX_LEAF_ROWS) | vx_quads(dim));
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

namespace {

// The first marked entry that is forgotten; the count when there is none.
uint32_t forgotten_slot(const void *page, uint32_t dim, uint32_t bits) {
	const auto &header = page_header<vx_leaf_header>(page);
	uint32_t slot = header.moved != 0 && header.forgot >= header.moved ? 0 : header.chain.count;
	while (slot < header.chain.count && !leaf_marked(page, dim, bits, slot))
		slot++;
	return slot;
}

} // namespace

bool leaf_add(void *page, uint32_t dim, uint32_t bits, const uint8_t *code, const ScanFactors &factors, uint32_t ref) {
	if (leaf_fault(page, dim, bits, page_special(page).node) != nullptr)
		return false;
	auto &header = page_header<vx_leaf_header>(page);
	const uint32_t slot = forgotten_slot(page, dim, bits);
	const bool behind = slot == header.chain.count;
	if (behind && leaf_room(page, dim, bits) == 0)
		return false;
	if (behind && slot % VX_LANES == 0)
		page_special(page).level |= VX_LEAF_ROWS;
	const EntryPlace at = place_of_entry(page, dim, bits, slot);
	uint8_t *bytes = bytes_of(page);
	put_code(bytes, at, dim, bits, code);
	uint16_t add, mul;
	pack_factors(factors, header.unit, add, mul);
	memcpy(bytes + at.add, &add, sizeof(add));
	memcpy(bytes + at.mul, &mul, sizeof(mul));
	memcpy(bytes + at.ref, &ref, sizeof(ref));
	if (behind && slot % VX_LANES == VX_LANES - 1)
		leaf_close(page, dim, bits);
	header.chain.count = static_cast<uint16_t>(header.chain.count + (behind ? 1 : 0));
	// After the first eight every eighth stands for eight: a mean that hardly changes is not logged with each.
	const uint32_t n = header.chain.count;
	if (n <= 8 || n % 8 == 0)
		header.error += (factors.error - header.error) / static_cast<float>(n <= 8 ? n : n / 8);
	return true;
}

namespace {

// A row of 16 quads becomes four runs of 16 bytes, each of one byte of all quads: the number of a byte, e * 4 + k, is
// to be k * 16 + e, which is its six bits turned by two, or by one four times. Zipping halves does that.
void deal_out(uint8_t row[VX_ROW_BYTES]) {
	using Bytes = uint8_t __attribute__((vector_size(16)));
	Bytes v[4];
	memcpy(v, row, sizeof(v));
	for (int turn = 0; turn < 4; turn++) {
		Bytes out[4];
		for (int i = 0; i < 2; i++) {
			const Bytes a = v[i], b = v[i + 2];
			out[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
			out[2 * i + 1] =
				__builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
		}
		memcpy(v, out, sizeof(v));
	}
	memcpy(row, v, sizeof(v));
}

// Entries of a row-major block, interleaved; lanes behind them are zero. Scans need this for every leaf, so it does
// without the places of single fields.
void interleave(const uint8_t *entry, uint32_t rows, uint32_t lanes, uint8_t *block) {
	uint8_t *factors = block + size_t(rows) * VX_ROW_BYTES;
	memset(block, 0, size_t(rows + 2) * VX_ROW_BYTES);
	for (uint32_t lane = 0; lane < lanes; lane++, entry += 8) {
		for (uint32_t row = 0; row < rows; row++, entry += 4)
			memcpy(block + size_t(row) * VX_ROW_BYTES + size_t(lane) * 4, entry, 4);
		memcpy(factors + size_t(lane) * 2, entry, 2);
		memcpy(factors + VX_ROW_BYTES / 2 + size_t(lane) * 2, entry + 2, 2);
		memcpy(factors + VX_ROW_BYTES + size_t(lane) * 4, entry + 4, 4);
	}
	for (uint32_t row = 0; row < rows; row++)
		deal_out(block + size_t(row) * VX_ROW_BYTES);
}

size_t open_block_at(const void *page, uint32_t dim, uint32_t bits) {
	return VX_BLOCKS_OFFSET +
		   size_t(page_header<vx_chain_header>(page).count / VX_LANES) * vx_leaf_block_bytes(dim, bits);
}

} // namespace

void leaf_open_block(const void *page, uint32_t dim, uint32_t bits, uint8_t *block) {
	interleave(bytes_of(page) + open_block_at(page, dim, bits), vx_scan_rows(dim, bits),
			   page_header<vx_chain_header>(page).count % VX_LANES, block);
}

void leaf_close(void *page, uint32_t dim, uint32_t bits) {
	if (!leaf_open(page))
		return;
	uint8_t block[VX_PAGE_SIZE];
	uint8_t *open = bytes_of(page) + open_block_at(page, dim, bits);
	interleave(open, vx_scan_rows(dim, bits), VX_LANES, block);
	memcpy(open, block, vx_leaf_block_bytes(dim, bits));
	page_special(page).level &= VX_LEAF_QUADS;
}

uint32_t leaf_ref(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	uint32_t ref;
	memcpy(&ref, bytes_of(page) + place_of_entry(page, dim, bits, slot).ref, sizeof(ref));
	return ref;
}

void leaf_refs(const void *page, uint32_t dim, uint32_t bits, uint32_t block, uint32_t refs[VX_LANES]) {
	const EntryPlace first =
		in_interleaved(VX_BLOCKS_OFFSET + size_t(block) * vx_leaf_block_bytes(dim, bits), vx_scan_rows(dim, bits), 0);
	memcpy(refs, bytes_of(page) + first.ref, VX_LANES * sizeof(*refs));
}

void leaf_code(const void *page, uint32_t dim, uint32_t bits, uint32_t slot, uint8_t *code) {
	const EntryPlace at = place_of_entry(page, dim, bits, slot);
	const auto mask = static_cast<uint8_t>((1u << bits) - 1);
	for (uint32_t i = 0; i < vx_scan_dims(dim, bits); i++) {
		const Place place = place_of(i, bits);
		code[i] = bytes_of(page)[at.code + place.row * at.stride + place.byte * at.step] >> place.shift & mask;
	}
}

HalfFactors leaf_half_factors(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	const EntryPlace at = place_of_entry(page, dim, bits, slot);
	HalfFactors half;
	memcpy(&half.add, bytes_of(page) + at.add, sizeof(half.add));
	memcpy(&half.mul, bytes_of(page) + at.mul, sizeof(half.mul));
	return half;
}

namespace {

constexpr uint16_t kInfiniteHalf = 0x7C00;

void put_add(void *page, uint32_t dim, uint32_t bits, uint32_t slot, uint16_t add) {
	memcpy(bytes_of(page) + place_of_entry(page, dim, bits, slot).add, &add, sizeof(add));
}

// The last entry goes, with all of its bytes.
void remove_last(void *page, uint32_t dim, uint32_t bits) {
	auto &chain = page_header<vx_chain_header>(page);
	static constexpr uint8_t kZeros[VX_PAGE_SIZE] = {};
	const uint32_t rows = vx_scan_rows(dim, bits), slot = chain.count - 1U;
	copy_entry(bytes_of(page), place_of_entry(page, dim, bits, slot), kZeros, in_open(0, rows, 0), rows);
	chain.count = static_cast<uint16_t>(slot);
	if (slot % VX_LANES == 0)
		page_special(page).level &= VX_LEAF_QUADS;
}

} // namespace

void leaf_mark(void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	put_add(page, dim, bits, slot, kInfiniteHalf);
}

bool leaf_marked(const void *page, uint32_t dim, uint32_t bits, uint32_t slot) {
	return leaf_half_factors(page, dim, bits, slot).add == kInfiniteHalf;
}

void leaf_unmark(void *page, uint32_t dim, uint32_t bits, uint32_t slot, const ScanFactors &factors) {
	uint16_t add, mul;
	pack_factors(factors, page_header<vx_leaf_header>(page).unit, add, mul);
	put_add(page, dim, bits, slot, add);
}

uint32_t leaf_living(const void *page, uint32_t dim, uint32_t bits) {
	const auto &header = page_header<vx_leaf_header>(page);
	uint32_t living = header.chain.count;
	for (uint32_t slot = 0; header.moved != 0 && slot < header.chain.count; slot++)
		living -= leaf_marked(page, dim, bits, slot) ? 1 : 0;
	return living;
}

void leaf_forget(void *page, uint64_t oldest) {
	auto &header = page_header<vx_leaf_header>(page);
	if (marks_forgettable(header, oldest) && header.forgot < header.moved)
		header.forgot = header.moved;
}

bool leaf_takes(const void *page, uint32_t dim, uint32_t bits, uint64_t oldest) {
	const auto &header = page_header<vx_leaf_header>(page);
	return leaf_room(page, dim, bits) > 0 ||
		   (marks_forgettable(header, oldest) && leaf_living(page, dim, bits) < header.chain.count);
}

uint32_t leaf_drop(void *page, uint32_t dim, uint32_t bits, const uint8_t *slots) {
	const auto &chain = page_header<vx_chain_header>(page);
	const uint32_t before = chain.count, rows = vx_scan_rows(dim, bits);
	for (uint32_t slot = before; slot-- > 0;) {
		if ((slots[slot / 8] >> (slot % 8) & 1) == 0)
			continue;
		if (slot + 1 < chain.count)
			copy_entry(bytes_of(page), place_of_entry(page, dim, bits, slot), bytes_of(page),
					   place_of_entry(page, dim, bits, chain.count - 1U), rows);
		remove_last(page, dim, bits);
	}
	return before - chain.count;
}

} // namespace vecidx
