/*
 * Samples of the table: whole blocks, spread evenly over it.
 *
 * Sampled blocks lie a golden-ratio stride apart (modulo the table's size), so that any number of them covers the table
 * evenly, the sample can be continued, and it is the same at every build. They are read in ascending order.
 */
#include "postgres.h"

#include <math.h>

#include "access/tableam.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "am/build.h"

/* Rows for the mean, and how many blocks are tried first. */
#define MEAN_ROWS 10000
#define FIRST_BLOCKS 64

#define GOLDEN_RATIO 0.6180339887498949

static uint64 common_divisor(uint64 a, uint64 b) {
	while (b != 0) {
		uint64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void vecidx_sample_start(const VecidxBuild *build, VecidxSample *sample) {
	memset(sample, 0, sizeof(*sample));
	sample->blocks = RelationGetNumberOfBlocks(build->heap);
	sample->stride = Max(1, (uint64)(sample->blocks * GOLDEN_RATIO));
	while (common_divisor(sample->stride, Max(sample->blocks, 1)) != 1)
		sample->stride++;
}

static int compare_blocks(const void *a, const void *b) {
	BlockNumber x = *(const BlockNumber *)a, y = *(const BlockNumber *)b;

	return x < y ? -1 : x > y;
}

/* Shows the rows of `count` more blocks to the callback. */
static void visit(const VecidxBuild *build, VecidxSample *sample, BlockNumber count, IndexBuildCallback callback,
				  void *state) {
	BlockNumber *blocks = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(BlockNumber) * count);

	for (BlockNumber i = 0; i < count; i++)
		blocks[i] = (BlockNumber)((sample->visited + i) * sample->stride % sample->blocks);
	qsort(blocks, count, sizeof(BlockNumber), compare_blocks);
	for (BlockNumber i = 0, run; i < count; i += run) {
		CHECK_FOR_INTERRUPTS();
		for (run = 1; i + run < count && blocks[i + run] == blocks[i] + run;)
			run++;
		table_index_build_range_scan(build->heap, build->index, build->info, false, false, false, blocks[i], run,
									 callback, state, NULL);
	}
	pfree(blocks);
	sample->visited += count;
}

/* Blocks that are likely to hold that many more rows, by those seen so far. */
static BlockNumber blocks_for(const VecidxSample *sample, double rows) {
	BlockNumber left = sample->blocks - sample->visited;
	double blocks;

	if (sample->visited == 0)
		return Min(left, FIRST_BLOCKS);
	blocks = ceil(rows * sample->visited / Max((double)sample->coded, 0.5));
	/* few rows seen so far say little: at most four times the blocks seen */
	return (BlockNumber)Min(left, Max(1, Min(blocks, 4.0 * sample->visited)));
}

/* ---- the mean */

typedef struct MeanState {
	const VecidxBuild *build;
	VecidxSample *sample;
	double *sums;
} MeanState;

static void add_to_mean(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *argument) {
	MeanState *state = argument;
	const float *x;

	if (isnull[0])
		return;
	x = vecidx_build_vector(state->build, values[0]);
	if (vx_classify(state->build->shape, x) != VX_CLASS_CODED)
		return;
	vx_mean_add(state->build->shape, x, state->sums);
	state->sample->coded++;
}

void vecidx_sample_mean(VecidxBuild *build, VecidxSample *sample) {
	MeanState state = {build, sample, palloc0(sizeof(double) * build->dim)};
	float *mean = palloc(sizeof(float) * build->dim);

	while (sample->coded < MEAN_ROWS && sample->visited < sample->blocks)
		visit(build, sample, blocks_for(sample, MEAN_ROWS - sample->coded), add_to_mean, &state);
	for (uint32 i = 0; i < build->dim; i++)
		mean[i] = sample->coded > 0 ? (float)(state.sums[i] / sample->coded) : 0;
	vx_index_set_mean(build->shape, mean);
	pfree(state.sums);
	pfree(mean);
	build->expected = sample->visited > 0 ? (double)sample->coded / sample->visited * sample->blocks : 0;
}

/* ---- the training sample */

typedef struct CodesState {
	const VecidxBuild *build;
	VecidxSample *sample;
	char *codes;
	uint64 n, most;
} CodesState;

static void add_code(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *argument) {
	CodesState *state = argument;
	const float *x;

	if (isnull[0] || state->n == state->most)
		return;
	x = vecidx_build_vector(state->build, values[0]);
	if (vx_classify(state->build->shape, x) != VX_CLASS_CODED)
		return;
	vx_encode(state->build->shape, x, (vx_code_entry *)(state->codes + state->n * state->build->stride));
	state->n++;
	state->sample->coded++;
	if (state->n % 1024 == 0)
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)state->n);
}

uint64 vecidx_sample_codes(VecidxBuild *build, VecidxSample *sample, char *codes, uint64 most) {
	CodesState state = {build, sample, codes, 0, most};

	/* keep what is known about the density of rows, begin with the blocks anew */
	double density = sample->visited > 0 ? (double)sample->coded / sample->visited : 1;

	sample->visited = 0;
	sample->coded = 0;
	while (state.n < most && sample->visited < sample->blocks) {
		BlockNumber count = sample->visited == 0
								? (BlockNumber)Min(sample->blocks, Max(1, ceil(most / Max(density, 1e-3))))
								: blocks_for(sample, (double)(most - state.n));

		visit(build, sample, count, add_code, &state);
	}
	return state.n;
}
