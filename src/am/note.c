/*
 * Notes about scans: found by the address of the scan's ordering keys, which amrescan is given. A note lives in the
 * query's memory context and unlinks itself when that goes, after errors too.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "utils/memutils.h"

#include "am/am.h"

typedef struct Linked {
	VecidxNote note;
	dlist_node link;
	ScanKey orderbys;
	MemoryContextCallback callback;
} Linked;

static dlist_head notes = DLIST_STATIC_INIT(notes);

static Linked *find(ScanKey orderbys) {
	dlist_iter i;

	dlist_foreach(i, &notes) {
		Linked *linked = dlist_container(Linked, link, i.cur);

		if (linked->orderbys == orderbys)
			return linked;
	}
	return NULL;
}

const VecidxNote *vecidx_note_find(ScanKey orderbys) {
	const Linked *linked = find(orderbys);

	return linked != NULL ? &linked->note : NULL;
}

static void forget(void *argument) {
	dlist_delete(&((Linked *)argument)->link);
}

VecidxNote *vecidx_note_of(IndexScanState *scan) {
	MemoryContext memory = scan->ss.ps.state->es_query_cxt;
	Linked *linked = find(scan->iss_OrderByKeys);

	if (linked != NULL)
		return &linked->note;
	linked = MemoryContextAllocZero(memory, sizeof(Linked));
	linked->orderbys = scan->iss_OrderByKeys;
	linked->callback.func = forget;
	linked->callback.arg = linked;
	dlist_push_head(&notes, &linked->link);
	MemoryContextRegisterResetCallback(memory, &linked->callback);
	return &linked->note;
}
