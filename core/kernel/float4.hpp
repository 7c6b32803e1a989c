// Four floats at a time in the baseline instructions of any machine: for the loops of a build that are worth more than
// one float at a time but no kernel of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vecidx {

using Float4 = float __attribute__((vector_size(16)));
using Int4 = int32_t __attribute__((vector_size(16)));
using Byte4 = int8_t __attribute__((vector_size(4)));

inline Float4 load4(const float *from) {
	Float4 x;
	memcpy(&x, from, sizeof(x));
	return x;
}

inline float sum_of(Float4 x) {
	return (x[0] + x[1]) + (x[2] + x[3]);
}

// sum += weight * code
inline void add_code(Float4 *sum, float weight, const int8_t *code, uint32_t quads) {
	for (uint32_t quad = 0; quad < quads; quad++) {
		Byte4 bytes;
		memcpy(&bytes, code + size_t(quad) * 4, sizeof(bytes));
		sum[quad] += weight * __builtin_convertvector(bytes, Float4);
	}
}

} // namespace vecidx
