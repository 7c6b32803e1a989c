/*
 * The `vector` type as it lies on disk and what its files and the index share: making, reading and checking values.
 */
#ifndef VECIDX_VECTOR_H
#define VECIDX_VECTOR_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/nodes.h"

#include "compat.h"

/* Also the largest dimension that int16 and the 1 GB limit of text output leave room for. */
#define VECTOR_MAX_DIM 16000

typedef struct Vector {
	int32 vl_len_; /* varlena header: use SET_VARSIZE and VARSIZE only */
	int16 dim;
	int16 unused; /* always 0, on disk and in the binary format */
	float x[FLEXIBLE_ARRAY_MEMBER];
} Vector;

#define VECTOR_SIZE(dim) (offsetof(Vector, x) + sizeof(float) * (size_t)(dim))

/* A plain datum is used where it lies; a compressed, toasted or short one is copied. */
#define DatumGetVector(d) ((Vector *)PG_DETOAST_DATUM(d))
#define PG_GETARG_VECTOR_P(n) DatumGetVector(PG_GETARG_DATUM(n))
#define PG_RETURN_VECTOR_P(v) PG_RETURN_POINTER(v)

/* A zeroed vector of `dim` elements; the caller has checked dim. */
extern Vector *vecidx_vector_new(int dim);

/*
 * The checks below raise, or report to `escontext` and return false when it is an ErrorSaveContext (NULL always
 * raises). vecidx_vector_check_typmod accepts a negative typmod as "any dimension".
 */
extern bool vecidx_vector_check_dim(int dim, Node *escontext);
extern bool vecidx_vector_check_typmod(int32 typmod, int dim, Node *escontext);
extern bool vecidx_vector_check_element(float value, Node *escontext);
extern void vecidx_vector_check_same_dim(const Vector *a, const Vector *b);

/* ---- vector_io.c: text and binary forms, for types that have a vector in them */

/* NULL after a soft error. */
extern Vector *vecidx_vector_from_text(const char *text, int32 typmod, Node *escontext);
/* The shortest decimals that read back as the same floats, `[1,2.5,3]`, without spaces. */
extern char *vecidx_vector_to_text(const Vector *vector);
extern Vector *vecidx_vector_from_message(StringInfo message, int32 typmod);
extern void vecidx_vector_to_message(StringInfo message, const Vector *vector);

/* Euclidean norm in double. */
extern double vecidx_vector_norm_value(const Vector *vector);

/* The dimension of a vector datum, read without detoasting it. */
extern int vecidx_vector_datum_dim(Datum datum);

/* Element `index`, from 1 to the dimension, fetched alone where the vector is stored out of line. */
extern float vecidx_vector_datum_element(Datum datum, int index);

/* Lexicographic order, then by dimension: the order of the btree operator class. -0 and 0 are equal. */
extern int vecidx_vector_compare(const Vector *a, const Vector *b);

#endif
