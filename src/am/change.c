/*
 * One WAL record of a machine: locks its pages in the order given, lets the core change copies of them, and finishes or
 * aborts the record. Everything that writes to an index that others can see goes through here.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "am/change.h"
#include "am/faults.h"

/* New pages first: nobody else knows them, so they wait for no lock and none waits for them. */
static void lock_pages(VecidxChange *change, const vx_want *want) {
	change->n = want->npages;
	for (uint32 i = 0; i < change->n; i++) {
		change->fresh[i] = want->pages[i] == VX_NO_BLOCK;
		if (change->fresh[i])
			change->buffers[i] = vecidx_new_buffer(change->index);
	}
	for (uint32 i = 0; i < change->n; i++) {
		if (!change->fresh[i]) {
			change->buffers[i] = vecidx_read_existing(change->index, want->pages[i]);
			LockBuffer(change->buffers[i], BUFFER_LOCK_EXCLUSIVE);
		}
		change->blocks[i] = BufferGetBlockNumber(change->buffers[i]);
	}
}

static void register_pages(VecidxChange *change) {
	for (uint32 i = 0; i < change->n; i++) {
		change->images[i] = GenericXLogRegisterBuffer(change->record, change->buffers[i],
													  change->fresh[i] ? GENERIC_XLOG_FULL_IMAGE : 0);
		if (change->fresh[i])
			PageInit(change->images[i], BLCKSZ, VX_SPECIAL_SIZE);
	}
}

static void unlock_pages(VecidxChange *change, bool changed) {
	for (uint32 i = 0; i < change->n; i++) {
		if (change->fresh[i] && !changed)
			vecidx_free_buffer(change->index, change->buffers[i]);
		else
			UnlockReleaseBuffer(change->buffers[i]);
		vecidx_fault("released", change->what);
	}
}

static bool seal_pages(const VecidxChange *change) {
	for (uint32 i = 0; i < change->n; i++)
		if (!vecidx_page_seal(change->images[i]))
			return false;
	return true;
}

/* The space they had may be taken from now on. */
static void record_freed(Relation index, const vx_want *want) {
	for (uint32 i = 0; i < want->nfreed; i++)
		vecidx_record_free(index, want->freed[i]);
}

void vecidx_change_begin(VecidxChange *change, Relation index, const vx_want *want, const char *what) {
	change->index = index;
	change->what = what;
	change->record = GenericXLogStart(index);
	lock_pages(change, want);
	register_pages(change);
}

/* `step` is what the core answered. VX_DONE finishes the record and becomes VX_YIELD: go on. */
vx_step vecidx_change_end(VecidxChange *change, vx_step step, vx_want *want) {
	if (step == VX_DONE && !seal_pages(change)) {
		want->block = change->blocks[0];
		want->why = "a change would leave an impossible page";
		step = VX_CORRUPT;
	}
	if (step == VX_DONE) {
		vecidx_fault("before", change->what);
		GenericXLogFinish(change->record);
		vecidx_fault("after", change->what);
	} else {
		GenericXLogAbort(change->record);
	}
	unlock_pages(change, step == VX_DONE);
	if (step != VX_DONE)
		return step;
	record_freed(change->index, want);
	if (want->nfreed > 0)
		vecidx_fault("freed", change->what);
	return VX_YIELD;
}
