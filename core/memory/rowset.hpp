// A set of row pointers: open addressing with linear probing, for the rows a scan has handed out.
#pragma once

#include "memory/arena.hpp"
#include "vecidx/format.h"

namespace vecidx {

class RowSet {
public:
	void clear() {
		count_ = 0;
		if (capacity_ > 0)
			memset(slots_, 0, capacity_ * sizeof(uint64_t));
	}
	[[nodiscard]] bool reserve_one(Arena &arena) { return reserve_more(arena, 1); }
	[[nodiscard]] bool reserve_more(Arena &arena, size_t more) {
		const size_t wanted = checked_product(checked_sum(count_, more), 2);
		if (wanted <= capacity_)
			return true;
		size_t capacity = capacity_ == 0 ? 64 : checked_product(capacity_, 4);
		while (capacity < wanted)
			capacity = checked_product(capacity, 4);
		auto *slots = static_cast<uint64_t *>(arena.allocate(checked_product(capacity, sizeof(uint64_t))));
		if (slots == nullptr)
			return false;
		memset(slots, 0, capacity * sizeof(uint64_t));
		uint64_t *old = slots_;
		const size_t old_capacity = capacity_;
		slots_ = slots;
		capacity_ = capacity;
		for (size_t i = 0; i < old_capacity; i++)
			if (old[i] != 0)
				*find(old[i]) = old[i];
		return true;
	}
	bool contains(const vx_row &row) const { return capacity_ > 0 && *find(key(row)) != 0; }
	// False when it was there already.
	bool add(const vx_row &row) {
		uint64_t *slot = find(key(row));
		if (*slot != 0)
			return false;
		*slot = key(row);
		count_++;
		return true;
	}
	size_t size() const { return count_; }

private:
	// never 0, since offsets in a table's block start at 1; the top bit makes that sure for damaged pages too
	static uint64_t key(const vx_row &row) { return uint64_t(1) << 63 | uint64_t(row.block) << 16 | row.offset; }
	uint64_t *find(uint64_t key) const {
		size_t i = (key * 0x9E3779B97F4A7C15u) >> 32 & (capacity_ - 1);
		while (slots_[i] != 0 && slots_[i] != key)
			i = (i + 1) & (capacity_ - 1);
		return slots_ + i;
	}
	uint64_t *slots_ = nullptr;
	size_t capacity_ = 0, count_ = 0;
};

} // namespace vecidx
