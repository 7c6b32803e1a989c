/*
 * The last part of a build: rows, in the order of their leaves, become pages. One process writes them all.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "am/spool.h"

static void start_writer(VecidxBuild *build) {
	Size bytes = vx_writer_size(build->shape, build->train);

	build->writer =
		vx_writer_init(MemoryContextAllocHuge(CurrentMemoryContext, bytes), bytes, build->shape, build->train);
}

static void finish_writer(VecidxBuild *build) {
	vx_writer_finish(build->writer);
	vecidx_fork_drain(&build->pages, build->writer);
	if (build->pages.nblocks != vx_writer_blocks(build->writer))
		elog(ERROR, "vecidx wrote %u blocks instead of %u", build->pages.nblocks, vx_writer_blocks(build->writer));
}

static void write_sorted(VecidxBuild *build, Tuplesortstate *sort) {
	TupleTableSlot *slot = MakeSingleTupleTableSlot(vecidx_spool_tuple(), &TTSOpsMinimalTuple);
	vx_code_entry *entry = palloc(build->stride);
	VecidxSpooled kind;
	const void *content;
	uint64 done = 0;
	uint32 leaf;

	while (vecidx_spool_next(build, sort, slot, &kind, &leaf, &content)) {
		vx_row row;

		CHECK_FOR_INTERRUPTS();
		/* the sort may have packed it unaligned */
		if (kind == VECIDX_SPOOLED_CODED) {
			memcpy(entry, content, build->stride);
			vx_writer_coded(build->writer, leaf, entry);
		} else {
			memcpy(&row, content, sizeof(row));
			if (kind == VECIDX_SPOOLED_WILD)
				vx_writer_wild(build->writer, row);
			else
				vx_writer_late(build->writer, row);
		}
		vecidx_fork_drain(&build->pages, build->writer);
		if (++done % 1024 == 0)
			pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)done);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* ---- few rows: no tree, no sort */

typedef struct RawRows {
	VecidxBuild *build;
	uint64 rows;
} RawRows;

static void add_raw(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *argument) {
	RawRows *raw = argument;
	VecidxBuild *build = raw->build;
	vx_row row = vecidx_row_of(tid, isnull[0] ? VX_ROW_NULL : 0);

	if (isnull[0]) {
		vx_writer_late(build->writer, row);
	} else {
		const float *x = vecidx_build_vector(build, values[0]);

		switch (vx_classify(build->shape, x)) {
		case VX_CLASS_CODED:
			vx_writer_raw(build->writer, row, x);
			break;
		case VX_CLASS_WILD:
			vx_writer_wild(build->writer, row);
			break;
		case VX_CLASS_LATE:
			vx_writer_late(build->writer, row);
			break;
		}
	}
	vecidx_fork_drain(&build->pages, build->writer);
	if (++raw->rows % 1024 == 0)
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)raw->rows);
}

static double write_raw(VecidxBuild *build, double *rows) {
	RawRows raw = {build, 0};
	double heap_rows;

	start_writer(build);
	heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, true, add_raw, &raw, NULL);
	finish_writer(build);
	*rows = (double)raw.rows;
	return heap_rows;
}

double vecidx_build_write(VecidxBuild *build, double *rows) {
	Tuplesortstate *sort;
	double heap_rows;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_ASSIGNING);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, (int64)build->expected);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, 0);
	if (build->train == NULL)
		return write_raw(build, rows);
	sort = build->team != NULL ? vecidx_team_scan(build, &heap_rows, rows) : vecidx_spool_all(build, &heap_rows, rows);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_WRITING);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, (int64)*rows);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, 0);
	start_writer(build);
	write_sorted(build, sort);
	tuplesort_end(sort);
	finish_writer(build);
	return heap_rows;
}
