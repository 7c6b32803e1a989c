// State of a structure check: a sweep that looks at every page by itself, then a walk from the meta page that compares
// what belongs together, then the pages and slots that the walk has not met.
//
//   meta -> sweep all pages -> memory -> mean and anchors -> tree (inner nodes -> leaf pages -> code pages) -> raw,
//   wild, late
//   -> lists of pages with room -> live slots without a scan entry -> pages that nothing leads to -> done
//
// The tree is walked by living lanes. A page of a node that no living lane names was retired, or written by a change
// that a crash or an error cut short: VACUUM frees it.
//
// A fault is reported and the check goes on. What a damaged page would have led to is not reported missing as well.
#pragma once

#include "code/index.hpp"
#include "page/inner.hpp"
#include "page/rows.hpp"
#include "page/validate.hpp"
#include "vecidx/core.h"

namespace vecidx {

enum class CheckPhase : uint8_t {
	kMeta,
	kSweep,
	kMemory, // ask for what the sweep has shown to be needed
	kClear,  // and zero it in slices
	kMean,
	kTree,
	kLeaf,
	kCodes, // of the leaf page read last
	kChain,
	kRoom,
	kSlots,
	kPages,
	kDone
};

// What is known of a block: its kind (0: new) and these bits.
inline constexpr uint8_t kKindMask = 0x0F, kReached = 0x10, kDamaged = 0x20, kListed = 0x40, kHasRoom = 0x80;

struct CheckFault {
	uint32_t block;
	const char *why;
};

// An inner node on the way from the root; `centroid`, `radius` and `spread` are of the child being visited.
struct CheckFrame {
	InnerCursor cursor;
	InnerBlock block;
	uint32_t lane; // next one; VX_LANES at the end of the block
	float radius, spread;
	double *centroid;
	uint8_t *page;   // copy of the page the cursor reads
	uint8_t *buffer; // for the cursor
};

// A scan entry of the leaf page being checked.
struct CheckRef {
	uint32_t ref, slot;
};

} // namespace vecidx

struct vx_check {
	static constexpr uint32_t kMostFaults = 64, kMostRows = (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / sizeof(vx_row);

	const vx_index *ix;
	vecidx::CheckPhase phase;
	bool stale;
	bool cut; // a damaged page or pointer kept the walk from what lies behind it
	uint32_t nblocks, visiting, at;
	vx_meta meta;

	// faults and rows found on the page visited last, not reported yet
	vecidx::CheckFault faults[kMostFaults];
	uint32_t nfaults, fault_at;
	vx_row rows[kMostRows];
	uint32_t nrows, row_at;

	uint8_t *state; // by block
	uint32_t
		*number; // by block: of code pages their place in `slots`, of pages with the rest of a code its slot's page
	uint32_t code_pages, node_pages;
	uint64_t live_slots, live_rows, slots_met;

	uint64_t *slots; // bitmap: a scan entry refers to the slot
	uint64_t *seen;  // hash table of row pointers + 1
	uint64_t *nodes; // ids of living nodes; sorted at the end of the walk
	uint64_t slot_words, seen_size, cleared;
	uint32_t nnodes, leaves;

	uint32_t level;
	vecidx::CheckFrame frames[vecidx::kMaxLevels + 1];

	// chain being walked (leaf, raw or list)
	uint32_t next, from, position; // from: the page that points to `next`
	uint32_t chain;                // how many of raw, wild, late were begun
	uint32_t behind;               // what its head says of the pages behind it
	uint32_t mean_part;            // page of the mean, and then of the anchors, being read
	uint32_t list;                 // how many lists of pages with room were begun
	uint64_t node;
	uint32_t leaf_block;
	uint8_t *leaf;  // copy of that page
	double *origin; // what its codes are relative to
	uint8_t *code;  // one scan code, a byte a dimension
	vecidx::CheckRef *refs;
	uint32_t nrefs, ref_at;
	vx_code_entry *absolute; // a code relative to the mean
	vecidx::LongCode long_code;
	uint32_t long_slot; // its scan entry's on the leaf page
};

namespace vecidx {

inline constexpr uint32_t kCheckChains = 3; // raw, wild, late
inline constexpr uint32_t kRoomLists = VX_ROOM_LATE + 1;

void report(vx_check &c, uint32_t block, const char *why);

// May the walk go to this block, which a page `from` points to? Marks it reached.
bool reach(vx_check &c, uint32_t from, uint32_t block);

inline vx_step ask_page(vx_check &c, vx_want &want, uint32_t block) {
	c.visiting = block;
	want.block = block;
	want.nahead = 0;
	return VX_PAGE;
}

// Marks the page with the rest of the code whose slot's page this is, and says whether it may be read.
bool reach_rest(vx_check &c, const void *slot_page);

// check_sweep.cpp: each page by itself
void sweep_page(vx_check &c, const void *page);
size_t check_memory_wanted(const vx_check &c);
void check_take_memory(vx_check &c, void *memory);
bool clear_slice(vx_check &c);                  // false when all is clear
vx_step step_slots(vx_check &c, vx_want &want); // VX_DONE: this phase is over
vx_step step_pages(vx_check &c, vx_want &want);
void slots_page(vx_check &c, const void *page);
void unreached_page(vx_check &c, const void *page);

// check_tree.cpp: inner nodes
void start_tree(vx_check &c);
vx_step step_tree(vx_check &c, vx_want &want);
void tree_page(vx_check &c, const void *page);

// check_rows.cpp: leaves with their codes, raw run, lists
void start_chain(vx_check &c, uint32_t from, uint32_t head, uint64_t node);
vx_step step_leaf(vx_check &c, vx_want &want);
void leaf_page(vx_check &c, const void *page);
vx_step step_codes(vx_check &c, vx_want &want);
void codes_page(vx_check &c, const void *page);
vx_step step_chains(vx_check &c, vx_want &want);
void chain_page(vx_check &c, const void *page);

// check_room.cpp: lists of pages with room
void start_lists(vx_check &c);
vx_step step_lists(vx_check &c, vx_want &want);
void listed_page(vx_check &c, const void *page);

} // namespace vecidx
