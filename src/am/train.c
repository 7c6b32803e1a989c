/*
 * The part of a build before any page is written: how many leaves, on how large a sample, within what memory.
 */
#include "postgres.h"

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "am/team.h"

/* Training may take that much of the memory; the rest is left for what lies beside it. */
#define TRAINING_SHARE 0.85
/* More sampled rows than expected rows, for the estimate is one. */
#define SURPLUS 1.1
/* With fewer rows a leaf a tree is not worth training. */
#define FEWEST_ROWS_PER_LEAF 8
/* Below this, a larger sample would give better leaves. */
#define ENOUGH_ROWS_PER_LEAF 40

static bool fits(const VecidxBuild *build, uint64 rows, uint32 leaves) {
	return rows * build->stride + vx_train_size(build->shape, rows, leaves) <= build->memory * TRAINING_SHARE;
}

/* The largest sample of at most `rows` that can be trained on in memory; 0 when not even one a leaf can. */
static uint64 affordable_rows(const VecidxBuild *build, uint64 rows, uint32 leaves) {
	uint64 low = 0, high = rows;

	while (low < high) {
		uint64 middle = high - (high - low) / 2;

		if (fits(build, middle, leaves))
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* As many leaves as asked for, or as the memory has room for; *rows is the sample's size. */
static uint32 affordable_leaves(const VecidxBuild *build, uint32 leaves, uint64 *rows) {
	uint64 wanted = (uint64)(build->expected * SURPLUS) + 1000;
	uint32 asked = leaves;

	for (;;) {
		*rows = affordable_rows(build, wanted, leaves);
		if (*rows == wanted)
			return leaves;
		if (*rows >= (uint64)leaves * FEWEST_ROWS_PER_LEAF || leaves <= 1)
			break;
		leaves = Max(leaves - leaves / 4, 2) - 1;
	}
	if (leaves < asked || *rows < (uint64)leaves * ENOUGH_ROWS_PER_LEAF)
		ereport(NOTICE, (errmsg("index \"%s\" is trained on few rows, searches will be slower",
								RelationGetRelationName(build->index)),
						 errdetail("maintenance_work_mem has room for " UINT64_FORMAT " sampled rows and %u leaves.",
								   *rows, leaves),
						 errhint("Increase maintenance_work_mem and rebuild the index.")));
	return leaves;
}

static void train(VecidxBuild *build, const char *codes, uint64 rows, uint32 leaves) {
	Size bytes = vx_train_size(build->shape, rows, leaves);
	void *memory = MemoryContextAllocHuge(CurrentMemoryContext, bytes);

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_TRAINING);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, (int64)rows);
	build->train = vx_train_init(memory, bytes, build->shape, codes, rows, leaves);
	build->train_memory = bytes;
	while (vx_train_next(build->train) == VX_YIELD) {
		CHECK_FOR_INTERRUPTS();
		if (build->team != NULL)
			vecidx_team_pass(build);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE,
									 (int64)(vx_train_progress(build->train) * (double)rows));
	}
	build->leaves = vx_train_leaves(build->train);
	if (build->team != NULL)
		vecidx_team_trained(build);
}

/* Where workers can read them too, if there are to be any and there is room. */
static char *allocate_codes(VecidxBuild *build, uint64 rows) {
	if (build->workers > 0)
		build->sample = vecidx_segment_create(vecidx_sample_bytes(build->stride, rows));
	if (build->sample != NULL)
		return dsm_segment_address(build->sample);
	return MemoryContextAllocHuge(CurrentMemoryContext, rows * build->stride);
}

static void free_codes(VecidxBuild *build, char *codes) {
	if (build->sample != NULL)
		dsm_detach(build->sample);
	else
		pfree(codes);
	build->sample = NULL;
}

static void train_on_sample(VecidxBuild *build, VecidxSample *sample, uint32 leaves) {
	uint64 rows;
	char *codes;

	leaves = affordable_leaves(build, leaves, &rows);
	if (rows < leaves)
		return;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, (int64)Min(rows, build->expected));
	codes = allocate_codes(build, rows);
	rows = vecidx_sample_codes(build, sample, codes, rows);
	leaves = (uint32)Min(leaves, rows);
	if (leaves > 0) {
		vecidx_team_start(build, leaves, rows);
		train(build, codes, rows, leaves);
	}
	free_codes(build, codes);
}

/* Vectors that fit no page cannot be raw: then one leaf is the whole tree, and splits make more of it. */
void vecidx_build_train_nothing(VecidxBuild *build) {
	if (!vx_may_be_raw(build->dim))
		train(build, palloc0(build->stride), 1, 1);
}

void vecidx_build_train(VecidxBuild *build) {
	VecidxSample sample;
	uint32 leaves;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_SAMPLING);
	vecidx_sample_start(build, &sample);
	vecidx_sample_mean(build, &sample);
	leaves = vx_plan_leaves(build->shape, (uint64)build->expected);
	if (leaves > 0)
		train_on_sample(build, &sample, leaves);
	if (build->train == NULL)
		vecidx_build_train_nothing(build);
}
