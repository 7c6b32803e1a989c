/*
 * From scan keys, each `column @<-> ball`, to the balls that the core keeps a scan's rows within.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "am/conditions.h"
#include "type/vector_ball.h"
#include "type/vector_within.h"

void vecidx_conditions_init(VecidxConditions *conditions, int nkeys) {
	*conditions = (VecidxConditions){0};
	conditions->balls = palloc(sizeof(vx_ball) * ((Size)nkeys + 1));
	if (nkeys > 0)
		conditions->memory = AllocSetContextCreate(CurrentMemoryContext, "vecidx conditions", ALLOCSET_SMALL_SIZES);
}

void vecidx_check_dim(uint32 expected, const Vector *query) {
	if ((uint32)query->dim != expected)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different vector dimensions %d and %d", (int)expected, (int)query->dim)));
}

static void take(VecidxConditions *conditions, ScanKey key, const vx_meta *meta) {
	const VectorBall *ball;

	/* an operator family may have got an operator after the index was made */
	if (key->sk_strategy != VECIDX_WITHIN_STRATEGY ||
		vecidx_measure_within(key->sk_func.fn_addr) != vecidx_measure_of((vx_metric)meta->metric))
		elog(ERROR, "operator of a search key is not of the metric of the vecidx index");
	if (key->sk_flags & SK_ISNULL) {
		conditions->nothing = true;
		return;
	}
	ball = DatumGetVectorBall(key->sk_argument);
	vecidx_check_dim(meta->dim, VECTOR_BALL_CENTER(ball));
	vecidx_conditions_add(conditions, VECTOR_BALL_CENTER(ball)->x, ball->radius);
}

void vecidx_conditions_take(VecidxConditions *conditions, IndexScanDesc scan, const vx_meta *meta) {
	MemoryContext old = CurrentMemoryContext;

	conditions->n = 0;
	conditions->nothing = false;
	if (scan->numberOfKeys == 0)
		return;
	MemoryContextReset(conditions->memory);
	MemoryContextSwitchTo(conditions->memory);
	for (int i = 0; i < scan->numberOfKeys; i++)
		take(conditions, &scan->keyData[i], meta);
	MemoryContextSwitchTo(old);
}

void vecidx_conditions_add(VecidxConditions *conditions, const float *center, double radius) {
	conditions->balls[conditions->n++] = (vx_ball){center, radius};
}
