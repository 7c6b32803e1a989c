// What VACUUM and changes of the tree's shape do to pages, in the few steps that tests need: lists of pages with room,
// slots that become free, entries that move to another leaf, nodes that move to another page.
#pragma once

#include <set>

#include "hand_tree.hpp"

namespace vecidx_test {

// A lane of an inner node: where its block's fields lie. Codes are moved only where blocks lie whole on pages.
struct LaneAt {
	uint32_t page, row, lane;
};

class Growth {
public:
	explicit Growth(Store &store) : store_(store) {}

	vx_meta &meta() { return vecidx::page_header<vx_meta>(at(VX_META_BLOCK)); }
	void *at(uint32_t block) { return store_.pages.at(block).data(); }
	vx_leaf_header &leaf_header(uint32_t block) { return vecidx::page_header<vx_leaf_header>(at(block)); }
	vx_rows_header &rows_header(uint32_t block) { return vecidx::page_header<vx_rows_header>(at(block)); }
	vx_inner_header &inner_header(uint32_t block) { return vecidx::page_header<vx_inner_header>(at(block)); }

	// ---- room

	void put_on_list(vx_room list, uint32_t block) {
		rows_header(block).room = meta().room[list];
		meta().room[list] = block;
	}
	// Scan entries of dead slots leave their leaves; the slots become free, and their pages go on the list.
	uint32_t release_dead() {
		for (uint32_t block = 0; block < store_.nblocks(); block++)
			if (vx_page_is(at(block), VX_KIND_LEAF))
				drop_dead(block);
		uint32_t released = 0;
		for (uint32_t block = 0; block < store_.nblocks(); block++)
			if (vx_page_is(at(block), VX_KIND_CODE)) {
				const std::vector<uint8_t> all(VX_PAGE_SIZE / 64, 0xFF);
				const uint32_t n = vecidx::code_release(at(block), all.data());
				if (n > 0 && rows_header(block).room == VX_META_BLOCK)
					put_on_list(VX_ROOM_CODE, block);
				released += n;
			}
		return released;
	}

	// ---- the tree

	// Those that live, of nodes that live.
	std::vector<LaneAt> living(uint32_t level) {
		std::set<uint64_t> nodes = {meta().root_node};
		if (level < meta().levels) {
			nodes.clear();
			for (const LaneAt &above : living(level + 1))
				nodes.insert(child(above).node);
		}
		std::vector<LaneAt> found;
		for (const LaneAt &l : lanes(level))
			if (vecidx::lane_lives(block_of(l), l.lane) && nodes.count(vecidx::page_special(at(l.page)).node) > 0)
				found.push_back(l);
		return found;
	}
	// Those in use, in block order; of retired nodes too.
	std::vector<LaneAt> lanes(uint32_t level) {
		std::vector<LaneAt> found;
		for (uint32_t block = 0; block < store_.nblocks(); block++) {
			const bool fields = vx_page_is(at(block), VX_KIND_INNER) && inner_header(block).part == 0;
			if (!fields || vecidx::page_special(at(block)).level != level)
				continue;
			for (uint32_t i = 0; i < inner_header(block).blocks; i++)
				for (uint32_t lane = 0; lane < VX_LANES; lane++) {
					const LaneAt place{block, i * vx_inner_block_rows(dim()), lane};
					if (vecidx::lane_used(block_of(place), lane))
						found.push_back(place);
				}
		}
		return found;
	}
	vecidx::InnerBlock block_of(const LaneAt &l) { return vecidx::block_at(at(l.page), l.page, l.row); }
	vecidx::Child child(const LaneAt &l) { return vecidx::child_of(block_of(l), l.lane); }
	void set(const LaneAt &l, const vecidx::Child &child) { vecidx::put_fields(at(l.page), l.row, l.lane, child); }

	// Another lane of the same block with the same centroid; for a child of its own.
	LaneAt twin(const LaneAt &l) {
		LaneAt free = l;
		for (free.lane = 0; free.lane < VX_LANES && vecidx::lane_used(block_of(l), free.lane);)
			free.lane++;
		if (free.lane == VX_LANES)
			free.lane = forget_retired(l);
		const uint8_t *codes = block_of(l).codes() + size_t(l.lane) * 4;
		std::vector<uint8_t> bytes;
		for (uint32_t i = 0; i < vx_quads(dim()) * 4; i++)
			bytes.push_back(codes[size_t(i / 4) * VX_ROW_BYTES + i % 4]);
		vecidx::put_codes(at(l.page), dim(), l.row, 0, free.lane, bytes.data());
		return free;
	}

	// The child moves to new pages under a new id: its lane retires, a new one is born, by the clock's next tick. What
	// becomes of its old pages is the caller's; returns its first one.
	uint32_t replace(const LaneAt &l) {
		const LaneAt fresh = twin(l);
		vecidx::Child child = this->child(l);
		const uint32_t old = child.block;
		const uint64_t now = ++meta().clock;
		child.retired = now;
		set(l, child);
		child.born = now;
		child.retired = VX_NEVER;
		child.node = meta().next_node++;
		child.block = copy_chain(old, child.node);
		set(fresh, child);
		return old;
	}
	// Pages of a node, copied page by page; `next` is the first word of every chain's header.
	uint32_t copy_chain(uint32_t block, uint64_t node) {
		const uint32_t first = store_.nblocks();
		for (uint32_t from = block; from != VX_NO_BLOCK;) {
			const Page page = store_.pages.at(from);
			store_.pages.push_back(page);
			void *copy = at(store_.nblocks() - 1);
			vecidx::page_special(copy).node = node;
			from = vecidx::page_header<vx_chain_header>(page.data()).next;
			if (from != VX_NO_BLOCK)
				vecidx::page_header<vx_chain_header>(copy).next = store_.nblocks();
		}
		return first;
	}
	// Nobody needs the page any more.
	void release_page(uint32_t block) {
		vecidx::page_init(at(block), VX_KIND_FREE, 0, 0, dim(), bits());
		store_.pages[block].finish();
	}

	// An entry of this leaf page gets another one in another leaf and is marked; meta.clock is the caller's to move.
	void move_entry(const Index &ix, uint32_t page, uint32_t slot, const LaneAt &to) {
		const uint32_t ref = vecidx::leaf_ref(at(page), slot);
		const vx_code_entry &entry =
			vecidx::code_entry(at(vecidx::ref_block(ref, dim())), dim(), vecidx::ref_slot(ref, dim()));
		std::vector<double> centroid(dim());
		vecidx::child_centroid(block_of(to), dim(), to.lane, centroid.data());
		std::vector<uint8_t> code(dim());
		vecidx::ScanFactors factors;
		vecidx::scan_encode(static_cast<vx_metric>(ix.meta().metric), dim(), bits(), entry, centroid.data(),
							code.data(), factors);
		require(vecidx::leaf_add(at(child(to).block), dim(), bits(), code.data(), factors, ref), "a leaf is full");
		vecidx::leaf_mark(at(page), dim(), bits(), slot);
		cover(ix, to, vecidx::reach_of(entry, centroid.data(), dim()));
	}
	// Marked entries go for good.
	void forget_marked(uint32_t page) {
		std::vector<uint8_t> slots(VX_PAGE_SIZE / 64);
		for (uint32_t slot = 0; slot < leaf_header(page).chain.count; slot++)
			if (vecidx::leaf_marked(at(page), dim(), bits(), slot))
				slots[slot / 8] = static_cast<uint8_t>(slots[slot / 8] | 1u << slot % 8);
		vecidx::leaf_drop(at(page), dim(), bits(), slots.data());
		store_.pages[page].finish();
	}

private:
	// Retired lanes of a block go out of use; the first of them.
	uint32_t forget_retired(const LaneAt &l) {
		uint32_t first = VX_LANES;
		for (uint32_t lane = VX_LANES; lane-- > 0;)
			if (!vecidx::lane_lives(block_of(l), lane)) {
				set({l.page, l.row, lane}, {0, INFINITY, 0, 0, 0, VX_NO_BLOCK, 0, VX_NEVER, VX_NEVER});
				first = lane;
			}
		require(first < VX_LANES, "no lane is free");
		inner_header(l.page).forgot = meta().clock;
		return first;
	}

	uint32_t dim() { return meta().dim; }
	uint32_t bits() { return meta().scan_bits; }

	void drop_dead(uint32_t block) {
		std::vector<uint8_t> slots(VX_PAGE_SIZE / 64);
		for (uint32_t slot = 0; slot < leaf_header(block).chain.count; slot++) {
			const uint32_t ref = vecidx::leaf_ref(at(block), slot);
			const vx_row &row = vecidx::row_at(at(vecidx::ref_block(ref, dim())), vecidx::ref_slot(ref, dim()));
			if ((row.flags & VX_ROW_DEAD) != 0)
				slots[slot / 8] = static_cast<uint8_t>(slots[slot / 8] | 1u << slot % 8);
		}
		vecidx::leaf_drop(at(block), dim(), bits(), slots.data());
		store_.pages[block].finish();
	}
	// The ball of a leaf; those above, which overlap it, grow by what it may lie beyond them.
	void cover(const Index &ix, const LaneAt &leaf, double reach) {
		vecidx::Child child = this->child(leaf);
		child.radius = std::max(child.radius, static_cast<float>(reach * 1.001));
		set(leaf, child);
		for (uint32_t level = 2; level <= ix.meta().levels; level++)
			for (const LaneAt &above : lanes(level)) {
				vecidx::Child upper = this->child(above);
				upper.radius = std::max(upper.radius, upper.spread + child.radius);
				set(above, upper);
			}
	}

	Store &store_;
};

} // namespace vecidx_test
