// The core alone: builds an index over a data set in memory, on its real pages, and searches it in one thread.
//
//   core_search NAME DIM l2|cosine|ip [recall=.8,.9,.95,.98,.99,1] [k=10] [leaf=0] [bits=0] [queries=1000] [reps=5]
//               [grow=rows|sorted] [turns=1] [huge=1] [calibrate=600]
//
// With turns it measures when told to: once for every line of standard input. With grow the index is not built: rows
// are inserted one by one into an empty one, as they come or near ones together.
//
// Reads NAME_base.f32 and NAME_q.f32 (raw float32 rows) and NAME_gt.i32 (100 true neighbours a query). Plays the
// executor's part too: rows are re-ranked by their true distance as PostgreSQL's reorder queue does it. One line a
// recall target: recall measured, queries per second (median of the repetitions), work per query.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include <sys/mman.h>

#include "core_grow.hpp"
#include "vecidx/core.h"

namespace {

using Clock = std::chrono::steady_clock;
double seconds(Clock::time_point since) {
	return std::chrono::duration<double>(Clock::now() - since).count();
}

template <class T>
std::vector<T> load(const std::string &path) {
	FILE *file = fopen(path.c_str(), "rb");
	if (file == nullptr) {
		perror(path.c_str());
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	std::vector<T> data(static_cast<size_t>(ftell(file)) / sizeof(T));
	rewind(file);
	if (fread(data.data(), sizeof(T), data.size(), file) != data.size())
		exit(1);
	fclose(file);
	return data;
}

// Blocks of a relation side by side, in huge pages of memory as the server's buffers with huge_pages = on, or not
// (huge=0).
class Pages {
public:
	explicit Pages(bool huge) {
		void *memory = mmap(nullptr, kMost, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (memory == MAP_FAILED) {
			perror("mmap");
			exit(1);
		}
		if (huge)
			madvise(memory, kMost, MADV_HUGEPAGE); // where the system has them
		first_ = static_cast<uint8_t *>(memory);
	}
	Pages(const Pages &) = delete;
	Pages &operator=(const Pages &) = delete;
	~Pages() { munmap(first_, kMost); }

	// Zeros until it is written.
	uint8_t *at(uint32_t block) {
		size_ = std::max(size_, block + 1);
		return first_ + size_t(block) * VX_PAGE_SIZE;
	}
	uint32_t size() const { return size_; }

private:
	static constexpr size_t kMost = size_t(64) << 30; // of addresses, not of memory
	uint8_t *first_;
	uint32_t size_ = 0;
};

struct Data {
	uint32_t dim;
	vx_metric metric;
	std::vector<float> base, queries;
	std::vector<int32_t> truth;
	size_t rows() const { return base.size() / dim; }
};

struct Built {
	std::vector<uint64_t> index;
	Pages pages;
	vx_index *ix() { return reinterpret_cast<vx_index *>(index.data()); }
};

void drain(vx_writer *writer, Pages &pages) {
	vx_want want{};
	while (vx_writer_next(writer, &want) == VX_WRITE)
		memcpy(pages.at(want.pages[0]), want.image, VX_PAGE_SIZE);
}

std::vector<uint8_t> encode(const Data &data, vx_index *ix) {
	const size_t n = data.rows(), dim = data.dim, stride = vx_code_stride(data.dim);
	std::vector<double> sums(dim);
	std::vector<float> mean(dim);
	for (size_t i = 0; i < n; i++)
		vx_mean_add(ix, &data.base[i * dim], sums.data());
	for (size_t i = 0; i < dim; i++)
		mean[i] = static_cast<float>(sums[i] / static_cast<double>(n));
	vx_index_set_mean(ix, mean.data());
	std::vector<uint8_t> codes(n * stride);
	for (size_t i = 0; i < n; i++) {
		auto *entry = reinterpret_cast<vx_code_entry *>(&codes[i * stride]);
		vx_encode(ix, &data.base[i * dim], entry);
		entry->row = {static_cast<uint32_t>(i), 1, 0};
	}
	return codes;
}

void build(Built &out, const Data &data, uint32_t bits, uint32_t leaf) {
	const size_t n = data.rows(), stride = vx_code_stride(data.dim);
	out.index.resize(vx_index_size(data.dim, 0) / 8 + 1);
	vx_index *ix = out.ix();
	vx_index_shape(ix, data.dim, data.metric, bits, leaf, 1);
	const auto start = Clock::now();
	const auto codes = encode(data, ix);
	const double encoded = seconds(start);
	const uint32_t leaves = vx_plan_leaves(ix, n);
	std::vector<uint64_t> train_memory(vx_train_size(ix, n, leaves) / 8 + 8);
	vx_train *train = vx_train_init(train_memory.data(), train_memory.size() * 8, ix, codes.data(), n, leaves);
	while (vx_train_next(train) == VX_YIELD) {
	}
	const double trained = seconds(start);
	std::vector<uint32_t> leaf_of(n), order(n);
	vx_train_assign(train, codes.data(), static_cast<uint32_t>(n), leaf_of.data());
	for (size_t i = 0; i < n; i++)
		order[i] = static_cast<uint32_t>(i);
	std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return leaf_of[a] < leaf_of[b]; });
	const double assigned = seconds(start);
	std::vector<uint64_t> writer_memory(vx_writer_size(ix, train) / 8 + 8);
	vx_writer *writer = vx_writer_init(writer_memory.data(), writer_memory.size() * 8, ix, train);
	for (const uint32_t i : order) {
		vx_writer_coded(writer, leaf_of[i], reinterpret_cast<const vx_code_entry *>(&codes[i * stride]));
		drain(writer, out.pages);
	}
	vx_writer_finish(writer);
	drain(writer, out.pages);
	vecidx_bench::open_index(ix, out.pages);
	const double pages = static_cast<double>(out.pages.size());
	printf("# build: encode %.2f s, train %.2f s, assign %.2f s, write %.2f s; %u leaves of %.0f rows, %.0f pages, "
		   "%.0f bytes a row, %.0f directions\n",
		   encoded, trained - encoded, assigned - trained, seconds(start) - assigned, vx_train_leaves(train),
		   static_cast<double>(n) / vx_train_leaves(train), pages, pages * VX_PAGE_SIZE / static_cast<double>(n),
		   vx_index_meta(ix)->local_dim);
	fflush(stdout);
}

void grow(Built &out, const Data &data, uint32_t bits, uint32_t leaf, bool sorted) {
	const std::vector<uint32_t> order = vecidx_bench::order_of(data.base, data.dim, sorted);
	vecidx_bench::Grower<Pages> grower(out.pages, out.index, data.dim);
	grower.start(data.metric, bits, leaf);
	const auto start = Clock::now();
	for (const uint32_t i : order)
		grower.insert(i, &data.base[size_t(i) * data.dim]);
	const auto n = static_cast<double>(data.rows()), pages = static_cast<double>(out.pages.size());
	vecidx_bench::open_index(out.ix(), out.pages);
	printf("# grown: %.2f s, %.1f us a row, slowest chore %.1f ms; %u leaves of %.0f rows, %u levels; %.2f entries "
		   "written a row besides its own, %.2f records a row, %.0f pages, %.0f bytes a row, %.0f directions\n",
		   seconds(start), seconds(start) / n * 1e6, grower.slowest * 1e3, vx_index_meta(out.ix())->leaves,
		   n / vx_index_meta(out.ix())->leaves, vx_index_meta(out.ix())->levels,
		   static_cast<double>(grower.written) / n, static_cast<double>(grower.records) / n, pages,
		   pages * VX_PAGE_SIZE / n, vx_index_meta(out.ix())->local_dim);
	using Grower = vecidx_bench::Grower<Pages>;
	const auto wal = [&](Grower::Wal kind) { return static_cast<double>(grower.wal[kind]) / n; };
	printf("# WAL, bytes a row: inserts %.0f, new pages %.0f, moves and publications %.0f, other changes %.0f\n",
		   wal(Grower::kInserts), wal(Grower::kNewPages), wal(Grower::kMoves), wal(Grower::kOthers));
	fflush(stdout);
}

// As the server does it (src/am/buffer.c).
void prefetch_pages(Pages &pages, const vx_want &want) {
	for (uint32_t i = 0; i < want.nahead; i++) {
		const uint8_t *page = pages.at(want.ahead[i]);
		for (const uint8_t *line :
			 {page, page + VX_SPECIAL_OFFSET, page + want.ahead_at[i], page + want.ahead_at[i] + 64})
			__builtin_prefetch(line);
	}
}

// As the server does it after a build (src/am/calibrate.c).
void calibrate(Built &built, uint32_t queries) {
	const auto start = Clock::now();
	std::vector<std::unique_ptr<uint64_t[]>> memory;
	const auto take = [&](size_t bytes) {
		memory.push_back(std::make_unique<uint64_t[]>(bytes / 8 + 1));
		return memory.back().get();
	};
	const size_t bytes = vx_calibrate_size(built.ix());
	vx_calibrate *machine =
		vx_calibrate_init(take(bytes), bytes, built.ix(), static_cast<uint32_t>(built.pages.size()), 1);
	vx_want want{};
	for (uint32_t i = 0; i < queries; i++) {
		vx_calibrate_row(machine, i);
		for (vx_step step; (step = vx_calibrate_next(machine, &want)) != VX_DONE;) {
			if (step == VX_PAGE) {
				prefetch_pages(built.pages, want);
				vx_calibrate_page(machine, built.pages.at(want.block));
			} else if (step == VX_MEMORY) {
				vx_calibrate_grow(machine, take(want.bytes), want.bytes);
			} else if (step != VX_YIELD) {
				fprintf(stderr, "calibration: step %d, block %u\n", step, want.block);
				exit(1);
			}
		}
	}
	vx_calibration result;
	vx_calibrate_result(machine, &result);
	vx_meta_calibrate(built.pages.at(VX_META_BLOCK), VX_BY_ROWS, &result);
	printf("# calibration: %.2f s, %u queries\n", seconds(start), result.queries);
	for (const vx_curve &curve : result.curves) {
		printf("# ");
		for (uint32_t i = 0; i < VX_RECALLS; i++)
			printf(" %.2f/%.4f/%.0f", curve.efforts[i], curve.found[i], curve.entries[i]);
		printf("\n");
	}
}

double distance(const Data &data, const float *a, const float *b) {
	if (data.metric == VX_L2)
		return vx_l2_value(vx_l2_squared(a, b, data.dim));
	if (data.metric == VX_IP)
		return vx_ip_value(vx_inner_product(a, b, data.dim));
	float terms[3];
	vx_cosine_terms(a, b, data.dim, terms);
	return vx_cosine_value(terms);
}

struct Searcher {
	Built &built;
	const Data &data;
	std::vector<std::unique_ptr<uint64_t[]>> memory;
	vx_scan *scan = nullptr;
	uint64_t fetched = 0, rechecked = 0;

	void start(const vx_query &query) {
		if (scan != nullptr) {
			vx_scan_restart(scan, &query);
			return;
		}
		const size_t bytes = vx_scan_size(built.ix());
		memory.push_back(std::make_unique<uint64_t[]>(bytes / 8 + 1));
		scan = vx_scan_init(memory.back().get(), bytes, built.ix(), &query);
	}

	double value_of(const vx_want &want, const float *q) {
		fetched++;
		if (!want.recheck)
			return want.value;
		rechecked++;
		const double value = distance(data, q, &data.base[size_t(want.row.block) * data.dim]);
		if (value < want.value) {
			fprintf(stderr, "bound above the distance: %.9g > %.9g\n", want.value, value);
			exit(1);
		}
		return value;
	}

	// The executor: rows whose exact distance is at most the last bound reported are out.
	void search(const float *q, double recall, uint32_t k, std::vector<uint32_t> &out) {
		using Item = std::pair<double, uint32_t>;
		std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
		out.clear();
		start({q, recall, k, VX_BY_ROWS});
		vx_want want{};
		for (;;) {
			const vx_step step = vx_scan_next(scan, &want);
			if (step == VX_PAGE) {
				prefetch_pages(built.pages, want);
				vx_scan_page(scan, built.pages.at(want.block));
				continue;
			}
			if (step == VX_MEMORY) {
				memory.push_back(std::make_unique<uint64_t[]>(want.bytes / 8 + 1));
				vx_scan_grow(scan, memory.back().get(), want.bytes);
				continue;
			}
			if (step != VX_ROW && step != VX_DONE) {
				fprintf(stderr, "step %d, block %u: %s\n", step, want.block, step == VX_CORRUPT ? want.why : "");
				exit(1);
			}
			if (step == VX_ROW)
				queue.push({value_of(want, q), want.row.block});
			while (!queue.empty() && out.size() < k && (step == VX_DONE || queue.top().first <= want.value)) {
				out.push_back(queue.top().second);
				queue.pop();
			}
			if (out.size() == k || step == VX_DONE)
				return;
		}
	}
};

void measure(Searcher &searcher, double recall, uint32_t k, size_t queries, int reps) {
	const Data &data = searcher.data;
	if (!(recall < 1)) { // slow: fewer
		reps = 1;
		queries = std::min<size_t>(queries, 100);
	}
	std::vector<double> rates;
	std::vector<uint32_t> found;
	size_t hits = 0;
	vx_scan_stats before{}, after{};
	if (searcher.scan != nullptr)
		vx_scan_stats_get(searcher.scan, &before);
	searcher.fetched = searcher.rechecked = 0;
	for (int rep = 0; rep < reps; rep++) {
		hits = 0;
		const auto start = Clock::now();
		for (size_t i = 0; i < queries; i++) {
			searcher.search(&data.queries[i * data.dim], recall, k, found);
			const int32_t *truth = &data.truth[i * 100];
			for (const uint32_t row : found)
				hits += std::count(truth, truth + k, static_cast<int32_t>(row)) > 0;
		}
		rates.push_back(static_cast<double>(queries) / seconds(start));
	}
	std::sort(rates.begin(), rates.end());
	vx_scan_stats_get(searcher.scan, &after);
	const double runs = static_cast<double>(queries) * reps;
	printf(
		"recall %.3f: %.4f, %.0f queries/s; a query: %.2f passes %.1f pages %.1f leaves %.0f entries %.1f refined %.2f "
		"rows %.2f rechecked\n",
		recall, static_cast<double>(hits) / static_cast<double>(queries) / k, rates[rates.size() / 2],
		static_cast<double>(after.passes - before.passes) / runs,
		static_cast<double>(after.pages - before.pages) / runs,
		static_cast<double>(after.leaves - before.leaves) / runs,
		static_cast<double>(after.entries - before.entries) / runs,
		static_cast<double>(after.refined - before.refined) / runs, static_cast<double>(searcher.fetched) / runs,
		static_cast<double>(searcher.rechecked) / runs);
	fflush(stdout);
}

} // namespace

int main(int argc, char **argv) {
	if (argc < 4) {
		fprintf(stderr, "usage: core_search NAME DIM l2|cosine|ip [key=value ...]\n");
		return 2;
	}
	std::map<std::string, std::string> option = {{"recall", ".8,.9,.95,.98,.99,1"},
												 {"k", "10"},
												 {"leaf", "0"},
												 {"bits", "0"},
												 {"queries", "1000"},
												 {"reps", "5"},
												 {"huge", "1"},
												 {"calibrate", "600"}};
	for (int i = 4; i < argc; i++) {
		const std::string text = argv[i];
		option[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
	}
	const auto number = [&](const char *key) { return strtoul(option[key].c_str(), nullptr, 10); };
	const std::string name = argv[1], metric = argv[3];
	Data data{static_cast<uint32_t>(strtoul(argv[2], nullptr, 10)),
			  metric == "l2"   ? VX_L2
			  : metric == "ip" ? VX_IP
							   : VX_COSINE,
			  load<float>(name + "_base.f32"), load<float>(name + "_q.f32"), load<int32_t>(name + "_gt.i32")};
	Built built{{}, Pages(number("huge") != 0)};
	const auto bits = static_cast<uint32_t>(number("bits")), leaf = static_cast<uint32_t>(number("leaf"));
	if (option.count("grow") > 0)
		grow(built, data, bits, leaf, option["grow"] == "sorted");
	else
		build(built, data, bits, leaf);
	if (number("calibrate") > 0)
		calibrate(built, static_cast<uint32_t>(number("calibrate")));
	Searcher searcher{built, data, {}};
	const std::string &targets = option["recall"];
	const auto measure_all = [&] {
		for (size_t at = 0; at < targets.size(); at = std::min(targets.size(), targets.find(',', at)) + 1)
			measure(searcher, strtod(targets.c_str() + at, nullptr), static_cast<uint32_t>(number("k")),
					std::min<size_t>(data.queries.size() / data.dim, number("queries")),
					static_cast<int>(number("reps")));
	};
	if (option.count("turns") == 0)
		measure_all();
	else
		for (int c = getchar(); c != EOF; c = getchar())
			if (c == '\n')
				measure_all();
	return 0;
}
