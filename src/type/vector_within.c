/*
 * Whether a vector lies within a radius of another one: as functions of both and the radius, and as operators on a
 * vector_ball, which is what an index is asked. Both compute what the distance operator does and compare that; NaN, as
 * result or as radius, is never within.
 */
#include "postgres.h"

#include "type/distance_memo.h"
#include "type/vector_ball.h"
#include "type/vector_within.h"

PG_FUNCTION_INFO_V1(vecidx_l2_within);
PG_FUNCTION_INFO_V1(vecidx_cosine_within);
PG_FUNCTION_INFO_V1(vecidx_ip_within);
PG_FUNCTION_INFO_V1(vecidx_l1_within);
PG_FUNCTION_INFO_V1(vecidx_vector_l2_in_ball);
PG_FUNCTION_INFO_V1(vecidx_vector_cosine_in_ball);
PG_FUNCTION_INFO_V1(vecidx_vector_ip_in_ball);
PG_FUNCTION_INFO_V1(vecidx_vector_l1_in_ball);

#define RETURN_WITHIN(measure)                                                                                         \
	PG_RETURN_BOOL(vecidx_distance(measure, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) <= PG_GETARG_FLOAT8(2))
#define RETURN_IN_BALL(measure) PG_RETURN_BOOL(in_ball(measure, PG_GETARG_DATUM(0), PG_GETARG_VECTOR_BALL_P(1)))

static bool in_ball(VectorDistance measure, Datum vector, const VectorBall *ball) {
	return vecidx_distance(measure, vector, PointerGetDatum(VECTOR_BALL_CENTER(ball))) <= ball->radius;
}

Datum vecidx_l2_within(PG_FUNCTION_ARGS) {
	RETURN_WITHIN(vecidx_measure_l2);
}

Datum vecidx_cosine_within(PG_FUNCTION_ARGS) {
	RETURN_WITHIN(vecidx_measure_cosine);
}

Datum vecidx_ip_within(PG_FUNCTION_ARGS) {
	RETURN_WITHIN(vecidx_measure_ip);
}

Datum vecidx_l1_within(PG_FUNCTION_ARGS) {
	RETURN_WITHIN(vecidx_measure_l1);
}

Datum vecidx_vector_l2_in_ball(PG_FUNCTION_ARGS) {
	RETURN_IN_BALL(vecidx_measure_l2);
}

Datum vecidx_vector_cosine_in_ball(PG_FUNCTION_ARGS) {
	RETURN_IN_BALL(vecidx_measure_cosine);
}

Datum vecidx_vector_ip_in_ball(PG_FUNCTION_ARGS) {
	RETURN_IN_BALL(vecidx_measure_ip);
}

Datum vecidx_vector_l1_in_ball(PG_FUNCTION_ARGS) {
	RETURN_IN_BALL(vecidx_measure_l1);
}

VectorDistance vecidx_measure_within(PGFunction function) {
	static const struct {
		PGFunction within, in_ball;
		VectorDistance measure;
	} rows[] = {{vecidx_l2_within, vecidx_vector_l2_in_ball, vecidx_measure_l2},
				{vecidx_cosine_within, vecidx_vector_cosine_in_ball, vecidx_measure_cosine},
				{vecidx_ip_within, vecidx_vector_ip_in_ball, vecidx_measure_ip},
				{vecidx_l1_within, vecidx_vector_l1_in_ball, vecidx_measure_l1}};

	for (int i = 0; i < (int)lengthof(rows); i++)
		if (function == rows[i].within || function == rows[i].in_ball)
			return rows[i].measure;
	return NULL;
}
