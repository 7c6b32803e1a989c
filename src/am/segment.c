/*
 * Shared memory that a build can do without. Where a container has little of it, asking raises an error; a
 * subtransaction turns that into an answer, and the build goes on with fewer processes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "pgstat.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "am/team.h"

/* An aborted subtransaction ends the report of progress: begin it again where it was. */
static void resume_progress(const int64 *values) {
	int names[PGSTAT_NUM_PROGRESS_PARAM];

	for (int i = 0; i < PGSTAT_NUM_PROGRESS_PARAM; i++)
		names[i] = i;
	pgstat_progress_start_command(PROGRESS_COMMAND_CREATE_INDEX, MyBEEntry->st_progress_command_target);
	pgstat_progress_update_multi_param(PGSTAT_NUM_PROGRESS_PARAM, names, values);
}

static bool means_no_room(int code) {
	return code == ERRCODE_OUT_OF_MEMORY || code == ERRCODE_DISK_FULL || code == ERRCODE_INSUFFICIENT_RESOURCES;
}

dsm_segment *vecidx_segment_create(Size bytes) {
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;
	int64 progress[PGSTAT_NUM_PROGRESS_PARAM] = {0};

	if (bytes > MaxAllocHugeSize)
		return NULL;
	if (MyBEEntry != NULL)
		memcpy(progress, (const void *)MyBEEntry->st_progress_param, sizeof(progress));
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		segment = dsm_create(bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		/* out of the subtransaction's hands, and into those of the build's owner below */
		if (segment != NULL)
			dsm_pin_mapping(segment);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!means_no_room(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (MyBEEntry != NULL)
			resume_progress(progress);
		ereport(DEBUG1, (errmsg_internal("vecidx builds with fewer processes: %s", error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (segment != NULL)
		dsm_unpin_mapping(segment);
	return segment;
}
