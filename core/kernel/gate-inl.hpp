// The gate of 16 leaves at a time, for one SIMD target.
#if defined(VECIDX_GATE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_GATE_INL_HPP
#undef VECIDX_GATE_INL_HPP
#else
#define VECIDX_GATE_INL_HPP
#endif

#include "kernel/lanes-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE uint32_t GateLanes(Vec score, Vec base, Vec spread, const GateTerms &terms) {
	const F32 f32;
	const Vec unit = hn::Set(f32, terms.unit), square = hn::Mul(spread, spread);
	const Vec over = hn::Mul(hn::Sub(hn::Add(base, square), hn::Set(f32, terms.reach)), unit);
	const Vec most = hn::Mul(hn::Set(f32, terms.breadth), hn::Mul(hn::Mul(base, unit), hn::Mul(square, unit)));
	const Vec far = hn::MulAdd(hn::Set(f32, terms.far), spread, hn::Set(f32, terms.root));
	const auto near = hn::Or(hn::Le(over, hn::Zero(f32)), hn::Le(hn::Mul(over, over), most));
	const auto coarse = hn::Lt(spread, hn::Set(f32, terms.coarse));
	const auto reaches = hn::Or(hn::And(coarse, hn::Le(base, hn::Mul(far, far))), hn::AndNot(coarse, near));
	uint8_t bytes[8] = {}; // Highway wants so many
	hn::StoreMaskBits(f32, hn::Or(hn::Le(score, hn::Set(f32, terms.limit)), reaches), bytes);
	uint16_t bits;
	memcpy(&bits, bytes, sizeof(bits));
	return bits;
}

uint32_t GateLeaves(const float score[16], const float base[16], const float spread[16], const GateTerms &terms) {
	const F32 f32;
	uint32_t mask = 0;
	for (size_t e = 0; e < kBlockEntries; e += FloatLanes())
		mask |= GateLanes(hn::LoadU(f32, score + e), hn::LoadU(f32, base + e), hn::LoadU(f32, spread + e), terms) << e;
	return mask;
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
