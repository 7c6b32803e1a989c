// State of a vacuum: what is removed, in which order, so that no reader and no change of shape is misled.
//
//   LOCK -> meta -> [UNLOCK if there is a tree]
//   -> sweep: every page of rows, by block; rows named are removed: list and raw entries at once, code slots are marked
//   -> LOCK -> walk over inner nodes: ids of all nodes, living leaves -> UNLOCK
//   -> leaves: entries that lead to marked slots are dropped
//   -> release, under LOCK: marked slots become free
//   -> pages of nodes that no lane names become free, and pages of inner nodes that were never linked
//   -> meta: how many rows are left -> done
//
// The lock is the shape's. Without a tree it is held through the sweep, lest the first training move rows behind it.
// Between sweep and walk it is a barrier: changes of shape that read slots before they were marked have ended, and
// those that begin later copy no entry of a marked slot, so the leaves that live at the walk hold all such entries.
// Slots are released under the lock because a change of shape works with codes that it has read.
#pragma once

#include "code/index.hpp"
#include "memory/arena.hpp"
#include "page/inner.hpp"
#include "page/validate.hpp"
#include "vecidx/core.h"

namespace vecidx {

// Code pages released under one hold of the lock.
inline constexpr uint32_t kMostReleased = 64;

enum class VacuumPhase : uint8_t {
	kStart,
	kMeta,
	kSweep,
	kRows,
	kRemove,
	kBarrier,
	kMetaAgain,
	kWalk,
	kEntries,
	kDrop,
	kRelease,
	kOrphans,
	kCount,
	kDone
};

// A page of a node, as the sweep met it.
struct NodePage {
	uint32_t block;
	bool inner;
	uint64_t node;
};

// An inner node to be walked.
struct WalkNode {
	uint64_t node;
	uint32_t block, level;
	uint32_t parent; // index, UINT32_MAX for the root
	vx_lane at;
	bool living;
};

struct LivingLeaf {
	uint64_t node;
	uint32_t block;
	uint32_t parent; // index of the inner node
	vx_lane at;
};

} // namespace vecidx

struct vx_vacuum {
	static constexpr uint32_t kMostRows = (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / sizeof(vx_row);

	const vx_index *ix;
	uint64_t oldest;
	vecidx::Arena arena;
	vecidx::VacuumPhase phase;
	const char *fault;
	uint32_t visiting;
	bool stale, locked, asked;
	vx_meta meta;
	vx_vacuum_stats stats;

	// the sweep
	uint32_t nblocks, at;
	vx_row rows[kMostRows];
	bool remove[kMostRows];
	uint32_t nrows;
	vx_page_kind kind;
	bool listed; // the page is on a list of pages with room
	vx_room room;
	uint64_t slots, pending; // code slots in use; marked and not free
	uint64_t *dead;          // bitmap of pending slots, by reference
	uint64_t dead_words, cleared;
	vecidx::Pool<vecidx::NodePage> node_pages;
	vecidx::Pool<uint32_t> code_pages; // with pending slots

	// the walk
	vecidx::InnerCursor cursor;
	uint8_t *buffer;
	vecidx::Pool<vecidx::WalkNode> nodes;
	vecidx::Pool<vecidx::LivingLeaf> leaves;
	vecidx::Pool<uint64_t> ids;
	vecidx::Pool<uint32_t> inner_pages; // met by the walk
	size_t walk_at;
	uint32_t held; // pages released under one hold of the lock
	uint64_t limit; // ids given out later are not judged
	bool forgettable; // the node being read has lanes to be freed

	// leaves
	size_t leaf_at;
	uint32_t next_block, leaf_pages, living;
	size_t release_at, orphan_at;
	vecidx::Pool<vx_chore> chores;
	uint64_t raw_rows;
};

namespace vecidx {

// vacuum_rows.cpp: the sweep
vx_step step_sweep(vx_vacuum &v, vx_want &want);
void sweep_page(vx_vacuum &v, const void *page);
vx_step step_remove(vx_vacuum &v, vx_want &want);
vx_step apply_remove(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want);
bool is_dead(const vx_vacuum &v, uint32_t ref);

// vacuum_tree.cpp: walk, leaves, release, orphans
vx_step step_walk(vx_vacuum &v, vx_want &want);
void walk_page(vx_vacuum &v, const void *page);
vx_step step_entries(vx_vacuum &v, vx_want &want);
void entries_page(vx_vacuum &v, const void *page);
vx_step apply_drop(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want);
vx_step step_release(vx_vacuum &v, vx_want &want);
vx_step apply_release(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want);
vx_step step_orphans(vx_vacuum &v, vx_want &want);
vx_step apply_orphan(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want);

inline vx_step ask(vx_vacuum &v, vx_want &want, uint32_t block) {
	v.visiting = block;
	want.block = block;
	want.nahead = 0;
	return VX_PAGE;
}
inline vx_step need_memory(const vx_vacuum &v, vx_want &want) {
	want.bytes = v.arena.wanted();
	return VX_MEMORY;
}
inline vx_step corrupt(vx_want &want, uint32_t block, const char *why) {
	want.block = block;
	want.why = why;
	return VX_CORRUPT;
}

} // namespace vecidx
