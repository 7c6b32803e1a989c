/*
 * Looking after the tree's shape: drives the core's machine for the chores that inserts and VACUUM notice.
 *
 * Two heavyweight locks on pages of the index, which nothing else locks so, order what may happen at once. The tree's
 * lock is held in share mode by every insert from its plan to its last record, exclusively while the shape changes. The
 * shape's lock is held by whoever changes it, from its first look on.
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/memutils.h"

#include "am/change.h"
#include "am/faults.h"

/* Blocks whose numbers stand for the locks. */
#define TREE_LOCK 0
#define SHAPE_LOCK 1

void vecidx_lock_tree(Relation index) {
	LockPage(index, TREE_LOCK, ShareLock);
}

void vecidx_unlock_tree(Relation index) {
	UnlockPage(index, TREE_LOCK, ShareLock);
}

bool vecidx_lock_shape(Relation index, bool wait) {
	if (!wait)
		return ConditionalLockPage(index, SHAPE_LOCK, ExclusiveLock);
	LockPage(index, SHAPE_LOCK, ExclusiveLock);
	return true;
}

void vecidx_unlock_shape(Relation index) {
	UnlockPage(index, SHAPE_LOCK, ExclusiveLock);
}

/* What was retired before this transaction id, no snapshot needs any more. */
uint64 vecidx_oldest_needed(Relation heap) {
	/* in this order: a next one that was read first might be older */
	TransactionId oldest = GetOldestNonRemovableTransactionId(heap);
	FullTransactionId next = ReadNextFullTransactionId();
	uint32 age = XidFromFullTransactionId(next) - oldest;

	return U64FromFullTransactionId(next) - age;
}

static void show_page(Relation index, vx_tend *machine, BlockNumber block) {
	Buffer buffer = vecidx_read_existing(index, block);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_tend_page(machine, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
}

static vx_step write_pages(Relation index, vx_tend *machine, vx_want *want) {
	VecidxChange change;
	vx_step step;

	vecidx_change_begin(&change, index, want, vecidx_fault_name(vx_tend_record(machine)));
	/* read while the pages are locked: a scan that saw them as they were has an older horizon */
	step = vx_tend_apply(machine, change.images, change.blocks, U64FromFullTransactionId(ReadNextFullTransactionId()),
						 want);
	return vecidx_change_end(&change, step, want);
}

/* True when it is done; false when the shape was out of date. */
static bool run(Relation index, vx_tend *machine) {
	bool locked = false, done = false;
	vx_want want;

	while (!done) {
		vx_step step = vx_tend_next(machine, &want);

		if (step == VX_WRITE)
			step = write_pages(index, machine, &want);
		switch (step) {
		case VX_PAGE:
			show_page(index, machine, want.block);
			break;
		case VX_MEMORY:
			vx_tend_grow(machine, MemoryContextAllocHuge(CurrentMemoryContext, want.bytes), want.bytes);
			break;
		case VX_LOCK:
			LockPage(index, TREE_LOCK, ExclusiveLock);
			locked = true;
			break;
		case VX_YIELD:
			CHECK_FOR_INTERRUPTS();
			break;
		case VX_DONE:
		case VX_STALE:
		case VX_FULL: /* the index cannot have more pages: it goes on as it is */
			done = true;
			break;
		case VX_CORRUPT:
			vecidx_report_corrupt(index, want.block, want.why);
		default:
			elog(ERROR, "unexpected step of vecidx looking after an index");
		}
		if (done && locked)
			UnlockPage(index, TREE_LOCK, ExclusiveLock);
		if (done)
			return step != VX_STALE;
	}
	return true;
}

void vecidx_tend(Relation index, Relation heap, const vx_chore *chore) {
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecidx shape", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool done = false;

	while (!done) {
		const vx_index *shape = vecidx_shape_copy(index);
		Size bytes = Max(vx_tend_size(shape), (Size)1024 * 1024);
		vx_tend *machine =
			vx_tend_init(MemoryContextAllocHuge(context, bytes), bytes, shape, chore, vecidx_oldest_needed(heap));

		done = run(index, machine);
		if (!done) {
			vecidx_shape_forget(index); /* somebody gave it an anchor, or trained it */
			MemoryContextReset(context);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* One of many may do it; nobody waits. */
void vecidx_tend_if_free(Relation index, Relation heap, const vx_chore *chore) {
	if (chore->kind == VX_CHORE_NONE || !vecidx_lock_shape(index, false))
		return;
	vecidx_tend(index, heap, chore);
	vecidx_unlock_shape(index);
}
