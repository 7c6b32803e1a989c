// Compiles every kernel once per SIMD target, by region, and makes each target's table. Which table is used is decided
// at run time in kernels.cpp; Highway serves as headers only, without its own dispatch or library.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernel/simd.cpp"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "kernel/tables.hpp"

// The targets that get a table: others would be chosen on no machine in use. AVX-512 without VNNI is not one, since
// vpdpbusd (written by hand, Highway's region does not name it) is what makes it better than AVX2.
#define VECIDX_X86_VNNI (HWY_TARGET == HWY_AVX3)
#define VECIDX_X86_AVX2 (HWY_TARGET == HWY_AVX2)
#define VECIDX_X86_SSE4 (HWY_TARGET == HWY_SSE4)
#define VECIDX_NEON (HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_A64)
#define VECIDX_HAS_TABLE (VECIDX_X86_VNNI || VECIDX_X86_AVX2 || VECIDX_X86_SSE4 || VECIDX_NEON)

#if HWY_ARCH_X86
#include <immintrin.h>
#elif HWY_ARCH_ARM_A64
#include <arm_neon.h>
#endif

#include "kernel/distance-inl.hpp"
#include "kernel/gate-inl.hpp"
#include "kernel/refine-inl.hpp"
#include "kernel/rotation-inl.hpp"
// one of these is not empty
#include "kernel/bytes_madd-inl.hpp"
#include "kernel/bytes_neon-inl.hpp"
#include "kernel/bytes_vnni-inl.hpp"
// after the byte sums
#include "kernel/assign-inl.hpp"
#include "kernel/scan-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {

const Kernels *simd_table() {
	static constexpr Kernels kTable = {
		VECIDX_X86_VNNI   ? "avx512vnni"
		: VECIDX_X86_AVX2 ? "avx2"
		: VECIDX_X86_SSE4 ? "sse4"
						  : "neon",
		L2Squared,
		InnerProduct,
		L1,
		Linf,
		CosineTerms,
		Hadamard,
		RefineL2Squared,
		RefineDot,
		CentroidRows,
		GateLeaves,
		Assign4<false>,
		Assign4<true>,
		Scan,
	};
	return &kTable;
}

} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace vecidx {

const Kernels *sse4_kernels() {
#if HWY_TARGETS & HWY_SSE4
	return N_SSE4::simd_table();
#else
	return nullptr;
#endif
}

const Kernels *avx2_kernels() {
#if HWY_TARGETS & HWY_AVX2
	return N_AVX2::simd_table();
#else
	return nullptr;
#endif
}

const Kernels *avx512vnni_kernels() {
#if HWY_TARGETS & HWY_AVX3
	return N_AVX3::simd_table();
#else
	return nullptr;
#endif
}

const Kernels *neon_kernels() {
#if (HWY_TARGETS & HWY_NEON) && HWY_ARCH_ARM_A64
	return N_NEON::simd_table();
#else
	return nullptr;
#endif
}

} // namespace vecidx
#endif
