// State of an insert: where the row goes, what must be written, and what the plan was based on.
//
//   meta -> [inner nodes, level by level] -> head of the chain -> [page after the head] -> [code page] -> plan
//   plan -> radius records, root first -> the record that adds the row -> done
//
// Pages with room that VACUUM made come first for a row of another home than the tree; where a code goes is told in
// insert_slot.cpp. A page of these lists that has no room left is taken off by a record of its own.
//
// A code that takes two pages always goes into a free slot of that list, since its pages and those of a leaf that has
// no room are as many as a record may change. Where the list has none, a record of its own makes one. Should the insert
// end there, the slot is the next one's.
//
// Pages are read one at a time and no page stays locked, so the plan is a guess; insert_apply.cpp validates it again
// under the locks of the record. A plan that lost to another insert is made anew from the meta page; the route through
// the tree is kept, because the tree's shape is fixed during an insert.
#pragma once

#include "code/scancode.hpp"
#include "page/inner.hpp"
#include "page/validate.hpp"
#include "vecidx/core.h"

namespace vecidx {

// Nodes opened on each level above the leaves' parents, and below them: a greedy descent loses neighbours for good.
inline constexpr uint32_t kInsertBeam = 8;

enum class InsertPhase : uint8_t {
	kMeta,
	kInner,
	kRoom,
	kHead,
	kNext,
	kNear,
	kCode,
	kRest,
	kPop,
	kMake,
	kRadius,
	kWrite,
	kDone
};

// Where a row is kept.
enum class Home : uint8_t { kTree, kRaw, kWild, kLate };

// One inner entry on the way to the leaf.
struct PathStep {
	uint64_t node;
	BlockPlace place;
	uint32_t lane;
	float needed; // radius that covers the new row
	float radius; // as read
};

struct Way {
	double cost;
	uint64_t node; // at its end
	uint32_t block;
	PathStep path[kMaxLevels + 1]; // [level]: entry in a node of that level
};

// Whose code page takes the code, in the order in which they are asked for room.
enum class CodePage : uint8_t { kOwn, kNear, kListed, kTail, kNew };

// What the record is to change.
struct InsertPlan {
	uint32_t room;      // first page of the list for this home, as the meta page said; VX_NO_BLOCK: none
	uint32_t code_tail; // as the meta page said
	uint32_t own;       // the leaf's code page, as its head said; VX_META_BLOCK: none
	uint32_t code;      // code page that takes the code, unless it is a new one
	uint32_t rest;      // page that takes the rest of the code
	uint32_t head;      // of the chain
	uint32_t after;     // page after the head, when read
	uint32_t target;    // page with room; VX_NO_BLOCK: a new page after the head
	uint32_t entries;   // of the chain, about
	CodePage asked;     // whose page `code` is
};

} // namespace vecidx

struct vx_insert {
	const vx_index *ix;
	vx_row row;
	uint64_t oldest; // transaction id: what was marked before it is needed by nobody
	vecidx::Home home;
	vecidx::InsertPhase phase;
	bool stale, routed;
	const char *fault; // what is wrong with the page in `visiting`
	uint32_t visiting;

	// the row's codes, in memory behind this struct
	vx_code_entry *entry;  // relative to the mean: the tree goes by this
	vx_code_entry *stored; // what the code page gets: the same, or relative to an anchor
	float *x;              // raw rows
	uint8_t *scan;         // scan code, a byte a dimension
	double *centroid;      // scratch, then of the chosen leaf, or its origin
	double *candidate;     // scratch
	uint8_t *block;        // where an inner node's block is put together
	vecidx::ScanFactors factors;
	float extra;      // inner product: the row's extra coordinate
	int32_t code_sum; // of entry->code

	// routing
	uint32_t level, levels;
	vecidx::InnerCursor cursor;
	vecidx::Way open[vecidx::kInsertBeam], found[vecidx::kInsertBeam];
	uint32_t nopen, opened, nfound;
	float leaf_spread;
	double near_cost; // of the second nearest leaf
	uint64_t near_node;
	uint32_t near_block; // VX_NO_BLOCK: there is none

	uint64_t raw_node;
	vx_meta meta;          // as read
	uint32_t limit;        // entries of a leaf that is to be split
	uint32_t radius_level; // next level whose radius may have to grow
	vecidx::InsertPlan plan;
};

namespace vecidx {

// insert_route.cpp
void start_route(vx_insert &in, const vx_meta &meta);
void route_page(vx_insert &in, const void *page);

// insert_slot.cpp: where the code goes
void choose_code_page(vx_insert &in);
void read_near(vx_insert &in, const void *page);
void read_code(vx_insert &in, const void *page);
void read_rest(vx_insert &in, const void *page);
// Does the leaf's head get another code page?
bool adopts(const vx_insert &in);
// Is that a new one?
inline bool has_new_code_page(const vx_insert &in) {
	return in.plan.asked == CodePage::kNew;
}

// List of pages with room where rows of this home, or their codes, go first.
inline vx_room room_of(Home home) {
	return home == Home::kTree   ? VX_ROOM_CODE
		   : home == Home::kRaw  ? VX_ROOM_RAW
		   : home == Home::kWild ? VX_ROOM_WILD
								 : VX_ROOM_LATE;
}

// Whether the row's code takes two pages.
inline bool needs_slot(const vx_insert &in) {
	return in.home == Home::kTree && vx_code_rest(in.ix->meta.dim) > 0;
}

// Whether a page of the row's chain takes an entry.
bool has_room(const vx_insert &in, const void *page);
// Whether a page of that list takes an entry.
bool has_listed_room(const vx_insert &in, const void *page);

inline vx_page_kind chain_kind(Home home) {
	return home == Home::kTree ? VX_KIND_LEAF : home == Home::kRaw ? VX_KIND_RAW : VX_KIND_LIST;
}

// Fault of a page of the chain the row goes to (head, second or target).
const char *target_fault(const vx_insert &in, const void *page);

} // namespace vecidx
