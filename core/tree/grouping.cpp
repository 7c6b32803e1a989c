// Clusters the items of one level of the tree into the items of the level above.
#include <algorithm>
#include <cmath>

#include "tree/train.hpp"

namespace vecidx {

void Grouping::carve(Carver &memory, uint32_t most_items, uint32_t dim, bool with_extra) {
	const uint32_t most_groups = groups_for(most_items);
	points_.carve(memory, most_items, dim, with_extra);
	entries_ = memory.take<uint8_t>(checked_product(most_items, points_.stride));
	lloyd_.carve(memory, most_items, whole_blocks(most_groups), dim);
	group_of_ = memory.take<uint32_t>(most_items);
	number_ = memory.take<uint32_t>(whole_blocks(most_groups));
}

void Grouping::start(const Level &below, Level &above, uint64_t seed) {
	below_ = &below;
	above_ = &above;
	seed_ = seed;
	copied_ = 0;
	points_.n = below.items;
	points_.entries = entries_;
}

void Grouping::copy_items() {
	const auto most = static_cast<uint32_t>(kStepWork / 64 / points_.dim + 1);
	const uint32_t end = points_.n - copied_ < most ? points_.n : copied_ + most;
	for (; copied_ < end; copied_++) {
		const uint32_t slot = below_->slot_of[copied_];
		below_->set.entry(slot, *reinterpret_cast<vx_code_entry *>(entries_ + copied_ * points_.stride));
		points_.measure(copied_, below_->set.extra_of(slot));
	}
	if (copied_ == points_.n)
		lloyd_.start(points_, above_, groups_for(points_.n), {points_.n, 0, 6, 2e-3}, seed_);
}

// Groups without items do not become nodes.
void Grouping::number_groups() {
	Level &above = *above_;
	above.items = 0;
	for (uint32_t slot = 0; slot < above.set.slots; slot++)
		if (lloyd_.size(slot) > 0) {
			number_[slot] = above.items;
			if (slot != above.items)
				above.set.copy(above.items, above.set, slot);
			above.items++;
		}
	above.set_one_group();
	for (uint32_t i = 0; i < points_.n; i++)
		group_of_[i] = number_[lloyd_.slot_of_point(i)];
}

bool Grouping::step() {
	if (copied_ < points_.n) {
		copy_items();
		return false;
	}
	if (lloyd_.step() != Lloyd::Step::kDone)
		return false;
	number_groups();
	return true;
}

uint32_t groups_for(uint32_t items) {
	return std::max(1U, static_cast<uint32_t>(std::ceil(std::sqrt(static_cast<double>(items)))));
}

} // namespace vecidx
