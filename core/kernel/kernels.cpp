// Chooses the table of kernels for this machine, once.
#include "kernel/kernels.hpp"

#include "kernel/tables.hpp"

namespace vecidx {
namespace {

#if defined(__x86_64__) || defined(__i386__)

// Each of these is what Highway's region for the target lets the compiler use.
bool has_sse4() {
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
}

// Every processor with AVX2 and FMA has F16C too, which not every compiler can ask for.
bool has_avx2() {
	return has_sse4() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		   __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool has_avx512vnni() {
	return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
		   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
		   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vnni");
}

#else

bool has_sse4() {
	return false;
}
bool has_avx2() {
	return false;
}
bool has_avx512vnni() {
	return false;
}

#endif

} // namespace

size_t kernels_available(const Kernels **out, size_t max) {
	const Kernels *tables[] = {scalar_kernels(), neon_kernels(), has_sse4() ? sse4_kernels() : nullptr,
							   has_avx2() ? avx2_kernels() : nullptr,
							   has_avx512vnni() ? avx512vnni_kernels() : nullptr};
	size_t n = 0;
	for (const Kernels *table : tables)
		if (table != nullptr && n < max)
			out[n++] = table;
	return n;
}

const Kernels &kernels() {
	// PostgreSQL has one thread a process; elsewhere the race is harmless, since all write the same pointer
	static const Kernels *best = nullptr;
	if (best == nullptr) {
		const Kernels *tables[8];
		best = tables[kernels_available(tables, 8) - 1];
	}
	return *best;
}

} // namespace vecidx
