// Training: leaves as good as plain Lloyd's, the same every time, and degenerate data that must neither loop nor break.
// Rows are routed to the centroid that is truly the nearest, the extra coordinate of inner product included.
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "training.hpp"

using namespace vecidx;
using namespace vecidx_test;

namespace {

using Point = std::vector<double>;

double squared_distance(const Point &a, const Point &b) {
	double sum = 0;
	for (size_t i = 0; i < a.size(); i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

// Plain Lloyd's in float64 from a k-means++ start.
double reference_cost(const std::vector<Point> &points, uint32_t k, std::mt19937_64 &random) {
	std::vector<Point> centers = {points[random() % points.size()]};
	std::vector<double> nearest(points.size(), INFINITY);
	while (centers.size() < k) {
		for (size_t i = 0; i < points.size(); i++)
			nearest[i] = std::min(nearest[i], squared_distance(points[i], centers.back()));
		std::discrete_distribution<size_t> choose(nearest.begin(), nearest.end());
		centers.push_back(points[choose(random)]);
	}
	double cost = 0;
	for (int pass = 0; pass < 15; pass++) {
		std::vector<Point> sums(k, Point(points[0].size()));
		std::vector<uint32_t> count(k);
		cost = 0;
		for (const Point &point : points) {
			uint32_t best = 0;
			double least = INFINITY;
			for (uint32_t j = 0; j < k; j++) {
				const double d = squared_distance(point, centers[j]);
				if (d < least) {
					least = d;
					best = j;
				}
			}
			cost += least;
			count[best]++;
			for (size_t d = 0; d < point.size(); d++)
				sums[best][d] += point[d];
		}
		for (uint32_t j = 0; j < k; j++)
			for (size_t d = 0; d < points[0].size() && count[j] > 0; d++)
				centers[j][d] = sums[j][d] / count[j];
	}
	return cost;
}

double reference_cost(Training &t, uint32_t n, uint32_t k) {
	std::vector<Point> points;
	for (uint32_t i = 0; i < n; i++)
		points.push_back(t.point(i));
	std::mt19937_64 random(5);
	return std::min(reference_cost(points, k, random), reference_cost(points, k, random));
}

// Twenty clusters of equal sizes, three times farther apart in each dimension than 1, which are so wide in the first
// ones.
Rows compact(std::mt19937_64 &random, uint32_t n, uint32_t dim, uint32_t wide, float radius) {
	const Rows centers = gaussian(random, 20, dim, 3), around = gaussian(random, n, wide, radius);
	Rows rows;
	for (uint32_t i = 0; i < n; i++) {
		rows.push_back(centers[i % centers.size()]);
		for (uint32_t j = 0; j < wide; j++)
			rows[i][j] += around[i][j];
	}
	return rows;
}

struct Misses {
	uint32_t rows = 0; // not at their nearest centroid
	double excess = 0; // by how much their distances are larger, of all distances
};

Misses misses(Training &t, uint32_t n) {
	const auto leaf = t.assign();
	Misses out;
	double all = 0, best_sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		double best = INFINITY;
		for (uint32_t j = 0; j < t.leaves(); j++)
			best = std::min(best, t.cost(i, j));
		REQUIRE(leaf[i] < t.leaves());
		const double own = t.cost(i, leaf[i]);
		all += own;
		best_sum += best;
		out.rows += own > best * (1 + 1e-4) + 1e-9;
	}
	out.excess = best_sum > 0 ? all / best_sum - 1 : 0;
	return out;
}

} // namespace

TEST_CASE("the same sample and seed give the same leaves", "[kmeans]") {
	std::mt19937_64 random(1);
	const Rows rows = clustered(random, 3000, 20, 30, 0.5F);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	Training a(rows, 40, metric), b(rows, 40, metric), c(rows, 40, metric, 2);
	CHECK(a.assign() == b.assign());
	REQUIRE(a.leaves() == b.leaves());
	for (uint32_t l = 0; l < a.leaves(); l++)
		REQUIRE(a.centroid(l) == b.centroid(l));
	CHECK(a.assign() != c.assign());
}

TEST_CASE("leaves are as tight as those of plain Lloyd's", "[kmeans]") {
	std::mt19937_64 random(2);
	SECTION("clusters of unequal sizes") {
		Training t(clustered(random, 5000, 16, 40, 0.3F), 80);
		CHECK(t.total_cost() < 1.02 * reference_cost(t, 5000, 80));
	}
	SECTION("no clusters") {
		Training t(gaussian(random, 6000, 8), 60);
		CHECK(t.total_cost() < 1.02 * reference_cost(t, 6000, 60));
	}
	SECTION("many dimensions, with passes over a part first") {
		Training t(clustered(random, 5000, 48, 20, 1), 30);
		CHECK(t.total_cost() < 1.02 * reference_cost(t, 5000, 30));
	}
}

TEST_CASE("rows are compared in 6 bits where these tell leaves apart", "[kmeans]") {
	std::mt19937_64 random(11);
	const auto compared = [&](const Rows &rows) { return Training(rows, 160).train().lloyd.compare(); };
	CHECK(compared(compact(random, 5000, 32, 4, 0.15F)) == Compare::kAll);
	CHECK(compared(compact(random, 5000, 32, 4, 0.3F)) == Compare::kAll);
	CHECK(compared(compact(random, 5000, 32, 32, 1.5F)) == Compare::kAllRough);
	CHECK(compared(gaussian(random, 5000, 32)) == Compare::kAllRough);
	CHECK(compared(gaussian(random, 5000, 8)) == Compare::kAll);
}

TEST_CASE("distances of rows in 6 bits are right on the average", "[kmeans]") {
	std::mt19937_64 random(10);
	const auto dim = GENERATE(30U, 100U, 400U);
	const Rows rows = compact(random, 2000, dim, dim, 0.6F);
	Training t(rows, 20);
	const Centroids &set = t.train().levels[0].set;
	double exact = 0, rough = 0;
	for (uint32_t i = 0; i < rows.size(); i++) {
		const PointView point = view(*t.train().ix, *t.entry(i));
		const double norm = squared_distance(t.point(i), Point(dim));
		uint32_t best[4];
		float cost[4];
		set.nearest(&point, 1, false, best, cost);
		exact += norm + cost[0];
		set.nearest(&point, 1, true, best, cost);
		rough += norm + cost[0];
	}
	CHECK(std::fabs(rough / exact - 1) < 0.1);
}

TEST_CASE("leaves are balanced, dense and sparse places alike", "[kmeans]") {
	std::mt19937_64 random(3);
	Rows rows = gaussian(random, 20000, 12);
	for (uint32_t i = 0; i < rows.size(); i++)
		for (float &x : rows[i])
			x *= i % 2 == 0 ? 0.3F : 3.0F;
	Training t(rows, 100);
	std::vector<uint32_t> size(t.leaves());
	for (const uint32_t leaf : t.assign())
		size[leaf]++;
	CHECK(t.leaves() == 100);
	CHECK(*std::max_element(size.begin(), size.end()) < 500);
	CHECK(std::count_if(size.begin(), size.end(), [](uint32_t n) { return n < 60; }) < 5);
}

TEST_CASE("equal rows make one leaf", "[kmeans]") {
	const auto dim = GENERATE(1U, 7U, 64U);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	Training t(Rows(5000, Vector(dim, 3.5F)), 30, metric);
	CHECK(t.leaves() == 1);
	const auto leaf = t.assign();
	CHECK(std::count(leaf.begin(), leaf.end(), 0) == 5000);
}

TEST_CASE("two distinct rows are told apart", "[kmeans]") {
	Rows rows(4000, Vector(12, 1));
	const auto rare = GENERATE(1U, 40U, 2000U);
	for (uint32_t i = 0; i < rare; i++)
		rows[i * (4000 / rare)].assign(12, -2);
	Training t(rows, 16);
	const auto leaf = t.assign();
	for (uint32_t i = 0; i < rows.size(); i++)
		CHECK((leaf[i] == leaf[0]) == (rows[i][0] == -2));
	CHECK(t.leaves() <= 4);
}

TEST_CASE("as many leaves as rows", "[kmeans]") {
	std::mt19937_64 random(4);
	const auto n = GENERATE(1U, 2U, 17U, 300U);
	Training t(gaussian(random, n, 10), n);
	auto leaf = t.assign();
	std::sort(leaf.begin(), leaf.end());
	CHECK(std::unique(leaf.begin(), leaf.end()) - leaf.begin() == n);
	// memory is asked for as many leaves as there are rows at most
	Training more(gaussian(random, n, 10), n * 3);
	CHECK(more.leaves() <= n);
}

TEST_CASE("rows on a line, sorted", "[kmeans]") {
	Rows rows(4000, Vector(40));
	for (uint32_t i = 0; i < rows.size(); i++)
		rows[i].assign(40, 0.01F * static_cast<float>(i));
	Training t(rows, 50);
	CHECK(t.leaves() == 50);
	// leaves are intervals, numbered along the line
	const auto leaf = t.assign();
	uint32_t changes = 0, steps = 0;
	for (uint32_t i = 1; i < leaf.size(); i++) {
		changes += leaf[i] != leaf[i - 1];
		steps += static_cast<uint32_t>(std::abs(int(leaf[i]) - int(leaf[i - 1])));
	}
	CHECK(changes == 49);
	CHECK(steps < 110);
}

TEST_CASE("a far outlier does not spoil the leaves of the others", "[kmeans]") {
	std::mt19937_64 random(5);
	Rows rows = gaussian(random, 4000, 8);
	const Training plain(rows, 40);
	rows[1234].assign(8, 1e6F);
	Training t(rows, 40);
	const auto leaf = t.assign();
	CHECK(std::count(leaf.begin(), leaf.end(), leaf[1234]) == 1);
	CHECK(t.leaves() >= 30);
}

TEST_CASE("rows are routed to the nearest centroid", "[kmeans]") {
	std::mt19937_64 random(6);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	const auto dim = GENERATE(1U, 3U, 30U, 200U);
	Rows rows = clustered(random, 1500, dim, 10, 1);
	for (uint32_t i = 0; i < rows.size(); i++)
		for (float &x : rows[i])
			x *= std::exp(0.3F * static_cast<float>(i % 7));
	Training t(rows, 37, metric);
	CHECK(misses(t, 1500).rows == 0);
}

TEST_CASE("long rows meet in leaves of their own under inner product", "[kmeans]") {
	std::mt19937_64 random(7);
	Rows rows = gaussian(random, 4000, 16);
	for (uint32_t i = 0; i < rows.size(); i++)
		for (float &x : rows[i])
			x *= i % 10 == 0 ? 4.0F : 1.0F;
	Training t(rows, 60, VX_IP);
	const auto leaf = t.assign();
	std::vector<uint32_t> longs(t.leaves()), shorts(t.leaves());
	std::vector<double> extra(t.leaves());
	for (uint32_t i = 0; i < leaf.size(); i++) {
		(i % 10 == 0 ? longs : shorts)[leaf[i]]++;
		extra[leaf[i]] += extra_coordinate(t.ix(), *t.entry(i));
	}
	uint32_t mixed = 0;
	for (uint32_t l = 0; l < t.leaves(); l++) {
		mixed += std::min(longs[l], shorts[l]);
		// the extra coordinate is about the mean of 2 |x|
		const uint32_t n = longs[l] + shorts[l];
		if (n >= 20)
			CHECK(std::fabs(extra[l] / n - t.extra(l)) < 0.2 * t.extra(l));
	}
	CHECK(mixed < 100);
}

TEST_CASE("many leaves are trained and found through their groups", "[kmeans]") {
	std::mt19937_64 random(8);
	const auto metric = GENERATE(VX_L2, VX_IP);
	const uint32_t n = 13000;
	Training t(clustered(random, n, 8, 300, 0.5F), 4200, metric);
	REQUIRE(t.leaves() > kFlatLimit);
	REQUIRE(t.train().nlevels == 2);
	const Misses missed = misses(t, 500);
	CHECK(missed.rows < 10);
	CHECK(missed.excess < 0.005);
	std::vector<uint32_t> size(t.leaves());
	for (const uint32_t leaf : t.assign())
		size[leaf]++;
	CHECK(*std::max_element(size.begin(), size.end()) < 80);
}

TEST_CASE("upper levels are a tree over all leaves", "[kmeans]") {
	std::mt19937_64 random(9);
	Training t(clustered(random, 13000, 6, 100, 0.5F), 4300);
	const vx_train &train = t.train();
	REQUIRE(train.nlevels == 2);
	const Level &leaves = train.levels[0], &above = train.levels[1];
	CHECK(above.groups == 1);
	REQUIRE(leaves.groups == above.items);
	CHECK(leaves.first_item[leaves.groups] == leaves.items);
	double around = 0, within = 0;
	for (uint32_t g = 0; g < leaves.groups; g++) {
		REQUIRE(leaves.first_item[g] < leaves.first_item[g + 1]);
		std::vector<double> center(6);
		above.set.decode(above.slot_of[g], center.data());
		for (uint32_t l = leaves.first_item[g]; l < leaves.first_item[g + 1]; l++) {
			const double distance = std::sqrt(squared_distance(t.centroid(l), center));
			CHECK(distance <= train.farthest[1][g]);
			within += distance * distance;
			around += squared_distance(t.centroid(l), std::vector<double>(6));
		}
	}
	CHECK(within < 0.4 * around);
}

TEST_CASE("leaves near in number are near in space", "[kmeans]") {
	std::mt19937_64 random(10);
	Training t(gaussian(random, 12000, 4), GENERATE(400U, 2500U));
	double next = 0, any = 0;
	for (uint32_t l = 1; l < t.leaves(); l++) {
		next += std::sqrt(squared_distance(t.centroid(l), t.centroid(l - 1)));
		any += std::sqrt(squared_distance(t.centroid(l), t.centroid(static_cast<uint32_t>(random() % t.leaves()))));
	}
	CHECK(next < 0.45 * any);
}

TEST_CASE("a trained tree needs its sample no more", "[kmeans]") {
	std::mt19937_64 random(11);
	const Rows rows = gaussian(random, 500, 9);
	Training t(rows, 20);
	std::vector<uint8_t> copy(vx_code_stride(9));
	memcpy(copy.data(), t.entry(7), copy.size());
	const auto before = t.assign();
	for (uint32_t i = 0; i < 500; i++)
		memset(t.entry(i), 0x7F, vx_code_stride(9));
	uint32_t leaf = UINT32_MAX;
	vx_train_assign(&t.train(), copy.data(), 1, &leaf);
	CHECK(leaf == before[7]);
}

TEST_CASE("training counts the directions in which near rows lie", "[kmeans]") {
	std::mt19937_64 random(14);
	const auto directions = GENERATE(4U, 12U, 48U);
	const Rows axes = gaussian(random, directions, 96), inside = gaussian(random, 4000, directions);
	Rows rows(inside.size(), Vector(96));
	for (size_t i = 0; i < rows.size(); i++)
		for (uint32_t j = 0; j < directions; j++)
			for (uint32_t k = 0; k < 96; k++)
				rows[i][k] += inside[i][j] * axes[j][k];
	Training t(rows, 32);
	// random axes are not all equally long, which takes a little away
	CHECK(t.train().local_dim <= 1.05 * directions);
	CHECK(t.train().local_dim >= 0.6 * directions);
	// pairs of equal rows have no direction between them: their neighbours are others
	for (size_t i = 0; i < rows.size(); i += 2)
		rows[i] = rows[i + 1];
	CHECK(std::fabs(Training(rows, 32).train().local_dim - t.train().local_dim) <= 0.1 * directions);
}

TEST_CASE("directions are unknown where all rows are equal", "[kmeans]") {
	CHECK(Training(Rows(4000, Vector(8, 1.0F)), 8).train().local_dim == 0);
}

TEST_CASE("any number of dimensions and leaves", "[kmeans]") {
	std::mt19937_64 random(12);
	const auto dim = GENERATE(1U, 2U, 5U, 17U, 383U, 2000U);
	const auto leaves = GENERATE(1U, 2U, 15U, 16U, 17U, 33U);
	Training t(gaussian(random, 120, dim), leaves);
	CHECK(t.leaves() <= leaves);
	CHECK(t.leaves() >= std::min(leaves, 3U) / 2);
	for (const uint32_t leaf : t.assign())
		REQUIRE(leaf < t.leaves());
}

TEST_CASE("leaves are planned by rows and dimensions", "[kmeans]") {
	Index ix(100);
	vx_index_shape(ix.get(), 100, VX_L2, 0, 0, 1);
	CHECK(vx_plan_leaves(ix, 0) == 0);
	CHECK(vx_plan_leaves(ix, 3999) == 0);
	CHECK(vx_plan_leaves(ix, 4000) > 10);
	// a leaf of 100 dimensions fits its page
	CHECK(340000 / vx_plan_leaves(ix, 340000) < vx_leaf_capacity(100, 2));
	vx_index_shape(ix.get(), 100, VX_L2, 0, 1000, 1);
	CHECK(vx_plan_leaves(ix, 1000000) == 1000);
	Index wide(1536);
	vx_index_shape(wide.get(), 1536, VX_L2, 0, 0, 1);
	// inner nodes take no more pages than leaves
	const double rows = 1e6,
				 inner = vx_plan_leaves(wide, 1000000) / 16.0 * vx_inner_block_rows(1536) / VX_ROWS_PER_PAGE;
	CHECK(inner < 0.1 * rows / vx_leaf_capacity(1536, 1));
}
