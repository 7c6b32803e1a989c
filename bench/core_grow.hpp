// Grows an index in memory row by row, as inserts do it in the server, each a transaction of its own that nobody else
// watches. Counts what that writes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "vecidx/core.h"
#include "wal_model.hpp"

namespace vecidx_bench {

// Memory that is used again by the next machine.
class Reused {
public:
	void *take(size_t bytes) {
		for (auto &block : blocks_)
			if (!block.used && block.bytes >= bytes) {
				block.used = true;
				return block.memory.get();
			}
		blocks_.push_back({std::unique_ptr<uint64_t[]>(new uint64_t[bytes / 8 + 1]), bytes, true});
		return blocks_.back().memory.get();
	}
	void give_back() {
		for (auto &block : blocks_)
			block.used = false;
	}

private:
	struct Block {
		std::unique_ptr<uint64_t[]> memory;
		size_t bytes;
		bool used;
	};
	std::vector<Block> blocks_;
};

// As whoever uses an index begins.
template <class Pages>
void open_index(vx_index *ix, Pages &pages) {
	vx_index_open(ix, pages.at(0));
	uint32_t next = vx_index_meta(ix)->mean;
	for (uint32_t part = 0; next != VX_NO_BLOCK; part++)
		if (vx_index_take_page(ix, part, pages.at(next), &next) != nullptr)
			exit(1);
}

template <class Pages>
class Grower {
public:
	Grower(Pages &pages, std::vector<uint64_t> &index, uint32_t dim) : pages_(pages), index_(index), dim_(dim) {}

	void start(vx_metric metric, uint32_t bits, uint32_t leaf) {
		index_.resize(vx_index_size(dim_, VX_MOST_ANCHORS) / 8 + 1);
		vx_index_shape(ix(), dim_, metric, bits, leaf, 1);
		const size_t bytes = vx_writer_size(ix(), nullptr);
		vx_writer *writer = vx_writer_init(memory_.take(bytes), bytes, ix(), nullptr);
		vx_writer_finish(writer);
		vx_want want{};
		while (vx_writer_next(writer, &want) == VX_WRITE)
			memcpy(pages_.at(want.pages[0]), want.image, VX_PAGE_SIZE);
		memory_.give_back();
		reopen();
	}

	void insert(uint32_t number, const float *x) {
		vx_want want{};
		vx_chore chore{};
		for (vx_step step = VX_STALE; step == VX_STALE;) {
			vx_insert *in = vx_insert_init(memory_.take(vx_insert_size(ix())), ix(), {number, 1, 0}, x);
			vx_insert_oldest(in, 2);
			step = VX_YIELD;
			while (step != VX_DONE && step != VX_STALE) {
				step = vx_insert_next(in, &want);
				if (step == VX_PAGE)
					vx_insert_page(in, pages_.at(want.block));
				else if (step == VX_WRITE)
					write(want, true, [&](void *const *images, const uint32_t *blocks) {
						return vx_insert_apply(in, images, blocks, &want);
					});
				else if (step != VX_DONE && step != VX_STALE)
					fail(step, want);
			}
			vx_insert_chore(in, &chore);
			memory_.give_back();
			if (step == VX_STALE)
				reopen();
		}
		if (chore.kind != VX_CHORE_NONE)
			tend(chore);
	}

	uint64_t written = 0, chores = 0, records = 0;
	// bytes of WAL: of inserts, of new pages, of records with the meta page (moves, publications), of others
	enum Wal { kInserts, kNewPages, kMoves, kOthers, kWalKinds };
	uint64_t wal[kWalKinds] = {};
	double slowest = 0;

private:
	vx_index *ix() { return reinterpret_cast<vx_index *>(index_.data()); }

	void reopen() { open_index(ix(), pages_); }

	[[noreturn]] void fail(vx_step step, const vx_want &want) {
		fprintf(stderr, "step %d, block %u: %s\n", step, want.block, step == VX_CORRUPT ? want.why : "");
		exit(1);
	}

	uint32_t new_block() {
		while (!free_.empty()) {
			const uint32_t block = free_.back();
			free_.pop_back();
			if (vx_page_is(pages_.at(block), VX_KIND_FREE))
				return block;
		}
		return static_cast<uint32_t>(pages_.size());
	}

	template <class Apply>
	void write(vx_want &want, bool insert, Apply apply) {
		alignas(64) static uint8_t copies[VX_MAX_WRITE][VX_PAGE_SIZE];
		void *images[VX_MAX_WRITE];
		uint32_t blocks[VX_MAX_WRITE], nfresh = 0;
		bool is_fresh[VX_MAX_WRITE];
		for (uint32_t i = 0; i < want.npages; i++) {
			const bool fresh = want.pages[i] == VX_NO_BLOCK;
			is_fresh[i] = fresh;
			nfresh += fresh;
			blocks[i] = fresh ? new_block() : want.pages[i];
			if (fresh)
				memset(pages_.at(blocks[i]), 0, VX_PAGE_SIZE);
			memcpy(copies[i], pages_.at(blocks[i]), VX_PAGE_SIZE);
			images[i] = copies[i];
		}
		const vx_step step = apply(images, blocks);
		if (step == VX_CORRUPT || step == VX_FULL)
			fail(step, want);
		if (step != VX_DONE)
			return;
		records++;
		WalModel model;
		for (uint32_t i = 0; i < want.npages; i++)
			model.add_page(is_fresh[i] ? nullptr : pages_.at(blocks[i]), copies[i]);
		wal[insert                       ? kInserts
			: nfresh > 0                 ? kNewPages
			: blocks[0] == VX_META_BLOCK ? kMoves
										 : kOthers] += model.bytes();
		for (uint32_t i = 0; i < want.npages; i++)
			memcpy(pages_.at(blocks[i]), copies[i], VX_PAGE_SIZE);
		for (uint32_t i = 0; i < want.nfreed; i++)
			free_.push_back(want.freed[i]);
	}

	void tend(const vx_chore &chore) {
		const auto start = std::chrono::steady_clock::now();
		const size_t bytes = vx_tend_size(ix());
		vx_tend *t = vx_tend_init(memory_.take(bytes), bytes, ix(), &chore, 2);
		vx_want want{};
		vx_step step = VX_YIELD;
		while (step != VX_DONE && step != VX_STALE) {
			step = vx_tend_next(t, &want);
			if (step == VX_PAGE)
				vx_tend_page(t, pages_.at(want.block));
			else if (step == VX_MEMORY)
				vx_tend_grow(t, memory_.take(want.bytes), want.bytes);
			else if (step == VX_WRITE)
				write(want, false, [&](void *const *images, const uint32_t *blocks) {
					return vx_tend_apply(t, images, blocks, 1, &want);
				});
			else if (step == VX_CORRUPT || step == VX_FULL)
				fail(step, want);
		}
		written += vx_tend_written(t);
		chores++;
		memory_.give_back();
		reopen();
		const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
		slowest = std::max(slowest, took);
	}

	Pages &pages_;
	std::vector<uint64_t> &index_;
	uint32_t dim_;
	Reused memory_;
	std::vector<uint32_t> free_;
};

// The rows as they come, or neighbours one after the other: by the nearest of 300 rows.
inline std::vector<uint32_t> order_of(const std::vector<float> &base, uint32_t dim, bool sorted) {
	const auto n = static_cast<uint32_t>(base.size() / dim);
	std::vector<uint32_t> order(n), near(n);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	if (!sorted)
		return order;
	std::mt19937_64 random(1);
	std::vector<uint32_t> centre(300);
	for (uint32_t &c : centre)
		c = static_cast<uint32_t>(random() % n);
	for (uint32_t i = 0; i < n; i++) {
		float best = -2;
		for (uint32_t c = 0; c < centre.size(); c++) {
			float terms[3];
			vx_cosine_terms(&base[size_t(i) * dim], &base[size_t(centre[c]) * dim], dim, terms);
			const float cosine = terms[0] / std::sqrt(terms[1] * terms[2]);
			if (cosine > best) {
				best = cosine;
				near[i] = c;
			}
		}
	}
	std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return near[a] < near[b]; });
	return order;
}

} // namespace vecidx_bench
