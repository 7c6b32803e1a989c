/*
 * Support function 1 of the operator classes: each says which metric its ordering operator measures. A class of your
 * own names the one that fits its operator, which must be this library's: bounds are proved for its arithmetic.
 */
#include "postgres.h"

#include "fmgr.h"

#include "vecidx/format.h"

#include "am/am.h"

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

/* Of the type; each is the function of one ordering operator. */
Datum vecidx_l2_distance(PG_FUNCTION_ARGS);
Datum vecidx_cosine_distance(PG_FUNCTION_ARGS);
Datum vecidx_vector_negative_inner_product(PG_FUNCTION_ARGS);

bool vecidx_metric_fits(Oid metric_function, Oid distance_function) {
	static const struct {
		PGFunction metric, distance;
	} pairs[] = {{vecidx_metric_l2, vecidx_l2_distance},
				 {vecidx_metric_cosine, vecidx_cosine_distance},
				 {vecidx_metric_ip, vecidx_vector_negative_inner_product}};
	FmgrInfo metric, distance;

	if (!OidIsValid(metric_function) || !OidIsValid(distance_function))
		return false;
	fmgr_info(metric_function, &metric);
	fmgr_info(distance_function, &distance);
	for (int i = 0; i < (int)lengthof(pairs); i++)
		if (pairs[i].metric == metric.fn_addr && pairs[i].distance == distance.fn_addr)
			return true;
	return false;
}
