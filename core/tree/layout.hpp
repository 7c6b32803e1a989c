// Gives the items of a level their final places: group by group, and within a group in a greedy chain from neighbour to
// neighbour, so that what is near in space is near in number and on disk.
#pragma once

#include "tree/route.hpp"

namespace vecidx {

class Layout {
public:
	void carve(Carver &memory, uint32_t most_items, uint32_t most_slots, uint32_t dim);

	// group_of[item] < groups, every group has items; nullptr: all are one group. `spare` is as large as level.set.
	void start(Level &level, Centroids &spare, const uint32_t *group_of, uint32_t groups, bool chained);
	bool step(); // true when done

	// New number of an item.
	uint32_t number(uint32_t old_item) const { return number_[old_item]; }

private:
	enum class Phase { kSort, kChain, kDone };

	void sort_by_group();
	void choose_start();
	uint64_t chain_step();
	void take(uint32_t slot);
	void apply_chain();
	uint32_t group_size() const { return level_->first_item[group_ + 1] - level_->first_item[group_]; }

	Level *level_;
	Centroids *spare_;
	const uint32_t *group_of_;
	uint32_t groups_;
	bool chained_;
	Phase phase_;
	uint32_t group_, chain_at_; // group being chained, items of it in the chain
	vx_code_entry *current_;    // the chain's last item
	float current_extra_;
	uint32_t *number_; // [items]
	uint32_t *order_;  // [items] old item by place
	uint32_t *chain_;  // [items] place by place in the chain
	uint8_t *taken_;   // [slots]
};

} // namespace vecidx
