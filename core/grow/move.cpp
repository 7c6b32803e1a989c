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

// The entry of this slot, marked or not; the page's count when there is none.
uint32_t find_entry(const vx_tend &t, const void *page, uint32_t ref, bool marked) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits, count = page_header<vx_chain_header>(page).count;
	uint32_t slot = 0;
	while (slot < count && (leaf_ref(page, slot) != ref || leaf_marked(page, dim, bits, slot) != marked))
		slot++;
	return slot;
}

// The moves of a record are done. The source's marks have a new stamp then, so that none of them makes room any more.
vx_step end_group(vx_tend &t, void *source, uint32_t block, uint64_t clock, uint32_t moved) {
	t.plan.at += t.plan.take;
	if (moved == 0)
		return VX_YIELD;
	auto &header = page_header<vx_leaf_header>(source);
	header.moved = clock;
	header.horizon = t.now;
	for (TendPage &page : t.hood.pages)
		if (page.block == block)
			page.purgeable = 0;
	return VX_DONE;
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
uint32_t copy_entries(vx_tend &t, const MovePages &p, const TendLeaf &to) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	uint32_t moved = 0;
	for (uint32_t i = 0; i < t.plan.take; i++) {
		TendRow &row = t.hood.rows[t.plan.moves[t.plan.at + i]];
		const uint32_t slot = find_entry(t, p.source, row.ref, false);
		ScanFactors factors;
		const bool there = slot < page_header<vx_chain_header>(p.source).count;
		if (there && !add_entry(t, p.target, to, row, factors))
			continue;
		row.leaf = row.target; // or VACUUM dropped it
		if (!there)
			continue;
		leaf_mark(p.source, dim, bits, slot);
		moved++;
	}
	return moved;
}

void note_target(vx_tend &t, const MovePages &p, TendLeaf &to) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	const auto &header = page_header<vx_leaf_header>(p.target);
	const uint32_t count = header.chain.count;
	const uint32_t purgeable = marks_forgettable(header, t.oldest) ? count - leaf_living(p.target, dim, bits) : 0;
	for (uint32_t i = 0; i < to.npages; i++) {
		TendPage &page = t.hood.pages[to.first_page + i];
		// a new page takes the place of one that is full
		if (page.block == p.target_block || (p.head != nullptr && i + 1 == to.npages))
			page = {p.target_block, count, count + leaf_room(p.target, dim, bits), purgeable};
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
	leaf_forget(p.target, t.oldest);
	const uint32_t moved = copy_entries(t, p, to);
	if (moved > 0)
		note_target(t, p, to);
	return end_group(t, p.source, blocks[1], meta->clock, moved);
}

// ---- entries that wait in a new leaf

// Moves of the record: those from the page of the next one to copies that wait on at most two pages.
uint32_t waiting_group(const vx_tend &t, uint32_t pages[2], uint32_t &npages) {
	const TendRow &first = move(t, t.plan.at);
	uint32_t n = 0;
	npages = 0;
	for (; n < kMostMoves && t.plan.at + n < t.plan.moves.size(); n++) {
		const TendRow &row = move(t, t.plan.at + n);
		if (row.page != first.page || row.waiting == VX_NO_BLOCK)
			break;
		const bool known = std::find(pages, pages + npages, row.waiting) != pages + npages;
		if (!known && npages == 2)
			break;
		if (!known)
			pages[npages++] = row.waiting;
	}
	return n;
}

// Its copy counts from now on, and no longer its entry. False: VACUUM dropped that.
bool activate(vx_tend &t, void *source, void *target, const TendRow &row) {
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	const uint32_t from = find_entry(t, source, row.ref, false), to = find_entry(t, target, row.ref, true);
	if (from == page_header<vx_chain_header>(source).count || to == page_header<vx_chain_header>(target).count)
		return false;
	ScanFactors factors;
	scan_encode(static_cast<vx_metric>(t.ix->meta.metric), dim, bits, point_of(t, row.code),
				t.hood.leaves[row.target].origin, t.scan_code, factors);
	leaf_unmark(target, dim, bits, to, factors);
	leaf_mark(source, dim, bits, from);
	return true;
}

vx_step apply_activate(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	const uint32_t npages = want.npages, dim = dim_of(t), bits = t.ix->meta.scan_bits;
	const TendRow &first = move(t, t.plan.at);
	const char *fault = leaf_fault(pages[1], dim, bits, t.hood.leaves[first.leaf].child.node);
	for (uint32_t i = 2; i < npages && fault == nullptr; i++)
		fault = leaf_fault(pages[i], dim, bits, page_special(pages[i]).node);
	if (fault != nullptr)
		return corrupt(want, blocks[1], fault);
	vx_step step;
	const vx_meta *meta = tick(t, pages[0], want, step);
	if (meta == nullptr)
		return step;
	uint32_t moved = 0;
	for (uint32_t i = 0; i < t.plan.take; i++) {
		TendRow &row = t.hood.rows[t.plan.moves[t.plan.at + i]];
		moved += activate(t, pages[1], page_of(pages, blocks, npages, row.waiting), row) ? 1 : 0;
		row.leaf = row.target;
	}
	return end_group(t, pages[1], blocks[1], meta->clock, moved);
}

vx_step activate_group(vx_tend &t, vx_want &want) {
	uint32_t pages[2], npages;
	t.plan.take = waiting_group(t, pages, npages);
	begin_record(t, want, apply_activate);
	add_page(want, VX_META_BLOCK);
	add_page(want, move(t, t.plan.at).page);
	for (uint32_t i = 0; i < npages; i++)
		add_page(want, pages[i]);
	return VX_WRITE;
}

// ---- planning

// Room on a page for entries, those counted that can be dropped.
uint32_t room_on(const TendPage &page) {
	return page.capacity - page.count + page.purgeable;
}

// A page of the leaf with room, VX_NO_BLOCK if there is none.
uint32_t page_with_room(const vx_tend &t, const TendLeaf &leaf, uint32_t &room) {
	for (uint32_t i = 0; i < leaf.npages; i++) {
		const TendPage &page = t.hood.pages[leaf.first_page + i];
		room = room_on(page);
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
		const bool waits = x.waiting != VX_NO_BLOCK, other = y.waiting != VX_NO_BLOCK;
		return x.page != y.page       ? x.page < y.page
			   : waits != other       ? waits
			   : x.target != y.target ? x.target < y.target
									  : a < b;
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
		if (first.waiting != VX_NO_BLOCK)
			return activate_group(t, want);
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
