// Proved bounds: for pairs of every kind of value, the operator's own result lies in the interval that the index
// derives from codes alone. VECIDX_PAIRS sets how many pairs in all (the full run is 10^7).
#include "catch.hpp"

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "code/index.hpp"
#include "page/page.hpp"
#include "search/query.hpp"

using namespace vecidx;

namespace {

struct Space {
	std::vector<uint64_t> memory;
	vx_index *ix;
	Space(uint32_t dim, vx_metric metric, uint64_t seed) : memory(vx_index_size(dim, VX_MOST_ANCHORS) / 8 + 1) {
		ix = reinterpret_cast<vx_index *>(memory.data());
		vx_index_shape(ix, dim, metric, 0, 0, seed);
	}
};

double operator_result(vx_metric metric, const float *a, const float *b, uint32_t dim) {
	if (metric == VX_L2)
		return vx_l2_value(vx_l2_squared(a, b, dim));
	if (metric == VX_IP)
		return vx_ip_value(vx_inner_product(a, b, dim));
	float terms[3];
	vx_cosine_terms(a, b, dim, terms);
	return vx_cosine_value(terms);
}

constexpr int kKinds = 8;

// Kinds of rows: ordinary, far from the origin, huge, tiny, denormal, sparse, equal values, one far coordinate.
std::vector<float> make_row(std::mt19937_64 &random, uint32_t dim, int kind) {
	std::normal_distribution<float> normal;
	std::vector<float> x(dim);
	for (auto &v : x)
		v = normal(random);
	const float scales[kKinds] = {1, 1, 1e14F, 1e-12F, 1e-41F, 1, 1, 1};
	for (uint32_t i = 0; i < dim; i++) {
		if (kind == 1)
			x[i] += 1000;
		if (kind == 5 && random() % 8 != 0)
			x[i] = 0;
		if (kind == 6)
			x[i] = x[0];
		x[i] *= scales[kind];
	}
	if (kind == 7)
		x[random() % dim] *= 1e6F;
	return x;
}

size_t pairs_wanted() {
	const char *text = getenv("VECIDX_PAIRS");
	return text != nullptr ? strtoull(text, nullptr, 10) : 200000;
}

// Queries equal to the row, near it, of its kind, and of any kind.
std::vector<float> make_query(std::mt19937_64 &random, const std::vector<float> &row, int kind, size_t turn) {
	if (turn % 4 == 0)
		return row;
	const int other = turn % 4 == 3 ? static_cast<int>(random() % kKinds) : kind;
	auto q = make_row(random, static_cast<uint32_t>(row.size()), other);
	if (turn % 4 == 1)
		for (size_t i = 0; i < q.size(); i++)
			q[i] = row[i] + 1e-4F * q[i];
	return q;
}

void set_random_mean(Space &space, std::mt19937_64 &random, int kind) {
	const uint32_t dim = dim_of(*space.ix);
	std::vector<double> sums(dim);
	std::vector<float> mean(dim);
	int used = 0;
	for (int i = 0; i < 20; i++) {
		const auto x = make_row(random, dim, kind);
		if (vx_classify(space.ix, x.data()) != VX_CLASS_CODED)
			continue;
		vx_mean_add(space.ix, x.data(), sums.data());
		used++;
	}
	for (uint32_t i = 0; i < dim; i++)
		mean[i] = used > 0 ? static_cast<float>(sums[i] / used) : 0;
	vx_index_set_mean(space.ix, mean.data());
}

// Anchors where rows of any kind lie, in the order in which an index has them read: the newest first.
void set_random_anchors(Space &space, std::mt19937_64 &random, uint32_t n) {
	const uint32_t dim = dim_of(*space.ix);
	std::vector<uint64_t> page(VX_PAGE_SIZE / 8), memory(vx_code_stride(dim) / 8 + 2);
	auto &entry = *reinterpret_cast<vx_code_entry *>(memory.data());
	space.ix->meta.nanchors = n;
	for (uint32_t number = n; number > 0;) {
		const auto x = make_row(random, dim, static_cast<int>(random() % kKinds));
		if (vx_classify(space.ix, x.data()) != VX_CLASS_CODED)
			continue;
		vx_encode(space.ix, x.data(), &entry);
		std::vector<uint8_t> bytes(size_t(vx_quads(dim)) * 4);
		for (size_t i = 0; i < bytes.size(); i++)
			bytes[i] = static_cast<uint8_t>(entry.code[i] + 128);
		anchor_put(page.data(), dim, number, number > 1 ? 1 : VX_NO_BLOCK, entry.scale, bytes.data());
		uint32_t next;
		REQUIRE(vx_index_take_page(space.ix, vx_mean_pages(dim) + n - number, page.data(), &next) == nullptr);
		REQUIRE((next == VX_NO_BLOCK) == (number == 1));
		number--;
	}
}

struct Tally {
	size_t pairs = 0, informative = 0, violations = 0, anchored = 0, narrower = 0, unlikely = 0, looked = 0, missed = 0;
};

// An anchored code as one that is relative to the mean stands for the same row, within the error that it states.
bool absolute_holds(const vx_index &ix, const float *x, const vx_code_entry &entry) {
	const uint32_t dim = dim_of(ix);
	std::vector<uint64_t> memory(vx_code_stride(dim) / 8 + 2);
	auto &absolute = *reinterpret_cast<vx_code_entry *>(memory.data());
	memcpy(&absolute, &entry, vx_code_stride(dim));
	if (!make_absolute(ix, absolute) || anchor_number(absolute.row) != 0)
		return false;
	std::vector<double> y(dim);
	project_row(ix, x, y.data());
	double miss = 0, norm = 0;
	for (uint32_t i = 0; i < dim; i++) {
		const double d = y[i] - static_cast<double>(absolute.scale) * absolute.code[i];
		miss += d * d;
		norm += y[i] * y[i];
	}
	return std::sqrt(miss) <= absolute.error + 1e-13 * std::sqrt(norm);
}

void try_pairs(Tally &tally, std::mt19937_64 &random, uint32_t dim, vx_metric metric, int kind, size_t count) {
	Space space(dim, metric, random());
	set_random_mean(space, random, kind);
	if (vx_may_have_anchors(dim) && random() % 2 == 0)
		set_random_anchors(space, random, 1 + random() % VX_MOST_ANCHORS);
	std::vector<uint64_t> entry_memory(vx_code_stride(dim) / 8 + 2), query_memory(query_bytes(*space.ix) / 8 + 8);
	auto &entry = *reinterpret_cast<vx_code_entry *>(entry_memory.data());
	for (size_t i = 0; i < count; i++) {
		const auto x = make_row(random, dim, kind);
		if (vx_classify(space.ix, x.data()) != VX_CLASS_CODED)
			continue;
		encode_near(*space.ix, x.data(), entry);
		if (anchor_number(entry.row) > 0) {
			tally.anchored++;
			tally.violations += absolute_holds(*space.ix, x.data(), entry) ? 0 : 1;
		}
		const auto q = make_query(random, x, kind, i);
		Query query;
		prepare_query(*space.ix, q.data(), query_memory.data(), query);
		if (!query.ordered)
			continue;
		const CodedIntervals intervals = coded_intervals(*space.ix, query, entry);
		const Interval &interval = intervals.proved, &likely = intervals.likely;
		const double truth = operator_result(metric, x.data(), q.data(), dim);
		tally.pairs++;
		// rows at the value are never beyond it; those whose interval ends well above it are
		tally.violations += is_beyond(query, limit_of(query, truth), entry);
		const double below = interval.low - 1e-9 * interval.high;
		if (metric != VX_IP && std::isfinite(below) && below > 0) {
			tally.violations += is_beyond(query, limit_of(query, interval.low), entry);
			tally.looked++;
			tally.missed += !is_beyond(query, limit_of(query, below), entry);
		}
		tally.informative += std::isfinite(interval.low);
		tally.narrower += likely.high - likely.low < 0.9 * (interval.high - interval.low);
		if (interval.low != -INFINITY && !(truth >= likely.low && truth <= likely.high)) {
			tally.unlikely++;
			UNSCOPED_INFO("dim " << dim << " metric " << metric << " kind " << kind << " turn " << i << ": likely "
								 << likely.low << " <= " << truth << " <= " << likely.high);
		}
		// where nothing is promised the operator may be infinite or NaN
		if (interval.low != -INFINITY && !(truth >= interval.low && truth <= interval.high)) {
			tally.violations++;
			if (tally.violations <= 10)
				UNSCOPED_INFO("dim " << dim << " metric " << metric << " kind " << kind << " turn " << i << ": "
									 << interval.low << " <= " << truth << " <= " << interval.high);
		}
	}
}

} // namespace

TEST_CASE("operator results lie within the intervals of refine codes") {
	const uint32_t dims[] = {1, 2, 3, 7, 8, 16, 100, 384, 1000, 2000, 16000};
	const vx_metric metrics[] = {VX_L2, VX_COSINE, VX_IP};
	const size_t kinds_of_pairs = std::size(dims) * std::size(metrics) * kKinds, wanted = pairs_wanted();
	std::mt19937_64 random(7);
	Tally tally;
	// rows and queries for which nothing is promised do not count, so one round may fall short
	while (tally.pairs < wanted) {
		const size_t count = (wanted - tally.pairs) / kinds_of_pairs + 1;
		for (const uint32_t dim : dims)
			for (const vx_metric metric : metrics)
				for (int kind = 0; kind < kKinds; kind++)
					try_pairs(tally, random, dim, metric, kind, dim > 2000 ? count / 16 + 1 : count);
	}
	WARN(tally.pairs << " pairs, " << tally.informative << " with a finite bound, " << tally.violations
					 << " violations, " << tally.anchored << " rows with an anchor, " << tally.narrower
					 << " narrower intervals that are likely, " << tally.unlikely << " of them missed");
	CHECK(tally.violations == 0);
	CHECK(tally.unlikely == 0);
	CHECK(tally.looked > tally.pairs / 4);
	CHECK(tally.missed == 0);
	CHECK(tally.narrower > tally.pairs / 10);
	CHECK(tally.anchored > tally.pairs / 10);
	CHECK(tally.informative > tally.pairs / 2);
}

namespace {

// A row near a centroid that is exactly what a code says, and the smallest ball around the centroid that holds it.
size_t try_balls(std::mt19937_64 &random, uint32_t dim, vx_metric metric, size_t count, size_t &useful) {
	Space space(dim, metric, random());
	set_random_mean(space, random, 0);
	space.ix->meta.spread = random() % 2 == 0 ? 0 : 1e6; // all queries are far from the mean, or none
	std::vector<uint64_t> row_memory(vx_code_stride(dim) / 8 + 2), center_memory(vx_code_stride(dim) / 8 + 2),
		query_memory(query_bytes(*space.ix) / 8 + 8);
	auto &row = *reinterpret_cast<vx_code_entry *>(row_memory.data());
	auto &center = *reinterpret_cast<vx_code_entry *>(center_memory.data());
	size_t violations = 0;
	for (size_t i = 0; i < count; i++) {
		const auto base = make_row(random, dim, 0);
		auto x = base;
		for (auto &v : x)
			v += 0.1F * (static_cast<float>(random() % 1000) / 1000 - 0.5F);
		vx_encode(space.ix, base.data(), &center);
		vx_encode(space.ix, x.data(), &row);
		double radius = 0, norm = 0, dot = 0;
		const auto q = make_query(random, base, 0, i);
		Query query;
		prepare_query(*space.ix, q.data(), query_memory.data(), query);
		for (uint32_t j = 0; j < dim; j++) {
			const double c = static_cast<double>(center.scale) * center.code[j];
			const double miss = static_cast<double>(row.scale) * row.code[j] - c;
			radius += miss * miss;
			norm += c * c;
			dot += c * query.bytes[j] * query.shape.scale;
			if (query.fine != nullptr)
				dot += c * query.fine[j] * query.fine_shape.scale;
		}
		radius = (std::sqrt(radius) + row.error) * (1 + 1e-6);
		if (!query.ordered || query.wild)
			continue;
		const double bound = ball_bound(*space.ix, query, dot, norm, radius);
		const double truth = operator_result(metric, x.data(), q.data(), dim);
		violations += !(bound <= truth);
		useful += bound > 0;
	}
	return violations;
}

} // namespace

TEST_CASE("no row of a ball is nearer than the ball's bound") {
	std::mt19937_64 random(11);
	size_t violations = 0, useful = 0;
	for (const uint32_t dim : {1U, 3U, 16U, 100U, 784U, 16000U})
		for (const vx_metric metric : {VX_L2, VX_COSINE, VX_IP})
			violations += try_balls(random, dim, metric, pairs_wanted() / (dim > 1000 ? 2000 : 150) + 1, useful);
	CHECK(violations == 0);
	CHECK(useful > 0);
}
