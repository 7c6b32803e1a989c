// Single pages for tests: empty ones of any kind, entries of leaves, bitmaps of slots.
#pragma once

#include <random>

#include "code/scancode.hpp"
#include "page/page.hpp"
#include "store.hpp"

namespace vecidx_test {

inline Page fresh(vx_page_kind kind, uint32_t dim, uint32_t bits, uint64_t node = 0, uint32_t level = 0) {
	Page page;
	page.init();
	vecidx::page_init(page.data(), kind, node, level, dim, bits);
	return page;
}

struct LeafEntry {
	std::vector<uint8_t> code;
	vecidx::ScanFactors factors;
	uint32_t ref;
};

inline LeafEntry random_entry(std::mt19937_64 &random, uint32_t dim, uint32_t bits) {
	std::normal_distribution<float> normal;
	LeafEntry e{std::vector<uint8_t>(dim), {normal(random), normal(random), std::fabs(normal(random)), 1}, 0};
	for (auto &c : e.code)
		c = static_cast<uint8_t>(random() % (1u << bits));
	e.ref = static_cast<uint32_t>(random());
	return e;
}

// Which slots of a page an operation is about.
class Slots {
public:
	void add(size_t slot) { bits_[slot / 8] = static_cast<uint8_t>(bits_[slot / 8] | 1u << slot % 8); }
	bool has(size_t slot) const { return (bits_[slot / 8] >> slot % 8 & 1) != 0; }
	const uint8_t *data() const { return bits_.data(); }

private:
	std::array<uint8_t, VX_PAGE_SIZE / 64> bits_{};
};

// Each of n slots with a chance of one in `of`.
inline Slots random_slots(std::mt19937_64 &random, size_t n, uint64_t of) {
	Slots slots;
	for (size_t i = 0; i < n; i++)
		if (random() % of == 0)
			slots.add(i);
	return slots;
}

} // namespace vecidx_test
