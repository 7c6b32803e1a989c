/*
 * How many rows lie within a radius, for the planner: as many as of the vectors that ANALYZE keeps of the column. Where
 * none of these is within, the tail of a normal distribution with the mean and the deviation of their distances is
 * taken, but no more than half of one vector's share. Without statistics, or when center or radius is not known yet, a
 * thousandth.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "am/within.h"
#include "type/vector_analyze.h"
#include "type/vector_ball.h"

#define DEFAULT_SHARE 0.001

PG_FUNCTION_INFO_V1(vecidx_within_sel);
PG_FUNCTION_INFO_V1(vecidx_within_join_sel);

typedef struct Condition {
	Node *column;
	const Vector *center;
	double radius;
	bool null; /* one of them is */
} Condition;

static Const *known(PlannerInfo *root, Node *expression) {
	Node *value = estimate_expression_value(root, expression);

	return IsA(value, Const) ? (Const *)value : NULL;
}

/* False where center or radius are not known. */
static bool read_condition(PlannerInfo *root, List *args, Condition *c) {
	Const *center = known(root, lsecond(args)), *radius = center;

	c->column = linitial(args);
	if (list_length(args) == 3) {
		radius = known(root, lthird(args));
		if (center == NULL) {
			center = known(root, linitial(args));
			c->column = lsecond(args);
		}
	}
	if (center == NULL || radius == NULL)
		return false;
	c->null = center->constisnull || radius->constisnull;
	if (c->null)
		return true;
	if (list_length(args) == 3) {
		c->center = DatumGetVector(center->constvalue);
		c->radius = DatumGetFloat8(radius->constvalue);
	} else {
		const VectorBall *ball = DatumGetVectorBall(center->constvalue);

		c->center = VECTOR_BALL_CENTER(ball);
		c->radius = ball->radius;
	}
	return true;
}

/* Of n sampled vectors, their distances given. */
static double share_of_sample(const double *distances, int n, double radius) {
	double sum = 0, squares = 0, mean, deviation;
	int within = 0;

	for (int i = 0; i < n; i++) {
		within += distances[i] <= radius;
		sum += distances[i];
		squares += distances[i] * distances[i];
	}
	if (within > 0 || !isfinite(squares))
		return (double)within / n;
	mean = sum / n;
	deviation = sqrt(Max(squares / n - mean * mean, 0)) + 1e-9 * fabs(mean) + DBL_MIN;
	return Min(0.5 / n, erfc((mean - radius) / (deviation * sqrt(2.0))) / 2);
}

/* False where one of the vectors is of another dimension. */
static bool measure_sample(const AttStatsSlot *slot, VectorDistance measure, const Vector *center, double *distances) {
	for (int i = 0; i < slot->nvalues; i++) {
		if (vecidx_vector_datum_dim(slot->values[i]) != center->dim)
			return false;
		distances[i] = measure(DatumGetVector(slot->values[i]), center);
	}
	return slot->nvalues > 0;
}

static double share_by_statistics(HeapTuple statistics, VectorDistance measure, const Condition *c) {
	double share = DEFAULT_SHARE, *distances;
	AttStatsSlot slot;

	if (!get_attstatsslot(&slot, statistics, VECTOR_SAMPLE_KIND, InvalidOid, ATTSTATSSLOT_VALUES))
		return share;
	distances = palloc(sizeof(double) * Max(slot.nvalues, 1));
	if (measure_sample(&slot, measure, c->center, distances))
		share = share_of_sample(distances, slot.nvalues, c->radius);
	pfree(distances);
	free_attstatsslot(&slot);
	return share * (1 - ((Form_pg_statistic)GETSTRUCT(statistics))->stanullfrac);
}

Selectivity vecidx_share_within(PlannerInfo *root, Oid function, List *args, int relation) {
	VectorDistance measure = vecidx_measure_of_condition(function);
	Selectivity share = DEFAULT_SHARE;
	VariableStatData variable;
	Condition condition;

	if (measure == NULL || list_length(args) < 2 || !read_condition(root, args, &condition))
		return share;
	if (condition.null || isnan(condition.radius))
		return 0;
	examine_variable(root, condition.column, relation, &variable);
	if (HeapTupleIsValid(variable.statsTuple) && statistic_proc_security_check(&variable, function))
		share = share_by_statistics(variable.statsTuple, measure, &condition);
	ReleaseVariableStats(variable);
	CLAMP_PROBABILITY(share);
	return share;
}

Datum vecidx_within_sel(PG_FUNCTION_ARGS) {
	PlannerInfo *root = (PlannerInfo *)PG_GETARG_POINTER(0);
	List *args = (List *)PG_GETARG_POINTER(2);

	PG_RETURN_FLOAT8(vecidx_share_within(root, get_opcode(PG_GETARG_OID(1)), args, PG_GETARG_INT32(3)));
}

Datum vecidx_within_join_sel(PG_FUNCTION_ARGS) {
	PG_RETURN_FLOAT8(DEFAULT_SHARE);
}
