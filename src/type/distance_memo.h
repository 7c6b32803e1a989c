/*
 * Distances as operators compute them: of two vector datums, of which one may be stored out of line.
 */
#ifndef VECIDX_DISTANCE_MEMO_H
#define VECIDX_DISTANCE_MEMO_H

#include "type/vector.h"

/* Of two vectors of the same dimension. */
typedef double (*VectorDistance)(const Vector *a, const Vector *b);

/* What the operators <->, <=>, <#> and <+> compute (vector_distance.c). */
extern double vecidx_measure_l2(const Vector *a, const Vector *b);
extern double vecidx_measure_cosine(const Vector *a, const Vector *b);
extern double vecidx_measure_ip(const Vector *a, const Vector *b);
extern double vecidx_measure_l1(const Vector *a, const Vector *b);

/* `function` of both vectors; raises where their dimensions differ. A vector out of line is fetched once a query. */
extern double vecidx_distance(VectorDistance function, Datum a, Datum b);

#endif
