// Lloyd's algorithm: new means, and centroids that few points chose moved to where many are.
#include <algorithm>
#include <cmath>

#include "tree/lloyd.hpp"

namespace vecidx {
namespace {

// Points whose sum is kept in float32 before it goes to float64.
constexpr uint32_t kChunk = 64;
constexpr uint32_t kPrefetch = 8;
// Percent of the mean size below which a cluster gives its centroid away. Well balanced leaves fill their pages:
// against 10 percent a search reads 10 to 15 % fewer leaf pages, with 3 to 8 % fewer rows on them, for the same recall
// (mean of three seeds on GloVe-100). From 80 on centroids never come to rest.
constexpr uint32_t kFewPercent = 60;

} // namespace

void Lloyd::add_members(uint32_t first, uint32_t n) {
	Float4 sum[VX_MAX_DIM / 4];
	const uint32_t quads = vx_quads(points_.dim), *rows = order_ + first;
	std::fill_n(sum, quads, Float4{});
	for (uint32_t i = 0; i < n; i++) {
		if (i + kPrefetch < n)
			__builtin_prefetch(&points_[rows[i + kPrefetch]]);
		add_code(sum, points_[rows[i]].scale, points_[rows[i]].code, quads);
		const double extra = points_.extra_of(rows[i]);
		extra_sum_ += extra;
		norm_sum_ += points_.norm[rows[i]] - extra * extra;
	}
	for (uint32_t i = 0; i < points_.dim; i++)
		mean_[i] += sum[i / 4][i % 4];
}

void Lloyd::finish_slot() {
	const uint32_t members = size(at_);
	residual_[at_] = 0;
	if (members == 0)
		return;
	double norm = 0;
	for (uint32_t i = 0; i < points_.dim; i++) {
		mean_[i] /= members;
		norm += mean_[i] * mean_[i];
	}
	set().set(at_, mean_, static_cast<float>(extra_sum_ / members));
	residual_[at_] = static_cast<float>(std::fmax(0, norm_sum_ / members - norm));
}

void Lloyd::update() {
	const uint64_t most = kStepWork / 32 / points_.dim + 1;
	for (uint64_t done = 0; done < most && at_ < set().slots;) {
		if (added_ == 0) {
			std::fill_n(mean_, points_.dim, 0.0);
			extra_sum_ = norm_sum_ = 0;
		}
		const uint32_t n = std::min(kChunk, size(at_) - added_);
		add_members(start_[at_] + added_, n);
		added_ += n;
		done += n + 1;
		if (added_ == size(at_)) {
			finish_slot();
			at_++;
			added_ = 0;
		}
	}
	if (at_ < set().slots)
		return;
	nmoves_ = move_at_ = 0;
	if (!last_passes())
		choose_splits();
	phase_ = Phase::kSplit;
}

// Centroids that few points chose, each with one of the largest clusters, which it is to share. A random member would
// not do: in many dimensions it is nearest to itself alone.
void Lloyd::choose_splits() {
	const uint32_t mean_size = used_ / clusters_;
	const auto few = static_cast<uint32_t>(uint64_t(used_) * kFewPercent / 100 / clusters_);
	uint32_t idle = 0, donors = 0;
	for (uint32_t slot = 0; slot < set().slots; slot++)
		if (!set().empty(slot) && size(slot) <= few)
			moves_[idle++] = slot;
	uint64_t *large = moves_ + idle;
	for (uint32_t slot = 0; slot < set().slots; slot++)
		if (size(slot) > std::max(mean_size, 3U))
			large[donors++] = uint64_t(size(slot)) << 32 | slot;
	nmoves_ = std::min(idle, donors);
	std::partial_sort(large, large + nmoves_, large + donors, [](uint64_t a, uint64_t b) { return a > b; });
	for (uint32_t i = 0; i < nmoves_; i++)
		moves_[i] |= (large[i] & UINT32_MAX) << 32;
}

// Both halves of a large cluster get a centroid.
void Lloyd::split_clusters() {
	for (uint64_t work = 0; move_at_ < nmoves_ && work < kStepWork / 64; move_at_++) {
		const auto slot = static_cast<uint32_t>(moves_[move_at_]),
				   donor = static_cast<uint32_t>(moves_[move_at_] >> 32);
		set().decode(donor, mean_);
		if (splitter_.split(points_, members(donor), size(donor), mean_, set().extra_of(donor))) {
			set().set(donor, splitter_.mean(0), splitter_.extra(0));
			set().set(slot, splitter_.mean(1), splitter_.extra(1));
		}
		work += uint64_t(512) * points_.dim;
	}
}

} // namespace vecidx
