// A tree laid by hand: every so-manieth row is a leaf's centroid and nodes have any fan-out, so that tests reach depths
// and shapes for which the trainer would need millions of rows. Uses the page functions only, not trainer and writer.
#pragma once

#include <algorithm>
#include <cmath>

#include "code/scancode.hpp"
#include "page/inner.hpp"
#include "page/leaf.hpp"
#include "page/page.hpp"
#include "page/rows.hpp"
#include "store.hpp"

namespace vecidx_test {

struct HandOptions {
	vx_metric metric = VX_L2;
	uint32_t bits = 2;
	uint32_t leaves = 20, fanout = 4;
	bool rows = true; // false: centroids only, leaves empty
};

class HandTree {
public:
	HandTree(uint32_t dim, const std::vector<Vector> &rows, const HandOptions &options)
		: dim_(dim), options_(options), ix_(dim) {
		vx_index_shape(ix_.get(), dim, options.metric, options.bits, 0, 7);
		set_mean(rows);
		meta_ = ix_.meta();
		add(VX_KIND_META, 0, 0);
		meta_.raw_node = meta_.next_node++;
		meta_.raw = add(VX_KIND_RAW, meta_.raw_node, 0);
		meta_.wild = add(VX_KIND_LIST, VX_ROOM_WILD, 0);
		meta_.late = add(VX_KIND_LIST, VX_ROOM_LATE, 0);
		meta_.mean = add(VX_KIND_MEAN, 0, 0);
		memcpy(store_.pages[meta_.mean].bytes.data() + VX_BLOCKS_OFFSET, vecidx::mean_of(*ix_.get()), dim * 4);
		make_leaves(rows);
		for (uint64_t i = 0; options.rows && i < rows.size(); i++)
			put(i, rows[i]);
		link();
		meta_.rows = options.rows ? rows.size() : 0;
		vecidx::page_header<vx_meta>(store_.pages[0].data()) = meta_;
		for (Page &page : store_.pages)
			page.finish();
	}
	Store take() { return std::move(store_); }

private:
	struct Entry {
		std::vector<int8_t> code;
		float scale, aux;
		std::vector<double> centroid;
		double radius = 0, squares = 0, spread = 0;
		uint32_t rows = 0, block = 0;
		uint64_t node = 0;
		std::vector<uint32_t> leaves; // below
	};
	struct Member {
		std::vector<double> point;
		double error;
	};

	uint32_t add(vx_page_kind kind, uint64_t node, uint32_t level) {
		store_.pages.emplace_back();
		store_.pages.back().init();
		vecidx::page_init(store_.pages.back().data(), kind, node, level, dim_, options_.bits);
		return store_.nblocks() - 1;
	}
	void *at(uint32_t block) { return store_.pages[block].data(); }
	vx_chain_header &chain(uint32_t block) { return vecidx::page_header<vx_chain_header>(at(block)); }

	void set_mean(const std::vector<Vector> &rows) {
		std::vector<double> sums(dim_);
		for (const Vector &row : rows)
			vx_mean_add(ix_, row.data(), sums.data());
		std::vector<float> mean(dim_);
		for (uint32_t i = 0; i < dim_; i++)
			mean[i] = static_cast<float>(sums[i] / static_cast<double>(rows.size()));
		vx_index_set_mean(ix_.get(), mean.data());
	}

	const vx_code_entry *encode(uint64_t number, const Vector &x) {
		buffer_.resize(vx_code_stride(dim_));
		auto *entry = reinterpret_cast<vx_code_entry *>(buffer_.data());
		vx_encode(ix_, x.data(), entry);
		entry->row = row_number(number);
		return entry;
	}

	void make_leaves(const std::vector<Vector> &rows) {
		for (uint32_t l = 0; l < options_.leaves; l++) {
			const vx_code_entry *e = encode(0, rows.at(uint64_t(l) * rows.size() / options_.leaves));
			Entry leaf;
			leaf.scale = e->scale;
			leaf.code.assign(e->code, e->code + dim_);
			for (const int8_t code : leaf.code)
				leaf.centroid.push_back(static_cast<double>(leaf.scale) * code);
			leaf.aux = vecidx::extra_coordinate(*ix_.get(), *e);
			leaf.node = meta_.next_node++;
			leaf.block = add(VX_KIND_LEAF, leaf.node, 0);
			leaf.leaves = {l};
			leaves_.push_back(leaf);
		}
		members_.resize(options_.leaves);
		meta_.leaves = options_.leaves;
	}

	// A page of the chain with room, as the chain rule has it.
	uint32_t room(uint32_t head, vx_page_kind kind) {
		const uint32_t most = vecidx::chain_capacity(kind, dim_, options_.bits);
		if (chain(head).count < most)
			return head;
		const uint32_t next = chain(head).next;
		if (next != VX_NO_BLOCK && chain(next).count < most)
			return next;
		const uint32_t fresh = add(kind, vecidx::page_special(at(head)).node, 0);
		chain(fresh).next = next;
		chain(head).next = fresh;
		chain(head).behind++;
		return fresh;
	}

	uint32_t nearest(const vx_code_entry &e) const {
		uint32_t best = 0;
		double least = INFINITY;
		const double aux = vecidx::extra_coordinate(*ix_.get(), e);
		for (uint32_t l = 0; l < leaves_.size(); l++) {
			const double reach = vecidx::reach_of(e, leaves_[l].centroid.data(), dim_) - e.error;
			const double cost = reach * reach + (aux - leaves_[l].aux) * (aux - leaves_[l].aux);
			if (cost < least) {
				least = cost;
				best = l;
			}
		}
		return best;
	}

	void put(uint64_t number, const Vector &x) {
		const vx_code_entry &e = *encode(number, x);
		const uint32_t l = nearest(e);
		Entry &leaf = leaves_[l];
		if (meta_.code_tail == VX_NO_BLOCK || chain(meta_.code_tail).count == vx_codes_per_page(dim_))
			meta_.code_tail = add(VX_KIND_CODE, 0, 0);
		const uint32_t slot = chain(meta_.code_tail).count, block = room(leaf.block, VX_KIND_LEAF);
		require(vecidx::code_put(at(meta_.code_tail), dim_, e), "no room for a code");
		std::vector<uint8_t> code(dim_);
		vecidx::ScanFactors factors;
		vecidx::scan_encode(options_.metric, dim_, options_.bits, e, leaf.centroid.data(), code.data(), factors);
		require(vecidx::leaf_add(at(block), dim_, options_.bits, code.data(), factors,
								 vecidx::make_ref(meta_.code_tail, slot, dim_)),
				"no room in a leaf");
		leaf.rows++;
		leaf.squares += factors.residual_squared;
		leaf.radius = std::max(leaf.radius, vecidx::reach_of(e, leaf.centroid.data(), dim_));
		Member member;
		member.error = e.error;
		for (uint32_t i = 0; i < dim_; i++)
			member.point.push_back(static_cast<double>(e.scale) * e.code[i]);
		members_[l].push_back(member);
	}

	static double distance(const std::vector<double> &a, const std::vector<double> &b) {
		double sum = 0;
		for (size_t i = 0; i < a.size(); i++)
			sum += (a[i] - b[i]) * (a[i] - b[i]);
		return std::sqrt(sum);
	}
	static float up(double x) { return std::nextafterf(static_cast<float>(x * (1 + 1e-12)), INFINITY); }

	// An entry for the node that holds these entries.
	Entry parent(const std::vector<Entry> &entries, uint32_t level) {
		Entry p = entries[entries.size() / 2];
		p.leaves.clear();
		p.radius = p.spread = p.rows = 0;
		p.node = meta_.next_node++;
		p.block = write_node(entries, level, p.node);
		for (const Entry &entry : entries)
			for (const uint32_t l : entry.leaves) {
				p.leaves.push_back(l);
				p.rows += leaves_[l].rows;
				p.spread = std::max(p.spread, distance(leaves_[l].centroid, p.centroid));
				for (const Member &m : members_[l])
					p.radius = std::max(p.radius, distance(m.point, p.centroid) + m.error);
			}
		return p;
	}

	void link() {
		for (Entry &leaf : leaves_)
			leaf.spread = leaf.rows > 0 ? std::sqrt(leaf.squares / leaf.rows) : 0;
		std::vector<Entry> entries = leaves_;
		for (uint32_t level = 1;; level++) {
			std::vector<Entry> above;
			for (size_t i = 0; i < entries.size(); i += options_.fanout)
				above.push_back(
					parent({entries.begin() + static_cast<ptrdiff_t>(i),
							entries.begin() + static_cast<ptrdiff_t>(std::min(entries.size(), i + options_.fanout))},
						   level));
			entries = above;
			if (entries.size() == 1) {
				meta_.levels = static_cast<uint8_t>(level);
				meta_.root = entries[0].block;
				meta_.root_node = entries[0].node;
				return;
			}
		}
	}

	uint32_t write_node(const std::vector<Entry> &entries, uint32_t level, uint64_t node) {
		const uint32_t most = vecidx::inner_blocks(dim_), parts = vx_inner_group_pages(dim_);
		const auto blocks = static_cast<uint32_t>((entries.size() + VX_LANES - 1) / VX_LANES);
		uint32_t first = VX_NO_BLOCK, last = VX_NO_BLOCK;
		for (uint32_t at = 0; at < blocks; at += most)
			for (uint32_t part = 0; part < parts; part++) {
				const uint32_t page = add(VX_KIND_INNER, node, level);
				auto &header = vecidx::page_header<vx_inner_header>(this->at(page));
				header.blocks = static_cast<uint16_t>(std::min(most, blocks - at));
				header.part = static_cast<uint16_t>(part);
				for (uint32_t block = 0; block < header.blocks; block++)
					write_block(this->at(page), entries, at + block, block, part);
				if (last == VX_NO_BLOCK)
					first = page;
				else
					vecidx::page_header<vx_inner_header>(this->at(last)).next = page;
				last = page;
			}
		return first;
	}

	void write_block(void *page, const std::vector<Entry> &entries, uint32_t number, uint32_t block, uint32_t part) {
		const uint32_t row = block * vx_inner_block_rows(dim_);
		vecidx::clear_block(page, dim_, block);
		for (uint32_t lane = 0; lane < VX_LANES && number * VX_LANES + lane < entries.size(); lane++) {
			const Entry &entry = entries[number * VX_LANES + lane];
			std::vector<uint8_t> bytes(size_t(vx_quads(dim_)) * 4, 128);
			for (uint32_t i = 0; i < dim_; i++)
				bytes[i] = static_cast<uint8_t>(entry.code[i] + 128);
			double norm = static_cast<double>(entry.aux) * entry.aux;
			for (const double value : entry.centroid)
				norm += value * value;
			if (part == 0)
				vecidx::put_fields(page, row, lane,
								   {entry.scale, static_cast<float>(norm), up(entry.radius), up(entry.spread),
									entry.aux, entry.block, entry.node, meta_.clock, VX_NEVER});
			vecidx::put_codes(page, dim_, row, part, lane, bytes.data());
		}
	}

	uint32_t dim_;
	HandOptions options_;
	Index ix_;
	vx_meta meta_{};
	Store store_;
	std::vector<Entry> leaves_;
	std::vector<std::vector<Member>> members_;
	std::vector<uint8_t> buffer_;
};

} // namespace vecidx_test
