// Gives the items of a level their final places.
#include "tree/layout.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tree/lloyd.hpp"

namespace vecidx {

void Layout::carve(Carver &memory, uint32_t most_items, uint32_t most_slots, uint32_t dim) {
	current_ = reinterpret_cast<vx_code_entry *>(memory.take<uint8_t>(vx_code_stride(dim)));
	number_ = memory.take<uint32_t>(most_items);
	order_ = memory.take<uint32_t>(most_items);
	chain_ = memory.take<uint32_t>(most_items);
	taken_ = memory.take<uint8_t>(most_slots);
}

void Layout::start(Level &level, Centroids &spare, const uint32_t *group_of, uint32_t groups, bool chained) {
	level_ = &level;
	spare_ = &spare;
	group_of_ = group_of;
	groups_ = groups;
	chained_ = chained;
	phase_ = Phase::kSort;
}

// Counting sort into whole blocks for each group.
void Layout::sort_by_group() {
	Level &level = *level_;
	level.groups = groups_;
	std::fill_n(level.first_item, groups_ + 1, 0);
	for (uint32_t item = 0; item < level.items; item++)
		level.first_item[group_of_ != nullptr ? group_of_[item] : 0]++;
	uint32_t end = 0;
	level.first_slot[0] = 0;
	for (uint32_t group = 0; group < groups_; group++) {
		level.first_slot[group + 1] = level.first_slot[group] + whole_blocks(level.first_item[group]);
		end += level.first_item[group];
		level.first_item[group] = end;
	}
	level.first_item[groups_] = end;
	for (uint32_t item = level.items; item-- > 0;)
		order_[--level.first_item[group_of_ != nullptr ? group_of_[item] : 0]] = item;

	spare_->clear(level.first_slot[groups_]);
	for (uint32_t group = 0; group < groups_; group++)
		for (uint32_t place = level.first_item[group]; place < level.first_item[group + 1]; place++) {
			number_[order_[place]] = place;
			const uint32_t slot = level.first_slot[group] + place - level.first_item[group];
			spare_->copy(slot, level.set, level.slot_of[order_[place]]);
		}
	std::swap(*spare_, level.set);
	for (uint32_t group = 0; group < groups_; group++)
		for (uint32_t place = level.first_item[group]; place < level.first_item[group + 1]; place++)
			level.slot_of[place] = level.first_slot[group] + place - level.first_item[group];
}

void Layout::take(uint32_t slot) {
	taken_[slot] = 1;
	level_->set.entry(slot, *current_);
	current_extra_ = level_->set.extra_of(slot);
	const uint32_t first = level_->first_item[group_];
	chain_[first + chain_at_++] = first + (slot - level_->first_slot[group_]);
}

// The chain begins at the rim.
void Layout::choose_start() {
	const Centroids &set = level_->set;
	uint32_t best = 0;
	for (uint32_t slot = 1; slot < group_size(); slot++)
		if (set.norm[slot] > set.norm[best])
			best = slot;
	take(best);
}

// Append the nearest item that is left in the group; returns the work done.
uint64_t Layout::chain_step() {
	const Centroids &set = level_->set;
	PointView point{current_->code, current_->scale, current_extra_, 0};
	for (uint32_t i = 0; i < set.dim; i++)
		point.sum += point.code[i];
	const uint32_t begin = level_->first_slot[group_], end = level_->first_slot[group_ + 1];
	uint32_t best = UINT32_MAX;
	float best_cost = INFINITY, cost[VX_LANES];
	for (uint32_t slot = begin; slot < end; slot += VX_LANES) {
		set.block_costs(slot / VX_LANES, point, cost);
		for (uint32_t lane = 0; lane < VX_LANES; lane++)
			if (taken_[slot + lane] == 0 && (cost[lane] < best_cost || best == UINT32_MAX) &&
				slot + lane - begin < group_size()) {
				best = slot + lane;
				best_cost = cost[lane];
			}
	}
	take(best);
	return uint64_t(end - begin) * set.dim;
}

void Layout::apply_chain() {
	Level &level = *level_;
	spare_->clear(level.set.slots);
	for (uint32_t place = 0; place < level.items; place++)
		spare_->copy(level.slot_of[place], level.set, level.slot_of[chain_[place]]);
	std::swap(*spare_, level.set);
	for (uint32_t place = 0; place < level.items; place++)
		number_[order_[chain_[place]]] = place;
}

bool Layout::step() {
	if (phase_ == Phase::kSort) {
		sort_by_group();
		group_ = chain_at_ = 0;
		std::fill_n(taken_, level_->set.slots, uint8_t(0));
		phase_ = chained_ ? Phase::kChain : Phase::kDone;
		if (chained_)
			choose_start();
	}
	for (uint64_t work = 0; phase_ == Phase::kChain && work < kStepWork / 4;) {
		if (chain_at_ < group_size()) {
			work += chain_step();
		} else if (++group_ < groups_) {
			chain_at_ = 0;
		} else {
			apply_chain();
			phase_ = Phase::kDone;
		}
	}
	return phase_ == Phase::kDone;
}

} // namespace vecidx
