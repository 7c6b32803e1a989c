/*
 * Support function 1 of the operator classes: each says which metric its ordering operator measures. A class of your
 * own names the one that fits its operator, which must be this library's: bounds are proved for its arithmetic.
 */
#include "postgres.h"

#include "fmgr.h"

#include "vecidx/format.h"

#include "am/am.h"
#include "am/within.h"

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

typedef struct Metric {
	vx_metric metric;
	PGFunction support, distance;
	VectorDistance measure;
} Metric;

static const Metric metrics[] = {{VX_L2, vecidx_metric_l2, vecidx_l2_distance, vecidx_measure_l2},
								 {VX_COSINE, vecidx_metric_cosine, vecidx_cosine_distance, vecidx_measure_cosine},
								 {VX_IP, vecidx_metric_ip, vecidx_vector_negative_inner_product, vecidx_measure_ip}};

/* NULL: none of these. */
static const Metric *find_metric(Oid support_function) {
	FmgrInfo support;

	if (!OidIsValid(support_function))
		return NULL;
	fmgr_info(support_function, &support);
	for (int i = 0; i < (int)lengthof(metrics); i++)
		if (metrics[i].support == support.fn_addr)
			return &metrics[i];
	return NULL;
}

bool vecidx_metric_fits(Oid metric_function, Oid distance_function) {
	const Metric *metric = find_metric(metric_function);
	FmgrInfo distance;

	if (metric == NULL || !OidIsValid(distance_function))
		return false;
	fmgr_info(distance_function, &distance);
	return metric->distance == distance.fn_addr;
}

bool vecidx_condition_fits(Oid metric_function, Oid condition_function) {
	const Metric *metric = find_metric(metric_function);

	return metric != NULL && metric->measure == vecidx_measure_of_condition(condition_function);
}

VectorDistance vecidx_measure_of(vx_metric metric) {
	for (int i = 0; i < (int)lengthof(metrics); i++)
		if (metrics[i].metric == metric)
			return metrics[i].measure;
	return NULL;
}
