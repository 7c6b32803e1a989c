// State of tending: one change of the tree's shape, from what an insert or VACUUM noticed to the last record.
//
//   a leaf is too long, too thin, or on too many pages:
//     meta -> its lane -> its neighbourhood -> entries of these leaves -> their codes -> plan -> LOCK
//     -> entries again -> codes of what came meanwhile -> node ids -> raise radii -> move entries out
//     -> room for lanes -> new leaves -> publish -> move entries in -> new centroids -> anchor
//   an inner node has too many lanes, after that: lanes -> groups of them -> new nodes -> publish
//   the raw run is long enough to train on:
//     LOCK -> raw run -> mean and codes -> training -> code pages -> leaves -> root -> publish
//
// The caller lets one of these run at a time (the shape's lock) and keeps inserts out from LOCK on (the tree's lock).
// Scans, and VACUUM marking or dropping what is dead, go on beside it. Each record leaves a tree that is scanned
// rightly; a crash between two of them leaves at most pages that nothing leads to, which VACUUM frees.
#pragma once

#include "code/scancode.hpp"
#include "memory/arena.hpp"
#include "page/inner.hpp"
#include "page/rows.hpp"
#include "page/validate.hpp"
#include "tree/train.hpp"
#include "vecidx/core.h"

namespace vecidx {

inline constexpr uint32_t kNoIndex = UINT32_MAX;

// Leaves whose rows look for a nearer centroid after a split, the split one among them.
inline constexpr uint32_t kNeighbours = 32;
// Nodes opened on each level above the leaves' parents.
inline constexpr uint32_t kTendBeam = 8;
inline constexpr uint32_t kMostAbove = 1 + kTendBeam * kMaxLevels;
// Nodes that may take the place of one.
inline constexpr uint32_t kMostParts = 2;
inline constexpr uint32_t kMostLeaves = kNeighbours + kMostParts;

enum class TendPhase : uint8_t {
	kMeta,
	// a leaf and its neighbourhood
	kPlace,
	kRoute,
	kEntries,
	kCodes,
	kPlan,
	kAssign,
	kLock,
	kEntriesAgain,
	kCodesAgain,
	kIds,
	kRaise,
	kMoveOut,
	kMoveIn,
	kOrigins,
	kRecentre,
	kAnchor,
	// nodes that take the place of one
	kLanes,
	kFree,
	kClear,
	kGrow,
	kLink,
	kBuild,
	kFresh,
	kParts,
	kPublish,
	// an inner node with too many lanes
	kRegroup,
	kGroup,
	kBuildNodes,
	kNewRoot,
	kReplaceRoot,
	// the raw run
	kRaw,
	kEncode,
	kTrain,
	kCodePages,
	kLeafPages,
	kRootPages,
	kFirstTree,
	kDone
};

// ---- reading

// An inner node that was opened, with what its parent's lane says of it; the root has no parent.
struct Above {
	uint64_t node;
	uint32_t block, level;
	uint32_t parent; // index of another one, kNoIndex for the root
	vx_lane at;      // in the parent
	double *centroid;
	float radius, spread;               // as stored
	float needed_radius, needed_spread; // what they must become
	double cost;
};

// A leaf of the neighbourhood, or one that is being made.
struct TendLeaf {
	Child child;
	vx_lane at;
	uint32_t parent; // index into `above`
	double *centroid;
	uint8_t *bytes;  // of the centroid, code + 128
	double *origin;  // what its codes are relative to
	uint32_t codes;  // its code page
	uint64_t gone;   // clock of the newest marked entries that others may have overwritten
	bool has_origin; // stored, because it is not the centroid
	bool recentred;  // near[] has a centroid that is to replace it
	float *fresh;    // that one
	float fresh_norm;
	float shift; // its distance from the old one
	float fresh_radius, fresh_spread;
	float needed_radius;
	uint32_t first_page, npages; // in `pages`
	uint32_t living;             // entries not marked
	uint32_t entries, met;       // read again: all but those that nobody needs, and those known from before
	double cost;
};

struct TendPage {
	uint32_t block;
	uint32_t count; // entries
	uint32_t capacity;
	uint32_t purgeable; // of these, marked ones that nobody needs any more
};

struct TendRow {
	uint32_t ref;
	uint32_t code; // index of its refine code, kNoIndex: dead
	uint32_t page; // where its entry lies, VX_NO_BLOCK: gone
	uint16_t leaf; // its leaf now
	uint16_t half; // rows of the leaf that is replaced: the part they belong to
	uint16_t target;
	uint32_t waiting; // where a marked copy of it lies in a new leaf: index of the new page, then its block; else
					  // VX_NO_BLOCK
};

// The leaf of the chore is the first one; those that replace it follow the neighbours.
struct Neighbourhood {
	InnerCursor cursor;
	uint8_t *buffer; // for the cursor
	vx_code_entry *center;
	int32_t center_sum;
	float center_extra;
	Above above[kMostAbove], best[kTendBeam];
	uint32_t nabove, opened, end_of_level, nbest;
	TendLeaf leaves[kMostLeaves];
	uint32_t nleaves, most_leaves;
	Pool<TendPage> pages;
	uint32_t leaf_at, next_block, steps;
	Pool<TendRow> rows; // in order of their references, those that came late behind them
	size_t known;       // rows in order
	size_t row_at;
	Pool<uint8_t> codes;  // relative to the mean
	Pool<uint8_t> stored; // the same as they are on their pages; empty where no code is relative to an anchor
	uint32_t ncodes;
	LongCode long_code;
};

// ---- the plan for a leaf

struct LeafPlan {
	uint32_t parts; // leaves that take its place
	Points points;  // all codes
	Centroids near; // slot i: leaf i
	Splitter splitter;
	uint32_t *members;
	double *side;
	double *sums, *extra_sums, *squares; // of the rows that each leaf will have
	uint32_t *counts;
	Pool<uint32_t> moves; // rows, by page and target
	size_t at;
	uint32_t take;   // moves of the record asked for
	uint32_t target; // page that takes them, VX_NO_BLOCK: a new one
};

// ---- nodes in the place of one

struct PageImage {
	alignas(8) uint8_t bytes[VX_PAGE_SIZE];
};

// Pages to be written, the last first; `next[i]` is the index of the page that page i is linked to, or kNoIndex.
struct FreshPages {
	Pool<PageImage> images;
	Pool<uint32_t> next, block;
	size_t left;
	TendPhase after;
};

struct Swap {
	uint32_t above; // node whose lanes change
	vx_lane old;    // retires
	uint32_t n;     // lanes that are born
	Child child[kMostParts];
	uint8_t *bytes[kMostParts];
	vx_lane at[kMostParts];
	uint32_t living;           // lanes of the node
	Pool<vx_lane> unused;      // free ones
	Pool<vx_lane> retired;     // those that nobody needs any more
	Pool<Child> retired_child; // and their children
	size_t free_at;            // retired children whose pages are free
	uint32_t free_block;       // page being freed
	bool free_found;           // it is the child's
	size_t clear_at;           // retired lanes that are cleared
	uint32_t next_block;       // of the node being read
	uint32_t last_page;        // the node's last page
	uint32_t last_blocks;      // on it
	uint32_t part_lane, part, part_page;
	bool published;
	TendPhase after;
};

// ---- an inner node with too many lanes

struct Regroup {
	uint32_t above; // the node
	Pool<Child> lanes;
	Pool<uint8_t> codes; // vx_code_stride a lane
	Points points;
	Level groups;
	Lloyd lloyd;
	uint32_t wanted;
	uint32_t *group_of;
	Child *child;         // of the groups
	double *centroid;     // of one of them
	uint32_t *first_page; // index of a new page
	bool started;
};

// ---- the raw run

struct Training {
	Pool<uint8_t> rows; // raw entries
	uint32_t n, at, next_block, steps;
	vx_index *shape; // with the new mean
	uint8_t *codes;
	vx_train *train;
	uint32_t *leaf_of, *order, *start, *ref; // order, ref: by leaf
	uint32_t leaves;
	Child *child; // of the leaves
	uint32_t *first_page;
	uint32_t mean_block, raw_block, code_tail;
};

} // namespace vecidx

struct vx_tend {
	using Apply = vx_step (*)(vx_tend &, void *const pages[], const uint32_t blocks[], vx_want &);

	const vx_index *ix;
	vx_chore chore;
	uint64_t oldest; // transaction id: what was retired before it is needed by nobody
	uint64_t now;    // transaction id to stamp what is retired with
	vecidx::Arena arena;
	vecidx::TendPhase phase;
	const char *fault;
	uint32_t visiting;
	bool stale, locked, anchored;
	vx_meta meta; // as read last
	Apply apply;  // of the record asked for
	uint64_t first_id;
	uint32_t ids;
	vecidx::TendPhase after_ids;
	double *scratch;
	uint8_t *scan_code;
	uint64_t written; // scan entries

	vecidx::Neighbourhood hood;
	vecidx::LeafPlan plan;
	vecidx::FreshPages fresh;
	vecidx::Swap swap;
	vecidx::Regroup regroup;
	vecidx::Training training;
};

namespace vecidx {

// ---- tend.cpp
inline vx_step ask(vx_tend &t, vx_want &want, uint32_t block) {
	t.visiting = block;
	want.block = block;
	want.nahead = 0;
	return VX_PAGE;
}
inline vx_step need_memory(const vx_tend &t, vx_want &want) {
	want.bytes = t.arena.wanted();
	return VX_MEMORY;
}
inline vx_step corrupt(vx_want &want, uint32_t block, const char *why) {
	want.block = block;
	want.why = why;
	return VX_CORRUPT;
}
inline vx_step begin_record(vx_tend &t, vx_want &want, vx_tend::Apply apply) {
	t.apply = apply;
	want.npages = 0;
	return VX_WRITE;
}
inline void add_page(vx_want &want, uint32_t block) {
	for (uint32_t i = 0; block != VX_NO_BLOCK && i < want.npages; i++)
		if (want.pages[i] == block)
			return;
	want.pages[want.npages++] = block;
}
// Which of the record's pages this block is.
inline void *page_of(void *const pages[], const uint32_t blocks[], uint32_t n, uint32_t block) {
	for (uint32_t i = 0; i < n; i++)
		if (blocks[i] == block)
			return pages[i];
	return nullptr;
}
// Memory kept to the end, laid out by takes from a Carver, all in one; false when there is none (need_memory).
template <class LayOut>
bool carve(vx_tend &t, LayOut lay_out) {
	Carver measure;
	lay_out(measure);
	void *memory = t.arena.allocate(measure.bytes());
	if (memory == nullptr)
		return false;
	Carver carver(memory);
	lay_out(carver);
	return true;
}
inline uint32_t dim_of(const vx_tend &t) {
	return t.ix->meta.dim;
}
// The record's meta page with its clock advanced, or nullptr and `step`.
vx_meta *tick(vx_tend &t, void *page, vx_want &want, vx_step &step);
vx_step want_ids(vx_tend &t, uint32_t n, TendPhase after);

// ---- hood.cpp: reading a leaf and its neighbourhood
bool start_hood(vx_tend &t); // false: memory is missing
vx_step step_place(vx_tend &t, vx_want &want);
void place_page(vx_tend &t, const void *page);
vx_step step_route(vx_tend &t, vx_want &want);
void route_page(vx_tend &t, const void *page);
// ---- hood_rows.cpp
vx_step step_entries(vx_tend &t, vx_want &want);
void entries_page(vx_tend &t, const void *page);
vx_step step_codes(vx_tend &t, vx_want &want);
void codes_page(vx_tend &t, const void *page);
void start_entries_again(vx_tend &t);
inline const vx_code_entry &code_of(const vx_tend &t, uint32_t code) {
	return *reinterpret_cast<const vx_code_entry *>(t.hood.codes.data() +
													size_t(code) * vx_code_stride(t.ix->meta.dim));
}

// What its scan code is made from.
inline CodedPoint point_of(const vx_tend &t, uint32_t code) {
	if (t.hood.stored.empty())
		return code_of(t, code);
	const auto &entry =
		*reinterpret_cast<const vx_code_entry *>(t.hood.stored.data() + size_t(code) * vx_code_stride(t.ix->meta.dim));
	return {entry, anchor_of_code(*t.ix, entry)};
}

// ---- split.cpp: what becomes of a leaf's rows, and of its neighbours'
uint32_t wanted_parts(const vx_tend &t, bool &nothing);
void set_part(vx_tend &t, uint32_t part, const double *mean, double extra);
void need_reach(vx_tend &t, const TendRow &row);
void need_spread(vx_tend &t, uint32_t parent, const double *centroid);
inline float rounded_up(double x) {
	return __builtin_nextafterf(static_cast<float>(x), __builtin_inff());
}
vx_step step_plan(vx_tend &t, vx_want &want);
vx_step step_assign(vx_tend &t);
vx_step late_rows(vx_tend &t, vx_want &want);

// ---- move.cpp: entries from one living leaf to another
vx_step step_raise(vx_tend &t, vx_want &want);
vx_step start_moves(vx_tend &t, vx_want &want, bool out);
vx_step step_moves(vx_tend &t, vx_want &want);

// ---- recentre.cpp: centroids that follow their rows
void plan_centroids(vx_tend &t);
void need_centroid(vx_tend &t, const TendRow &row);
vx_step step_origins(vx_tend &t, vx_want &want);
vx_step step_recentre(vx_tend &t, vx_want &want);

// ---- anchor.cpp: another point for refine codes to be relative to
vx_step step_anchor(vx_tend &t, vx_want &want);

// ---- leaves.cpp: the leaves that replace one
vx_step build_leaves(vx_tend &t, vx_want &want);
bool add_entry(vx_tend &t, void *page, const TendLeaf &leaf, const TendRow &row, ScanFactors &factors);

// ---- fresh.cpp
bool reserve_fresh(vx_tend &t, size_t more);
// Index of a new page of this kind; memory was reserved.
uint32_t add_fresh(vx_tend &t, vx_page_kind kind, uint64_t node, uint32_t level);
inline void *image_of(vx_tend &t, uint32_t index) {
	return t.fresh.images[index].bytes;
}
void start_fresh(vx_tend &t, TendPhase after);
vx_step step_fresh(vx_tend &t, vx_want &want);

// ---- lanes.cpp: nodes in the place of one
void start_swap(vx_tend &t, uint32_t above, const vx_lane &old, uint32_t n, TendPhase after);
vx_step step_lanes(vx_tend &t, vx_want &want);
void lanes_page(vx_tend &t, const void *page);
vx_step step_free(vx_tend &t, vx_want &want);
void free_page(vx_tend &t, const void *page);
vx_step step_clear(vx_tend &t, vx_want &want);
vx_step step_grow(vx_tend &t, vx_want &want);
vx_step step_link(vx_tend &t, vx_want &want);
vx_step step_parts(vx_tend &t, vx_want &want);
void parts_page(vx_tend &t, const void *page);
vx_step step_publish(vx_tend &t, vx_want &want);
// An inner node's new pages for n lanes; index of the first. Memory for inner_pages(t, n) of them was reserved.
uint32_t inner_pages(const vx_tend &t, uint32_t n);
uint32_t add_inner(vx_tend &t, uint64_t node, uint32_t level, uint32_t n);
void put_lane(vx_tend &t, uint32_t first_page, uint32_t number, const Child &child, const uint8_t *bytes);
inline bool is_root(const vx_tend &t, uint32_t above) {
	return t.hood.above[above].parent == kNoIndex;
}

// ---- regroup.cpp
void check_lanes(vx_tend &t, uint32_t above, uint32_t living);
vx_step step_regroup(vx_tend &t, vx_want &want);
void regroup_page(vx_tend &t, const void *page);
vx_step step_group(vx_tend &t, vx_want &want);
vx_step step_build_nodes(vx_tend &t, vx_want &want);
vx_step step_new_root(vx_tend &t, vx_want &want);
vx_step step_replace_root(vx_tend &t, vx_want &want);

// ---- first.cpp: training on the raw run
vx_step step_raw(vx_tend &t, vx_want &want);
void raw_page(vx_tend &t, const void *page);
vx_step step_encode(vx_tend &t, vx_want &want);
vx_step step_train(vx_tend &t, vx_want &want);
vx_step step_code_pages(vx_tend &t, vx_want &want);
vx_step step_leaf_pages(vx_tend &t, vx_want &want);
vx_step step_root_pages(vx_tend &t, vx_want &want);
vx_step step_first_tree(vx_tend &t, vx_want &want);

} // namespace vecidx
