// The tree's part of a vacuum: entries of slots that were marked leave their leaves, then the slots are free; pages
// that no lane leads to are freed; leaves and nodes that need more than that are noted as chores.
#include <algorithm>

#include "grow/vacuum.hpp"
#include "page/leaf.hpp"
#include "page/rows.hpp"
#include "tree/plan.hpp"

namespace vecidx {
namespace {

// Marked slots that are worth reading all leaves for: one in so many.
constexpr uint64_t kWorthwhile = 50;
constexpr uint32_t kNone = UINT32_MAX;

void open_node(vx_vacuum &v) {
	const WalkNode &node = v.nodes[v.walk_at];
	v.forgettable = false;
	if (node.living)
		v.inner_ids.append(node.node);
	v.cursor.start(v.meta.dim, node.block, node.node, node.level, v.buffer);
}

vx_lane lane_at(const vx_vacuum &v, const InnerBlock &block, uint32_t lane) {
	return {v.nodes[v.walk_at].node, block.place.page, block.place.row, lane};
}

void meet_lane(vx_vacuum &v, const InnerBlock &block, uint32_t lane) {
	const WalkNode node = v.nodes[v.walk_at];
	const Child child = child_of(block, lane);
	const bool living = node.living && lane_lives(block, lane);
	v.ids.append(child.node);
	if (node.level > 1 && child.block != VX_NO_BLOCK)
		v.nodes.append({child.node, child.block, node.level - 1, static_cast<uint32_t>(v.walk_at),
						lane_at(v, block, lane), living});
	else if (living)
		v.leaves.append({child.node, child.block, static_cast<uint32_t>(v.walk_at), lane_at(v, block, lane)});
}

// A retired node's pages may be gone; its children are then known from elsewhere, or gone too.
bool is_gone(vx_vacuum &v) {
	const WalkNode &node = v.nodes[v.walk_at];
	if (node.living)
		return false;
	v.cursor.start(v.meta.dim, VX_NO_BLOCK, node.node, node.level, v.buffer);
	v.fault = nullptr;
	return true;
}

void add_path(const vx_vacuum &v, uint32_t node, vx_chore &chore) {
	for (uint32_t level = 2, i = node; v.nodes[i].parent != kNone && level <= VX_MAX_LEVELS; level++) {
		chore.path[level] = v.nodes[i].at;
		i = v.nodes[i].parent;
	}
}

void note_forgettable(vx_vacuum &v) {
	const WalkNode &node = v.nodes[v.walk_at];
	if (!v.forgettable || !node.living)
		return;
	vx_chore chore{};
	chore.kind = VX_CHORE_FREE;
	chore.levels = node.level;
	chore.path[1] = {node.node, node.block, 0, 0};
	v.chores.append(chore);
}

void end_walk(vx_vacuum &v) {
	std::sort(v.ids.begin(), v.ids.end());
	std::sort(v.inner_ids.begin(), v.inner_ids.end());
	std::sort(v.inner_pages.begin(), v.inner_pages.end());
	std::sort(v.leaves.begin(), v.leaves.end(),
			  [](const LivingLeaf &a, const LivingLeaf &b) { return a.block < b.block; });
	v.leaf_at = 0;
	v.next_block = VX_NO_BLOCK;
	const bool worthwhile = v.pending > 0 && v.pending * kWorthwhile >= v.slots;
	v.phase = worthwhile ? VacuumPhase::kEntries : VacuumPhase::kOrphans;
	if (!worthwhile)
		v.code_pages.clear();
	if (worthwhile && !v.leaves.empty())
		v.next_block = v.leaves[0].block;
}

// ---- leaves

// Which entries of a page are to go: those of marked slots, and marked ones that nobody needs.
uint32_t entries_to_drop(const vx_vacuum &v, const void *page, uint8_t *drop) {
	const uint32_t dim = v.meta.dim, bits = v.meta.scan_bits;
	const auto &header = page_header<vx_leaf_header>(page);
	const bool purge = marks_forgettable(header, v.oldest);
	uint32_t n = 0;
	for (uint32_t slot = 0; slot < header.chain.count; slot++) {
		const bool marked = header.moved != 0 && leaf_marked(page, dim, bits, slot);
		if (marked ? !purge : !is_dead(v, leaf_ref(page, slot)))
			continue;
		drop[slot / 8] = static_cast<uint8_t>(drop[slot / 8] | 1U << slot % 8);
		n++;
	}
	return n;
}

constexpr uint32_t kBitmapBytes = VX_PAGE_SIZE / 64;

void note_leaf(vx_vacuum &v) {
	const LivingLeaf &leaf = v.leaves[v.leaf_at];
	const uint32_t capacity = vx_leaf_capacity(v.meta.dim, v.meta.scan_bits);
	const bool thin = v.living < leaf_least(v.meta) && v.meta.leaves > 1;
	const uint32_t pages = std::max(1U, (v.living + capacity / 16 + capacity - 1) / capacity);
	if (!thin && v.leaf_pages <= pages)
		return;
	vx_chore chore{};
	chore.kind = thin ? VX_CHORE_THIN : VX_CHORE_LEAF;
	chore.leaf = leaf.node;
	chore.levels = v.meta.levels;
	chore.path[1] = leaf.at;
	add_path(v, leaf.parent, chore);
	v.chores.append(chore);
}

void next_leaf(vx_vacuum &v) {
	note_leaf(v);
	v.leaf_at++;
	v.leaf_pages = v.living = 0;
	v.next_block = v.leaf_at < v.leaves.size() ? v.leaves[v.leaf_at].block : VX_NO_BLOCK;
}

} // namespace

vx_step step_walk(vx_vacuum &v, vx_want &want) {
	const size_t lanes = size_t(inner_blocks(v.meta.dim)) * VX_LANES;
	if (!v.nodes.reserve_more(v.arena, lanes + 1) || !v.leaves.reserve_more(v.arena, lanes) ||
		!v.ids.reserve_more(v.arena, lanes + 1) || !v.chores.reserve_more(v.arena, 1) ||
		!v.inner_ids.reserve_more(v.arena, 1) || !v.inner_pages.reserve_more(v.arena, 1))
		return need_memory(v, want);
	if (v.nodes.empty()) {
		v.nodes.append({v.meta.root_node, v.meta.root, v.meta.levels, kNone, {}, true});
		v.ids.append(v.meta.root_node);
		v.limit = v.meta.next_node;
		open_node(v);
	}
	if (v.cursor.wanted() != VX_NO_BLOCK)
		return ask(v, want, v.cursor.wanted());
	note_forgettable(v);
	if (++v.walk_at < v.nodes.size()) {
		open_node(v);
		return VX_DONE;
	}
	end_walk(v);
	return VX_DONE;
}

void walk_page(vx_vacuum &v, const void *page) {
	v.fault = v.cursor.take(page);
	if (v.fault != nullptr && is_gone(v))
		return;
	if (v.fault == nullptr)
		v.inner_pages.append(v.visiting);
	const auto &header = page_header<vx_inner_header>(page);
	if (v.fault == nullptr && header.part == 0) // the fields of a group are on its first page
		v.until = header.horizon < v.oldest ? header.until : 0;
	for (InnerBlock block; v.fault == nullptr && v.cursor.next(block);)
		for (uint32_t lane = 0; lane < VX_LANES; lane++) {
			if (!lane_used(block, lane))
				continue;
			v.forgettable = v.forgettable || block.retired(lane) <= v.until;
			meet_lane(v, block, lane);
		}
}

vx_step step_entries(vx_vacuum &v, vx_want &want) {
	if (v.phase == VacuumPhase::kDrop) {
		want.npages = 1;
		want.pages[0] = v.visiting;
		return VX_WRITE;
	}
	if (!v.chores.reserve_more(v.arena, 1))
		return need_memory(v, want);
	if (v.leaf_at == v.leaves.size()) {
		v.release_at = 0;
		v.phase = VacuumPhase::kRelease;
		return VX_DONE;
	}
	if (v.next_block != VX_NO_BLOCK)
		return ask(v, want, v.next_block);
	next_leaf(v);
	return VX_DONE;
}

// A leaf that was replaced since the walk needs nothing: what took its place has no entry of a marked slot.
void entries_page(vx_vacuum &v, const void *page) {
	const LivingLeaf &leaf = v.leaves[v.leaf_at];
	if (leaf_fault(page, v.meta.dim, v.meta.scan_bits, leaf.node) != nullptr) {
		v.living = UINT32_MAX / 2;
		v.leaf_pages = 0;
		v.next_block = VX_NO_BLOCK;
		return;
	}
	uint8_t drop[kBitmapBytes] = {};
	v.next_block = page_header<vx_chain_header>(page).next;
	v.leaf_pages++;
	const uint32_t dropped = entries_to_drop(v, page, drop);
	v.living += page_header<vx_chain_header>(page).count - dropped;
	if (dropped > 0)
		v.phase = VacuumPhase::kDrop;
}

vx_step apply_drop(vx_vacuum &v, void *const pages[], const uint32_t[], vx_want &) {
	v.phase = VacuumPhase::kEntries;
	if (leaf_fault(pages[0], v.meta.dim, v.meta.scan_bits, v.leaves[v.leaf_at].node) != nullptr)
		return VX_YIELD;
	uint8_t drop[kBitmapBytes] = {};
	const uint32_t n = entries_to_drop(v, pages[0], drop);
	if (n == 0)
		return VX_YIELD;
	auto &header = page_header<vx_leaf_header>(pages[0]);
	const bool purge = marks_forgettable(header, v.oldest);
	v.stats.dropped += leaf_drop(pages[0], v.meta.dim, v.meta.scan_bits, drop);
	if (purge) {
		header.forgot = std::max(header.forgot, header.moved);
		header.moved = 0;
	}
	return VX_DONE;
}

vx_step step_release(vx_vacuum &v, vx_want &want) {
	if (v.release_at == v.code_pages.size()) {
		v.phase = VacuumPhase::kOrphans;
		return VX_DONE;
	}
	v.visiting = v.code_pages[v.release_at];
	want.npages = 2;
	want.pages[0] = VX_META_BLOCK;
	want.pages[1] = v.visiting;
	return VX_WRITE;
}

vx_step apply_release(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want) {
	const uint32_t dim = v.meta.dim;
	const char *fault = vx_meta_fault(pages[0]);
	if (fault != nullptr)
		return corrupt(want, VX_META_BLOCK, fault);
	fault = chain_fault(pages[1], VX_KIND_CODE, dim, 0);
	if (fault != nullptr)
		return corrupt(want, blocks[1], fault);
	auto &header = page_header<vx_rows_header>(pages[1]);
	uint8_t slots[kBitmapBytes * 4] = {};
	for (uint32_t slot = 0; slot < header.chain.count; slot++)
		if (is_dead(v, make_ref(blocks[1], slot, dim)))
			slots[slot / 8] = static_cast<uint8_t>(slots[slot / 8] | 1U << slot % 8);
	const uint32_t released = code_release(pages[1], slots);
	v.stats.released += released;
	v.release_at++;
	v.held = v.held > 1 ? v.held - 1 : 0;
	if (released == 0)
		return VX_YIELD;
	if (header.room == VX_META_BLOCK) {
		uint32_t &first = page_header<vx_meta>(pages[0]).room[VX_ROOM_CODE];
		header.room = first;
		first = blocks[1];
	}
	return VX_DONE;
}

namespace {

// Pages of a node that no lane names, although its id was given out before the walk, and those that were to extend a
// living inner node but that the walk did not come by: a crash or an error came between the writing of them and their
// publication. Nobody publishes them later, for the walk had the lock of the shape.
bool is_orphan(const vx_vacuum &v, const NodePage &page) {
	if (page.node >= v.limit)
		return false;
	if (!std::binary_search(v.ids.begin(), v.ids.end(), page.node))
		return true;
	return page.inner && std::binary_search(v.inner_ids.begin(), v.inner_ids.end(), page.node) &&
		   !std::binary_search(v.inner_pages.begin(), v.inner_pages.end(), page.block);
}

} // namespace

vx_step step_orphans(vx_vacuum &v, vx_want &want) {
	for (; v.orphan_at < v.node_pages.size(); v.orphan_at++) {
		const NodePage &page = v.node_pages[v.orphan_at];
		if (!is_orphan(v, page))
			continue;
		v.visiting = page.block;
		want.npages = 1;
		want.pages[0] = page.block;
		return VX_WRITE;
	}
	v.phase = VacuumPhase::kCount;
	return VX_DONE;
}

vx_step apply_orphan(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want) {
	const NodePage page = v.node_pages[v.orphan_at++];
	const vx_special &special = page_special(pages[0]);
	if (special.page_id != VX_PAGE_ID || special.kind == VX_KIND_FREE || special.node != page.node)
		return VX_YIELD;
	page_init(pages[0], VX_KIND_FREE, 0, 0, v.meta.dim, v.meta.scan_bits);
	want.nfreed = 1;
	want.freed[0] = blocks[0];
	v.stats.free_pages++;
	return VX_DONE;
}

} // namespace vecidx
