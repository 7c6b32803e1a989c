/*
 * What the files of the access method share. Each verb of the access method has a file of its own; those that need
 * pages, the cached shape of an index or the errors they have in common find them here.
 */
#ifndef VECIDX_AM_H
#define VECIDX_AM_H

#include "access/amapi.h"
#include "access/genam.h"
#include "access/itup.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "storage/block.h"
#include "storage/buf.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "vecidx/core.h"

#include "compat.h"
#include "type/distance_memo.h"

/* Strategy and support function numbers of an operator class. */
#define VECIDX_DISTANCE_STRATEGY 1
#define VECIDX_WITHIN_STRATEGY 2 /* column in a ball */
#define VECIDX_STRATEGIES 2
#define VECIDX_METRIC_PROC 1
#define VECIDX_BALL_PROC 2 /* makes a ball of center and radius */
#define VECIDX_PROCS 2

/* Sub-phases of CREATE INDEX; 1 is PostgreSQL's own "initializing". */
#define VECIDX_PHASE_SAMPLING 2
#define VECIDX_PHASE_TRAINING 3
#define VECIDX_PHASE_ASSIGNING 4
#define VECIDX_PHASE_SORTING 5
#define VECIDX_PHASE_WRITING 6
#define VECIDX_PHASE_CALIBRATING 7

/* ---- options.c: storage parameters and settings */

typedef struct VecidxOptions {
	int32 vl_len_; /* varlena header */
	int tree;      /* VecidxTree */
	int scan_bits; /* 0 chooses */
	int leaf_size; /* 0 chooses */
	int seed;
	double recall; /* 0: the default */
} VecidxOptions;

typedef enum VecidxTree { VECIDX_TREE_AUTO, VECIDX_TREE_KMEANS } VecidxTree;

extern void vecidx_options_define(void);
extern VecidxOptions vecidx_options_of(Relation index);

/* ---- recall.c: vecidx.recall and vecidx.calibration */

extern void vecidx_recall_define(void);
extern double vecidx_recall_of(Relation index);
extern vx_calibrated_by vecidx_calibrated_by(void);

/* ---- calibrate.c */

/* Measures an index that its builder has just written, with the help of so many workers. */
extern void vecidx_calibrate_new(Relation heap, Relation index, int workers, bool concurrent);
/* For VACUUM: measures it again if it is no more what was measured. */
extern void vecidx_calibrate_changed(Relation index, BufferAccessStrategy strategy);

/* ---- shape.c: what the meta page of an index says, kept with the relation */

/* The index's shape as cached with the relation: valid until the next invalidation, so copy it to keep it. */
extern const vx_index *vecidx_shape_cached(Relation index);
/* A copy in the current memory context. */
extern vx_index *vecidx_shape_copy(Relation index);
/* Names what is cached: as long as it is the same, so is the shape. */
extern uint64 vecidx_shape_serial(Relation index);
/* The cached shape turned out to be out of date. */
extern void vecidx_shape_forget(Relation index);
/* The meta page as it is now: numbers of the shape may have changed since it was cached. */
extern void vecidx_meta_now(Relation index, vx_meta *meta);
/* The same, but false where that would raise an error about what the pages hold. */
extern bool vecidx_meta_if_sound(Relation index, vx_meta *meta);

extern vx_metric vecidx_metric_of(Relation index);
/* Whether the ordering operator's function measures what the support function says. */
extern bool vecidx_metric_fits(Oid metric_function, Oid distance_function);
/* Whether the function of a condition's operator compares what the support function says. */
extern bool vecidx_condition_fits(Oid metric_function, Oid condition_function);
/* What the index's bounds are proved for. */
extern VectorDistance vecidx_measure_of(vx_metric metric);
/* Dimension of the indexed column by its type modifier; raises when it has none. */
extern uint32 vecidx_dimension_of(Relation index);

/* ---- page.c: pages through shared buffers */

extern _Noreturn void vecidx_report_corrupt(Relation index, BlockNumber block, const char *why);
extern bool vecidx_is_vecidx_index(Relation index);

/* A buffer of a new page, pinned and locked exclusively; its content is zeros. */
extern Buffer vecidx_new_buffer(Relation index);
/* A page that a pointer named; raises when it lies beyond the end of the index. */
extern Buffer vecidx_read_existing(Relation index, BlockNumber block);
/* A page became free. */
extern void vecidx_record_free(Relation index, BlockNumber block);
/* Give an unused new page back; releases the buffer. */
extern void vecidx_free_buffer(Relation index, Buffer buffer);
/* After a change to a registered copy: the header must tell how much of the page is in use. False if it cannot be. */
extern bool vecidx_page_seal(Page page);

/* The pages of a whole new fork, in any order. */
typedef struct VecidxFork {
	Relation index;
	ForkNumber fork;
	BlockNumber nblocks;
} VecidxFork;
extern void vecidx_fork_write(VecidxFork *fork, BlockNumber block, const void *image);
/* Write out what the writer has ready; then it may be given more. */
extern void vecidx_fork_drain(VecidxFork *fork, vx_writer *writer);

static inline vx_row vecidx_row_of(ItemPointer tid, uint16 flags) {
	vx_row row = {ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid), flags};

	return row;
}

/* ---- buffer.c */

/* As ReadBuffer, quicker for pages that this backend reads again and again. */
extern Buffer vecidx_read_buffer(Relation index, BlockNumber block);
/* As PrefetchBuffer, at no cost for such pages. */
extern void vecidx_prefetch_buffer(Relation index, BlockNumber block, uint32 at);

/* ---- tend.c: the tree's shape, and the locks around it */

/* Inserts hold it from their plan to their last record. */
extern void vecidx_lock_tree(Relation index);
extern void vecidx_unlock_tree(Relation index);
/* Whoever changes the shape holds it; false when it was not free and `wait` is not set. */
extern bool vecidx_lock_shape(Relation index, bool wait);
extern void vecidx_unlock_shape(Relation index);
/* What was retired before this transaction id, no snapshot in use needs any more. */
extern uint64 vecidx_oldest_needed(Relation heap);
/* Do a chore; the shape's lock is held. */
extern void vecidx_tend(Relation index, Relation heap, const vx_chore *chore);
/* The same if the lock is free. */
extern void vecidx_tend_if_free(Relation index, Relation heap, const vx_chore *chore);

/* ---- idle_sort.c: the distance that is computed for nobody */
/* Of the scan right below this node, after it was initialised. */
extern void vecidx_drop_idle_sort(struct LimitState *limit);

/* ---- note.c: what the plan around a scan says of it, which the executor does not tell */

typedef struct VecidxNote {
	uint32 rows;   /* LIMIT above the scan, 0 when that is not known */
	bool within;   /* only rows within `radius` of the query pass the scan's filter */
	double radius; /* never NaN */
} VecidxNote;

/* Of the scan whose ordering keys these are; NULL when nothing is known. */
extern const VecidxNote *vecidx_note_find(ScanKey orderbys);
/* The same to be written to, made where there is none; it goes with the query. */
extern VecidxNote *vecidx_note_of(IndexScanState *scan);

/* ---- limit.c: the LIMIT above a scan */

extern void vecidx_limit_install(void);
/* A constant or a parameter of the statement, perhaps widened to bigint: all that may be computed before time. */
extern bool vecidx_is_known(Node *expression);

/* ---- filter.c: a condition on the distance that rows are ordered by */

/* Notes it where the scan's filter has one. */
extern void vecidx_note_radius(IndexScanState *scan);

/* ---- build.c */

/* Vectors of so many dimensions would fit into the rows, but this column's storage moves them out. */
extern bool vecidx_stored_out_of_line(Form_pg_attribute column, uint32 dim);

/* ---- explain_scan.c */

extern void vecidx_explain_install(void);

/* ---- the verbs */

extern IndexBuildResult *vecidx_build(Relation heap, Relation index, IndexInfo *info);
extern void vecidx_build_empty(Relation index);
extern bool vecidx_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
						  IndexUniqueCheck unique, bool unchanged, IndexInfo *info);
extern IndexBulkDeleteResult *vecidx_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
												 IndexBulkDeleteCallback callback, void *callback_state);
extern IndexBulkDeleteResult *vecidx_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats);
extern void vecidx_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup, Cost *total,
								 Selectivity *selectivity, double *correlation, double *pages);
extern bytea *vecidx_options(Datum reloptions, bool validate);
extern bool vecidx_validate(Oid opclass);
extern IndexScanDesc vecidx_begin_scan(Relation index, int nkeys, int norderbys);
extern void vecidx_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys);
extern bool vecidx_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern int64 vecidx_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap);
extern void vecidx_end_scan(IndexScanDesc scan);

#endif
