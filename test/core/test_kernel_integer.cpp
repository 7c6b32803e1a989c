// Integer kernels of every SIMD target against the scalar twin, and the scalar twin against the layout as kernels.hpp
// words it: equal to the last bit for every byte that memory can hold.
#include "kernel_cases.hpp"

#include <algorithm>
#include <cmath>

using namespace vecidx;
using namespace vecidx_test;

namespace {

enum class Bytes { kRandom, kLargest, kSmallest, kZero, kMixed };

template <class T>
std::vector<T> bytes(std::mt19937 &random, size_t n, Bytes kind) {
	constexpr int kLow = std::is_signed_v<T> ? -127 : 0, kHigh = std::is_signed_v<T> ? 127 : 255;
	switch (kind) {
	case Bytes::kRandom:
		return random_integers<T>(random, n, kLow, kHigh);
	case Bytes::kLargest:
		return std::vector<T>(n, static_cast<T>(kHigh));
	case Bytes::kSmallest:
		return std::vector<T>(n, static_cast<T>(kLow));
	case Bytes::kZero:
		return std::vector<T>(n, 0);
	case Bytes::kMixed:
		break;
	}
	auto out = random_integers<T>(random, n, 0, 1);
	for (auto &v : out)
		v = static_cast<T>(v != 0 ? kHigh : kLow);
	return out;
}

constexpr Bytes kKinds[] = {Bytes::kRandom, Bytes::kLargest, Bytes::kSmallest, Bytes::kZero, Bytes::kMixed};

// ---- blocks of scan codes

void store_half(std::vector<uint8_t> &bytes, size_t at, float value) {
	const uint16_t half = half_from_float(value);
	memcpy(&bytes[at], &half, sizeof(half));
}

struct Blocks {
	uint32_t code, count; // code bytes, entries
	std::vector<uint8_t> bytes;
	size_t factors(uint32_t entry) const {
		const size_t block = size_t(entry / kBlockEntries) * (code * 16 + 64);
		return block + size_t(code) * 16 + size_t(entry % kBlockEntries) * 2;
	}
};

uint32_t ref_of(uint32_t entry) {
	return entry / 16 * 1000 + entry % 16;
}

Blocks random_blocks(std::mt19937 &random, uint32_t code, uint32_t nblocks, Bytes kind) {
	Blocks out{code, nblocks * kBlockEntries, bytes<uint8_t>(random, size_t(nblocks) * (code * 16 + 64), kind)};
	std::normal_distribution<float> normal;
	for (uint32_t e = 0; e < out.count; e++) {
		store_half(out.bytes, out.factors(e), 100 * normal(random));
		store_half(out.bytes, out.factors(e) + 32, normal(random));
	}
	return out;
}

// The sum by the words of kernels.hpp.
int64_t sum_by_layout(const Blocks &blocks, uint32_t entry, const std::vector<uint8_t> &tables) {
	const size_t block = size_t(entry / kBlockEntries) * (blocks.code * 16 + 64);
	int64_t sum = 0;
	for (uint32_t i = 0; i < blocks.code; i++) {
		const uint32_t byte = blocks.bytes[block + size_t(i) * 16 + entry % kBlockEntries];
		const size_t table = size_t(i / 4) * kTableBytes + i % 4 * 16;
		sum += tables[table + byte % 16] + tables[table + 64 + byte / 16];
	}
	return sum;
}

// Tables of some code bytes.
std::vector<uint8_t> make_values(std::mt19937 &random, uint32_t code, Bytes kind) {
	auto values = bytes<uint8_t>(random, size_t((code + 3) / 4) * kTableBytes, kind);
	for (size_t i = 0; i < values.size(); i++) {
		const size_t byte = i / kTableBytes * 4 + i % 64 / 16;
		values[i] = byte < code ? values[i] / 4 : 0;
	}
	return values;
}

struct Outcome {
	std::vector<uint32_t> refs;
	std::vector<float> ests;
};

Outcome scan(const Kernels &k, const Blocks &blocks, const std::vector<uint8_t> &tables, uint32_t count, float cut,
			 ScanQuery q, size_t misaligned = 0) {
	std::vector<uint8_t> shifted(misaligned, 0);
	shifted.insert(shifted.end(), blocks.bytes.begin(), blocks.bytes.end());
	Fenced<uint8_t> memory(shifted, misaligned != 0 ? Fenced<uint8_t>::kStart : Fenced<uint8_t>::kEnd);
	Fenced<uint8_t> values(tables);
	q.tables = values.data();
	const uint32_t nblocks = blocks.count / kBlockEntries;
	Fenced<Survivor> out(std::vector<Survivor>(blocks.count, {-1, 0xDEAD}));
	std::vector<uint32_t> numbers(blocks.count);
	for (uint32_t i = 0; i < blocks.count; i++)
		numbers[i] = ref_of(i);
	Fenced<uint32_t> refs(numbers);
	const uint32_t found = k.scan(memory.data() + misaligned, reinterpret_cast<const uint8_t *>(refs.data()), nblocks,
								  blocks.code, count, q, cut, out.data());
	Outcome result;
	for (uint32_t i = 0; i < found && i < blocks.count; i++) {
		result.refs.push_back(out.data()[i].ref);
		result.ests.push_back(out.data()[i].est);
	}
	return result;
}

// With mul 1 and add 0, slope 1 and offset 0 an estimate is the integer sum itself.
void make_plain(Blocks &blocks) {
	for (uint32_t i = 0; i < blocks.count; i++) {
		store_half(blocks.bytes, blocks.factors(i), 0);
		store_half(blocks.bytes, blocks.factors(i) + 32, 1);
	}
}

bool close(float x, float y, float size) {
	return x == y || (std::isnan(x) && std::isnan(y)) || std::fabs(x - y) <= 4 * 0x1p-23F * size;
}

} // namespace

TEST_CASE("centroid sums are exact for all bytes, whole and piecewise", "[kernel]") {
	std::mt19937 random(1);
	for (const Kernels *k : all_tables())
		for (const uint32_t rows : {0U, 1U, 2U, 3U, 4U, 5U, 7U, 8U, 25U, 64U, 96U, 196U, 500U, 4000U})
			for (const Bytes row_kind : kKinds)
				for (const Bytes query_kind : kKinds) {
					const auto codes = bytes<uint8_t>(random, size_t(rows) * kRowBytes, row_kind);
					const auto query = bytes<int8_t>(random, size_t(rows) * 4, query_kind);
					Fenced<uint8_t> memory(codes);
					Fenced<int8_t> queries(query);
					int32_t whole[16], pieces[16], expected[16];
					for (int e = 0; e < 16; e++)
						whole[e] = pieces[e] = expected[e] = e * 1000 - 7;
					for (size_t i = 0; i < codes.size(); i++)
						expected[i % kRowBytes / 4] += int32_t(codes[i]) * query[i / kRowBytes * 4 + i % 4];
					k->centroid_rows(memory.data(), queries.data(), rows, whole);
					for (uint32_t at = 0; at < rows;) {
						const uint32_t n = std::min(rows - at, 1 + static_cast<uint32_t>(random() % 9));
						k->centroid_rows(memory.data() + size_t(at) * kRowBytes, queries.data() + size_t(at) * 4, n,
										 pieces);
						at += n;
					}
					INFO(k->name << ", " << rows << " rows, kinds " << int(row_kind) << " " << int(query_kind));
					CHECK(std::equal(whole, whole + 16, expected));
					CHECK(std::equal(pieces, pieces + 16, expected));
				}
}

TEST_CASE("scan sums are exact for all bytes and every width", "[kernel]") {
	std::mt19937 random(2);
	for (const Kernels *k : all_tables())
		for (const uint32_t code : {1U,  2U,  3U,  4U,   5U,   6U,   7U,   8U,   9U,   10U,  11U, 12U,
									13U, 25U, 48U, 196U, 255U, 256U, 257U, 495U, 496U, 497U, 498U})
			for (const Bytes kind : kKinds)
				for (const Bytes query_kind : kKinds) {
					Blocks blocks = random_blocks(random, code, 1 + random() % 6, kind);
					make_plain(blocks);
					const auto query = make_values(random, code, query_kind);
					const Outcome got = scan(*k, blocks, query, blocks.count, INFINITY, {nullptr, 1, 0});
					INFO(k->name << ", " << code << " bytes, kinds " << int(kind) << " " << int(query_kind));
					REQUIRE(got.refs.size() == blocks.count);
					bool same = true;
					for (uint32_t i = 0; i < blocks.count; i++)
						same = same && got.refs[i] == ref_of(i) &&
							   got.ests[i] == static_cast<float>(sum_by_layout(blocks, i, query));
					CHECK(same);
				}
}

TEST_CASE("scans let through what the scalar twin does, for every count of entries", "[kernel]") {
	std::mt19937 random(3);
	const Kernels &scalar = *all_tables()[0];
	for (const Kernels *k : all_tables())
		for (const uint32_t nblocks : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 14U}) {
			const uint32_t code = 25 + nblocks % 4;
			const Blocks blocks = random_blocks(random, code, nblocks, Bytes::kRandom);
			const auto query = make_values(random, code, Bytes::kRandom);
			const ScanQuery q{nullptr, 0.02F, -3.5F};
			for (uint32_t count = 0; count <= blocks.count; count += count < 33 ? 1 : 7)
				for (const float cut : {-1e30F, -150.0F, -20.0F, 40.0F, 1e30F}) {
					const Outcome got = scan(*k, blocks, query, count, cut, q, random() % 64);
					const Outcome expected = scan(scalar, blocks, query, count, cut, q);
					INFO(k->name << ", " << count << " entries, cut " << cut);
					REQUIRE(got.refs == expected.refs);
					bool same = true;
					for (size_t i = 0; i < got.ests.size(); i++)
						same = same && close(got.ests[i], expected.ests[i], 1000);
					CHECK(same);
				}
		}
}

TEST_CASE("the cut is strict, its infinities let all or nothing through", "[kernel]") {
	std::mt19937 random(4);
	for (const Kernels *k : all_tables()) {
		Blocks blocks = random_blocks(random, 11, 5, Bytes::kRandom);
		make_plain(blocks);
		const auto query = make_values(random, 11, Bytes::kRandom);
		INFO(k->name);
		const ScanQuery q{nullptr, 1, 0};
		CHECK(scan(*k, blocks, query, 77, INFINITY, q).refs.size() == 77);
		CHECK(scan(*k, blocks, query, 77, -INFINITY, q).refs.empty());
		// just at an entry's own estimate: that entry stays out, one step above it is let through
		for (const uint32_t entry : {0U, 15U, 16U, 40U, 76U}) {
			const auto est = static_cast<float>(sum_by_layout(blocks, entry, query));
			const uint32_t ref = ref_of(entry);
			const Outcome at = scan(*k, blocks, query, 77, est, q);
			const Outcome above = scan(*k, blocks, query, 77, std::nextafter(est, INFINITY), q);
			CHECK(std::count(at.refs.begin(), at.refs.end(), ref) == 0);
			CHECK(std::count(above.refs.begin(), above.refs.end(), ref) == 1);
		}
	}
}

TEST_CASE("estimates of -infinity and NaN pass every cut, infinity passes only its own", "[kernel]") {
	std::mt19937 random(5);
	for (const Kernels *k : all_tables()) {
		Blocks blocks = random_blocks(random, 7, 3, Bytes::kRandom);
		make_plain(blocks);
		const float odd[] = {-INFINITY, std::nanf(""), INFINITY};
		for (uint32_t i = 0; i < 3; i++)
			store_half(blocks.bytes, blocks.factors(i * 16 + i + 4), odd[i]);
		const auto query = make_values(random, 7, Bytes::kRandom);
		INFO(k->name);
		const Outcome low = scan(*k, blocks, query, 48, -1e30F, {nullptr, 1, 0});
		CHECK(low.refs == std::vector<uint32_t>{4, 1005});
		const Outcome none = scan(*k, blocks, query, 48, -INFINITY, {nullptr, 1, 0});
		CHECK(none.refs == std::vector<uint32_t>{1005});
		const Outcome high = scan(*k, blocks, query, 48, 1e30F, {nullptr, 1, 0});
		CHECK(high.refs.size() == 47);
		CHECK(scan(*k, blocks, query, 48, INFINITY, {nullptr, 1, 0}).refs.size() == 47);
	}
}

TEST_CASE("factors of every float16 are converted exactly", "[kernel]") {
	for (const Kernels *k : all_tables()) {
		Blocks blocks{1, 65536, std::vector<uint8_t>(size_t(4096) * (16 + 64), 0)};
		for (uint32_t i = 0; i < 65536; i++) {
			const auto half = static_cast<uint16_t>(i);
			memcpy(&blocks.bytes[blocks.factors(i)], &half, sizeof(half));
		}
		const std::vector<uint8_t> query(kTableBytes, 0);
		const Outcome got = scan(*k, blocks, query, 65536, std::nanf(""), {nullptr, 1, 0});
		INFO(k->name);
		REQUIRE(got.refs.size() == 65536); // !(est >= NaN) holds for all
		bool same = true;
		for (uint32_t i = 0; i < 65536; i++) {
			const float expected = float_from_half(static_cast<uint16_t>(i));
			same = same && (got.ests[i] == expected || (std::isnan(got.ests[i]) && std::isnan(expected)));
		}
		CHECK(same);
	}
}

namespace {

struct Assignment {
	uint32_t best[4];
	float cost[4];
};

struct Training {
	bool rough; // rows in 6 bits, for the kernel that takes no others
	uint32_t nblocks, quads;
	std::vector<uint8_t> blocks;
	std::vector<int8_t> x[4];
	std::vector<float> norm, scale, extra, xscale, xextra;
	std::vector<int32_t> xsum;
};

Training random_training(std::mt19937 &random, uint32_t nblocks, uint32_t quads, Bytes kind, bool rough = false) {
	Training t{rough, nblocks, quads, bytes<uint8_t>(random, size_t(nblocks) * quads * kRowBytes, kind), {}, {}, {}, {},
			   {},    {},      {}};
	const Bytes kinds[4] = {kind, Bytes::kRandom, Bytes::kLargest, Bytes::kSmallest};
	for (uint32_t r = 0; r < 4; r++) {
		t.x[r] = bytes<int8_t>(random, size_t(quads) * 4, kinds[r]);
		int32_t sum = 0;
		for (int8_t &v : t.x[r]) {
			v = static_cast<int8_t>(std::lround(v * (rough ? kLargestRough : 127) / 127.0));
			sum += v;
		}
		t.xsum.push_back(sum);
	}
	const size_t n = size_t(nblocks) * kBlockEntries;
	t.norm = random_floats(random, n, 5);
	t.scale = random_floats(random, n, 0.01F);
	t.extra = random_floats(random, n, 0.1F);
	t.xscale = random_floats(random, 4, 0.01F);
	t.xextra = random_floats(random, 4, 3);
	for (uint32_t i = 0; i < n % 11 + 1 && i < n; i++) { // padding
		t.norm[n - 1 - i] = INFINITY;
		t.scale[n - 1 - i] = t.extra[n - 1 - i] = 0;
	}
	return t;
}

Assignment assign(const Kernels &k, const Training &t, bool with_extra) {
	Fenced<uint8_t> blocks(t.blocks);
	Fenced<int8_t> x0(t.x[0]), x1(t.x[1]), x2(t.x[2]), x3(t.x[3]);
	Fenced<float> norm(t.norm), scale(t.scale), extra(t.extra);
	const int8_t *const x[4] = {x0.data(), x1.data(), x2.data(), x3.data()};
	Assignment out;
	const auto assign4 = t.rough ? k.assign4_rough : k.assign4;
	assign4(x, t.xscale.data(), t.xsum.data(), with_extra ? t.xextra.data() : nullptr, blocks.data(), norm.data(),
			scale.data(), with_extra ? extra.data() : nullptr, t.nblocks, t.quads, out.best, out.cost);
	return out;
}

double cost_by_words(const Training &t, uint32_t r, uint32_t j, bool with_extra) {
	int64_t acc = 0;
	for (uint32_t i = 0; i < t.quads * 4; i++)
		acc += int64_t(t.blocks[(size_t(j / 16) * t.quads + i / 4) * kRowBytes + j % 16 * 4 + i % 4]) * t.x[r][i];
	double cost = t.norm[j] - 2.0 * t.scale[j] * t.xscale[r] * static_cast<double>(acc - 128 * int64_t(t.xsum[r]));
	if (with_extra)
		cost -= 2.0 * t.extra[j] * t.xextra[r];
	return cost;
}

void check_nearest(const Kernels &k, const Training &t, bool with_extra) {
	const Assignment got = assign(k, t, with_extra);
	INFO(k.name << ", " << t.nblocks << " blocks of " << t.quads << " quads" << (t.rough ? ", rough" : ""));
	for (uint32_t r = 0; r < 4; r++) {
		double least = INFINITY, size = 1;
		for (uint32_t j = 0; j < t.nblocks * 16; j++) {
			const double cost = cost_by_words(t, r, j, with_extra);
			least = std::min(least, cost);
			if (std::isfinite(cost))
				size = std::max(size, std::fabs(cost) + 20);
		}
		REQUIRE(got.best[r] < t.nblocks * 16);
		CHECK(std::fabs(got.cost[r] - least) <= size * 1e-6);
		CHECK(std::fabs(cost_by_words(t, r, got.best[r], with_extra) - least) <= size * 1e-6);
	}
}

} // namespace

TEST_CASE("training finds the nearest centroid", "[kernel]") {
	std::mt19937 random(6);
	for (const Kernels *k : all_tables())
		for (const uint32_t nblocks : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 17U})
			for (const uint32_t quads : {1U, 2U, 25U, 97U, 501U})
				for (const Bytes kind : {Bytes::kRandom, Bytes::kMixed, Bytes::kLargest, Bytes::kSmallest})
					for (const bool rough : {false, true}) {
						const Training t = random_training(random, nblocks, quads, kind, rough);
						check_nearest(*k, t, false);
						check_nearest(*k, t, true);
					}
}

TEST_CASE("the lowest index wins a tie, padding never wins", "[kernel]") {
	std::mt19937 random(7);
	for (const Kernels *k : all_tables())
		for (const uint32_t nblocks : {1U, 3U, 4U, 5U, 9U}) {
			const uint32_t quads = 5, n = nblocks * 16;
			Training t = random_training(random, nblocks, quads, Bytes::kRandom);
			std::fill(t.blocks.begin(), t.blocks.end(), uint8_t(131)); // all centroids equal
			std::fill(t.scale.begin(), t.scale.end(), 0.5F);
			for (const uint32_t first : {0U, 3U, 11U, n / 2, n - 2}) {
				for (uint32_t j = 0; j < n; j++)
					t.norm[j] = j < first ? 8.0F : 7.0F;
				t.norm[n - 1] = INFINITY;
				const Assignment got = assign(*k, t, false);
				INFO(k->name << ", " << nblocks << " blocks, first " << first);
				for (const uint32_t best : got.best)
					CHECK(best == first);
			}
			std::fill(t.norm.begin(), t.norm.end(), INFINITY); // nothing but padding
			std::fill(t.scale.begin(), t.scale.end(), 0.0F);
			const Assignment none = assign(*k, t, false);
			for (uint32_t r = 0; r < 4; r++) {
				CHECK(none.best[r] == 0);
				CHECK(none.cost[r] == INFINITY);
			}
		}
}
