/*
 * How many rows lie within a radius, for the planner.
 *
 * ANALYZE keeps vectors of up to 1 kB as most common values and as histogram bounds. These are a sample of the column
 * like any other, so the share of them that lies within the radius estimates the share of the rows. Where no histogram
 * bound is within, the tail of a normal distribution with the mean and the deviation of their distances is taken, but
 * no more than half a bound's share. Without statistics, or when center or radius is not known yet, a thousandth.
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

/* Of n histogram bounds, their distances given. */
static double share_of_bounds(const double *distances, int n, double radius) {
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

/* Distances of a slot's values; NULL where one is of another dimension. */
static double *distances_of(const AttStatsSlot *slot, VectorDistance measure, const Vector *center) {
	double *distances = palloc(sizeof(double) * (slot->nvalues + 1));

	for (int i = 0; i < slot->nvalues; i++) {
		if (vecidx_vector_datum_dim(slot->values[i]) != center->dim)
			return NULL;
		distances[i] = measure(DatumGetVector(slot->values[i]), center);
	}
	return distances;
}

static double share_by_statistics(HeapTuple statistics, VectorDistance measure, const Condition *c) {
	double others = 1 - ((Form_pg_statistic)GETSTRUCT(statistics))->stanullfrac, share = 0, *distances;
	AttStatsSlot slot;

	if (get_attstatsslot(&slot, statistics, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS)) {
		distances = distances_of(&slot, measure, c->center);
		for (int i = 0; distances != NULL && i < slot.nvalues; i++) {
			others -= slot.numbers[i];
			share += distances[i] <= c->radius ? slot.numbers[i] : 0;
		}
		free_attstatsslot(&slot);
	}
	if (get_attstatsslot(&slot, statistics, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES)) {
		distances = distances_of(&slot, measure, c->center);
		share += others * (distances == NULL ? DEFAULT_SHARE : share_of_bounds(distances, slot.nvalues, c->radius));
		free_attstatsslot(&slot);
	} else {
		share += others * DEFAULT_SHARE;
	}
	return share;
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
