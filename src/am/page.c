/*
 * Pages through shared buffers: new ones, whole forks, their headers, and the error for one that is not what it must
 * be.
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

#include "am/am.h"

void vecidx_report_corrupt(Relation index, BlockNumber block, const char *why) {
	ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
					errmsg("index \"%s\" is corrupted at block %u", RelationGetRelationName(index), block),
					errdetail_internal("%s", why), errhint("Rebuild it with REINDEX.")));
}

bool vecidx_is_vecidx_index(Relation index) {
	return index->rd_rel->relkind == RELKIND_INDEX && index->rd_indam != NULL &&
		   index->rd_indam->ambuild == vecidx_build;
}

#ifndef vecidx_extend_relation
static Buffer vecidx_extend_relation(Relation index) {
	bool shared = !RELATION_IS_LOCAL(index);
	Buffer buffer;

	for (;;) {
		if (shared)
			LockRelationForExtension(index, ExclusiveLock);
		buffer = ReadBuffer(index, P_NEW);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		if (shared)
			UnlockRelationForExtension(index, ExclusiveLock);
		/* VACUUM may have found the page before it was locked, and another insert may have taken it since. */
		if (PageIsNew(BufferGetPage(buffer)))
			return buffer;
		UnlockReleaseBuffer(buffer);
	}
}
#endif

static Buffer recycled_buffer(Relation index) {
	BlockNumber block;

	while ((block = GetFreeIndexPage(index)) != InvalidBlockNumber) {
		Buffer buffer = ReadBuffer(index, block);

		if (ConditionalLockBuffer(buffer)) {
			Page page = BufferGetPage(buffer);

			if (PageIsNew(page) || vx_page_is(page, VX_KIND_FREE))
				return buffer;
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		}
		ReleaseBuffer(buffer);
	}
	return InvalidBuffer;
}

/* The free space map is not crash-safe: what it names may be in use, so only a page that says it is free is taken. */
Buffer vecidx_new_buffer(Relation index) {
	Buffer buffer = recycled_buffer(index);

	return BufferIsValid(buffer) ? buffer : vecidx_extend_relation(index);
}

Buffer vecidx_read_existing(Relation index, BlockNumber block) {
	if (block >= RelationGetNumberOfBlocks(index))
		vecidx_report_corrupt(index, block, "It lies beyond the end of the index.");
	return ReadBuffer(index, block);
}

/* The upper pages of the map too, or nobody would find it before VACUUM. */
void vecidx_record_free(Relation index, BlockNumber block) {
	RecordFreeIndexPage(index, block);
	FreeSpaceMapVacuumRange(index, block, block + 1);
}

void vecidx_free_buffer(Relation index, Buffer buffer) {
	BlockNumber block = BufferGetBlockNumber(buffer);

	UnlockReleaseBuffer(buffer);
	vecidx_record_free(index, block);
}

/* PostgreSQL logs nothing between pd_lower and pd_upper and clears it on replay. */
bool vecidx_page_seal(Page page) {
	uint32 used = vx_page_used(page), upper = vx_page_upper(page);

	if (used < SizeOfPageHeaderData || used > upper)
		return false;
	((PageHeader)page)->pd_lower = used;
	((PageHeader)page)->pd_upper = upper;
	return true;
}

/* A new fork belongs to its builder alone, so extending it needs no lock. */
void vecidx_fork_write(VecidxFork *fork, BlockNumber block, const void *image) {
	Buffer buffer;
	Page page;

	for (; fork->nblocks <= block; fork->nblocks++)
		ReleaseBuffer(ReadBufferExtended(fork->index, fork->fork, P_NEW, RBM_NORMAL, NULL));
	buffer = ReadBufferExtended(fork->index, fork->fork, block, RBM_ZERO_AND_LOCK, NULL);
	page = BufferGetPage(buffer);
	PageInit(page, BLCKSZ, VX_SPECIAL_SIZE);
	memcpy((char *)page + VX_HEADER_OFFSET, (const char *)image + VX_HEADER_OFFSET, BLCKSZ - VX_HEADER_OFFSET);
	if (!vecidx_page_seal(page))
		elog(ERROR, "vecidx wrote an impossible page at block %u", block);
	MarkBufferDirty(buffer);
	UnlockReleaseBuffer(buffer);
}

void vecidx_fork_drain(VecidxFork *fork, vx_writer *writer) {
	vx_want want;

	while (vx_writer_next(writer, &want) == VX_WRITE) {
		CHECK_FOR_INTERRUPTS();
		vecidx_fork_write(fork, want.pages[0], want.image);
	}
}
