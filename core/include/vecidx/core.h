/*
 * The wall: everything the PostgreSQL side may ask of the core. Valid C11 and C++20.
 *
 * The core never calls back. A task that needs pages, memory or time is a *machine*: the caller gives it memory, calls
 * `..._next`, does what the returned step says, and calls again. All state lies in the caller's memory and needs no
 * destruction: after an error the memory is simply dropped. No function here blocks, allocates, throws or raises; each
 * call does bounded work (a page, or a few milliseconds of arithmetic). No length read from a page is trusted.
 *
 * Vectors are `dim` float32 values, all finite. Distances and bounds are in the units of the SQL operators.
 */
#ifndef VECIDX_CORE_H
#define VECIDX_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vecidx/distance.h"
#include "vecidx/format.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- steps ---------------------------------------------------------------------------------------------------- */

typedef enum vx_step {
	VX_DONE,   /* nothing more to do */
	VX_PAGE,   /* show me page want->block: read it, call ..._page under a share lock, release */
	VX_ROW,    /* scan: here is a row (want->row, value, recheck, order) */
	VX_MEMORY, /* give me want->bytes more bytes (..._grow); earlier memory stays in use */
	VX_WRITE,  /* write want->pages: see the machine */
	VX_LOCK,   /* tend: keep inserts out from now on; VACUUM: take the lock of the shape */
	VX_UNLOCK, /* VACUUM: release it */
	VX_ROWS,   /* VACUUM: which of these rows are to go? (vx_vacuum_rows) */
	VX_LENGTH, /* VACUUM: how many blocks has the index now? (vx_vacuum_length) */
	VX_YIELD,  /* time to look for interrupts, then call again */
	VX_FULL,   /* the index cannot hold more: want->why says what (SQLSTATE 54000); reported by _apply or _next */
	VX_STALE,  /* the index was reshaped since vx_index was read: read it again and start anew */
	VX_CORRUPT /* want->block does not hold what it must: want->why says what (SQLSTATE XX002) */
} vx_step;

/* How a row's value is to be read. */
typedef enum vx_order { VX_ORDER_VALUE, VX_ORDER_NAN, VX_ORDER_NULL, VX_ORDER_ANY } vx_order;

#define VX_MAX_AHEAD 16
#define VX_MAX_WRITE 4

/* Filled by the core with what a step needs; one struct for all machines. */
typedef struct vx_want {
	uint32_t block;                  /* VX_PAGE, VX_CORRUPT */
	uint32_t nahead;                 /* VX_PAGE: how many of ahead[] are valid */
	uint32_t ahead[VX_MAX_AHEAD];    /* blocks wanted soon, for prefetching */
	uint16_t ahead_at[VX_MAX_AHEAD]; /* where on them the first bytes wanted lie */
	vx_row row;                      /* VX_ROW: table row (block, offset) */
	double value;                    /* VX_ROW: lower bound of the operator's result, or the result if !recheck */
	double bound;                    /* VX_ROW: the same for who rechecks all rows: proved at any recall */
	bool recheck;                    /* VX_ROW: the executor must compute the operator itself */
	bool check;                      /* VX_ROW: whether the row satisfies the scan's conditions is not proved */
	vx_order order;                  /* VX_ROW: VALUE; NAN and NULL rows come last; ANY: no order asked */
	size_t bytes;                    /* VX_MEMORY */
	uint32_t npages;                 /* VX_WRITE */
	uint32_t pages[VX_MAX_WRITE];    /* VX_WRITE: blocks in lock order; VX_NO_BLOCK means a new page */
	const void *image;               /* VX_WRITE of a writer: the finished page pages[0] */
	uint32_t nfreed;                 /* after VX_WRITE: how many of freed[] are valid */
	uint32_t freed[VX_MAX_WRITE];    /* blocks that the record has made free, for the free space map */
	const char *why;                 /* VX_CORRUPT, VX_FULL; static string */
} vx_want;

/* ---- pages ---------------------------------------------------------------------------------------------------- */

/* Bytes of a page in use from its start: what pd_lower must say. 0 for a page that is not ours. */
uint32_t vx_page_used(const void *page);

/* Where the part in use at a page's end begins: what pd_upper must say. */
uint32_t vx_page_upper(const void *page);

/* Is this page of the kind (and of vecidx)? A new (all-zero) page is not. */
bool vx_page_is(const void *page, vx_page_kind kind);

/*
 * NULL when the page is, on its own, a sound page of the index with this meta page, or a new one; else what is wrong
 * (static string). For whoever walks all pages, as VACUUM does: vx_page_rows finds nothing on a damaged page.
 */
const char *vx_page_fault(const void *page, const vx_meta *meta);

/* NULL when block 0 holds a valid meta page of a format we read; else why not (static string). */
const char *vx_meta_fault(const void *page);
/* What block 0 says, in place; only after vx_meta_fault found nothing. */
const vx_meta *vx_page_meta(const void *page);

/* ---- index: what is fixed between trainings ------------------------------------------------------------------- */

/* Shape, rotation, mean, anchors: a single flat block that may be copied and cached (rd_amcache). */
typedef struct vx_index vx_index;

/* Bytes of an index of that many dimensions and anchors, mean and rotation included; when built it has no anchors. */
size_t vx_index_size(uint32_t dim, uint32_t anchors);

/* From scratch, for a build: the mean is zero until set. bits 0 chooses by dimension; leaf_size 0 chooses. */
void vx_index_shape(vx_index *ix, uint32_t dim, vx_metric metric, uint32_t bits, uint32_t leaf_size, uint64_t seed);

/*
 * From a valid meta page. When the index has a tree, the caller then reads the pages of the mean and of the anchors:
 * meta->mean, and so on until *next is VX_NO_BLOCK.
 */
void vx_index_open(vx_index *ix, const void *meta_page);
/* Takes page number `part` of these, from 0. NULL, or what is wrong with the page (static string). */
const char *vx_index_take_page(vx_index *ix, uint32_t part, const void *page, uint32_t *next);
/* The mean that rows are centred by: float32[dim], finite. */
void vx_index_set_mean(vx_index *ix, const float *mean);
/* Add a row of class CODED to float64[dim] sums, in the form whose mean the index wants (unit length under cosine). */
void vx_mean_add(const vx_index *ix, const float *x, double *sums);
/* The meta page as it was when the index was opened, or as it was shaped. */
const vx_meta *vx_index_meta(const vx_index *ix);

/* Where a vector belongs: codes and trees hold only vectors of ordinary size. */
typedef enum vx_class { VX_CLASS_CODED, VX_CLASS_WILD, VX_CLASS_LATE } vx_class;
/* Of a finite vector: LATE when it has no distance (zero under cosine), WILD when no code can hold it, else CODED. */
vx_class vx_classify(const vx_index *ix, const float *x);

/*
 * Refine code of a vector of class CODED: centre, (normalise for cosine,) rotate, quantise to 8 bits, with the proved
 * norm of the error. `out` has vx_code_stride(dim) bytes; out->row is left alone. For building: inserts code relative
 * to the nearest anchor.
 */
void vx_encode(const vx_index *ix, const float *x, vx_code_entry *out);

/* ---- building -------------------------------------------------------------------------------------------------- */

/*
 * How many leaves a build over `rows` rows should train: 0 means keep the rows raw (too few to train on). Never 0
 * unless vx_may_be_raw(dim): without rows such an index is trained on a single entry of zeros.
 */
uint32_t vx_plan_leaves(const vx_index *ix, uint64_t rows);

/*
 * Trainer: k-means over a sample of refine codes (an array of entries, vx_code_stride(dim) bytes apart, n >= leaves).
 * The same entries, leaves and seed give the same centroids. After VX_DONE it also routes rows and stays readable.
 */
typedef struct vx_train vx_train;
/* Bytes a training needs. */
size_t vx_train_size(const vx_index *ix, uint64_t n, uint32_t leaves);
/* `entries` and `ix` must outlive the steps; the trained result needs only `ix`. */
vx_train *vx_train_init(void *memory, size_t bytes, const vx_index *ix, const void *entries, uint64_t n,
						uint32_t leaves);
/* A few milliseconds of work: VX_YIELD, or VX_DONE. */
vx_step vx_train_next(vx_train *t);
/* Share of the work done, 0 to 1, never less than before. */
double vx_train_progress(const vx_train *t);
/* Leaves that came of it: fewer than asked when the rows have few distinct values. */
uint32_t vx_train_leaves(const vx_train *t);

/* Nearest leaf of each of n entries (vx_code_stride apart). Leaves are numbered so that near ones are near in number.
 */
void vx_train_assign(const vx_train *t, const void *entries, uint32_t n, uint32_t *leaf);

/*
 * Router: what finds a row's leaf, as one flat block that other processes may read in place, at whatever address they
 * have it (aligned to 8 bytes). Made of a finished training it answers as vx_train_assign does.
 */
typedef struct vx_router vx_router;
/* Bytes for any router of a training of that many leaves. */
size_t vx_router_size(const vx_index *ix, uint32_t leaves);
/* `memory` is of vx_router_size() bytes; may be made anew there. NULL if it does not fit. */
vx_router *vx_router_init(void *memory, size_t bytes, const vx_train *train);
/* As vx_train_assign; `ix` is equal to the training's. */
void vx_router_assign(const vx_router *r, const vx_index *ix, const void *entries, uint32_t n, uint32_t *leaf);

/*
 * Nearly all of the work of a training are passes in which each point looks for its nearest centroid, and several
 * processes may do that together. When vx_train_pass is not 0, the caller may, instead of calling vx_train_next, make a
 * router, have vx_router_pass answer for all points of the pass (0 .. vx_train_pass() - 1), in any parts and order, and
 * then give all answers, in their order, to vx_train_take. What comes of it is the same.
 */
uint32_t vx_train_pass(const vx_train *t);
/* `entries` are all that the training was started with; writes slot[0 .. n) and cost[0 .. n). */
void vx_router_pass(const vx_router *r, const vx_index *ix, const void *entries, uint32_t first, uint32_t n,
					uint32_t *slot, float *cost);
/* Answers of the next n points of the pass. */
void vx_train_take(vx_train *t, const uint32_t *slot, const float *cost, uint32_t n);
/* vx_train_progress with so many points of the pass answered but not taken yet. */
double vx_train_progress_after(const vx_train *t, uint32_t points);

/*
 * Writer: turns rows into the pages of a new index. Coded rows come in order of their leaf; rows of other classes and,
 * without a tree (train == NULL), raw rows come at any time. After each call the caller drains vx_writer_next:
 * VX_WRITE hands out one finished page (block want->pages[0], image want->image, in no particular block order but
 * without gaps when finished), VX_DONE means call on. `train` and `ix` must outlive the writer.
 */
typedef struct vx_writer vx_writer;
/* Bytes a writer needs. */
size_t vx_writer_size(const vx_index *ix, const vx_train *train);
/* Starts a writer in `memory` of vx_writer_size() bytes. */
vx_writer *vx_writer_init(void *memory, size_t bytes, const vx_index *ix, const vx_train *train);
/* Adds a row of class CODED to a leaf; entry->row is set. */
void vx_writer_coded(vx_writer *w, uint32_t leaf, const vx_code_entry *entry);
/* Adds a row of class CODED to an index without a tree. */
void vx_writer_raw(vx_writer *w, vx_row row, const float *x);
/* Adds a row of class WILD. */
void vx_writer_wild(vx_writer *w, vx_row row);
/* Adds a row of class LATE, or one without a vector: row.flags tells NULL from NaN. */
void vx_writer_late(vx_writer *w, vx_row row);
/* No more rows; drain once more. The meta page is the last one. */
void vx_writer_finish(vx_writer *w);
/* VX_WRITE, or VX_DONE when nothing is to be written now. */
vx_step vx_writer_next(vx_writer *w, vx_want *want);
/* Pages so far, meta page included. */
uint32_t vx_writer_blocks(const vx_writer *w);

/* ---- inserting ------------------------------------------------------------------------------------------------- */

/*
 * Insert one row. VX_PAGE: as in a scan (vx_insert_page). VX_WRITE: lock want->pages exclusively in the order given
 * (VX_NO_BLOCK: a new page, initialised empty with an 16-byte special area), register them in one WAL record and call
 * vx_insert_apply on the registered copies with their true block numbers. It answers VX_DONE: changed, finish the
 * record and call vx_insert_next again; VX_YIELD: nothing changed, abort the record, free new pages, call next again;
 * VX_CORRUPT. x == NULL inserts a NULL.
 */
typedef struct vx_insert vx_insert;
/* Bytes an insert needs. */
size_t vx_insert_size(const vx_index *ix);
/* Starts an insert in `memory` of vx_insert_size() bytes; copies the vector. */
vx_insert *vx_insert_init(void *memory, const vx_index *ix, vx_row row, const float *x);
/* What was marked before this transaction id is needed by no snapshot, so the row may take its place; 0, the default:
 * unknown. */
void vx_insert_oldest(vx_insert *in, uint64_t oldest);
/* VX_PAGE, VX_WRITE, VX_STALE, VX_CORRUPT, or VX_DONE. */
vx_step vx_insert_next(vx_insert *in, vx_want *want);
/* The page asked for, read during the call only. */
void vx_insert_page(vx_insert *in, const void *page);
/* Makes the planned change on the locked pages, if it still fits them. */
vx_step vx_insert_apply(vx_insert *in, void *const pages[], const uint32_t blocks[], vx_want *want);

/*
 * Something to be done about the tree's shape, as an insert or VACUUM noticed it. It may be out of date when it is
 * done: then nothing happens.
 */
typedef enum vx_chore_kind {
	VX_CHORE_NONE,
	VX_CHORE_TRAIN, /* the raw run is long enough to train on */
	VX_CHORE_LEAF,  /* a leaf is long, or lies on many pages */
	VX_CHORE_THIN,  /* a leaf has few rows */
	VX_CHORE_FREE   /* an inner node has lanes that nobody needs any more: path[1] names it, levels is its level */
} vx_chore_kind;

#define VX_MAX_LEVELS 8

/* A child entry: lane of the block whose fields begin at this row of this page, which belongs to an inner node. */
typedef struct vx_lane {
	uint64_t node;
	uint32_t page, row, lane;
} vx_lane;

typedef struct vx_chore {
	vx_chore_kind kind;
	uint64_t leaf; /* node id */
	uint32_t levels;
	vx_lane path[VX_MAX_LEVELS + 1]; /* [1]: the leaf's lane, ..., [levels]: the one in the root */
} vx_chore;

/* What the insert noticed, once it is done. */
void vx_insert_chore(const vx_insert *in, vx_chore *out);

/* ---- tending --------------------------------------------------------------------------------------------------- */

/*
 * Tend: does one chore. The caller holds the lock of the shape, so that one is done at a time; at VX_LOCK it also keeps
 * inserts out until the end. VX_PAGE (vx_tend_page), VX_MEMORY (vx_tend_grow), VX_WRITE (vx_tend_apply, as for an
 * insert; VX_YIELD from it means that nothing changed), VX_YIELD, VX_STALE, VX_FULL, VX_CORRUPT, VX_DONE.
 *
 * Nothing that an older scan may need is taken away before `oldest`: every snapshot in use has a larger transaction id
 * as its horizon. `now` is the next transaction id, read while the record's pages are locked.
 */
typedef struct vx_tend vx_tend;
/* Bytes of the first block of memory. */
size_t vx_tend_size(const vx_index *ix);
/* Starts it in a block of at least vx_tend_size() bytes. */
vx_tend *vx_tend_init(void *memory, size_t bytes, const vx_index *ix, const vx_chore *chore, uint64_t oldest);
/* The next step, one of those above. */
vx_step vx_tend_next(vx_tend *t, vx_want *want);
/* The page asked for, read during the call only. */
void vx_tend_page(vx_tend *t, const void *page);
/* Makes the planned change on the locked pages. */
vx_step vx_tend_apply(vx_tend *t, void *const pages[], const uint32_t blocks[], uint64_t now, vx_want *want);
/* Scan entries written so far, moved ones included. */
uint64_t vx_tend_written(const vx_tend *t);
/* A block of at least want->bytes, which the machine keeps. */
void vx_tend_grow(vx_tend *t, void *memory, size_t bytes);

/* ---- deleting -------------------------------------------------------------------------------------------------- */

/* Whether the rows on a page are those of the index: pages that a training replaced, or left behind, have copies. */
bool vx_page_counts(const void *page, const vx_meta *meta);

/* Row pointers on a page of kind CODE, RAW or LIST, dead ones included (flag VX_ROW_DEAD); none on other pages.
 * `out` has room for vx_list_per_page(); returns how many, slot by slot. */
uint32_t vx_page_rows(const void *page, uint32_t dim, vx_row *out);

/*
 * Vacuum: offers every row pointer that was there at its start (VX_ROWS), removes those named, drops the scan entries
 * that lead to them, makes their slots free, frees pages that nothing leads to, and lists what is to be done about the
 * tree's shape. VX_LENGTH, VX_PAGE (vx_vacuum_page), VX_ROWS, VX_LOCK, VX_UNLOCK, VX_MEMORY (vx_vacuum_grow), VX_WRITE
 * (vx_vacuum_apply, as for an insert), VX_YIELD, VX_STALE, VX_CORRUPT, VX_DONE. No lock is held at VX_DONE.
 */
typedef struct vx_vacuum vx_vacuum;

typedef struct vx_vacuum_stats {
	uint64_t rows;       /* left in the index */
	uint64_t removed;    /* named and removed */
	uint64_t free_pages; /* of the index */
	uint64_t dropped;    /* scan entries */
	uint64_t released;   /* code slots */
} vx_vacuum_stats;

/* Bytes of the first block of memory. */
size_t vx_vacuum_size(const vx_index *ix);
/* Starts it in a block of at least vx_vacuum_size() bytes; `oldest` as for tending. */
vx_vacuum *vx_vacuum_init(void *memory, size_t bytes, const vx_index *ix, uint64_t oldest);
/* The next step, one of those above. */
vx_step vx_vacuum_next(vx_vacuum *v, vx_want *want);
/* After VX_LENGTH. */
void vx_vacuum_length(vx_vacuum *v, uint32_t nblocks);
/* The page asked for, read during the call only. */
void vx_vacuum_page(vx_vacuum *v, const void *page);
/* After VX_ROWS: the rows, and for each a flag to be set when it is to go. Returns how many. */
uint32_t vx_vacuum_rows(vx_vacuum *v, const vx_row **rows, bool **remove);
/* Makes the planned change on the locked pages. */
vx_step vx_vacuum_apply(vx_vacuum *v, void *const pages[], const uint32_t blocks[], vx_want *want);
/* A block of at least want->bytes, which the machine keeps. */
void vx_vacuum_grow(vx_vacuum *v, void *memory, size_t bytes);
/* At VX_DONE. */
void vx_vacuum_stats_get(const vx_vacuum *v, vx_vacuum_stats *out);
/* At VX_DONE: chore i of those noticed; false when there are no more. They may be done in any order, each when the lock
 * of the shape is held. */
bool vx_vacuum_chore(const vx_vacuum *v, uint64_t i, vx_chore *out);

/* ---- scanning -------------------------------------------------------------------------------------------------- */

typedef struct vx_query {
	const float *vector; /* NULL: no order asked, all rows in any order */
	double recall;       /* 0.5 .. 1; 1 is exact */
	uint32_t k;          /* LIMIT + OFFSET above the scan, 0 when unknown */
	vx_calibrated_by by; /* whose calibration says what gives this recall */
} vx_query;

/* A condition: the rows whose operator's result for `center` is at most `radius`, NaN results never. */
typedef struct vx_ball {
	const float *center;
	double radius; /* NaN: no row */
} vx_ball;

typedef struct vx_scan_stats {
	uint64_t passes, pages, inner_nodes, leaves, entries, refined, rows;
} vx_scan_stats;

/*
 * Scan: rows in the order of proved lower bounds, any number of them, each once. VX_PAGE (vx_scan_page; the page is
 * read during the call only), VX_ROW, VX_MEMORY (vx_scan_grow), VX_YIELD, VX_STALE, VX_CORRUPT, VX_DONE.
 * vx_scan_init may be called again on the same memory (with all that was grown: pass the first block only) for the
 * next query of a nested loop.
 */
typedef struct vx_scan vx_scan;
/* Bytes of the first block of memory; VX_MEMORY asks for more. */
size_t vx_scan_size(const vx_index *ix);
/* Starts a scan in a block of at least vx_scan_size() bytes; copies the query. */
vx_scan *vx_scan_init(void *memory, size_t bytes, const vx_index *ix, const vx_query *query);
/* Another query on the same memory, grown blocks included. */
void vx_scan_restart(vx_scan *s, const vx_query *query);
/*
 * Conditions of the scan just started, or started again: rows that lie in all balls come, with or without an order, all
 * of them and each once at any recall; others only with want->check, where that is not proved. Rows without a distance
 * do not come. The balls must stay until the first page is asked for.
 */
void vx_scan_within(vx_scan *s, const vx_ball *balls, uint32_t n);
/*
 * After VX_STALE: a scan of the index as it is now takes over from one that has handed out rows. `from`'s memory must
 * stay. The new one was just started, with the same query and conditions.
 */
void vx_scan_inherit(vx_scan *s, const vx_scan *from);
/* The next step, one of those above. */
vx_step vx_scan_next(vx_scan *s, vx_want *want);
/* The page asked for. */
void vx_scan_page(vx_scan *s, const void *page);
/* A block of at least want->bytes, which the scan keeps. */
void vx_scan_grow(vx_scan *s, void *memory, size_t bytes);
/* Counts since vx_scan_init, restarts included. */
void vx_scan_stats_get(const vx_scan *s, vx_scan_stats *out);

/* What a scan for k rows at this recall is expected to do, for the planner. */
typedef struct vx_estimate {
	double leaves, pages, entries, refined, rows;
} vx_estimate;
/* `rows` are in the index now; a scan until k of them are handed out. */
void vx_scan_estimate(const vx_meta *meta, double rows, double recall, double k, vx_estimate *out);
/* A scan with conditions and no order, which this share of the rows satisfies. */
void vx_range_estimate(const vx_meta *meta, double rows, double share, vx_estimate *out);

/* ---- calibrating ------------------------------------------------------------------------------------------------ */

/*
 * Calibrate: measures what recall the gate gives at each effort. The caller names a query (vx_calibrate_row or
 * vx_calibrate_query) and drives vx_calibrate_next to VX_DONE, as often as it likes; then the result goes into the meta
 * page. VX_PAGE (vx_calibrate_page), VX_MEMORY (vx_calibrate_grow), VX_YIELD, VX_STALE, VX_CORRUPT, VX_DONE. Only of
 * use for an index with a tree.
 */
typedef struct vx_calibrate vx_calibrate;
/* Bytes of the first block of memory. */
size_t vx_calibrate_size(const vx_index *ix);
/* Starts it for an index of that many blocks. The same index and seed draw the same rows. */
vx_calibrate *vx_calibrate_init(void *memory, size_t bytes, const vx_index *ix, uint32_t nblocks, uint64_t seed);
/* The next query is a stored row, drawn at random by its number, without itself. VX_DONE without a query when none was
 * met. */
void vx_calibrate_row(vx_calibrate *c, uint32_t number);
/* The next query is this vector, which must outlive the steps. */
void vx_calibrate_query(vx_calibrate *c, uint32_t number, const float *x);
/* The next step, one of those above. */
vx_step vx_calibrate_next(vx_calibrate *c, vx_want *want);
/* The page asked for, read during the call only. */
void vx_calibrate_page(vx_calibrate *c, const void *page);
/* A block of at least want->bytes, which the machine keeps. */
void vx_calibrate_grow(vx_calibrate *c, void *memory, size_t bytes);
/*
 * Several processes may share the work: one asks until so many queries count, saves its state (aligned to 8 bytes), the
 * others begin with that, ask queries of other numbers, and save theirs, which it adds. Who asked what does not matter.
 */
uint32_t vx_calibrate_first(void);
/* Bytes of a state. */
size_t vx_calibrate_state_size(void);
/* Writes the state as it is now. */
void vx_calibrate_save(const vx_calibrate *c, void *state);
/* Begins, instead of with nothing, with the first queries of the one that saved this. */
void vx_calibrate_resume(vx_calibrate *c, const void *state);
/* Adds the queries that one which resumed this one's state has asked since. */
void vx_calibrate_add(vx_calibrate *c, const void *state);
/* How many queries count so far: not those without a distance, nor those that a change of the tree cut short. */
uint32_t vx_calibrate_queries(const vx_calibrate *c);
/* What came of them. */
void vx_calibrate_result(const vx_calibrate *c, vx_calibration *out);
/* The recall that number i, below VX_RECALLS, of each curve is for. */
double vx_calibrated_recall(uint32_t i);
/* Has the index none by its rows, or changed by more than a fifth since, in rows or leaves? */
bool vx_meta_calibration_due(const vx_meta *meta);
/* Writes it on the meta page, with the rows that the index is likely to have. False, and nothing changed: it is no meta
 * page. */
bool vx_meta_calibrate(void *page, vx_calibrated_by by, const vx_calibration *calibration);

/* ---- checking -------------------------------------------------------------------------------------------------- */

/*
 * Check the whole structure: kinds, ids, counts, parents and children, radii, references, codes. VX_PAGE visits
 * (vx_check_page), VX_ROW reports each live row once (for heapallindexed), VX_WRITE never, VX_CORRUPT reports a fault
 * and may be called on to find more, VX_MEMORY (vx_check_grow), VX_DONE.
 */
typedef struct vx_check vx_check;
/* Bytes of the first block of memory, for an index of that many blocks. */
size_t vx_check_size(const vx_index *ix, uint32_t nblocks);
/* Starts a check in a block of at least vx_check_size() bytes. */
vx_check *vx_check_init(void *memory, size_t bytes, const vx_index *ix, uint32_t nblocks);
/* The next step, one of those above. */
vx_step vx_check_next(vx_check *c, vx_want *want);
/* The page asked for, read during the call only. */
void vx_check_page(vx_check *c, const void *page);
/* A block of at least want->bytes. */
void vx_check_grow(vx_check *c, void *memory, size_t bytes);

/* ---- naming ---------------------------------------------------------------------------------------------------- */

/* What the record that an insert has just asked for does, in words; only with FAULTS=1. */
const char *vx_insert_record(const vx_insert *in);
/* The same of a change of shape. */
const char *vx_tend_record(const vx_tend *t);
/* The same of a vacuum. */
const char *vx_vacuum_record(const vx_vacuum *v);

#ifdef __cplusplus
}
#endif

#endif
