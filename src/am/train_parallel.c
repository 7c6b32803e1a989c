/*
 * Passes of a training, done by all processes of a team together.
 *
 * In a pass each sampled row looks for its nearest centroid. The leader lays out the centroids of the pass as a router,
 * then everyone claims chunks of rows and writes their answers into the sample's segment, and the leader takes the
 * answers in the rows' order when all are there. So the tree does not depend on who did what. A chunk is only waited
 * for once it is claimed: a worker that comes late or never costs no time.
 */
#include "postgres.h"

#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "am/spool.h"
#include "am/team.h"

/* Rows claimed at a time: a few milliseconds, at most some 50 with thousands of dimensions. */
#define CHUNK 64
/* Rows whose answers are taken between looks for interrupts. */
#define TAKEN (1 << 18)

/* The parts of a sample's segment. */
typedef struct Sample {
	char *codes;
	uint32 *slot;
	float *cost;
} Sample;

static Size codes_bytes(Size stride, uint64 rows) {
	return MAXALIGN(mul_size(stride, rows));
}

Size vecidx_sample_bytes(Size stride, uint64 rows) {
	return add_size(add_size(codes_bytes(stride, rows), MAXALIGN(1)), mul_size(rows, sizeof(uint32) + sizeof(float)));
}

static Sample parts_of(dsm_segment *segment, Size stride, uint64 rows) {
	Sample sample = {.codes = dsm_segment_address(segment)};

	sample.slot = (uint32 *)(sample.codes + codes_bytes(stride, rows));
	sample.cost = (float *)(sample.slot + rows);
	return sample;
}

/*
 * `unclaimed` has the pass in its upper half and how many chunks are left in its lower one. Whoever claims takes the
 * last of them; the leader cannot begin another pass before that chunk is answered.
 */
static bool claim(VecidxShared *shared, uint32 *chunk) {
	uint64 old = pg_atomic_read_u64(&shared->unclaimed);

	do {
		if ((uint32)old == 0)
			return false;
	} while (!pg_atomic_compare_exchange_u64(&shared->unclaimed, &old, old - 1));
	*chunk = (uint32)old - 1;
	return true;
}

static bool answer_chunk(VecidxShared *shared, const vx_index *shape, const vx_router *router, const Sample *sample) {
	uint32 chunk, first;

	CHECK_FOR_INTERRUPTS();
	if (!claim(shared, &chunk))
		return false;
	first = chunk * CHUNK;
	vx_router_pass(router, shape, sample->codes, first, Min(CHUNK, shared->points - first), sample->slot + first,
				   sample->cost + first);
	pg_atomic_fetch_add_u32(&shared->answered, 1);
	return true;
}

uint64 vecidx_help_training(VecidxShared *shared, const vx_index *shape, const vx_router *router) {
	dsm_segment *segment = shared->sample != DSM_HANDLE_INVALID ? dsm_attach(shared->sample) : NULL;
	Sample sample = {0};
	uint64 chunks = 0;

	/* without a segment there is nothing to help with, or no more */
	if (segment != NULL)
		sample = parts_of(segment, vx_code_stride(vx_index_meta(shape)->dim), shared->sampled);
	ConditionVariablePrepareToSleep(&shared->changed);
	while (pg_atomic_read_u32(&shared->trained) == 0) {
		bool busy = false;

		for (; segment != NULL && answer_chunk(shared, shape, router, &sample); chunks++)
			busy = true;
		if (busy)
			ConditionVariableSignal(&shared->finished);
		else
			ConditionVariableSleep(&shared->changed, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
	pg_read_barrier(); /* what was written before `trained` */
	if (segment != NULL)
		dsm_detach(segment);
	return chunks;
}

static void show_progress(const VecidxBuild *build, uint32 answered) {
	double done = vx_train_progress_after(build->train, Min(answered * CHUNK, build->team->shared->points));

	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)(done * (double)build->team->sampled));
}

static void wait_for_answers(VecidxShared *shared, uint32 chunks) {
	ConditionVariablePrepareToSleep(&shared->finished);
	while (pg_atomic_read_u32(&shared->answered) < chunks)
		ConditionVariableSleep(&shared->finished, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	ConditionVariableCancelSleep();
	pg_read_barrier();
}

static void take_answers(vx_train *train, const Sample *sample, uint32 points) {
	for (uint32 i = 0, n; i < points; i += n) {
		CHECK_FOR_INTERRUPTS();
		n = Min(TAKEN, points - i);
		vx_train_take(train, sample->slot + i, sample->cost + i, n);
	}
}

void vecidx_team_pass(VecidxBuild *build) {
	VecidxTeam *team = build->team;
	VecidxShared *shared = team->shared;
	uint32 points = vx_train_pass(build->train), chunks = points / CHUNK + (points % CHUNK != 0);
	uint64 pass = pg_atomic_read_u64(&shared->unclaimed) >> 32;
	vx_router *router = dsm_segment_address(team->router);
	Sample sample;

	if (points == 0 || build->sample == NULL)
		return;
	if (vx_router_init(router, dsm_segment_map_length(team->router), build->train) == NULL)
		elog(ERROR, "the centroids of a pass do not fit into their segment");
	sample = parts_of(build->sample, build->stride, team->sampled);
	shared->points = points;
	pg_atomic_write_u32(&shared->answered, 0);
	pg_write_barrier();
	pg_atomic_write_u64(&shared->unclaimed, (pass + 1) << 32 | chunks);
	ConditionVariableBroadcast(&shared->changed);
	while (answer_chunk(shared, build->shape, router, &sample)) {
		team->part.chunks++;
		show_progress(build, pg_atomic_read_u32(&shared->answered));
	}
	wait_for_answers(shared, chunks);
	take_answers(build->train, &sample, points);
}

void vecidx_team_trained(VecidxBuild *build) {
	VecidxTeam *team = build->team;

	if (vx_router_init(dsm_segment_address(team->router), dsm_segment_map_length(team->router), build->train) == NULL)
		elog(ERROR, "the leaves do not fit into their segment");
	build->router = dsm_segment_address(team->router);
	build->rows = &team->shared->rows;
	team->shared->leaves = build->leaves;
	team->shared->sort_memory = vecidx_sort_memory(build, vecidx_team_participants(build));
	pg_write_barrier();
	pg_atomic_write_u32(&team->shared->trained, 1);
	ConditionVariableBroadcast(&team->shared->changed);
}
