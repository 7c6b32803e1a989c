// The gate's kernel of every SIMD target: the lanes that kernels.hpp says, but for those that rounding decides.
#include "kernel_cases.hpp"

#include <cmath>

using namespace vecidx;
using namespace vecidx_test;

namespace {

struct Leaves {
	std::vector<float> score, base, spread;
};

// Below 0: passes; its size says how clearly, relative to the terms.
double side(double value, double limit) {
	return (value - limit) / (std::fabs(value) + std::fabs(limit) + 1e-300);
}

struct Verdict {
	bool passes, clear;
};

Verdict judge(double score, double base, double spread, const GateTerms &t) {
	constexpr double kClear = 1e-5;
	const double square = spread * spread, over = base + square - t.reach, far = double(t.far) * spread + t.root;
	const double terms = base + square + t.reach;
	const double by_score = side(score, t.limit), down = over / terms;
	const double by_spread = side(over * over, t.breadth * base * square);
	const double by_far = side(base, far * far);
	const bool coarse = spread < t.coarse;
	const bool reaches = coarse ? by_far <= 0 : down <= 0 || by_spread <= 0;
	const bool clear =
		std::fabs(by_score) > kClear &&
		(coarse ? std::fabs(by_far) > kClear : std::fabs(down) > kClear && std::fabs(by_spread) > kClear);
	return {score <= t.limit || reaches, clear};
}

Leaves random_leaves(std::mt19937 &random, double size) {
	std::exponential_distribution<double> exponential;
	Leaves out;
	for (uint32_t e = 0; e < kBlockEntries; e++) {
		out.base.push_back(static_cast<float>(size * exponential(random)));
		out.spread.push_back(static_cast<float>(std::sqrt(size * exponential(random))));
		out.score.push_back(out.base[e] + 0.2F * out.spread[e] * out.spread[e]);
	}
	return out;
}

uint32_t gate(const Kernels &kernels, const Leaves &leaves, const GateTerms &terms) {
	Fenced<float> score(leaves.score), base(leaves.base), spread(leaves.spread);
	return kernels.gate(score.data(), base.data(), spread.data(), terms);
}

} // namespace

TEST_CASE("the gate lets those leaves pass that its terms say", "[kernel]") {
	for (const Kernels *kernels : all_tables()) {
		CAPTURE(kernels->name);
		std::mt19937 random(5);
		std::exponential_distribution<float> exponential;
		uint32_t clear = 0, passed = 0;
		for (int i = 0; i < 20000; i++) {
			// squares of the largest squared distances would not fit a float
			const float size = std::ldexp(1.0F, static_cast<int>(random() % 200) - 100);
			const Leaves leaves = random_leaves(random, size);
			const float reach = size * exponential(random) / 2;
			const GateTerms terms{size * exponential(random) / 2,
								  reach,
								  exponential(random),
								  1 / size,
								  std::sqrt(size) / 4,
								  exponential(random),
								  std::sqrt(reach)};
			const uint32_t mask = gate(*kernels, leaves, terms);
			REQUIRE(mask < 1U << kBlockEntries);
			for (uint32_t e = 0; e < kBlockEntries; e++) {
				const Verdict verdict = judge(leaves.score[e], leaves.base[e], leaves.spread[e], terms);
				if (verdict.clear && verdict.passes != ((mask >> e & 1) != 0))
					FAIL("lane " << e << " of " << i);
				clear += verdict.clear;
				passed += mask >> e & 1;
			}
		}
		CHECK(clear > 300000);
		CHECK(passed > 50000);
		CHECK(passed < 300000);
	}
}

TEST_CASE("lanes that are not in use pass no gate", "[kernel]") {
	const Leaves hidden{std::vector<float>(kBlockEntries, INFINITY), std::vector<float>(kBlockEntries, 4),
						std::vector<float>(kBlockEntries, 0)};
	for (const Kernels *kernels : all_tables())
		CHECK(gate(*kernels, hidden, {3, 3, 1, 1, 0, 1, 1.7F}) == 0);
}
