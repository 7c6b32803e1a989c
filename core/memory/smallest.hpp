// The k smallest of a stream of numbers: a bounded max-heap whose top is the k-th smallest so far.
#pragma once

#include <algorithm>
#include <limits>

#include "memory/arena.hpp"

namespace vecidx {

template <class T>
class Smallest {
public:
	void start(size_t k) {
		k_ = k;
		heap_.clear();
	}
	[[nodiscard]] bool reserve_more(Arena &arena, size_t more) {
		return heap_.reserve(arena, std::min(k_, checked_sum(heap_.size(), more)));
	}
	void add(T value) {
		if (heap_.size() < k_) {
			heap_.append(value);
			std::push_heap(heap_.begin(), heap_.end());
		} else if (value < heap_[0]) {
			std::pop_heap(heap_.begin(), heap_.end());
			heap_[k_ - 1] = value;
			std::push_heap(heap_.begin(), heap_.end());
		}
	}
	bool full() const { return heap_.size() >= k_; }
	// the k-th smallest, infinity while there are fewer
	T threshold() const { return full() ? heap_[0] : std::numeric_limits<T>::infinity(); }

private:
	Pool<T> heap_;
	size_t k_ = 0;
};

} // namespace vecidx
