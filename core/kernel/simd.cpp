// Compiles every kernel once per SIMD target, by region, and makes each target's table. Which table is used is decided
// at run time in kernels.cpp; Highway serves as headers only, without its own dispatch or library.
#define HWY_WANT_AVX3_DL // AVX-512 with VNNI
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/simd.cpp"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "kernel/tables.hpp"

// The targets that get a table: others would be chosen on no machine in use.
#define VECIDX_X86_VNNI (HWY_TARGET == HWY_AVX3_DL)
#define VECIDX_X86_AVX2 (HWY_TARGET == HWY_AVX2)
#define VECIDX_HAS_TABLE (VECIDX_X86_VNNI || VECIDX_X86_AVX2 || HWY_TARGET == HWY_NEON)

#if VECIDX_X86_VNNI || VECIDX_X86_AVX2
#include <immintrin.h>
#endif

#include "kernel/distance-inl.hpp"
#include "kernel/integer-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
#if VECIDX_HAS_TABLE

const Kernels *simd_table() {
	static const Kernels table = {
		VECIDX_X86_VNNI   ? "avx512vnni"
		: VECIDX_X86_AVX2 ? "avx2"
						  : "neon",
		L2Squared,
		InnerProduct,
		L1,
		Linf,
		CosineTerms,
		Hadamard,
		RefineL2Squared,
		RefineDot,
#if VECIDX_X86_VNNI || VECIDX_X86_AVX2
		CentroidRows,
		Assign4,
		{Scan<1>, Scan<2>, Scan<4>}
#else
		scalar_kernels()->centroid_rows,
		scalar_kernels()->assign4,
		{scalar_kernels()->scan[0], scalar_kernels()->scan[1], scalar_kernels()->scan[2]}
#endif
	};
	return &table;
}

#endif
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecidx {

const Kernels *avx2_kernels() {
#if HWY_TARGETS & HWY_AVX2
	return N_AVX2::simd_table();
#else
	return nullptr;
#endif
}

const Kernels *avx512vnni_kernels() {
#if HWY_TARGETS & HWY_AVX3_DL
	return N_AVX3_DL::simd_table();
#else
	return nullptr;
#endif
}

const Kernels *neon_kernels() {
#if HWY_TARGETS & HWY_NEON
	return N_NEON::simd_table();
#else
	return nullptr;
#endif
}

} // namespace vecidx
#endif
