/*
 * The parts of CREATE INDEX: build.c says what happens when, sample.c reads samples of the table, train.c makes the
 * tree from them, spool.c brings the rows into the tree's order and to pages.
 */
#ifndef VECIDX_AM_BUILD_H
#define VECIDX_AM_BUILD_H

#include "am/am.h"

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
	VecidxFork pages;
	vx_writer *writer;
} VecidxBuild;

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

/* Trains the tree; leaves build->train NULL when there are too few rows for one. */
extern void vecidx_build_train(VecidxBuild *build);

/* ---- spool.c */

/* Reads the whole table and writes the index; returns the number of table rows and, in *rows, of index rows. */
extern double vecidx_build_write(VecidxBuild *build, double *rows);

#endif
