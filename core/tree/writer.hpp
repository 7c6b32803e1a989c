// State of a writer: rows in, finished pages out, each page once.
//
// Only the pages that still grow are kept: the current code page, and of every chain (the leaf being filled, raw rows,
// wild rows, late rows) its head and its newest page. What the inner nodes need of each leaf is collected on the way.
#pragma once

#include "code/scancode.hpp"
#include "page/page.hpp"
#include "tree/train.hpp"

namespace vecidx {

// A chain that is being filled: the head first, then one page after the other, each linked behind the head.
struct ChainPages {
	uint8_t *head, *newest; // page images
	uint32_t head_block;
	uint32_t newest_block; // VX_NO_BLOCK: the head alone
	bool newest_written;   // it was full
	vx_page_kind kind;
	uint64_t node;
};

// What an item's parent says of it.
struct ItemSummary {
	double squares; // of the distances of a leaf's rows
	float radius;
	uint32_t rows;
	uint32_t block;
	uint64_t node;
};

// What the writer is about to do; each task but kIdle leads on to another one.
enum class WriterTask : uint8_t {
	kIdle,
	kAdvance, // close leaves up to the row's
	kCode,
	kRest, // of a code that takes two pages
	kScan,
	kRaw,
	kWild,
	kLate,
	kFinishLeaves,
	kFinishCode,
	kMean,
	kInner,
	kFinishChains,
	kMeta,
};

} // namespace vecidx

struct vx_writer {
	const vx_index *ix;
	const vx_train *train;
	vecidx::WriterTask task;
	vx_meta meta; // as it will be written
	uint32_t nblocks;

	// the row in hand
	vx_code_entry *entry;
	vx_row row;
	float *x;
	uint8_t *code;   // scan code, a byte a dimension
	uint8_t *bytes;  // of a centroid
	uint32_t target; // its leaf
	uint32_t ref;

	vecidx::ChainPages raw, wild, late, leaf;
	uint32_t chain; // being finished
	uint8_t *code_page;
	uint32_t code_block; // VX_NO_BLOCK: none, or written because it was full
	uint32_t rest_block; // for the rest of the code written last; its page is `page`
	uint8_t *page;       // for pages made at once: rest of a code, mean, inner, meta

	// the open leaf and the nodes above it
	uint32_t leaf_number; // leaves below this are written; open when leaf_open
	bool leaf_open;
	uint32_t group[vecidx::kMostLevels];   // [l]: item of level l above or equal to the leaf
	double *centroid[vecidx::kMostLevels]; // of these items
	vecidx::ItemSummary *items[vecidx::kMostLevels];

	// the inner node being written
	uint32_t level, node, inner_page, inner_block;

	uint32_t mean_part; // page of the mean that is next
};

namespace vecidx {

inline uint32_t take_block(vx_writer &w) {
	return w.nblocks++;
}

// Hand out a finished page.
vx_step hand_out(vx_want *want, uint32_t block, const uint8_t *image);

// writer_chain.cpp: each step answers VX_WRITE with a page, VX_DONE when the task is complete, VX_FULL or VX_CORRUPT.
void start_chain(vx_writer &w, ChainPages &chain, vx_page_kind kind, uint64_t node);
// The page that takes the next entry.
uint8_t *chain_room(vx_writer &w, ChainPages &chain);
// To be called after an entry was added to the page.
vx_step chain_added(const vx_writer &w, ChainPages &chain, const uint8_t *page, vx_want *want);
// Hand out what is left of the chain, the head last; VX_DONE after that.
vx_step finish_chain(ChainPages &chain, vx_want *want);

// writer_leaf.cpp
vx_step close_leaves(vx_writer &w, uint32_t target, vx_want *want);
vx_step write_code(vx_writer &w, vx_want *want);
vx_step write_rest(vx_writer &w, vx_want *want);
vx_step write_scan_entry(vx_writer &w, vx_want *want);

// writer_tree.cpp
vx_step write_mean(vx_writer &w, vx_want *want);
vx_step write_inner(vx_writer &w, vx_want *want);
vx_step write_meta(vx_writer &w, vx_want *want);

} // namespace vecidx
