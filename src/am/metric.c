/*
 * Support function 1 of the operator classes: each says which metric its ordering operator measures. A class of your
 * own names the one that fits its operator.
 */
#include "postgres.h"

#include "fmgr.h"

#include "vecidx/format.h"

#include "compat.h"

PG_FUNCTION_INFO_V1(vecidx_metric_l2);
Datum vecidx_metric_l2(PG_FUNCTION_ARGS) {
	PG_RETURN_INT32(VX_L2);
}

PG_FUNCTION_INFO_V1(vecidx_metric_cosine);
Datum vecidx_metric_cosine(PG_FUNCTION_ARGS) {
	PG_RETURN_INT32(VX_COSINE);
}

PG_FUNCTION_INFO_V1(vecidx_metric_ip);
Datum vecidx_metric_ip(PG_FUNCTION_ARGS) {
	PG_RETURN_INT32(VX_IP);
}
