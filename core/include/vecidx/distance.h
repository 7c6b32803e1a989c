/*
 * Float distances and the one place where their sums become the float8 that SQL shows: operators and index share it,
 * so that a bound proved for one holds for the other.
 */
#ifndef VECIDX_DISTANCE_H
#define VECIDX_DISTANCE_H

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Accumulated in float32 like their users' other tools; overflow gives infinity. d > 0. */
float vx_l2_squared(const float *a, const float *b, uint32_t d);
float vx_inner_product(const float *a, const float *b, uint32_t d);
float vx_l1(const float *a, const float *b, uint32_t d);
float vx_linf(const float *a, const float *b, uint32_t d);
/* out: <a,b>, |a|^2, |b|^2 */
void vx_cosine_terms(const float *a, const float *b, uint32_t d, float out[3]);

static inline double vx_l2_value(float sum) {
	return sqrt((double)sum);
}

static inline double vx_ip_value(float product) {
	return -(double)product;
}

/* 1 - similarity, the similarity clamped to [-1, 1]; NaN when a norm is zero or both overflow. */
static inline double vx_cosine_value(const float terms[3]) {
	double similarity = (double)terms[0] / sqrt((double)terms[1] * (double)terms[2]);

	if (similarity > 1.0)
		similarity = 1.0;
	else if (similarity < -1.0)
		similarity = -1.0;
	return 1.0 - similarity;
}

#ifdef __cplusplus
}
#endif

#endif
