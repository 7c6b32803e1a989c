// Lays out one block of memory: the same sequence of takes measures it (no memory yet) and then hands it out.
#pragma once

#include "memory/arena.hpp"

namespace vecidx {

class Carver {
public:
	// To measure: what is taken must not be touched.
	Carver() : start_(kAlign), at_(kAlign) {}
	explicit Carver(void *memory) : start_(reinterpret_cast<uintptr_t>(memory)), at_(start_) {}

	template <class T>
	T *take(size_t n) {
		static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlign);
		at_ = checked_sum(at_, kAlign - 1) / kAlign * kAlign;
		auto *p = reinterpret_cast<T *>(at_);
		at_ = checked_sum(at_, checked_product(n, sizeof(T)));
		return p;
	}

	// Bytes that hold all takes wherever the block begins; so large that no one has them when the sum overflowed.
	size_t bytes() const { return checked_sum(at_ - start_, kAlign); }

private:
	static constexpr size_t kAlign = Arena::kAlign;
	uintptr_t start_, at_;
};

} // namespace vecidx
