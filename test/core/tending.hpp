// Drives the machine that changes the tree's shape as the shim does, on the pages of a Store: locks are the caller's,
// new pages come from those that were freed before.
#pragma once

#include "store.hpp"

namespace vecidx_test {

// Transaction ids as far as the index cares: what is stamped now, and what nobody needs any more.
struct Clock {
	uint64_t now = 1, oldest = 2;
};

// Pages that a record has made free, for new ones. A hint: a page is taken only if it is free or new.
class FreeList {
public:
	void add(uint32_t block) { blocks_.push_back(block); }
	void clear() { blocks_.clear(); }
	uint32_t take(Store &store) {
		while (!blocks_.empty()) {
			const uint32_t block = blocks_.back();
			blocks_.pop_back();
			if (block < store.nblocks() && vx_page_is(store.pages[block].data(), VX_KIND_FREE))
				return block;
		}
		store.pages.emplace_back();
		return store.nblocks() - 1;
	}
	size_t size() const { return blocks_.size(); }

private:
	std::vector<uint32_t> blocks_;
};

// The pages of one record: copies that replace the originals when it is finished.
class Change {
public:
	Change(Store &store, FreeList &free, const vx_want &want) : store_(store), n_(want.npages) {
		require(n_ >= 1 && n_ <= VX_MAX_WRITE, "a record of too many pages");
		for (uint32_t i = 0; i < n_; i++) {
			fresh_[i] = want.pages[i] == VX_NO_BLOCK;
			blocks[i] = fresh_[i] ? free.take(store) : want.pages[i];
			require(blocks[i] < store.nblocks(), "a page beyond the end of the index");
			for (uint32_t j = 0; j < i; j++)
				require(blocks[i] != blocks[j], "a page twice in one record");
			if (fresh_[i])
				copies_[i].init();
			else
				copies_[i] = store.pages[blocks[i]];
			pages[i] = copies_[i].data();
		}
	}
	void finish() {
		for (uint32_t i = 0; i < n_; i++) {
			copies_[i].finish();
			store_.pages[blocks[i]] = copies_[i];
		}
		store_.records++;
	}
	void abort(FreeList &free) {
		for (uint32_t i = 0; i < n_; i++)
			if (fresh_[i])
				free.add(blocks[i]);
		store_.aborted++;
	}

	void *pages[VX_MAX_WRITE];
	uint32_t blocks[VX_MAX_WRITE];

private:
	Store &store_;
	uint32_t n_;
	bool fresh_[VX_MAX_WRITE];
	Page copies_[VX_MAX_WRITE];
};

// Blocks of memory that machines used before: getting them from the system takes longer than what is done in them.
class Blocks {
public:
	void *take(size_t bytes) {
		for (Block &block : blocks_)
			if (!block.used && block.bytes >= bytes) {
				block.used = true;
				return aligned_to_8(block.memory.get());
			}
		blocks_.push_back({std::unique_ptr<uint8_t[]>(new uint8_t[bytes + kAlignSlack]), bytes, true});
		return aligned_to_8(blocks_.back().memory.get());
	}
	void give_back() {
		for (Block &block : blocks_)
			block.used = false;
	}

private:
	struct Block {
		std::unique_ptr<uint8_t[]> memory;
		size_t bytes;
		bool used;
	};
	std::vector<Block> blocks_;
};

// One chore that can be driven step by step.
class Tending {
public:
	Tending(Store &store, FreeList &free, Blocks &memory, const Index &ix, const vx_chore &chore, const Clock &clock)
		: store_(store), free_(free), memory_(memory), clock_(clock) {
		const size_t bytes = vx_tend_size(ix);
		t_ = vx_tend_init(memory_.take(bytes), bytes, ix, &chore, clock.oldest);
	}
	Tending(const Tending &) = delete;
	~Tending() { memory_.give_back(); }

	vx_want want{};

	// Do one step; VX_LOCK is the caller's to obey; VX_DONE, VX_STALE, VX_FULL and VX_CORRUPT end it.
	vx_step step() {
		const vx_step next = vx_tend_next(t_, &want);
		if (next == VX_PAGE) {
			if (want.block >= store_.nblocks()) {
				want.why = "a block beyond the end of the index";
				return VX_CORRUPT;
			}
			vx_tend_page(t_, store_.page(want.block));
		} else if (next == VX_MEMORY) {
			vx_tend_grow(t_, memory_.take(want.bytes), want.bytes);
		} else if (next == VX_WRITE) {
			return write();
		}
		return next;
	}

private:
	vx_step write() {
		Change change(store_, free_, want);
		const vx_step result = vx_tend_apply(t_, change.pages, change.blocks, clock_.now, &want);
		if (result == VX_DONE) {
			change.finish();
			for (uint32_t i = 0; i < want.nfreed; i++)
				free_.add(want.freed[i]);
			return VX_WRITE;
		}
		require(result == VX_YIELD || result == VX_CORRUPT || result == VX_FULL, "apply answers with a wrong step");
		change.abort(free_);
		return result;
	}

	Store &store_;
	FreeList &free_;
	Blocks &memory_;
	const Clock &clock_;
	vx_tend *t_;
};

inline vx_step tend(Store &store, FreeList &free, Blocks &memory, const Index &ix, const vx_chore &chore,
					const Clock &clock, std::string *why = nullptr) {
	Tending tending(store, free, memory, ix, chore, clock);
	for (uint32_t steps = 0; steps < 10000000; steps++) {
		const vx_step step = tending.step();
		if (ends(step)) {
			if (why != nullptr && (step == VX_FULL || step == VX_CORRUPT))
				*why = tending.want.why;
			return step;
		}
	}
	require(false, "tending does not end");
	return VX_CORRUPT;
}

// One insert that can be driven step by step, with pages that were freed before, and what it noticed.
class Adding {
public:
	Adding(Store &store, FreeList &free, const Index &ix, vx_row row, const Vector &x, uint64_t oldest)
		: store_(store), free_(free), x_(x), memory_(vx_insert_size(ix) + kAlignSlack) {
		in_ = vx_insert_init(aligned_to_8(memory_.data()), ix, row, x_.empty() ? nullptr : x_.data());
		vx_insert_oldest(in_, oldest);
	}
	Adding(const Adding &) = delete;

	vx_want want{};

	vx_step step() {
		const vx_step next = vx_insert_next(in_, &want);
		if (next == VX_PAGE) {
			require(want.block < store_.nblocks(), "a block beyond the end of the index");
			vx_insert_page(in_, store_.page(want.block));
			return VX_PAGE;
		}
		if (next != VX_WRITE)
			return next;
		Change change(store_, free_, want);
		const vx_step result = vx_insert_apply(in_, change.pages, change.blocks, &want);
		if (result == VX_DONE) {
			change.finish();
			return VX_WRITE;
		}
		change.abort(free_);
		return result;
	}
	vx_chore chore() const {
		vx_chore chore;
		vx_insert_chore(in_, &chore);
		return chore;
	}

private:
	Store &store_;
	FreeList &free_;
	Vector x_;
	std::vector<uint8_t> memory_;
	vx_insert *in_;
};

// An index that lives: rows come one by one and its shape is looked after, as the access method does it.
class Living {
public:
	Living(uint32_t dim, const BuildOptions &options, const std::vector<Vector> &rows = {})
		: store(build(dim, rows, options)), index(store.open()) {}

	Store store;
	FreeList free;
	Index index;
	Clock clock;
	Blocks memory;
	uint64_t chores = 0;

	void insert(uint64_t number, const Vector &x) {
		const vx_chore chore = add(number, x);
		if (chore.kind != VX_CHORE_NONE)
			look_after(chore);
	}
	// The row alone; what is to be done then.
	vx_chore add(uint64_t number, const Vector &x) {
		clock.now++;
		clock.oldest = clock.now;
		for (;;) {
			Adding adding(store, free, index, row_number(number), x, clock.oldest);
			vx_step step;
			do
				step = adding.step();
			while (!ends(step));
			if (step == VX_STALE) {
				index = store.open();
				continue;
			}
			require(step == VX_DONE, adding.want.why != nullptr ? adding.want.why : "an insert failed");
			return adding.chore();
		}
	}
	// As VACUUM does it where no row was deleted.
	void vacuum() {
		clock.now++;
		clock.oldest = clock.now;
		Blocks own;
		const Index shape = index; // chores open the index anew
		const size_t bytes = vx_vacuum_size(shape);
		vx_vacuum *v = vx_vacuum_init(own.take(bytes), bytes, shape, clock.oldest);
		vx_want want{};
		for (vx_step step = VX_YIELD; step != VX_DONE;) {
			step = vx_vacuum_next(v, &want);
			require(step != VX_CORRUPT && step != VX_STALE, "a vacuum failed");
			if (step == VX_PAGE)
				vx_vacuum_page(v, store.page(want.block));
			else if (step == VX_LENGTH)
				vx_vacuum_length(v, store.nblocks());
			else if (step == VX_MEMORY)
				vx_vacuum_grow(v, own.take(want.bytes), want.bytes);
			else if (step == VX_WRITE)
				write(v, want);
		}
		vx_chore chore;
		for (uint64_t i = 0; vx_vacuum_chore(v, i, &chore); i++)
			look_after(chore);
	}
	void look_after(const vx_chore &chore) {
		std::string why;
		const vx_step step = tend(store, free, memory, index, chore, clock, &why);
		require(step == VX_DONE, why.c_str());
		index = store.open();
		chores++;
	}

private:
	void write(vx_vacuum *v, vx_want &want) {
		Change change(store, free, want);
		const vx_step result = vx_vacuum_apply(v, change.pages, change.blocks, &want);
		require(result == VX_DONE || result == VX_YIELD, "a record of a vacuum failed");
		if (result != VX_DONE) {
			change.abort(free);
			return;
		}
		change.finish();
		for (uint32_t i = 0; i < want.nfreed; i++)
			free.add(want.freed[i]);
	}
};

} // namespace vecidx_test
