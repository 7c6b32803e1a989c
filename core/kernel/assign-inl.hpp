// Training for one SIMD target: the nearest of many centroids for four rows at a time, over the target's byte sums.
#if defined(VECIDX_ASSIGN_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VECIDX_ASSIGN_INL_HPP
#undef VECIDX_ASSIGN_INL_HPP
#else
#define VECIDX_ASSIGN_INL_HPP
#endif

#include <limits>

#include "kernel/lanes-inl.hpp"

#if VECIDX_HAS_TABLE
HWY_BEFORE_NAMESPACE();
namespace vecidx {
namespace HWY_NAMESPACE {
namespace {

// Smallest cost so far of one row, lane by lane.
struct Nearest {
	float cost[HWY_LANES(float)];
	int32_t index[HWY_LANES(float)];
};

// What the four rows of an assignment are multiplied by.
struct Row {
	int32_t shift;
	float factor, extra_factor;
};

struct Centroids {
	const float *norm, *scale, *extra; // extra may be nullptr
};

// Costs of a block's centroids, the first of which is `first`, for the four rows.
HWY_INLINE void MeetBlock(Nearest (&nearest)[4], const Row (&rows)[4], const Centroids &centroids,
						  const int32_t (&sums)[4][16], uint32_t first) {
	const F32 f32;
	const I32 i32;
	for (size_t e = 0; e < kBlockEntries; e += hn::Lanes(f32)) {
		const Vec scale = hn::LoadU(f32, centroids.scale + first + e);
		const Vec norm = hn::LoadU(f32, centroids.norm + first + e);
		const Vec extra = centroids.extra != nullptr ? hn::LoadU(f32, centroids.extra + first + e) : hn::Zero(f32);
		const IntVec here = hn::Iota(i32, static_cast<int32_t>(first + e));
		for (int r = 0; r < 4; r++) {
			const IntVec sum = hn::Sub(hn::LoadU(i32, sums[r] + e), hn::Set(i32, rows[r].shift));
			const Vec weight = hn::Mul(scale, hn::Set(f32, rows[r].factor));
			const Vec base = hn::NegMulAdd(extra, hn::Set(f32, rows[r].extra_factor), norm);
			const Vec cost = hn::NegMulAdd(weight, hn::ConvertTo(f32, sum), base);
			const Vec least = hn::LoadU(f32, nearest[r].cost);
			const auto nearer = hn::Lt(cost, least);
			hn::StoreU(hn::IfThenElse(nearer, cost, least), f32, nearest[r].cost);
			const IntVec index = hn::LoadU(i32, nearest[r].index);
			hn::StoreU(hn::IfThenElse(hn::RebindMask(i32, nearer), here, index), i32, nearest[r].index);
		}
	}
}

// Over the lanes; lanes that met nothing have cost infinity and index 0.
HWY_INLINE void Finish(const Nearest &nearest, uint32_t &best, float &cost) {
	best = 0;
	cost = std::numeric_limits<float>::infinity();
	for (size_t lane = 0; lane < HWY_LANES(float); lane++) {
		const auto index = static_cast<uint32_t>(nearest.index[lane]);
		if (nearest.cost[lane] < cost || (nearest.cost[lane] == cost && index < best)) {
			cost = nearest.cost[lane];
			best = index;
		}
	}
}

template <bool kRough>
void Assign4(const int8_t *const x[4], const float xscale[4], const int32_t xsum[4], const float xextra[4],
			 const uint8_t *blocks, const float *norm, const float *scale, const float *extra, uint32_t nblocks,
			 uint32_t quads, uint32_t best[4], float cost[4]) {
	const Centroids centroids = {norm, scale, extra};
	Row rows[4];
	Nearest nearest[4];
	for (int r = 0; r < 4; r++) {
		rows[r] = {AssignOffset<kRough>() * xsum[r], 2 * xscale[r], extra != nullptr ? 2 * xextra[r] : 0};
		for (size_t lane = 0; lane < HWY_LANES(float); lane++) {
			nearest[r].cost[lane] = std::numeric_limits<float>::infinity();
			nearest[r].index[lane] = 0;
		}
	}
	for (uint32_t b = 0; b < nblocks; b += kAssignBlocks) {
		const uint32_t n = nblocks - b < kAssignBlocks ? nblocks - b : kAssignBlocks;
		int32_t sums[kAssignBlocks][4][16];
		AssignSums<kRough>(x, blocks + size_t(b) * quads * kRowBytes, n, quads, sums);
		for (uint32_t i = 0; i < n; i++)
			MeetBlock(nearest, rows, centroids, sums[i], (b + i) * kBlockEntries);
	}
	for (int r = 0; r < 4; r++)
		Finish(nearest[r], best[r], cost[r]);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace vecidx
HWY_AFTER_NAMESPACE();
#endif

#endif
