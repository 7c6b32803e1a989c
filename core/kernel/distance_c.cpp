// The distances of vecidx/distance.h: C names for the float entries of the kernel table, so that SQL operators and the
// index run the same loops.
#include "vecidx/distance.h"

#include "kernel/kernels.hpp"

float vx_l2_squared(const float *a, const float *b, uint32_t d) {
	return vecidx::kernels().l2_squared(a, b, d);
}

float vx_inner_product(const float *a, const float *b, uint32_t d) {
	return vecidx::kernels().inner_product(a, b, d);
}

float vx_l1(const float *a, const float *b, uint32_t d) {
	return vecidx::kernels().l1(a, b, d);
}

float vx_linf(const float *a, const float *b, uint32_t d) {
	return vecidx::kernels().linf(a, b, d);
}

void vx_cosine_terms(const float *a, const float *b, uint32_t d, float out[3]) {
	vecidx::kernels().cosine_terms(a, b, d, out);
}
