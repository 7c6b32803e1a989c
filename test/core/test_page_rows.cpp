// Entries that come, are marked, go and come again, against models: vectors of what a page must hold. After each step a
// page loses what lies beyond its used part, as it does in the server (Page::finish).
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "page/leaf.hpp"
#include "page/rows.hpp"
#include "page/validate.hpp"
#include "pages.hpp"

using namespace vecidx;
using namespace vecidx_test;

namespace {

// Where the model's entries go: as the page does it, the last ones fill the gaps. Only the set of entries counts, so
// tests compare what is sorted.
template <class T>
uint32_t erase(std::vector<T> &model, const Slots &slots) {
	std::vector<T> left;
	for (size_t i = 0; i < model.size(); i++)
		if (!slots.has(i))
			left.push_back(model[i]);
	const size_t gone = model.size() - left.size();
	model = left;
	return static_cast<uint32_t>(gone);
}

// ---- raw and list pages

// The last value of a vector tells its row, so that an entry torn apart shows.
Vector vector_of(uint64_t number, uint32_t dim) {
	Vector x(dim, 0.5F);
	x[dim - 1] = static_cast<float>(number);
	return x;
}

std::vector<uint64_t> numbers_on(const Page &page, uint32_t dim) {
	std::vector<vx_row> rows(vx_list_per_page());
	std::vector<uint64_t> numbers;
	const uint32_t n = vx_page_rows(page.data(), dim, rows.data());
	for (uint32_t i = 0; i < n; i++) {
		REQUIRE(rows[i].flags == 0);
		numbers.push_back(number_of(rows[i]));
		if (vx_page_is(page.data(), VX_KIND_RAW))
			REQUIRE(memcmp(raw_entry(page.data(), dim, i).x, vector_of(numbers[i], dim).data(), dim * 4) == 0);
	}
	return numbers;
}

} // namespace

TEST_CASE("rows of raw and list pages come and go as in a model", "[page]") {
	const uint32_t dim = GENERATE(1u, 2u, 7u, 100u, 2000u);
	const vx_page_kind kind = GENERATE(VX_KIND_RAW, VX_KIND_LIST);
	std::mt19937_64 random(dim + kind);
	Page page = fresh(kind, dim, 1);
	const uint32_t capacity = chain_capacity(kind, dim, 1);
	std::vector<uint64_t> model; // in the order of the page
	uint64_t number = 0;
	uint32_t full = 0;
	for (int step = 0; step < 1500 || full < 3; step++) {
		if (random() % 100 > 0) {
			const Page before = page;
			const Vector x = vector_of(number, dim);
			const bool done = kind == VX_KIND_RAW ? raw_append(page.data(), dim, row_number(number), x.data())
												  : list_append(page.data(), row_number(number));
			REQUIRE(done == (model.size() < capacity));
			full += !done;
			if (done)
				model.push_back(number++);
			else
				REQUIRE(before.bytes == page.bytes);
		} else {
			const Slots slots = random_slots(random, model.size(), 1 + random() % 4);
			const uint32_t expected = erase(model, slots);
			REQUIRE(rows_remove(page.data(), slots.data()) == expected);
		}
		page.finish();
		const std::vector<uint64_t> held = numbers_on(page, dim);
		REQUIRE(std::is_permutation(held.begin(), held.end(), model.begin(), model.end()));
		model = held;
	}
}

// ---- code pages

namespace {

struct CodeSlot {
	uint64_t number;
	bool dead, free;
};

class CodePage {
public:
	explicit CodePage(uint32_t dim) : page_(fresh(VX_KIND_CODE, dim, 1)), dim_(dim) {}

	std::vector<CodeSlot> model;
	uint32_t refused = 0, reused = 0;

	// Into the first free slot, or behind the others.
	void put(uint64_t number) {
		std::vector<uint8_t> bytes(vx_code_stride(dim_));
		auto *entry = reinterpret_cast<vx_code_entry *>(bytes.data());
		entry->row = row_number(number);
		fill(*entry, number);
		const Page before = page_;
		const size_t slot = first_free();
		const bool room = slot < vx_codes_per_page(dim_);
		REQUIRE(code_slot(page_.data(), dim_) == (room ? slot : kNoSlot));
		REQUIRE(code_put(page_.data(), dim_, *entry) == room);
		if (!room) {
			REQUIRE(before.bytes == page_.bytes);
			refused++;
			return;
		}
		reused += slot < model.size();
		if (slot == model.size())
			model.push_back({});
		model[slot] = {number, false, false};
	}
	void remove(const Slots &slots) {
		uint32_t expected = 0;
		for (size_t i = 0; i < model.size(); i++)
			if (slots.has(i) && !model[i].dead) {
				model[i].dead = true;
				expected++;
			}
		REQUIRE(rows_remove(page_.data(), slots.data()) == expected);
	}
	// Slots that still live do not become free.
	void release(const Slots &slots) {
		uint32_t expected = 0;
		for (size_t i = 0; i < model.size(); i++)
			if (slots.has(i) && model[i].dead && !model[i].free) {
				model[i].free = true;
				expected++;
			}
		REQUIRE(code_release(page_.data(), slots.data()) == expected);
	}
	void compare() {
		page_.finish();
		REQUIRE(chain_fault(page_.data(), VX_KIND_CODE, dim_, 1) == nullptr);
		std::vector<vx_row> rows(vx_list_per_page());
		REQUIRE(vx_page_rows(page_.data(), dim_, rows.data()) == model.size());
		uint32_t dead = 0, free = 0;
		bool same = true;
		for (uint32_t i = 0; i < model.size(); i++) {
			const uint16_t flags = (model[i].dead ? VX_ROW_DEAD : 0) | (model[i].free ? VX_ROW_FREE : 0);
			dead += model[i].dead;
			free += model[i].free;
			same = same && number_of(rows[i]) == model[i].number && rows[i].flags == flags && is_whole(i);
		}
		REQUIRE(same);
		const auto &header = page_header<vx_rows_header>(page_.data());
		REQUIRE(header.dead == dead);
		REQUIRE(header.free == free);
	}

private:
	void fill(vx_code_entry &entry, uint64_t number) const {
		entry.scale = static_cast<float>(number);
		entry.error = 0.25F;
		for (uint32_t i = 0; i < dim_; i++)
			entry.code[i] = static_cast<int8_t>((number + i) % 255 - 127);
	}
	size_t first_free() const {
		const auto at = std::find_if(model.begin(), model.end(), [](const CodeSlot &slot) { return slot.free; });
		return static_cast<size_t>(at - model.begin());
	}
	bool is_whole(uint32_t slot) const {
		std::vector<uint8_t> bytes(vx_code_stride(dim_));
		auto *entry = reinterpret_cast<vx_code_entry *>(bytes.data());
		fill(*entry, model[slot].number);
		const vx_code_entry &held = code_entry(page_.data(), dim_, slot);
		return held.scale == entry->scale && held.error == entry->error && memcmp(held.code, entry->code, dim_) == 0;
	}

	Page page_;
	uint32_t dim_;
};

} // namespace

TEST_CASE("code slots live, die, become free and are used again as in a model", "[page]") {
	const uint32_t dim = GENERATE(1u, 2u, 7u, 100u, 2000u);
	std::mt19937_64 random(dim);
	CodePage page(dim);
	for (uint64_t step = 0; step < 2000 || page.refused < 3 || page.reused < 3; step++) {
		const uint64_t what = random() % 60;
		if (what > 1)
			page.put(step);
		else if (what == 1)
			page.remove(random_slots(random, page.model.size(), 1 + random() % 4));
		else
			page.release(random_slots(random, page.model.size(), 1 + random() % 2));
		page.compare();
	}
}

// ---- leaf pages

namespace {

struct Marked {
	LeafEntry entry;
	bool marked;
};

class LeafPage {
public:
	LeafPage(uint32_t dim, uint32_t bits)
		: page_(fresh(VX_KIND_LEAF, dim, bits, 7)), dim_(dim), bits_(bits), code_(dim) {
		leaf_set_unit(page_.data(), 2);
	}

	std::vector<Marked> model; // in the order of the page
	uint32_t refused = 0;

	void append(std::mt19937_64 &random) {
		LeafEntry e = random_entry(random, dim_, bits_);
		e.ref = next_ref_++;
		const auto place =
			std::find_if(model.begin(), model.end(), [&](const Marked &m) { return forgotten_ && m.marked; });
		const bool room = model.size() < vx_leaf_capacity(dim_, bits_) || place != model.end();
		const Page before = page_;
		REQUIRE(leaf_takes(page_.data(), dim_, bits_, kHorizon) == room);
		REQUIRE(leaf_add(page_.data(), dim_, bits_, e.code.data(), e.factors, e.ref) == room);
		refused += !room;
		if (place != model.end())
			*place = {e, false};
		else if (room)
			model.push_back({e, false});
		else
			REQUIRE(before.bytes == page_.bytes);
	}
	void mark(size_t slot) {
		auto &header = page_header<vx_leaf_header>(page_.data());
		leaf_mark(page_.data(), dim_, bits_, static_cast<uint32_t>(slot));
		header.moved++;
		header.horizon = kHorizon;
		model[slot].marked = true;
		forgotten_ = false;
	}
	void unmark(size_t slot) {
		if (!model[slot].marked)
			return;
		leaf_unmark(page_.data(), dim_, bits_, static_cast<uint32_t>(slot), model[slot].entry.factors);
		model[slot].marked = false;
	}
	// From now on others may come in the places of marked entries.
	void forget() {
		leaf_forget(page_.data(), kHorizon); // a snapshot may need them yet
		REQUIRE(marks_forgettable(page_header<vx_leaf_header>(page_.data()), kHorizon) == forgotten_);
		leaf_forget(page_.data(), kHorizon + 1);
		const auto &header = page_header<vx_leaf_header>(page_.data());
		forgotten_ = header.moved != 0;
		REQUIRE(header.forgot == header.moved);
	}
	uint32_t living() const { return leaf_living(page_.data(), dim_, bits_); }
	void drop(const Slots &slots) {
		const uint32_t expected = erase(model, slots);
		REQUIRE(leaf_drop(page_.data(), dim_, bits_, slots.data()) == expected);
	}
	// The same entries, in any order, which becomes the model's.
	void compare() {
		page_.finish();
		REQUIRE(leaf_fault(page_.data(), dim_, bits_, 7) == nullptr);
		REQUIRE(page_header<vx_chain_header>(page_.data()).count == model.size());
		std::vector<Marked> ordered;
		for (uint32_t slot = 0; slot < model.size(); slot++) {
			const uint32_t ref = leaf_ref(page_.data(), slot);
			const auto at =
				std::find_if(model.begin(), model.end(), [ref](const Marked &m) { return m.entry.ref == ref; });
			REQUIRE(at != model.end());
			REQUIRE(is_whole(slot, *at));
			ordered.push_back(*at);
		}
		const auto before = [](const Marked &a, const Marked &b) { return a.entry.ref < b.entry.ref; };
		std::vector<Marked> sorted = ordered;
		std::sort(sorted.begin(), sorted.end(), before);
		const auto twice = std::adjacent_find(
			sorted.begin(), sorted.end(), [](const Marked &a, const Marked &b) { return a.entry.ref == b.entry.ref; });
		REQUIRE(twice == sorted.end());
		model = ordered;
	}
	uint32_t capacity() const { return vx_leaf_capacity(dim_, bits_); }

private:
	bool is_whole(uint32_t slot, const Marked &m) {
		leaf_code(page_.data(), dim_, bits_, slot, code_.data());
		const HalfFactors half = leaf_half_factors(page_.data(), dim_, bits_, slot);
		uint16_t add, mul;
		pack_factors(m.entry.factors, 2, add, mul);
		return code_ == m.entry.code && half.mul == mul && half.add == (m.marked ? 0x7C00 : add) &&
			   leaf_marked(page_.data(), dim_, bits_, slot) == m.marked;
	}

	static constexpr uint64_t kHorizon = 5;
	Page page_;
	uint32_t dim_, bits_, next_ref_ = 0;
	bool forgotten_ = false;
	std::vector<uint8_t> code_;
};

} // namespace

TEST_CASE("scan entries are added, marked, unmarked, overwritten and dropped as in a model", "[page]") {
	const uint32_t bits = GENERATE(1u, 2u, 4u);
	const uint32_t dim = GENERATE(1u, 3u, 16u, 17u, 100u, 385u, 960u, 1984u);
	if (vx_leaf_capacity(dim, bits) == 0)
		return;
	std::mt19937_64 random(dim * 8 + bits);
	LeafPage page(dim, bits);
	while (page.refused < 3) {
		const uint64_t what = random() % (page.capacity() / 3 + 3);
		if (page.model.empty() || what > 1)
			page.append(random);
		else if (what == 1 && random() % 2 == 0)
			page.mark(random() % page.model.size());
		else if (what == 1 && random() % 2 == 0)
			page.unmark(random() % page.model.size());
		else if (what == 1)
			page.forget();
		else
			page.drop(random_slots(random, page.model.size(), 2 + random() % 30));
		page.compare();
		REQUIRE(page.living() == static_cast<uint32_t>(std::count_if(page.model.begin(), page.model.end(),
																	 [](const Marked &m) { return !m.marked; })));
	}
	for (size_t slot = 0; slot < page.model.size(); slot += 2)
		page.mark(slot);
	page.compare();
	Slots marked;
	for (size_t slot = 0; slot < page.model.size(); slot++)
		if (page.model[slot].marked)
			marked.add(slot);
	page.drop(marked);
	page.compare();
	CHECK(std::none_of(page.model.begin(), page.model.end(), [](const Marked &m) { return m.marked; }));
	page.drop(random_slots(random, page.model.size(), 1)); // all
	page.compare();
	CHECK(page.model.empty());
	page.append(random);
	page.compare();
}
