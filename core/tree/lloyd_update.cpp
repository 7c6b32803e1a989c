// Lloyd's algorithm: new means, and centroids that few points chose moved to where many are.
#include <algorithm>
#include <cmath>

#include "tree/lloyd.hpp"

namespace vecidx {
namespace {

// Points whose sum is kept in float32 before it goes to float64.
constexpr uint32_t kChunk = 64;
constexpr uint32_t kPrefetch = 8;

using Float4 = float __attribute__((vector_size(16)));
using Byte4 = int8_t __attribute__((vector_size(4)));

// sum += scale * code, four dimensions at a time.
void add_scaled(Float4 *sum, const vx_code_entry &entry, uint32_t quads) {
	for (uint32_t quad = 0; quad < quads; quad++) {
		Byte4 bytes;
		memcpy(&bytes, entry.code + size_t(quad) * 4, sizeof(bytes));
		sum[quad] += entry.scale * __builtin_convertvector(bytes, Float4);
	}
}

} // namespace

void Lloyd::add_members(uint32_t first, uint32_t n) {
	Float4 sum[VX_MAX_DIM / 4];
	const uint32_t quads = vx_quads(points_.dim), *rows = order_ + first;
	std::fill_n(sum, quads, Float4{});
	for (uint32_t i = 0; i < n; i++) {
		if (i + kPrefetch < n)
			__builtin_prefetch(&points_[rows[i + kPrefetch]]);
		add_scaled(sum, points_[rows[i]], quads);
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
	if (at_ == set().slots)
		phase_ = Phase::kNext;
}

// Each centroid with few members goes to a member of the largest cluster, whose size then counts half.
void Lloyd::reseed() {
	const uint32_t few = used_ / clusters_ / 10;
	uint32_t donors = 0;
	for (uint32_t slot = 0; slot < set().slots; slot++)
		if (size(slot) > std::max(few, 1U))
			heap_[donors++] = uint64_t(size(slot)) << 32 | slot;
	std::make_heap(heap_, heap_ + donors);
	for (uint32_t slot = 0; slot < set().slots && donors > 0; slot++) {
		if (set().empty(slot) || size(slot) > few)
			continue;
		std::pop_heap(heap_, heap_ + donors);
		const auto donor = static_cast<uint32_t>(heap_[donors - 1]);
		const auto left = static_cast<uint32_t>(heap_[donors - 1] >> 32);
		const uint32_t from = members(donor)[random_.below(size(donor))];
		set().set(slot, points_[from], points_.extra_of(from));
		heap_[donors - 1] = uint64_t(left / 2) << 32 | donor;
		if (left / 2 > std::max(few, 1U))
			std::push_heap(heap_, heap_ + donors);
		else
			donors--;
	}
}

} // namespace vecidx
