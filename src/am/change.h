/*
 * One WAL record of a machine of the core: see change.c.
 */
#ifndef VECIDX_AM_CHANGE_H
#define VECIDX_AM_CHANGE_H

#include "access/generic_xlog.h"

#include "am/am.h"

typedef struct VecidxChange {
	Relation index;
	const char *what; /* it does: names fault points */
	GenericXLogState *record;
	uint32 n;
	Buffer buffers[VX_MAX_WRITE];
	bool fresh[VX_MAX_WRITE];
	void *images[VX_MAX_WRITE]; /* what the core may change */
	uint32_t blocks[VX_MAX_WRITE];
} VecidxChange;

/* Locks and registers want->pages. */
extern void vecidx_change_begin(VecidxChange *change, Relation index, const vx_want *want, const char *what);
/* Finishes the record if `step` is VX_DONE, else drops it; answers VX_YIELD, or what went wrong. */
extern vx_step vecidx_change_end(VecidxChange *change, vx_step step, vx_want *want);

#endif
