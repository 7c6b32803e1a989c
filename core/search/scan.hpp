// State of a scan: a query, the nodes it knows, the rows it has found and what it waits for.
//
// A scan works in passes. A pass looks for the k nearest rows (k = LIMIT, or 10), refines what may be among them, and
// hands out in order of lower bounds every refined row below rho_k, the k-th smallest proved upper bound, and then one
// more as a fence that tells the executor that nothing nearer follows. If the executor wants yet more rows, the next
// pass looks for twice as many and skips what was handed out, so that memory holds the rows handed out and little
// else, rows that an earlier pass missed turn up, and nothing is returned twice.
//
// Conditions (conditions.hpp) leave out nodes when they are read and rows when they are refined, whatever the order. A
// scan that has conditions and no order reads all that is left, leaf by leaf.
//
//   meta -> wild rows -> raw run -> root -> first leaves -> refine -> gate -> leaves -> refine -> emit -+-> late rows
//   -> done
//                           ^---------------------------- wider pass (k doubled) ----------------------+
#pragma once

#include "memory/arena.hpp"
#include "memory/rowset.hpp"
#include "memory/smallest.hpp"
#include "page/rows.hpp"
#include "search/children.hpp"
#include "search/conditions.hpp"
#include "search/dial.hpp"
#include "search/probe.hpp"
#include "search/query.hpp"

namespace vecidx {

enum class Phase : uint8_t {
	kMeta,
	kWild,   // list of rows without codes: they may be anywhere, so they go first
	kRaw,    // run of uncompressed rows
	kRoot,   // first page of the root
	kFirst,  // the most promising leaves, in order
	kGate,   // rho_k is known: choose what else to open
	kOpen,   // ... and open it in block order
	kRefine, // survivors of the scan codes, by page of their refine codes
	kEmit,
	kNan,  // late list, rows whose distance is NaN
	kNull, // late list, NULLs
	kDone
};

// Operator results. Where a scan may miss rows, the order of those that it finds goes by likely intervals too.
struct Candidate {
	double low, high;
	double bound; // proved: no more than the operator's result
	vx_row row;
	bool check; // it is not proved that the row satisfies the conditions
};

// A scan code's survivor waiting to be refined.
struct Waiting {
	float est;
	uint32_t ref;
};

// Of the most promising nodes so many are looked for at a time, and the gate's yardstick is the mean score of so many
// leaves: what the dial's table was measured with.
inline constexpr uint32_t kMostPicks = 8;

// An inner node being read. A block that takes several pages is met part by part.
struct InnerReader {
	uint64_t id;
	uint32_t level;
	uint32_t part; // next one
	LaneSums sums;
	uint8_t fields[VX_CHILD_FIELDS * VX_ROW_BYTES]; // of a block of several parts
};

// What a scan leaves of the root to the next one: the first `blocks` of its nodes, and their centroids.
struct Root {
	Pool<uint8_t> codes; // vx_quads(dim) rows for each
	uint64_t clock;      // of the scan that read them; VX_NEVER: there are none
	uint64_t id;
	size_t blocks;
	bool keeping; // the root being read is kept
};

} // namespace vecidx

struct vx_scan {
	const vx_index *ix;
	vecidx::Query query;
	vx_query wanted; // as asked for; its vector is gone
	vecidx::Conditions conditions;
	vecidx::Efforts efforts;
	vecidx::Dial dial;
	vecidx::Probe *probe; // watches, and opens the gate as far as it goes; nullptr: an ordinary scan
	vecidx::Arena arena;
	void *query_memory;
	vx_scan_stats stats;
	const char *fault;   // what is wrong with the page in `visiting`
	const char *lost;    // that page is no more what the pointer to it promised
	uint64_t start;      // the clock when the scan read the meta page: it sees the tree as it was then
	uint64_t lost_start; // start of the scan that lost its way, VX_NEVER
	uint32_t lost_block;
	const char *lost_why;

	vecidx::Phase phase, after_refine, after_emit;
	bool stale;
	bool complete; // this pass has left out nothing so far
	bool has_tree;
	uint32_t levels, root_block, raw, late; // from the meta page
	uint64_t root_id, raw_id;
	uint64_t k; // rows this pass looks for

	uint32_t visiting;                // page asked for
	uint32_t next_block;              // continuation of the chain or node being read, VX_NO_BLOCK at its end
	uint32_t chain_pages, chain_mark; // pages of that chain so far and one of them (Brent): a cycle is a fault
	bool in_leaf, in_node;
	vecidx::Node current; // being read
	float leaf_base;      // as its base, of the point that the codes of the leaf being read are relative to

	vecidx::Pool<vecidx::Children> nodes;
	vecidx::Root root;
	vecidx::InnerReader reader;
	uint32_t picks[vecidx::kMostPicks], npicks, pick; // most promising unopened nodes
	bool gated;                                       // rho_k is known
	uint32_t first_opened;                            // leaves opened in this pass before that

	vecidx::Pool<uint32_t> open; // nodes that passed the gate
	size_t open_at, announced;

	vecidx::Smallest<float> estimates; // of the first leaves
	vecidx::Smallest<double> highs;    // rho_k
	vecidx::Pool<vecidx::Waiting> waiting;
	float code_error;     // largest error factor of the leaves scanned in this pass
	float code_rounding;  // largest rounding of an estimate by the float16 factors of these leaves
	float query_rounding; // largest deviation of one by the query's rounding to 8 bits
	size_t refine_at;
	size_t refine_end; // of the run being refined, which is in order of pages
	vecidx::LongCode long_code;

	vecidx::Pool<vecidx::Candidate> candidates; // a heap by lower bound while ordered rows are handed out
	vecidx::RowSet kept;     // rows among the candidates: an entry that moved to another leaf may be met in both
	size_t emit_at;          // next candidate where there is no order
	double emitted_high;     // largest upper bound among rows handed out: the executor may still hold them
	vecidx::Candidate fence; // nearest row, not handed out yet, that was dropped for lying beyond rho_k
	bool has_fence, fence_sent;
	vecidx::RowSet emitted;
};

namespace vecidx {

// ---- scan_nodes.cpp: reading inner nodes
// The root's children as the scan before left them; false: they must be read.
bool take_root(vx_scan &s);
void start_node(vx_scan &s, uint32_t block, uint64_t id, uint32_t level);
void read_inner(vx_scan &s, const void *page);
bool reserve_inner(vx_scan &s);

// ---- scan_gate.cpp: choosing what to open
// The few unopened nodes with the smallest scores, in order. False when there are none.
bool choose_picks(vx_scan &s);
// List in `open` what must be opened now that rho_k is known: inner nodes alone while any passes, then leaves.
void choose_gate(vx_scan &s);
// Tell the probe at which efforts the gate lets leaves through.
void watch_gate(vx_scan &s);

// ---- scan_rows.cpp: leaf, code, raw and list pages
void read_leaf(vx_scan &s, const void *page);
void read_codes(vx_scan &s, const void *page);
void read_raw(vx_scan &s, const void *page);
void read_list(vx_scan &s, const void *page);
void trim_waiting(vx_scan &s);
void trim_rest(vx_scan &s);
// The estimate up to which rows are refined when the k-th distance is this.
float refine_cut(const vx_scan &s, double k_th, float epsilon);
bool reserve_leaf(vx_scan &s);
bool reserve_rows(vx_scan &s, size_t rows);

// ---- scan_emit.cpp: rows in order
bool start_emit(vx_scan &s);
bool emit_row(vx_scan &s, vx_want &want);
void keep_candidate(vx_scan &s, const Candidate &candidate);

} // namespace vecidx
