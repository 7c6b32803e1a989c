/*
 * The `vector_ball` type: a center and a radius, which is what a condition on a vector is compared with. It says
 * nothing of the distance that the radius is in: the operator does.
 */
#ifndef VECIDX_VECTOR_BALL_H
#define VECIDX_VECTOR_BALL_H

#include "type/vector.h"

typedef struct VectorBall {
	int32 vl_len_; /* varlena header: use SET_VARSIZE and VARSIZE only */
	int32 unused;  /* always 0 */
	double radius;
	char center[FLEXIBLE_ARRAY_MEMBER]; /* a Vector with a header of its own */
} VectorBall;

#define VECTOR_BALL_CENTER(ball) ((Vector *)(ball)->center)

#define DatumGetVectorBall(d) ((VectorBall *)PG_DETOAST_DATUM(d))
#define PG_GETARG_VECTOR_BALL_P(n) DatumGetVectorBall(PG_GETARG_DATUM(n))

#endif
