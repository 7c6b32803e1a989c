// Entries that go from one living leaf to another. One record adds them there and marks them here, so that each row has
// one unmarked entry at any time; a scan that may have passed the target too early takes the marked ones.
#include <algorithm>

#include "grow/tend.hpp"
#include "page/leaf.hpp"

namespace vecidx {
namespace {

// Entries of one record.
constexpr uint32_t kMostMoves = 64;

// ---- radii

bool must_raise(const TendLeaf &leaf) {
	return leaf.needed_radius > leaf.child.radius;
}
bool must_raise(const Above &above) {
	return above.parent != kNoIndex && (above.needed_radius > above.radius || above.needed_spread > above.spread);
}

// Set it in the page and in memory, never to less than what it is.
void raise(void *page, const vx_lane &at, vx_inner_row field, float needed, float &known) {
	known = std::max(needed, get_float(page, at.row, field, at.lane));
	put_float(page, at.row, field, at.lane, known);
}

vx_step apply_raise(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Neighbourhood &h = t.hood;
	const bool sound = vx_page_is(pages[0], VX_KIND_INNER);
	if (!sound)
		return corrupt(want, blocks[0], "not an inner page");
	for (uint32_t i = 0; i < h.nleaves; i++)
		if (h.leaves[i].at.page == blocks[0] && must_raise(h.leaves[i]))
			raise(pages[0], h.leaves[i].at, VX_CHILD_RADIUS, h.leaves[i].needed_radius, h.leaves[i].child.radius);
	for (uint32_t i = 0; i < h.nabove; i++) {
		Above &above = h.above[i];
		if (above.at.page != blocks[0] || !must_raise(above))
			continue;
		raise(pages[0], above.at, VX_CHILD_RADIUS, above.needed_radius, above.radius);
		raise(pages[0], above.at, VX_CHILD_SPREAD, above.needed_spread, above.spread);
	}
	return VX_DONE;
}

// The page of a lane that must be raised; VX_NO_BLOCK when none is left.
uint32_t page_to_raise(const Neighbourhood &h) {
	for (uint32_t i = 0; i < h.nleaves; i++)
		if (must_raise(h.leaves[i]))
			return h.leaves[i].at.page;
	for (uint32_t i = 0; i < h.nabove; i++)
		if (must_raise(h.above[i]))
			return h.above[i].at.page;
	return VX_NO_BLOCK;
}

// ---- moves

// Entries that no scan needs any more make room.
void purge(const vx_tend &t, void *page) {
	auto &header = page_header<vx_leaf_header>(page);
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	if (header.moved == 0 || !(header.horizon < t.oldest))
		return;
	uint8_t drop[VX_PAGE_SIZE / 64] = {};
	for (uint32_t slot = 0; slot < header.chain.count; slot++)
		if (leaf_marked(page, dim, bits, slot))
			drop[slot / 8] = static_cast<uint8_t>(drop[slot / 8] | 1U << slot % 8);
	leaf_drop(page, dim, bits, drop);
	header.forgot = std::max(header.forgot, header.moved);
	header.moved = 0;
}

// The unmarked entry of this slot; the page's count when there is none.
uint32_t find_entry(const vx_tend &t, const void *page, uint32_t ref) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits, count = page_header<vx_chain_header>(page).count;
	uint32_t slot = 0;
	while (slot < count && (leaf_ref(page, dim, bits, slot) != ref || leaf_marked(page, dim, bits, slot)))
		slot++;
	return slot;
}

const TendRow &move(const vx_tend &t, size_t i) {
	return t.hood.rows[t.plan.moves[i]];
}

// The pages of a record of moves: meta, source, [head of the target,] page that takes the entries.
struct MovePages {
	void *source, *head, *target;
	uint32_t target_block;
};

const char *pages_fault(const vx_tend &t, const MovePages &p, const TendLeaf &from, const TendLeaf &to) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	const char *fault = leaf_fault(p.source, dim, bits, from.child.node);
	if (fault == nullptr && p.head != nullptr)
		fault = leaf_fault(p.head, dim, bits, to.child.node);
	else if (fault == nullptr)
		fault = leaf_fault(p.target, dim, bits, to.child.node);
	return fault;
}

void link_page(vx_tend &t, const MovePages &p, const TendLeaf &to) {
	page_init(p.target, VX_KIND_LEAF, to.child.node, 0, dim_of(t), t.ix->meta.scan_bits);
	auto &head = page_header<vx_chain_header>(p.head);
	page_header<vx_chain_header>(p.target).next = head.next;
	head.next = p.target_block;
	if (head.behind < UINT16_MAX)
		head.behind++;
}

// Copies what still is where it was; answers how many.
uint32_t copy_entries(vx_tend &t, const MovePages &p, const TendLeaf &to, uint64_t clock) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	uint32_t moved = 0;
	for (uint32_t i = 0; i < t.plan.take; i++) {
		TendRow &row = t.hood.rows[t.plan.moves[t.plan.at + i]];
		const uint32_t slot = find_entry(t, p.source, row.ref);
		if (slot == page_header<vx_chain_header>(p.source).count)
			continue;
		ScanFactors factors;
		if (!append_entry(t, p.target, to, row, factors))
			continue;
		leaf_mark(p.source, dim, bits, slot);
		moved++;
	}
	if (moved > 0) {
		auto &header = page_header<vx_leaf_header>(p.source);
		header.moved = clock;
		header.horizon = t.now;
	}
	return moved;
}

void note_target(vx_tend &t, const MovePages &p, TendLeaf &to) {
	const uint32_t count = page_header<vx_chain_header>(p.target).count;
	for (uint32_t i = 0; i < to.npages; i++) {
		TendPage &page = t.hood.pages[to.first_page + i];
		// a new page takes the place of one that is full
		if (page.block == p.target_block || (p.head != nullptr && i + 1 == to.npages))
			page = {p.target_block, count, count + leaf_room(p.target, dim_of(t), t.ix->meta.scan_bits), 0};
	}
}

vx_step apply_moves(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	const TendRow &first = move(t, t.plan.at);
	const TendLeaf &from = t.hood.leaves[first.leaf];
	TendLeaf &to = t.hood.leaves[first.target];
	const bool fresh = t.plan.target == VX_NO_BLOCK;
	const MovePages p{pages[1], fresh ? pages[2] : nullptr, fresh ? pages[3] : pages[2], fresh ? blocks[3] : blocks[2]};
	const char *fault = pages_fault(t, p, from, to);
	if (fault != nullptr)
		return corrupt(want, blocks[1], fault);
	vx_step step;
	const vx_meta *meta = tick(t, pages[0], want, step);
	if (meta == nullptr)
		return step;
	if (fresh)
		link_page(t, p, to);
	purge(t, p.source);
	purge(t, p.target);
	const uint32_t moved = copy_entries(t, p, to, meta->clock);
	note_target(t, p, to);
	for (uint32_t i = 0; i < t.plan.take; i++)
		t.hood.rows[t.plan.moves[t.plan.at + i]].leaf = first.target;
	t.plan.at += t.plan.take;
	return moved > 0 ? VX_DONE : VX_YIELD;
}

// Room on a page for entries, those counted that can be dropped.
uint32_t room_on(const vx_tend &t, const TendPage &page) {
	(void)t;
	return page.capacity - page.count + page.purgeable;
}

// A page of the leaf with room, VX_NO_BLOCK if there is none.
uint32_t page_with_room(const vx_tend &t, const TendLeaf &leaf, uint32_t &room) {
	for (uint32_t i = 0; i < leaf.npages; i++) {
		const TendPage &page = t.hood.pages[leaf.first_page + i];
		room = room_on(t, page);
		if (room > 0)
			return page.block;
	}
	room = vx_leaf_capacity(dim_of(t), t.ix->meta.scan_bits);
	return VX_NO_BLOCK;
}

// Moves from the same page to the same leaf as the next one.
uint32_t group_size(const vx_tend &t) {
	const TendRow &first = move(t, t.plan.at);
	uint32_t n = 1;
	for (; n < kMostMoves && t.plan.at + n < t.plan.moves.size(); n++) {
		const TendRow &row = move(t, t.plan.at + n);
		if (row.page != first.page || row.target != first.target)
			break;
	}
	return n;
}

bool is_move(const vx_tend &t, const TendRow &row, bool out) {
	if (row.code == kNoIndex || row.page == VX_NO_BLOCK || row.target == row.leaf)
		return false;
	const bool new_target = row.target >= t.hood.nleaves;
	return out ? row.leaf == 0 && !new_target : row.leaf != 0 && row.leaf < t.hood.nleaves;
}

// All moves were made or given up.
void end_moves(vx_tend &t) {
	Neighbourhood &h = t.hood;
	if (t.phase == TendPhase::kMoveIn) {
		t.phase = TendPhase::kOrigins;
		return;
	}
	uint32_t left = 0;
	for (TendRow &row : h.rows) {
		if (row.leaf != 0 || row.code == kNoIndex || row.page == VX_NO_BLOCK)
			continue;
		if (row.target < h.nleaves) { // the neighbour had no room
			row.target = row.half;
			need_reach(t, row);
		}
		left++;
	}
	if (t.plan.parts == 0 && left > 0) { // rows without a neighbour
		t.phase = TendPhase::kDone;
		return;
	}
	start_swap(t, h.leaves[0].parent, h.leaves[0].at, t.plan.parts, TendPhase::kBuild);
}

} // namespace

vx_step step_raise(vx_tend &t, vx_want &want) {
	const uint32_t page = page_to_raise(t.hood);
	if (page == VX_NO_BLOCK)
		return start_moves(t, want, true);
	begin_record(t, want, apply_raise);
	add_page(want, page);
	return VX_WRITE;
}

vx_step start_moves(vx_tend &t, vx_want &want, bool out) {
	Neighbourhood &h = t.hood;
	LeafPlan &p = t.plan;
	p.moves.clear();
	if (!p.moves.reserve_more(t.arena, h.rows.size()))
		return need_memory(t, want);
	for (uint32_t i = 0; i < h.rows.size(); i++)
		if (is_move(t, h.rows[i], out))
			p.moves.append(i);
	std::sort(p.moves.begin(), p.moves.end(), [&](uint32_t a, uint32_t b) {
		const TendRow &x = h.rows[a], &y = h.rows[b];
		return x.page != y.page ? x.page < y.page : x.target != y.target ? x.target < y.target : a < b;
	});
	p.at = 0;
	t.phase = out ? TendPhase::kMoveOut : TendPhase::kMoveIn;
	return VX_DONE;
}

// Moves are an improvement: where the target has no room they are left out, unless the rows must go somewhere.
vx_step step_moves(vx_tend &t, vx_want &want) {
	LeafPlan &p = t.plan;
	while (p.at < p.moves.size()) {
		const TendRow &first = move(t, p.at);
		const TendLeaf &to = t.hood.leaves[first.target];
		const uint32_t n = group_size(t);
		uint32_t room;
		p.target = page_with_room(t, to, room);
		if (p.target == VX_NO_BLOCK && p.parts != 0) {
			p.at += n;
			continue;
		}
		p.take = std::min(n, room);
		begin_record(t, want, apply_moves);
		add_page(want, VX_META_BLOCK);
		add_page(want, first.page);
		if (p.target == VX_NO_BLOCK)
			add_page(want, to.child.block);
		add_page(want, p.target);
		return VX_WRITE;
	}
	end_moves(t);
	return VX_DONE;
}

} // namespace vecidx
