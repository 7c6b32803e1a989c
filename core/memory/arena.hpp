// Memory of a machine: blocks the caller gave, handed out by bumping a pointer, and growable arrays in it.
//
// Nothing is ever freed: a machine's memory goes as a whole. An array that must grow asks for at least twice its size,
// so that what is left behind stays below what is used. When the current block is too small the request is noted and
// the machine answers VX_MEMORY.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace vecidx {

// Product of two sizes, or SIZE_MAX when it does not fit: a request of SIZE_MAX is never met.
inline size_t checked_product(size_t a, size_t b) {
	size_t r;
	return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}

inline size_t checked_sum(size_t a, size_t b) {
	size_t r;
	return __builtin_add_overflow(a, b, &r) ? SIZE_MAX : r;
}

class Arena {
public:
	static constexpr size_t kAlign = 64;
	static constexpr size_t kSmallestBlock = 16384;

	void add_block(void *memory, size_t bytes) {
		auto start = reinterpret_cast<uintptr_t>(memory);
		const uintptr_t aligned = (start + kAlign - 1) / kAlign * kAlign;
		end_ = reinterpret_cast<uint8_t *>(start + bytes);
		next_ = reinterpret_cast<uint8_t *>(aligned);
		if (next_ > end_)
			next_ = end_;
	}

	// nullptr when the block is too small; then wanted() says how large the next one must be.
	void *allocate(size_t bytes) {
		const size_t rounded = checked_sum(bytes, kAlign - 1) / kAlign * kAlign;
		if (rounded > static_cast<size_t>(end_ - next_)) {
			wanted_ = checked_sum(rounded, kAlign);
			if (wanted_ < kSmallestBlock)
				wanted_ = kSmallestBlock;
			return nullptr;
		}
		void *p = next_;
		next_ += rounded;
		return p;
	}

	size_t wanted() const { return wanted_; }

private:
	uint8_t *next_ = nullptr, *end_ = nullptr;
	size_t wanted_ = 0;
};

// A growable array of trivial values. Appending never allocates: reserve first.
template <class T>
class Pool {
	static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
	[[nodiscard]] bool reserve(Arena &arena, size_t wanted) {
		if (wanted <= capacity_)
			return true;
		size_t capacity = checked_product(capacity_, 2);
		if (capacity < wanted)
			capacity = wanted;
		auto *data = static_cast<T *>(arena.allocate(checked_product(capacity, sizeof(T))));
		if (data == nullptr)
			return false;
		if (size_ > 0)
			memcpy(data, data_, size_ * sizeof(T));
		data_ = data;
		capacity_ = capacity;
		return true;
	}
	[[nodiscard]] bool reserve_more(Arena &arena, size_t more) { return reserve(arena, checked_sum(size_, more)); }

	void append(const T &value) { data_[size_++] = value; }
	void set_size(size_t size) { size_ = size; }
	void clear() { size_ = 0; }

	T *data() { return data_; }
	const T *data() const { return data_; }
	T *begin() { return data_; }
	T *end() { return data_ + size_; }
	const T *begin() const { return data_; }
	const T *end() const { return data_ + size_; }
	T &operator[](size_t i) { return data_[i]; }
	const T &operator[](size_t i) const { return data_[i]; }
	size_t size() const { return size_; }
	bool empty() const { return size_ == 0; }

private:
	T *data_ = nullptr;
	size_t size_ = 0, capacity_ = 0;
};

} // namespace vecidx
