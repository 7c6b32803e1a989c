// A training run for tests, made data to train on, and a router as another process would have it.
#pragma once

#include "catch.hpp"

#include <algorithm>
#include <random>

#include "store.hpp"
#include "tree/train.hpp"

namespace vecidx_test {

using namespace vecidx;

// A router that was moved to another address, its first place destroyed, and that had no byte more than it asked for.
class MovedRouter {
public:
	MovedRouter(const vx_train &train, const vx_index *ix) {
		const size_t bytes = vx_router_size(ix, train.wanted), guard = 256;
		std::vector<uint8_t> first(bytes + guard + kAlignSlack, kCanary);
		auto *at = static_cast<uint8_t *>(aligned_to_8(first.data()));
		REQUIRE(vx_router_init(at, bytes, &train) != nullptr);
		REQUIRE(std::all_of(at + bytes, at + bytes + guard, [](uint8_t byte) { return byte == kCanary; }));
		words_.assign((bytes + 7) / 8 + 1, 0);
		memcpy(&words_[1], at, bytes);
	}
	operator const vx_router *() const { return reinterpret_cast<const vx_router *>(&words_[1]); }

private:
	static constexpr uint8_t kCanary = 0xC3;

	std::vector<uint64_t> words_;
};

using Rows = std::vector<Vector>;

// A sample, trained on: memory with a canary behind what vx_train_size asked for.
class Training {
public:
	// How passes are done: by the training itself, or by others with a router that lies elsewhere.
	enum class By { kItself, kOthers };

	// `seed` of training alone: the codes are the same for all
	Training(const Rows &rows, uint32_t leaves, vx_metric metric = VX_L2, uint64_t seed = 1, By by = By::kItself)
		: dim_(static_cast<uint32_t>(rows[0].size())), n_(static_cast<uint32_t>(rows.size())), ix_(dim_),
		  entries_(size_t(n_) * vx_code_stride(dim_)) {
		vx_index_shape(ix_.get(), dim_, metric, 0, 0, 1);
		std::vector<double> sums(dim_);
		for (const Vector &row : rows)
			vx_mean_add(ix_, row.data(), sums.data());
		Vector mean(dim_);
		for (uint32_t i = 0; i < dim_; i++)
			mean[i] = static_cast<float>(sums[i] / n_);
		vx_index_set_mean(ix_.get(), mean.data());
		for (uint32_t i = 0; i < n_; i++)
			vx_encode(ix_, rows[i].data(), entry(i));
		ix_.get()->meta.seed = seed;
		run(leaves, by);
	}
	Training(const Training &) = delete;

	const vx_train &train() const { return *train_; }
	const vx_index &ix() const { return *ix_.get(); }
	uint32_t leaves() const { return vx_train_leaves(train_); }
	uint32_t steps() const { return steps_; }
	uint32_t passes_by_others() const { return passes_; }
	vx_code_entry *entry(uint32_t i) {
		return reinterpret_cast<vx_code_entry *>(&entries_[size_t(i) * vx_code_stride(dim_)]);
	}
	std::vector<double> point(uint32_t i) {
		std::vector<double> y(dim_);
		for (uint32_t j = 0; j < dim_; j++)
			y[j] = static_cast<double>(entry(i)->scale) * entry(i)->code[j];
		return y;
	}
	std::vector<double> centroid(uint32_t leaf) const {
		std::vector<double> c(dim_);
		train_->levels[0].set.decode(train_->levels[0].slot_of[leaf], c.data());
		return c;
	}
	double extra(uint32_t leaf) const { return train_->levels[0].set.extra_of(train_->levels[0].slot_of[leaf]); }
	std::vector<uint32_t> assign() {
		std::vector<uint32_t> leaf(n_, UINT32_MAX);
		vx_train_assign(train_, entries_.data(), n_, leaf.data());
		return leaf;
	}

	// Squared distance in the space that is clustered.
	double cost(uint32_t i, uint32_t leaf) {
		const auto y = point(i), c = centroid(leaf);
		const double own = train_->ix->meta.metric == VX_IP ? extra_coordinate(*train_->ix, *entry(i)) : 0;
		double sum = (own - extra(leaf)) * (own - extra(leaf));
		for (uint32_t j = 0; j < dim_; j++)
			sum += (y[j] - c[j]) * (y[j] - c[j]);
		return sum;
	}
	double total_cost() {
		const auto leaf = assign();
		double sum = 0;
		for (uint32_t i = 0; i < n_; i++)
			sum += cost(i, leaf[i]);
		return sum;
	}

private:
	static constexpr uint8_t kCanary = 0xA5;

	void run(uint32_t leaves, By by) {
		const size_t bytes = vx_train_size(ix_, n_, leaves), guard = 256;
		memory_.assign(bytes + guard, kCanary);
		train_ = vx_train_init(memory_.data(), bytes, ix_, entries_.data(), n_, leaves);
		double progress = 0;
		while (vx_train_next(train_) == VX_YIELD) {
			REQUIRE(++steps_ < 100000000);
			const double now = vx_train_progress(train_);
			REQUIRE(now >= progress);
			progress = now;
			if (by == By::kOthers && vx_train_pass(train_) > 0)
				pass_by_others();
		}
		REQUIRE(vx_train_progress(train_) == 1);
		REQUIRE(vx_train_next(train_) == VX_DONE);
		REQUIRE(std::all_of(memory_.begin() + static_cast<ptrdiff_t>(bytes), memory_.end(),
							[](uint8_t byte) { return byte == kCanary; }));
	}

	// In parts of odd sizes, the last one first, as answers of other processes may come.
	void pass_by_others() {
		constexpr uint32_t kPart = 331;
		const uint32_t points = vx_train_pass(train_);
		const MovedRouter router(*train_, ix_);
		std::vector<uint32_t> slot(points);
		std::vector<float> cost(points);
		for (uint32_t first = points / kPart * kPart;; first -= kPart) {
			vx_router_pass(router, ix_, entries_.data(), first, std::min(kPart, points - first), &slot[first],
						   &cost[first]);
			if (first == 0)
				break;
		}
		const double before = vx_train_progress(train_), after = vx_train_progress_after(train_, points);
		REQUIRE(after > before);
		vx_train_take(train_, slot.data(), cost.data(), points / 3);
		REQUIRE(vx_train_pass(train_) == 0);
		vx_train_take(train_, &slot[points / 3], &cost[points / 3], points - points / 3);
		REQUIRE(vx_train_progress(train_) == after);
		passes_++;
	}

	uint32_t dim_, n_, steps_ = 0, passes_ = 0;
	Index ix_;
	std::vector<uint8_t> entries_, memory_;
	vx_train *train_ = nullptr;
};

inline Rows gaussian(std::mt19937_64 &random, uint32_t n, uint32_t dim, float deviation = 1) {
	std::normal_distribution<float> normal(0, deviation);
	Rows rows(n, Vector(dim));
	for (Vector &row : rows)
		for (float &x : row)
			x = normal(random);
	return rows;
}

inline Rows clustered(std::mt19937_64 &random, uint32_t n, uint32_t dim, uint32_t clusters, float within) {
	const Rows centers = gaussian(random, clusters, dim, 3);
	Rows rows = gaussian(random, n, dim, within);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < dim; j++)
			rows[i][j] += centers[random() % (1 + i % clusters)][j]; // of unequal sizes
	return rows;
}

} // namespace vecidx_test
