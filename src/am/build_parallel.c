/*
 * The life of a parallel build's team: its shared memory, its workers from launch to end, and what each of them does.
 *
 * The leader samples the table alone, then workers start. Everyone helps to train the tree, then scans a share of the
 * table and sorts it by leaf, and the leader merges what is sorted and writes it.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/spool.h"
#include "am/team.h"

#define KEY_SHARED UINT64CONST(1)
#define KEY_SHAPE UINT64CONST(2)
#define KEY_SCAN UINT64CONST(3)
#define KEY_SORT UINT64CONST(4)
#define KEY_BUFFERS UINT64CONST(5)
#define KEY_WAL UINT64CONST(6)
#define KEY_QUERY UINT64CONST(7)

extern PGDLLEXPORT void vecidx_build_worker(dsm_segment *segment, shm_toc *toc);

/* ---- the leader */

typedef struct Sizes {
	Size shared, shape, scan, sort, buffers, wal, query;
} Sizes;

static void estimate_one(shm_toc_estimator *estimator, Size size) {
	shm_toc_estimate_chunk(estimator, size);
	shm_toc_estimate_keys(estimator, 1);
}

static Sizes estimate(const VecidxBuild *build, const VecidxTeam *team) {
	shm_toc_estimator *estimator = &team->context->estimator;
	int workers = team->context->nworkers;
	Sizes sizes = {.shared = add_size(offsetof(VecidxShared, parts), mul_size(workers, sizeof(VecidxPart))),
				   .shape = vx_index_size(build->dim, 0),
				   .scan = table_parallelscan_estimate(build->heap, team->snapshot),
				   .sort = tuplesort_estimate_shared(workers + 1),
				   .buffers = mul_size(workers, sizeof(BufferUsage)),
				   .wal = mul_size(workers, sizeof(WalUsage)),
				   .query = debug_query_string != NULL ? strlen(debug_query_string) + 1 : 0};

	estimate_one(estimator, sizes.shared);
	estimate_one(estimator, sizes.shape);
	estimate_one(estimator, sizes.scan);
	estimate_one(estimator, sizes.sort);
	estimate_one(estimator, sizes.buffers);
	estimate_one(estimator, sizes.wal);
	if (sizes.query > 0)
		estimate_one(estimator, sizes.query);
	return sizes;
}

static void *allocate(shm_toc *toc, uint64 key, Size size) {
	void *memory = shm_toc_allocate(toc, size);

	memset(memory, 0, size);
	shm_toc_insert(toc, key, memory);
	return memory;
}

static void fill_shared(const VecidxBuild *build, VecidxTeam *team) {
	VecidxShared *shared = team->shared;

	shared->heap = RelationGetRelid(build->heap);
	shared->index = RelationGetRelid(build->index);
	shared->concurrent = build->info->ii_Concurrent;
	shared->query_id = (uint64)pgstat_get_my_query_id();
	shared->router = dsm_segment_handle(team->router);
	shared->sample = build->sample != NULL ? dsm_segment_handle(build->sample) : DSM_HANDLE_INVALID;
	shared->sampled = team->sampled;
	pg_atomic_init_u64(&shared->unclaimed, 0);
	pg_atomic_init_u32(&shared->answered, 0);
	pg_atomic_init_u32(&shared->trained, 0);
	pg_atomic_init_u64(&shared->rows, 0);
	ConditionVariableInit(&shared->changed);
	ConditionVariableInit(&shared->finished);
}

static void fill_segment(const VecidxBuild *build, VecidxTeam *team, const Sizes *sizes) {
	shm_toc *toc = team->context->toc;

	team->shared = allocate(toc, KEY_SHARED, sizes->shared);
	fill_shared(build, team);
	memcpy(allocate(toc, KEY_SHAPE, sizes->shape), build->shape, sizes->shape);
	team->scan = allocate(toc, KEY_SCAN, sizes->scan);
	table_parallelscan_initialize(build->heap, team->scan, team->snapshot);
	team->sort = allocate(toc, KEY_SORT, sizes->sort);
	tuplesort_initialize_shared(team->sort, team->context->nworkers + 1, team->context->seg);
	team->buffers = allocate(toc, KEY_BUFFERS, sizes->buffers);
	team->wal = allocate(toc, KEY_WAL, sizes->wal);
	if (sizes->query > 0)
		memcpy(allocate(toc, KEY_QUERY, sizes->query), debug_query_string, sizes->query);
}

void vecidx_team_start(VecidxBuild *build, uint32 leaves, uint64 sampled) {
	VecidxTeam *team;
	Sizes sizes;
	dsm_segment *router;

	if (build->workers <= 0)
		return;
	router = vecidx_segment_create(vx_router_size(build->shape, leaves));
	if (router == NULL)
		return;
	team = palloc0(sizeof(VecidxTeam));
	team->router = router;
	team->sampled = sampled;
	EnterParallelMode();
	team->context = CreateParallelContext("vecidx", "vecidx_build_worker", build->workers);
	/* as a serial scan of the table would choose */
	team->snapshot = build->info->ii_Concurrent ? RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;
	sizes = estimate(build, team);
	InitializeParallelDSM(team->context);
	build->team = team;
	if (team->context->seg != NULL) {
		fill_segment(build, team, &sizes);
		LaunchParallelWorkers(team->context);
	}
	if (team->context->nworkers_launched == 0)
		vecidx_team_end(build);
}

int vecidx_team_participants(const VecidxBuild *build) {
	return build->team == NULL ? 1 : build->team->context->nworkers_launched + 1;
}

/* As DEBUG1, for tests and the curious: who has done what. */
static void report(const VecidxBuild *build) {
	const VecidxTeam *team = build->team;

	ereport(DEBUG1, (errmsg_internal("vecidx build: leader read %.0f rows and answered %llu chunks", team->part.rows,
									 (unsigned long long)team->part.chunks)));
	for (int i = 0; i < team->context->nworkers_launched; i++)
		ereport(DEBUG1,
				(errmsg_internal("vecidx build: worker %d read %.0f rows and answered %llu chunks", i,
								 team->shared->parts[i].rows, (unsigned long long)team->shared->parts[i].chunks)));
}

Tuplesortstate *vecidx_team_scan(VecidxBuild *build, double *heap_rows, double *rows) {
	VecidxTeam *team = build->team;
	SortCoordinateData coordinate = {.isWorker = true, .nParticipants = -1, .sharedsort = team->sort};

	vecidx_spool_share(build, &coordinate, team->shared->sort_memory, table_beginscan_parallel(build->heap, team->scan),
					   &team->part);
	WaitForParallelWorkersToFinish(team->context);
	report(build);
	*heap_rows = team->part.heap_rows;
	*rows = team->part.rows;
	build->info->ii_BrokenHotChain |= team->part.broken_hot_chain;
	for (int i = 0; i < team->context->nworkers_launched; i++) {
		const VecidxPart *part = &team->shared->parts[i];

		*heap_rows += part->heap_rows;
		*rows += part->rows;
		build->info->ii_BrokenHotChain |= part->broken_hot_chain;
	}
	coordinate.isWorker = false;
	coordinate.nParticipants = vecidx_team_participants(build);
	return vecidx_spool_merge(build, &coordinate);
}

void vecidx_team_end(VecidxBuild *build) {
	VecidxTeam *team = build->team;

	if (team == NULL)
		return;
	build->team = NULL;
	WaitForParallelWorkersToFinish(team->context);
	for (int i = 0; i < team->context->nworkers_launched; i++)
		InstrAccumParallelQuery(&team->buffers[i], &team->wal[i]);
	if (IsMVCCSnapshot(team->snapshot))
		UnregisterSnapshot(team->snapshot);
	DestroyParallelContext(team->context);
	ExitParallelMode();
	dsm_detach(team->router);
}

/* ---- a worker */

static void work(VecidxBuild *build, VecidxShared *shared, shm_toc *toc) {
	VecidxPart *part = &shared->parts[ParallelWorkerNumber];
	SortCoordinateData coordinate = {.isWorker = true, .nParticipants = -1};
	ParallelTableScanDesc scan = shm_toc_lookup(toc, KEY_SCAN, false);
	dsm_segment *router = dsm_attach(shared->router);

	if (router == NULL)
		elog(ERROR, "the router's segment is gone");
	build->router = dsm_segment_address(router);
	part->chunks = vecidx_help_training(shared, build->shape, build->router);
	build->leaves = shared->leaves;
	coordinate.sharedsort = shm_toc_lookup(toc, KEY_SORT, false);
	vecidx_spool_share(build, &coordinate, shared->sort_memory, table_beginscan_parallel(build->heap, scan), part);
	dsm_detach(router);
}

void vecidx_build_worker(dsm_segment *segment, shm_toc *toc) {
	VecidxShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	BufferUsage *buffers = shm_toc_lookup(toc, KEY_BUFFERS, false);
	WalUsage *wal = shm_toc_lookup(toc, KEY_WAL, false);
	LOCKMODE heap_lock = shared->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	LOCKMODE index_lock = shared->concurrent ? RowExclusiveLock : AccessExclusiveLock;
	VecidxBuild build = {0};

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	pgstat_report_query_id(shared->query_id, false);
	build.heap = table_open(shared->heap, heap_lock);
	build.index = index_open(shared->index, index_lock);
	build.info = BuildIndexInfo(build.index);
	build.info->ii_Concurrent = shared->concurrent;
	build.rows = &shared->rows;
	vecidx_build_share(&build, shm_toc_lookup(toc, KEY_SHAPE, false));
	tuplesort_attach_shared(shm_toc_lookup(toc, KEY_SORT, false), segment);
	InstrStartParallelQuery();
	work(&build, shared, toc);
	InstrEndParallelQuery(&buffers[ParallelWorkerNumber], &wal[ParallelWorkerNumber]);
	index_close(build.index, index_lock);
	table_close(build.heap, heap_lock);
}
