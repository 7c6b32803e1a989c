/*
 * The sort that brings rows into the order of their leaves: filled by one process or by shares, read by write.c.
 */
#ifndef VECIDX_AM_SPOOL_H
#define VECIDX_AM_SPOOL_H

#include "executor/tuptable.h"
#include "utils/tuplesort.h"

#include "am/build.h"
#include "am/team.h"

/* What a tuple of the sort holds: a refine code, or only the row of which no code is kept. */
typedef enum VecidxSpooled { VECIDX_SPOOLED_CODED, VECIDX_SPOOLED_WILD, VECIDX_SPOOLED_LATE } VecidxSpooled;

/* kB for the sort of each of so many participants. */
extern int vecidx_sort_memory(const VecidxBuild *build, int participants);

/* One process: the whole table, sorted. */
extern Tuplesortstate *vecidx_spool_all(VecidxBuild *build, double *heap_rows, double *rows);
/* A participant: its share of the table, sorted and left for the leader. Ends the scan. */
extern void vecidx_spool_share(VecidxBuild *build, SortCoordinate coordinate, int memory, TableScanDesc scan,
							   VecidxPart *part);
/* The leader: all shares, sorted. */
extern Tuplesortstate *vecidx_spool_merge(const VecidxBuild *build, SortCoordinate coordinate);

/* The next tuple, there until the next call: the row's class, its leaf if it has one, and its entry or row. */
extern bool vecidx_spool_next(const VecidxBuild *build, Tuplesortstate *sort, TupleTableSlot *slot, VecidxSpooled *kind,
							  uint32 *leaf, const void **content);
extern TupleDesc vecidx_spool_tuple(void);

#endif
