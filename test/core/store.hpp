// An index in memory: pages as PostgreSQL would keep them, and drivers that do for each machine of the core what the
// access method's shim does (reading, locking order, aborted records, pd_lower), so that tests run without a server.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "code/index.hpp"
#include "page/rows.hpp"
#include "vecidx/core.h"

namespace vecidx_test {

// Memory as palloc gives it: aligned to 8 bytes and no more.
constexpr size_t kAlignSlack = 72;
inline void *aligned_to_8(void *memory) {
	return reinterpret_cast<void *>(((reinterpret_cast<uintptr_t>(memory) + 63) & ~uintptr_t(63)) + 8);
}

// A broken promise of the core towards its caller: always a failed test, so an exception.
inline void require(bool ok, const char *what) {
	if (!ok)
		throw std::logic_error(what);
}

struct alignas(16) Page {
	std::array<uint8_t, VX_PAGE_SIZE> bytes{};
	void *data() { return bytes.data(); }
	const void *data() const { return bytes.data(); }

	uint16_t word(size_t at) const {
		uint16_t value;
		memcpy(&value, bytes.data() + at, sizeof(value));
		return value;
	}
	void set_word(size_t at, size_t value) {
		const auto narrow = static_cast<uint16_t>(value);
		memcpy(bytes.data() + at, &narrow, sizeof(narrow));
	}

	// What PageInit does.
	void init() {
		bytes.fill(0);
		set_word(12, VX_HEADER_OFFSET);           // pd_lower
		set_word(14, VX_SPECIAL_OFFSET);          // pd_upper
		set_word(16, VX_SPECIAL_OFFSET);          // pd_special
		set_word(18, VX_PAGE_SIZE | uint32_t(4)); // size and layout version
	}
	// What the shim does before it finishes a WAL record, and what the record does to the hole: bytes between
	// pd_lower and pd_upper do not survive.
	void finish() {
		const uint32_t used = vx_page_used(data());
		const uint32_t upper = vx_page_upper(data());
		require(used >= VX_HEADER_OFFSET && used <= upper && upper <= VX_SPECIAL_OFFSET,
				"a written page cannot be measured");
		for (size_t i = used; i < upper; i++)
			require(bytes[i] == 0, "a page has bytes beyond its used part");
		set_word(12, used);
		set_word(14, upper);
	}
};

// Backing memory of a vx_index, copyable.
class Index {
public:
	Index() = default;
	explicit Index(uint32_t dim) : words_((vx_index_size(dim, VX_MOST_ANCHORS) + 15) / 16) {}
	vx_index *get() { return reinterpret_cast<vx_index *>(words_.data()); }
	const vx_index *get() const { return reinterpret_cast<const vx_index *>(words_.data()); }
	operator const vx_index *() const { return get(); }
	const vx_meta &meta() const { return *vx_index_meta(get()); }

private:
	struct alignas(16) Word {
		uint8_t bytes[16];
	};
	std::vector<Word> words_;
};

inline vx_row row_number(uint64_t i) {
	return {static_cast<uint32_t>(i / 200), static_cast<uint16_t>(i % 200 + 1), 0};
}
inline uint64_t number_of(const vx_row &row) {
	return uint64_t(row.block) * 200 + row.offset - 1;
}

struct Fault {
	uint32_t block;
	std::string why;
};

struct CheckReport {
	std::vector<Fault> faults;
	std::vector<uint64_t> rows; // numbers of live rows, in the order reported
	vx_step end = VX_DONE;
};

class Store {
public:
	std::vector<Page> pages;
	uint64_t records = 0, aborted = 0, reads = 0;

	uint32_t nblocks() const { return static_cast<uint32_t>(pages.size()); }
	const void *page(uint32_t block) {
		require(block < pages.size(), "a page beyond the end was asked for");
		reads++;
		return pages[block].data();
	}
	const vx_meta &meta() const { return *vx_page_meta(pages.at(0).data()); }

	// As the shim does at the start of a command.
	Index open() const {
		Index ix(meta().dim);
		vx_index_open(ix.get(), pages[0].data());
		if (meta().levels > 0) {
			uint32_t next = meta().mean;
			for (uint32_t part = 0; next != VX_NO_BLOCK; part++)
				require(vx_index_take_page(ix.get(), part, pages.at(next).data(), &next) == nullptr,
						"the mean page is damaged");
		}
		return ix;
	}
};

// ---- building

struct BuildOptions {
	vx_metric metric = VX_L2;
	uint32_t bits = 0, leaf_size = 0;
	uint32_t leaves = UINT32_MAX; // UINT32_MAX: as planned; 0: raw
	uint64_t seed = 1;
	uint32_t root_children = 0; // 0: as usual
};

// A row for a build or an insert; an empty vector is a NULL.
using Vector = std::vector<float>;

class Builder {
public:
	Builder(uint32_t dim, const BuildOptions &options) : dim_(dim), options_(options), ix_(dim) {
		vx_index_shape(ix_.get(), dim, options.metric, options.bits, options.leaf_size, options.seed);
		if (options.root_children > 0)
			ix_.get()->limits.root_children = options.root_children;
	}

	// Build over rows 0 .. n - 1.
	Store build(const std::vector<Vector> &rows) {
		std::vector<uint64_t> coded;
		for (uint64_t i = 0; i < rows.size(); i++)
			if (!rows[i].empty() && vx_classify(ix_, rows[i].data()) == VX_CLASS_CODED)
				coded.push_back(i);
		uint32_t leaves = options_.leaves == UINT32_MAX ? vx_plan_leaves(ix_, coded.size()) : options_.leaves;
		if (!vx_may_be_raw(dim_))
			leaves = std::max(leaves, 1U);
		else if (coded.empty())
			leaves = 0;
		if (leaves > 0 && coded.empty())
			train_nothing();
		else if (leaves > 0)
			train(rows, coded, leaves);
		std::vector<uint8_t> memory(vx_writer_size(ix_, train_) + kAlignSlack);
		writer_ = vx_writer_init(aligned_to_8(memory.data()), memory.size() - kAlignSlack, ix_, train_);
		drain();
		if (leaves > 0)
			write_coded(coded);
		for (uint64_t i = 0; i < rows.size(); i++)
			write_other(row_number(i), rows[i], leaves > 0);
		vx_writer_finish(writer_);
		drain();
		require(store_.nblocks() == vx_writer_blocks(writer_), "the writer left a gap");
		return std::move(store_);
	}

private:
	vx_code_entry *entry(uint64_t i) {
		return reinterpret_cast<vx_code_entry *>(entries_.data() + i * vx_code_stride(dim_));
	}

	void train(const std::vector<Vector> &rows, const std::vector<uint64_t> &coded, uint32_t leaves) {
		std::vector<double> sums(dim_);
		for (const uint64_t i : coded)
			vx_mean_add(ix_, rows[i].data(), sums.data());
		std::vector<float> mean(dim_);
		for (uint32_t i = 0; i < dim_; i++)
			mean[i] = static_cast<float>(sums[i] / static_cast<double>(coded.size()));
		vx_index_set_mean(ix_.get(), mean.data());
		entries_.resize(coded.size() * vx_code_stride(dim_));
		for (uint64_t i = 0; i < coded.size(); i++) {
			vx_encode(ix_, rows[coded[i]].data(), entry(i));
			entry(i)->row = row_number(coded[i]);
		}
		run(coded.size(), leaves);
	}

	// Without rows, where they cannot be raw: a single point at 0.
	void train_nothing() {
		entries_.resize(vx_code_stride(dim_));
		run(1, 1);
	}

	void run(size_t n, uint32_t leaves) {
		train_memory_.resize(vx_train_size(ix_, n, leaves) + kAlignSlack);
		train_ = vx_train_init(aligned_to_8(train_memory_.data()), train_memory_.size() - kAlignSlack, ix_,
							   entries_.data(), n, leaves);
		while (vx_train_next(train_) != VX_DONE) {
		}
	}

	void write_coded(const std::vector<uint64_t> &coded) {
		std::vector<uint32_t> leaf(coded.size());
		vx_train_assign(train_, entries_.data(), static_cast<uint32_t>(coded.size()), leaf.data());
		std::vector<std::vector<uint64_t>> members(vx_train_leaves(train_));
		for (uint64_t i = 0; i < coded.size(); i++)
			members.at(leaf[i]).push_back(i);
		for (uint32_t l = 0; l < members.size(); l++)
			for (const uint64_t i : members[l]) {
				vx_writer_coded(writer_, l, entry(i));
				drain();
			}
	}

	void write_other(vx_row row, const Vector &x, bool tree) {
		if (x.empty()) {
			row.flags = VX_ROW_NULL;
			vx_writer_late(writer_, row);
		} else {
			const vx_class kind = vx_classify(ix_, x.data());
			if (kind == VX_CLASS_LATE)
				vx_writer_late(writer_, row);
			else if (kind == VX_CLASS_WILD)
				vx_writer_wild(writer_, row);
			else if (!tree)
				vx_writer_raw(writer_, row, x.data());
		}
		drain();
	}

	void drain() {
		vx_want want{};
		while (vx_writer_next(writer_, &want) == VX_WRITE) {
			const uint32_t block = want.pages[0];
			require(block < (1u << 24), "the writer's block is absurd");
			if (block >= store_.nblocks())
				store_.pages.resize(block + 1);
			Page &page = store_.pages[block];
			require(vx_page_used(page.data()) == 0, "the writer wrote a page twice");
			page.init();
			memcpy(page.bytes.data() + VX_HEADER_OFFSET, static_cast<const uint8_t *>(want.image) + VX_HEADER_OFFSET,
				   VX_PAGE_SIZE - VX_HEADER_OFFSET);
			page.finish();
		}
	}

	uint32_t dim_;
	BuildOptions options_;
	Index ix_;
	std::vector<uint8_t> entries_, train_memory_;
	vx_train *train_ = nullptr;
	vx_writer *writer_ = nullptr;
	Store store_;
};

inline Store build(uint32_t dim, const std::vector<Vector> &rows, const BuildOptions &options = {}) {
	return Builder(dim, options).build(rows);
}

// ---- inserting

// One insert that can be driven step by step, to interleave several.
class Insertion {
public:
	Insertion(Store &store, const Index &ix, vx_row row, const Vector &x)
		: store_(store), x_(x), memory_(vx_insert_size(ix) + kAlignSlack) {
		in_ = vx_insert_init(aligned_to_8(memory_.data()), ix, row, x_.empty() ? nullptr : x_.data());
	}
	Insertion(const Insertion &) = delete;

	vx_want want{};
	uint32_t max_pages = 0;

	// Do one step; VX_DONE, VX_STALE, VX_FULL and VX_CORRUPT end it.
	vx_step step() {
		const vx_step next = vx_insert_next(in_, &want);
		if (next == VX_PAGE) {
			if (want.block >= store_.nblocks()) {
				want.why = "a block beyond the end of the index";
				return VX_CORRUPT;
			}
			vx_insert_page(in_, store_.page(want.block));
			return VX_PAGE;
		}
		return next == VX_WRITE ? write() : next;
	}

private:
	vx_step write() {
		const uint32_t n = want.npages;
		require(n >= 1 && n <= VX_MAX_WRITE, "a record of too many pages");
		max_pages = n > max_pages ? n : max_pages;
		uint32_t blocks[VX_MAX_WRITE], extended = store_.nblocks();
		Page copies[VX_MAX_WRITE];
		void *pointers[VX_MAX_WRITE];
		bool met_new = false;
		for (uint32_t i = 0; i < n; i++) {
			met_new = met_new || want.pages[i] == VX_NO_BLOCK;
			require(!met_new || want.pages[i] == VX_NO_BLOCK, "a new page is not last in lock order");
			blocks[i] = met_new ? extended++ : want.pages[i];
			for (uint32_t j = 0; j < i; j++)
				require(blocks[i] != blocks[j], "a page twice in one record");
			if (met_new) {
				copies[i].init();
			} else if (blocks[i] >= store_.nblocks()) {
				want.why = "a block beyond the end of the index";
				return VX_CORRUPT;
			} else {
				copies[i] = store_.pages[blocks[i]];
			}
			pointers[i] = copies[i].data();
		}
		const vx_step result = vx_insert_apply(in_, pointers, blocks, &want);
		if (result == VX_DONE) {
			store_.records++;
			store_.pages.resize(extended);
			for (uint32_t i = 0; i < n; i++) {
				copies[i].finish();
				store_.pages[blocks[i]] = copies[i];
			}
			return VX_WRITE;
		}
		require(result == VX_YIELD || result == VX_CORRUPT || result == VX_FULL, "apply answers with a wrong step");
		store_.aborted++;
		return result;
	}

	Store &store_;
	Vector x_;
	std::vector<uint8_t> memory_;
	vx_insert *in_;
};

inline bool ends(vx_step step) {
	return step == VX_DONE || step == VX_STALE || step == VX_FULL || step == VX_CORRUPT;
}

// Insert one row and say how it ended; `why` gets the reason of VX_CORRUPT and VX_FULL.
inline vx_step insert(Store &store, const Index &ix, uint64_t number, const Vector &x, std::string *why = nullptr) {
	Insertion in(store, ix, row_number(number), x);
	for (uint32_t steps = 0; steps < 1000000; steps++) {
		const vx_step step = in.step();
		if (ends(step)) {
			if (why != nullptr && (step == VX_FULL || step == VX_CORRUPT))
				*why = in.want.why;
			return step;
		}
	}
	require(false, "an insert does not end");
	return VX_CORRUPT;
}

// ---- removing: what VACUUM does

inline uint64_t remove_rows(Store &store, const std::function<bool(uint64_t)> &dead) {
	const uint32_t dim = store.meta().dim;
	std::vector<vx_row> rows(vx_list_per_page());
	uint64_t removed = 0;
	for (Page &page : store.pages) {
		const uint32_t n = vx_page_rows(page.data(), dim, rows.data());
		std::vector<uint8_t> bitmap((n + 7) / 8 + 1);
		for (uint32_t i = 0; i < n; i++)
			if ((rows[i].flags & VX_ROW_DEAD) == 0 && dead(number_of(rows[i])))
				bitmap[i / 8] = static_cast<uint8_t>(bitmap[i / 8] | 1u << i % 8);
		if (n > 0) {
			removed += vecidx::rows_remove(page.data(), bitmap.data());
			page.finish();
		}
	}
	return removed;
}

// ---- machines that ask for memory

class Memory {
public:
	void *take(size_t bytes) {
		blocks_.push_back(std::make_unique<uint8_t[]>(bytes + kAlignSlack));
		return aligned_to_8(blocks_.back().get());
	}

private:
	std::vector<std::unique_ptr<uint8_t[]>> blocks_;
};

// ---- checking

inline CheckReport check(Store &store, const Index &ix) {
	Memory memory;
	const size_t bytes = vx_check_size(ix, store.nblocks());
	vx_check *c = vx_check_init(memory.take(bytes), bytes, ix, store.nblocks());
	CheckReport report;
	vx_want want{};
	for (;;) {
		const vx_step step = vx_check_next(c, &want);
		switch (step) {
		case VX_PAGE:
			require(want.block < store.nblocks(), "check asks for a page beyond the end");
			vx_check_page(c, store.page(want.block));
			break;
		case VX_ROW:
			report.rows.push_back(number_of(want.row));
			break;
		case VX_MEMORY:
			vx_check_grow(c, memory.take(want.bytes), want.bytes);
			break;
		case VX_CORRUPT:
			report.faults.push_back({want.block, want.why});
			require(report.faults.size() < 10000000, "check finds no end of faults");
			break;
		case VX_YIELD:
			break;
		default:
			report.end = step;
			return report;
		}
	}
}

// ---- scanning

struct Hit {
	uint64_t number;
	double value;
	bool recheck;
	vx_order order;
	bool check;
};

struct ScanResult {
	std::vector<Hit> hits;
	vx_step end = VX_DONE; // VX_DONE: read to the end, or `most` rows
	std::string why;
	uint32_t block = VX_NO_BLOCK; // VX_CORRUPT
	vx_scan_stats stats{};
};

// One scan that can be driven step by step, while the store changes.
class Scanning {
public:
	Scanning(Store &store, const Index &ix, const vx_query &query, std::vector<vx_ball> balls = {})
		: store_(store), balls_(std::move(balls)) {
		const size_t bytes = vx_scan_size(ix);
		scan_ = vx_scan_init(memory_.take(bytes), bytes, ix, &query);
		vx_scan_within(scan_, balls_.data(), static_cast<uint32_t>(balls_.size()));
	}
	Scanning(const Scanning &) = delete;

	ScanResult result;
	vx_want want{};

	// False at the end. `before_page` is called with each block about to be read: it may change the store.
	bool step(const std::function<void(uint32_t)> &before_page = {}) {
		const vx_step step = vx_scan_next(scan_, &want);
		switch (step) {
		case VX_PAGE:
			return read(before_page);
		case VX_ROW:
			result.hits.push_back({number_of(want.row), want.value, want.recheck, want.order, want.check});
			return true;
		case VX_MEMORY:
			vx_scan_grow(scan_, memory_.take(want.bytes), want.bytes);
			return true;
		case VX_YIELD:
			return true;
		case VX_CORRUPT:
			require(want.why != nullptr, "corruption without a reason");
			return corrupt(want.why);
		default:
			result.end = step;
			return false;
		}
	}
	void count() { vx_scan_stats_get(scan_, &result.stats); }

private:
	bool read(const std::function<void(uint32_t)> &before_page) {
		if (want.block >= store_.nblocks())
			return corrupt("a block beyond the end of the index");
		if (before_page)
			before_page(want.block);
		vx_scan_page(scan_, store_.page(want.block));
		return true;
	}
	bool corrupt(const char *why) {
		result.end = VX_CORRUPT;
		result.why = why;
		result.block = want.block;
		return false;
	}

	Store &store_;
	std::vector<vx_ball> balls_;
	Memory memory_;
	vx_scan *scan_;
};

inline ScanResult scan(Store &store, const Index &ix, const vx_query &query, size_t most = SIZE_MAX,
					   const std::function<void(uint32_t)> &before_page = {}, const std::vector<vx_ball> &balls = {}) {
	Scanning s(store, ix, query, balls);
	uint64_t steps = 0;
	while (s.result.hits.size() < most && s.step(before_page))
		require(++steps < 20000000, "a scan does not end");
	s.count();
	return s.result;
}

} // namespace vecidx_test
