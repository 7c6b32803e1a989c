// Pages and the log of what happened to them. The log is the history of the whole database: records of the index as
// images of their pages, and the ends of transactions, in one order. A standby replays it, a crash cuts it off.
#pragma once

#include <set>

#include "sim/random.hpp"
#include "store.hpp"

namespace vecidx_sim {

using vecidx_test::Index;
using vecidx_test::Page;
using vecidx_test::require;
using vecidx_test::Store;
using vecidx_test::Vector;

inline constexpr uint64_t kNever = UINT64_MAX;

// A page without its hole.
struct Image {
	uint32_t block;
	uint32_t lower, upper;
	std::vector<uint8_t> bytes;

	Image(uint32_t number, const Page &page) : block(number), lower(page.word(12)), upper(page.word(14)) {
		bytes.assign(page.bytes.begin(), page.bytes.begin() + lower);
		bytes.insert(bytes.end(), page.bytes.begin() + upper, page.bytes.end());
	}
	void restore(Page &page) const {
		page.bytes.fill(0);
		memcpy(page.bytes.data(), bytes.data(), lower);
		memcpy(page.bytes.data() + upper, bytes.data() + lower, VX_PAGE_SIZE - upper);
	}
};

struct LogEntry {
	std::vector<Image> images; // a record of the index
	std::vector<uint32_t>
		pruned; // row versions that VACUUM found dead: scans of a standby that need them are cancelled
};

// Entry i has number i + 1: a position is how many entries there are before it.
class Log {
public:
	uint64_t end() const { return entries_.size(); }
	const LogEntry &entry(uint64_t number) const { return entries_.at(number - 1); }
	uint64_t append(LogEntry entry = {}) {
		entries_.push_back(std::move(entry));
		return entries_.size();
	}
	void cut(uint64_t end) { entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(end), entries_.end()); }

private:
	std::vector<LogEntry> entries_;
};

inline void replay(Store &store, const LogEntry &entry) {
	for (const Image &image : entry.images) {
		if (image.block >= store.nblocks())
			store.pages.resize(image.block + 1);
		image.restore(store.pages[image.block]);
	}
}

// Which pages are free, as the free space map knows it: a hint, which is stale or lost after a crash.
class FreeSpace {
public:
	std::set<uint32_t> blocks;

	// A page that is free or new; the index is extended when the map names none.
	uint32_t take(Store &store, Random &random) {
		while (!blocks.empty()) {
			auto place = blocks.lower_bound(static_cast<uint32_t>(random.below(store.nblocks())));
			if (place == blocks.end())
				place = blocks.begin();
			const uint32_t block = *place;
			blocks.erase(place);
			if (block < store.nblocks() && is_free(store.pages[block]))
				return block;
		}
		store.pages.emplace_back();
		return store.nblocks() - 1;
	}
	static bool is_free(const Page &page) { return vx_page_is(page.data(), VX_KIND_FREE) || is_new(page); }
	static bool is_new(const Page &page) { return page.word(14) == 0; }
};

// The primary's index: every change of it is a record that is done as a whole or not at all.
class Disk {
public:
	Disk(Store initial, Log &log, Random &random)
		: store(std::move(initial)), base_(store), log_(log), random_(random) {}

	Store store;
	FreeSpace space;

	const void *page(uint32_t block) {
		require(block < store.nblocks(), "a page beyond the end was asked for");
		return store.pages[block].data();
	}

	// VX_WRITE: `apply` changes copies of the pages and answers as the core's ..._apply does. VX_DONE: it is written.
	template <class Apply>
	vx_step write(vx_want &want, Apply apply) {
		const uint32_t n = want.npages;
		require(n >= 1 && n <= VX_MAX_WRITE, "a record of too many pages");
		uint32_t blocks[VX_MAX_WRITE];
		bool fresh[VX_MAX_WRITE];
		void *pages[VX_MAX_WRITE];
		for (uint32_t i = 0; i < n; i++) {
			fresh[i] = want.pages[i] == VX_NO_BLOCK;
			blocks[i] = fresh[i] ? space.take(store, random_) : want.pages[i];
			require(blocks[i] < store.nblocks(), "a page beyond the end of the index");
			for (uint32_t j = 0; j < i; j++)
				require(blocks[i] != blocks[j], "a page twice in one record");
			if (fresh[i])
				copies_[i].init();
			else
				copies_[i] = store.pages[blocks[i]];
			pages[i] = copies_[i].data();
		}
		const vx_step step = apply(pages, blocks, &want);
		require(step == VX_DONE || step == VX_YIELD || step == VX_CORRUPT || step == VX_FULL,
				"apply answers with a wrong step");
		if (step == VX_DONE)
			finish(n, blocks, want);
		else
			for (uint32_t i = 0; i < n; i++)
				if (fresh[i])
					space.blocks.insert(blocks[i]);
		return step;
	}

	// Back to what the log says.
	void restart() {
		store = base_;
		for (uint64_t i = 1; i <= log_.end(); i++)
			replay(store, log_.entry(i));
	}

private:
	void finish(uint32_t n, const uint32_t *blocks, const vx_want &want) {
		LogEntry entry;
		entry.images.reserve(n);
		for (uint32_t i = 0; i < n; i++) {
			copies_[i].finish();
			store.pages[blocks[i]] = copies_[i];
			entry.images.emplace_back(blocks[i], copies_[i]);
		}
		log_.append(std::move(entry));
		for (uint32_t i = 0; i < want.nfreed; i++)
			space.blocks.insert(want.freed[i]);
	}

	Store base_;
	Log &log_;
	Random &random_;
	Page copies_[VX_MAX_WRITE];
};

} // namespace vecidx_sim
