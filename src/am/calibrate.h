/*
 * One calibration as its files share it: calibrate.c measures and writes, calibrate_team.c lets workers of a build
 * help.
 */
#ifndef VECIDX_AM_CALIBRATE_H
#define VECIDX_AM_CALIBRATE_H

#include "commands/vacuum.h"

#include "am/am.h"

typedef struct VecidxCalibrator {
	Relation index;
	vx_calibrate *machine;
	MemoryContext context;
	BlockNumber blocks;            /* of the index, when last looked */
	BufferAccessStrategy strategy; /* of VACUUM; else NULL */
	bool careful;  /* VACUUM, whose snapshot keeps nothing from being used again: no errors, and its pauses */
	bool stale;    /* the shape was out of date */
	Relation heap; /* of a build with workers */
	int workers;
	bool concurrent; /* CREATE INDEX CONCURRENTLY */
} VecidxCalibrator;

/* ---- calibrate.c */

/* The machine, in the calibrator's context. */
extern void vecidx_calibrator_start(VecidxCalibrator *calibrator);
/* A row of the index by its number. False: there is no going on. */
extern bool vecidx_calibrator_row(VecidxCalibrator *calibrator, uint32 number);

/* ---- calibrate_team.c */

/* Rows from one number to another, together with the build's workers. */
extern bool vecidx_calibrate_together(VecidxCalibrator *calibrator, uint32 from, uint32 to);

#endif
