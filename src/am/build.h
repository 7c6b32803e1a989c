/*
 * The parts of CREATE INDEX: build.c says what happens when, sample.c reads samples of the table, train.c makes the
 * tree from them, spool.c brings the rows into the tree's order, write.c brings them to pages. How several processes
 * share this work is in build_parallel.c and team.h.
 */
#ifndef VECIDX_AM_BUILD_H
#define VECIDX_AM_BUILD_H

#include "port/atomics.h"
#include "storage/dsm.h"
#include "utils/tuplesort.h"

#include "am/am.h"

typedef struct VecidxTeam VecidxTeam;

typedef struct VecidxBuild {
	Relation heap;
	Relation index;
	IndexInfo *info;
	vx_index *shape;
	MemoryContext row; /* of the row being looked at */
	uint32 dim;
	Size stride;       /* of refine codes in memory */
	Size memory;       /* bytes allowed, nearly maintenance_work_mem */
	double expected;   /* rows that the tree will hold, about */
	vx_train *train;   /* NULL: rows stay raw */
	Size train_memory; /* bytes that it keeps */
	uint32 leaves;
	int workers;             /* asked for */
	dsm_segment *sample;     /* shared memory with the codes that are trained on, or NULL */
	VecidxTeam *team;        /* NULL: this process builds alone */
	const vx_router *router; /* of a team */
	pg_atomic_uint64 *rows;  /* of the table, so far, of all processes */
	VecidxFork pages;
	vx_writer *writer;
} VecidxBuild;

/* What a process needs that scans a share of the table. */
extern void vecidx_build_share(VecidxBuild *build, vx_index *shape);

/* The vector of a row, there until the next call; raises when its dimension is not the index's. */
extern const float *vecidx_build_vector(const VecidxBuild *build, Datum value);

/* ---- sample.c */

typedef struct VecidxSample {
	BlockNumber blocks;  /* of the table */
	BlockNumber visited; /* of these, so far */
	uint64 stride;       /* between one sampled block and the next, coprime to `blocks` */
	uint64 coded;        /* rows that codes can hold on visited blocks */
} VecidxSample;

extern void vecidx_sample_start(const VecidxBuild *build, VecidxSample *sample);
/* Gives the index's mean and the number of rows to expect. */
extern void vecidx_sample_mean(VecidxBuild *build, VecidxSample *sample);
/* Refine codes of up to `most` rows; returns how many. */
extern uint64 vecidx_sample_codes(VecidxBuild *build, VecidxSample *sample, char *codes, uint64 most);

/* ---- train.c */

/* Trains the tree; leaves build->train NULL when there are too few rows for one, and rows may be raw. */
extern void vecidx_build_train(VecidxBuild *build);
/* The same for an index without rows. */
extern void vecidx_build_train_nothing(VecidxBuild *build);

/* ---- build_parallel.c */

/* Starts workers for the training of that many leaves and for the scan; build->team stays NULL if there are none. */
extern void vecidx_team_start(VecidxBuild *build, uint32 leaves, uint64 sampled);
/* Processes of the build that are there. */
extern int vecidx_team_participants(const VecidxBuild *build);
/* The scan by all of them; returns all rows in the order of their leaves. */
extern Tuplesortstate *vecidx_team_scan(VecidxBuild *build, double *heap_rows, double *rows);
/* Ends what was started, if it was. */
extern void vecidx_team_end(VecidxBuild *build);

/* ---- write.c */

/* Reads the whole table and writes the index; returns the number of table rows and, in *rows, of index rows. */
extern double vecidx_build_write(VecidxBuild *build, double *rows);

#endif
