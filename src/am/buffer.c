/*
 * Reading a page that this backend has read before, without the shared look-up table: a small table of its own
 * remembers in which buffer each page was, and PostgreSQL checks under the buffer's lock that it still is. A scan
 * visits a few hundred pages, and the look-up, a miss of the processor's caches each time, costs more than the rest of
 * a visit.
 */
#include "postgres.h"

#include "pgstat.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"

#include "am/am.h"

#define ENTRIES 8192 /* a power of two */

/* What an entry says may be out of date or of another index: it is a guess, verified by ReadRecentBuffer. */
typedef struct Recent {
	uint32 file;
	BlockNumber block;
	Buffer buffer;
} Recent;

static Recent recent[ENTRIES];

static Recent *entry_of(uint32 file, BlockNumber block) {
	return &recent[(block ^ (file * 0x9E3779B1u) >> 12) % ENTRIES];
}

/*
 * What a visit touches first, into the processor's caches: the buffer's header, both ends of the page, and what is
 * wanted on it. Nothing is read, so it does no harm if the buffer has another page by now.
 */
static void prefetch_lines(Buffer buffer, uint32 at) {
	const char *page = BufferGetBlock(buffer);

	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	__builtin_prefetch(page);
	__builtin_prefetch(page + VX_SPECIAL_OFFSET);
	__builtin_prefetch(page + at);
	__builtin_prefetch(page + at + 64);
}

void vecidx_prefetch_buffer(Relation index, BlockNumber block, uint32 at) {
	uint32 file = vecidx_file_number(index);
	Recent *entry = entry_of(file, block);
	PrefetchBufferResult result;

	if (entry->file == file && entry->block == block) {
		if (BufferIsValid(entry->buffer) && !BufferIsLocal(entry->buffer))
			prefetch_lines(entry->buffer, at);
		return;
	}
	result = PrefetchBuffer(index, MAIN_FORKNUM, block);
	if (BufferIsValid(result.recent_buffer))
		*entry = (Recent){file, block, result.recent_buffer};
}

Buffer vecidx_read_buffer(Relation index, BlockNumber block) {
	uint32 file = vecidx_file_number(index);
	Recent *entry = entry_of(file, block);

	if (entry->file == file && entry->block == block && !RelationUsesLocalBuffers(index) &&
		ReadRecentBuffer(vecidx_locator(index), MAIN_FORKNUM, block, entry->buffer)) {
		pgstat_count_buffer_read(index);
		pgstat_count_buffer_hit(index);
		return entry->buffer;
	}
	*entry = (Recent){file, block, ReadBuffer(index, block)};
	return entry->buffer;
}
