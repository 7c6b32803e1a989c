// A sound index of three levels to damage: where its pages, lanes, entries and codes lie, and what a check says of it.
#pragma once

#include "catch.hpp"

#include <random>

#include "hand_tree.hpp"

namespace vecidx_test {

inline constexpr uint32_t kDim = 10, kRows = 900;

inline std::vector<Vector> gaussian(uint64_t seed, size_t n, uint32_t dim) {
	std::mt19937_64 random(seed);
	std::normal_distribution<float> normal;
	std::vector<Vector> rows(n, Vector(dim));
	for (auto &row : rows)
		for (auto &x : row)
			x = normal(random);
	return rows;
}

// Three levels, some rows in each list, some dead.
inline Store sound_tree(vx_metric metric = VX_L2) {
	HandOptions options;
	options.metric = metric;
	options.leaves = 60;
	options.fanout = 5;
	Store store = HandTree(kDim, gaussian(1, kRows, kDim), options).take();
	const Index ix = store.open();
	for (uint64_t i = 0; i < 5; i++) {
		insert(store, ix, kRows + i, {});
		insert(store, ix, kRows + 5 + i, Vector(kDim, 1e30F));
	}
	remove_rows(store, [](uint64_t i) { return i % 50 == 7; });
	return store;
}

// What a check says, as "block: text" lines; an empty string is a sound index.
inline std::string faults_of(Store &store, const Index &ix) {
	std::string all;
	for (const Fault &fault : check(store, ix).faults)
		all += std::to_string(fault.block) + ": " + fault.why + "\n";
	return all;
}

inline bool says(const std::string &faults, uint32_t block, const std::string &text) {
	return faults.find(std::to_string(block) + ": " + text) != std::string::npos;
}

class Damaged {
public:
	explicit Damaged(vx_metric metric = VX_L2) : store(sound_tree(metric)), ix(store.open()) {}
	explicit Damaged(Store sound) : store(std::move(sound)), ix(store.open()) {}

	Store store;
	Index ix;

	void *at(uint32_t block) { return store.pages[block].data(); }
	vx_meta &meta() { return vecidx::page_header<vx_meta>(at(0)); }
	vx_chain_header &chain(uint32_t block) { return vecidx::page_header<vx_chain_header>(at(block)); }
	vx_leaf_header &leaf_header(uint32_t block) { return vecidx::page_header<vx_leaf_header>(at(block)); }
	vx_rows_header &rows_header(uint32_t block) { return vecidx::page_header<vx_rows_header>(at(block)); }
	vx_inner_header &inner_header(uint32_t block) { return vecidx::page_header<vx_inner_header>(at(block)); }

	// The n-th page of a kind, and level of inner nodes, in block order.
	uint32_t find(vx_page_kind kind, uint32_t n = 0, uint32_t level = 0) {
		for (uint32_t block = 0; block < store.nblocks(); block++)
			if (vx_page_is(at(block), kind) &&
				(kind == VX_KIND_LEAF || vecidx::page_special(at(block)).level == level) && n-- == 0)
				return block;
		throw std::logic_error("no such page");
	}
	// The n-th leaf page with rows.
	uint32_t leaf(uint32_t n = 0) {
		for (uint32_t block = 0; block < store.nblocks(); block++)
			if (vx_page_is(at(block), VX_KIND_LEAF) && chain(block).count > 3 && n-- == 0)
				return block;
		throw std::logic_error("no such leaf");
	}
	uint8_t *field(uint32_t inner, vx_inner_row row, uint32_t lane) {
		return store.pages[inner].bytes.data() + VX_BLOCKS_OFFSET + row * VX_ROW_BYTES + lane * 4;
	}
	template <class T>
	void set_field(uint32_t inner, vx_inner_row row, uint32_t lane, T value) {
		memcpy(field(inner, row, lane), &value, 4);
	}
	// A field of two rows.
	void set_word(uint32_t inner, vx_inner_row low, uint32_t lane, uint64_t value) {
		vecidx::put_word(at(inner), 0, low, lane, value);
	}
	uint64_t word(uint32_t inner, vx_inner_row low, uint32_t lane) {
		return vecidx::block_at(at(inner), inner, 0).word(low, lane);
	}
	float float_field(uint32_t inner, vx_inner_row row, uint32_t lane) {
		float value;
		memcpy(&value, field(inner, row, lane), 4);
		return value;
	}
	// Where a leaf entry's float16 add (+0) or mul (+32) lies, in a block that is interleaved from now on.
	uint8_t *fields_of(uint32_t leaf_page, uint32_t slot) {
		vecidx::leaf_close(at(leaf_page), kDim, 2);
		return vecidx::leaf_block(at(leaf_page), kDim, 2, slot / VX_LANES) + size_t(vx_scan_bytes(kDim, 2)) * VX_LANES;
	}
	uint8_t *ref_at(uint32_t leaf_page, uint32_t slot) {
		return store.pages[leaf_page].bytes.data() + VX_BLOCKS_OFFSET + size_t(slot) * 4;
	}
	uint32_t ref(uint32_t leaf_page, uint32_t slot) { return vecidx::leaf_ref(at(leaf_page), slot); }
	void set_ref(uint32_t leaf_page, uint32_t slot, uint32_t ref) { memcpy(ref_at(leaf_page, slot), &ref, 4); }
	// A row that is its leaf's centroid: any code will do for it.
	bool is_center(uint32_t leaf_page, uint32_t slot) {
		return vecidx::leaf_half_factors(at(leaf_page), kDim, 2, slot).mul == 0;
	}
	// The code slot of a leaf's first entry that is not dead and whose scan code counts.
	vx_code_entry &code_of(uint32_t leaf_page, uint32_t *slot = nullptr) {
		for (uint32_t i = 0;; i++) {
			const uint32_t to = ref(leaf_page, i);
			auto &entry = vecidx::code_entry(at(vecidx::ref_block(to, kDim)), kDim, vecidx::ref_slot(to, kDim));
			if ((entry.row.flags & VX_ROW_DEAD) != 0 || is_center(leaf_page, i))
				continue;
			if (slot != nullptr)
				*slot = i;
			return entry;
		}
	}
	uint32_t code_page_of(uint32_t leaf_page) {
		uint32_t slot;
		code_of(leaf_page, &slot);
		return vecidx::ref_block(ref(leaf_page, slot), kDim);
	}

	void expect(uint32_t block, const std::string &text) {
		const std::string faults = faults_of(store, ix);
		INFO(faults);
		INFO("expected " << block << ": " << text);
		CHECK(says(faults, block, text));
	}
};

} // namespace vecidx_test
