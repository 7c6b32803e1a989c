// Float kernels of every SIMD target against float64: distances, refine distances and the Hadamard transform.
#include "kernel_cases.hpp"

#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>

using namespace vecidx;
using namespace vecidx_test;

namespace {

constexpr double kUnit = 0x1p-24;

// A sum in float64 and the sum of its terms' magnitudes.
struct Reference {
	double sum = 0, magnitude = 0;
	void add(double term) {
		sum += term;
		magnitude += std::fabs(term);
	}
};

// The bound that kernels.hpp states, with what terms that underflow to denormals lose.
bool within(float value, const Reference &reference, uint32_t d) {
	const double allowed = (d + 8.0) * kUnit * reference.magnitude;
	if (reference.magnitude + allowed >= FLT_MAX)
		return true; // may have overflowed: tested apart
	return std::fabs(value - reference.sum) <= allowed + d * 0x1p-150;
}

struct Pair {
	std::vector<float> a, b;
};

Reference reference_l2(const Pair &p) {
	Reference r;
	for (size_t i = 0; i < p.a.size(); i++)
		r.add((double(p.a[i]) - p.b[i]) * (double(p.a[i]) - p.b[i]));
	return r;
}

Reference reference_product(const std::vector<float> &a, const std::vector<float> &b) {
	Reference r;
	for (size_t i = 0; i < a.size(); i++)
		r.add(double(a[i]) * b[i]);
	return r;
}

Reference reference_l1(const Pair &p) {
	Reference r;
	for (size_t i = 0; i < p.a.size(); i++)
		r.add(std::fabs(double(p.a[i]) - p.b[i]));
	return r;
}

float reference_linf(const Pair &p) {
	float largest = 0;
	for (size_t i = 0; i < p.a.size(); i++)
		largest = std::max(largest, std::fabs(p.a[i] - p.b[i]));
	return largest;
}

// Returns the name of the first kernel that is out of its bound, or nullptr.
const char *wrong_distance(const Kernels &k, const Pair &p, Fenced<float>::Side side) {
	Fenced<float> a(p.a, side), b(p.b, side);
	const auto d = static_cast<uint32_t>(p.a.size());
	if (!within(k.l2_squared(a.data(), b.data(), d), reference_l2(p), d))
		return "l2_squared";
	if (!within(k.inner_product(a.data(), b.data(), d), reference_product(p.a, p.b), d))
		return "inner_product";
	if (!within(k.l1(a.data(), b.data(), d), reference_l1(p), d))
		return "l1";
	if (k.linf(a.data(), b.data(), d) != reference_linf(p))
		return "linf";
	float terms[3];
	k.cosine_terms(a.data(), b.data(), d, terms);
	if (!within(terms[0], reference_product(p.a, p.b), d) || !within(terms[1], reference_product(p.a, p.a), d) ||
		!within(terms[2], reference_product(p.b, p.b), d))
		return "cosine_terms";
	return nullptr;
}

std::string wrong_refine(const Kernels &k, std::vector<float> q, const std::vector<int8_t> &codes, float scale,
						 Fenced<float>::Side side) {
	Fenced<float> query(q, side);
	Fenced<int8_t> code(codes, side == Fenced<float>::kEnd ? Fenced<int8_t>::kEnd : Fenced<int8_t>::kStart);
	const auto d = static_cast<uint32_t>(q.size());
	Reference l2, dot;
	double scaled = 0; // the rounding of scale * code counts relative to itself, not to the difference
	for (uint32_t i = 0; i < d; i++) {
		const double diff = q[i] - double(scale) * codes[i];
		l2.add(diff * diff);
		dot.add(double(q[i]) * codes[i]);
		scaled += 2 * std::fabs(diff) * std::fabs(double(scale) * codes[i]) * kUnit;
	}
	const float got = k.refine_l2_squared(query.data(), code.data(), scale, d);
	if (std::fabs(got - l2.sum) > (d + 8.0) * kUnit * l2.magnitude + 2 * scaled + d * 0x1p-140)
		return "refine_l2_squared";
	if (!within(k.refine_dot(query.data(), code.data(), d), dot, d))
		return "refine_dot";
	return "";
}

float nan() {
	return std::numeric_limits<float>::quiet_NaN();
}

} // namespace

TEST_CASE("distances are within their bound of float64 for every tail and magnitude", "[kernel]") {
	std::mt19937 random(1);
	for (const Kernels *k : all_tables())
		for (const uint32_t d : dimensions())
			for (const float scale : {1.0F, 1e-3F, 1e15F, 1e-18F, 1e-22F, 1e-38F}) {
				const Pair p{random_floats(random, d, scale), random_floats(random, d, scale)};
				INFO(k->name << ", " << d << " dimensions of about " << scale);
				for (const auto side : {Fenced<float>::kEnd, Fenced<float>::kStart}) {
					const char *wrong = wrong_distance(*k, p, side);
					CHECK(std::string(wrong == nullptr ? "" : wrong).empty());
				}
			}
}

TEST_CASE("sums that cancel keep the bound of their terms' magnitudes", "[kernel]") {
	std::mt19937 random(2);
	for (const Kernels *k : all_tables())
		for (const uint32_t d : {2U, 16U, 100U, 784U, 16000U}) {
			Pair p{random_floats(random, d, 1000), random_floats(random, d, 1000)};
			for (uint32_t i = 0; i + 1 < d; i += 2) { // the second half of each pair undoes the first
				p.a[i + 1] = p.a[i];
				p.b[i + 1] = -p.b[i] + random_floats(random, 1, 1e-3F)[0];
			}
			INFO(k->name << ", " << d << " dimensions");
			CHECK(wrong_distance(*k, p, Fenced<float>::kEnd) == nullptr);
		}
}

TEST_CASE("equal vectors have distance 0", "[kernel]") {
	std::mt19937 random(3);
	for (const Kernels *k : all_tables())
		for (const uint32_t d : dimensions()) {
			const auto a = random_floats(random, d, 1e10F);
			INFO(k->name << ", " << d << " dimensions");
			CHECK(k->l2_squared(a.data(), a.data(), d) == 0);
			CHECK(k->l1(a.data(), a.data(), d) == 0);
			CHECK(k->linf(a.data(), a.data(), d) == 0);
		}
}

TEST_CASE("sums overflow to infinity, wherever the large value stands", "[kernel]") {
	for (const Kernels *k : all_tables())
		for (const uint32_t d : {1U, 7U, 8U, 33U, 64U, 100U})
			for (uint32_t at = 0; at < d; at++) {
				std::vector<float> a(d, 0), b(d, 0);
				a[at] = 3e38F;
				b[at] = -3e38F;
				INFO(k->name << ", place " << at << " of " << d);
				CHECK(k->l2_squared(a.data(), b.data(), d) == INFINITY);
				CHECK(k->inner_product(a.data(), b.data(), d) == -INFINITY);
				CHECK(k->l1(a.data(), b.data(), d) == INFINITY);
				CHECK(k->linf(a.data(), b.data(), d) == INFINITY);
				float terms[3];
				k->cosine_terms(a.data(), b.data(), d, terms);
				CHECK(terms[0] == -INFINITY);
				CHECK(terms[1] == INFINITY);
				CHECK(terms[2] == INFINITY);
			}
}

TEST_CASE("infinities and NaN are seen in every place", "[kernel]") {
	for (const Kernels *k : all_tables())
		for (const uint32_t d : {1U, 7U, 8U, 33U, 64U, 100U})
			for (uint32_t at = 0; at < d; at++) {
				std::vector<float> a(d, 1), b(d, 2);
				INFO(k->name << ", place " << at << " of " << d);
				a[at] = -INFINITY;
				CHECK(k->l2_squared(a.data(), b.data(), d) == INFINITY);
				CHECK(k->inner_product(a.data(), b.data(), d) == -INFINITY);
				CHECK(k->l1(a.data(), b.data(), d) == INFINITY);
				CHECK(k->linf(a.data(), b.data(), d) == INFINITY);
				a[at] = nan();
				CHECK(std::isnan(k->l2_squared(a.data(), b.data(), d)));
				CHECK(std::isnan(k->inner_product(a.data(), b.data(), d)));
				CHECK(std::isnan(k->l1(a.data(), b.data(), d)));
				float terms[3];
				k->cosine_terms(a.data(), b.data(), d, terms);
				CHECK(std::isnan(terms[0]));
				CHECK(std::isnan(terms[1]));
				CHECK(terms[2] == 4.0F * static_cast<float>(d));
			}
}

TEST_CASE("denormals are not flushed", "[kernel]") {
	const float tiny = FLT_TRUE_MIN;
	for (const Kernels *k : all_tables())
		for (const uint32_t d : {1U, 9U, 64U, 100U}) {
			const std::vector<float> zero(d, 0), small(d, tiny), root(d, 0x1p-72F);
			const std::vector<int8_t> one(d, 1);
			INFO(k->name << ", " << d << " dimensions");
			CHECK(k->l1(small.data(), zero.data(), d) == static_cast<float>(d) * tiny);
			CHECK(k->linf(small.data(), zero.data(), d) == tiny);
			CHECK(k->l2_squared(root.data(), zero.data(), d) == static_cast<float>(d) * 0x1p-144F);
			CHECK(k->inner_product(root.data(), root.data(), d) == static_cast<float>(d) * 0x1p-144F);
			CHECK(k->refine_dot(small.data(), one.data(), d) == static_cast<float>(d) * tiny);
			CHECK(k->refine_l2_squared(zero.data(), one.data(), 0x1p-72F, d) == static_cast<float>(d) * 0x1p-144F);
		}
}

TEST_CASE("refine distances are within their bound of float64", "[kernel]") {
	std::mt19937 random(4);
	for (const Kernels *k : all_tables())
		for (const uint32_t d : dimensions())
			for (const float scale : {0.01F, -0.5F, 0.0F, 1e10F, 1e-15F, 1e-38F}) {
				INFO(k->name << ", " << d << " dimensions, scale " << scale);
				const auto codes = random_integers<int8_t>(random, d, -127, 127);
				for (const auto side : {Fenced<float>::kEnd, Fenced<float>::kStart})
					CHECK(wrong_refine(*k, random_floats(random, d, 60 * std::fabs(scale) + 1e-38F), codes, scale, side)
							  .empty());
			}
}

TEST_CASE("refine distances of extreme codes are exact where float is", "[kernel]") {
	for (const Kernels *k : all_tables())
		for (const uint32_t d : dimensions())
			for (const int8_t byte : {int8_t(-127), int8_t(127), int8_t(0), int8_t(1)}) {
				const std::vector<float> q(d, 1.0F);
				const std::vector<int8_t> codes(d, byte);
				INFO(k->name << ", " << d << " dimensions, code " << int(byte));
				CHECK(k->refine_dot(q.data(), codes.data(), d) == static_cast<float>(byte) * static_cast<float>(d));
				if (d <= 1000) {
					const float diff = 1.0F - static_cast<float>(byte);
					CHECK(k->refine_l2_squared(q.data(), codes.data(), 1, d) == diff * diff * static_cast<float>(d));
				}
			}
}

TEST_CASE("the Hadamard transform is the scalar twin's, bit for bit", "[kernel]") {
	std::mt19937_64 random(5);
	std::normal_distribution<double> normal;
	const Kernels &scalar = *all_tables()[0];
	for (const Kernels *k : all_tables())
		for (uint32_t n = 1; n <= 16384; n *= 2)
			for (const auto side : {Fenced<double>::kEnd, Fenced<double>::kStart}) {
				std::vector<double> x(n);
				for (auto &v : x)
					v = normal(random) * std::exp2(normal(random) * 20);
				Fenced<double> out(x, side);
				k->hadamard(out.data(), n);
				scalar.hadamard(x.data(), n);
				INFO(k->name << ", " << n << " values");
				CHECK(memcmp(out.data(), x.data(), n * sizeof(double)) == 0);
			}
}

TEST_CASE("the Hadamard transform is what its definition says", "[kernel]") {
	constexpr uint32_t kSize = 256;
	std::mt19937 random(6);
	const auto integers = random_integers<int>(random, kSize, -100, 100);
	for (const Kernels *k : all_tables()) {
		std::vector<double> x(integers.begin(), integers.end());
		k->hadamard(x.data(), kSize);
		INFO(k->name);
		for (uint32_t i = 0; i < kSize; i++) {
			int sum = 0;
			for (uint32_t j = 0; j < kSize; j++)
				sum += std::popcount(i & j) % 2 == 0 ? integers[j] : -integers[j];
			CHECK(x[i] == sum);
		}
	}
}

TEST_CASE("the chosen table is the last of those available", "[kernel]") {
	const auto tables = all_tables();
	REQUIRE(!tables.empty());
	CHECK(std::string(tables[0]->name) == "scalar");
	CHECK(&kernels() == tables.back());
	const Kernels *one = nullptr;
	CHECK(kernels_available(&one, 1) == 1);
	CHECK(one == tables[0]);
}
