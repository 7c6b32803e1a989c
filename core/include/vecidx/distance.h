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

/* All of these take float32[d], d > 0, and accumulate in float32; overflow gives infinity. */

/* Sum of (a_i - b_i)^2. */
float vx_l2_squared(const float *a, const float *b, uint32_t d);
/* Sum of a_i b_i; NaN where infinities of both signs meet. */
float vx_inner_product(const float *a, const float *b, uint32_t d);
/* Sum of |a_i - b_i|: taxicab distance. */
float vx_l1(const float *a, const float *b, uint32_t d);
/* Largest |a_i - b_i|: Chebyshev distance. */
float vx_linf(const float *a, const float *b, uint32_t d);
/* out: <a,b>, |a|^2, |b|^2 */
void vx_cosine_terms(const float *a, const float *b, uint32_t d, float out[3]);

/* The L2 distance, from vx_l2_squared. */
static inline double vx_l2_value(float sum) {
	return sqrt((double)sum);
}

/* The negated inner product, from vx_inner_product: the smaller, the nearer. */
static inline double vx_ip_value(float product) {
	return -(double)product;
}

/* The cosine distance, from vx_cosine_terms: 1 - similarity, the similarity clamped to [-1, 1]; NaN when a norm is zero
 * or both overflow. */
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
