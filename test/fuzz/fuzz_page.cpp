// Fuzz target: a small index with bytes changed as the input says goes through every validator and every machine that
// reads pages. Nothing may crash, read beyond a page, ask the caller for something impossible, or run for ever.
//
// Input: the first byte chooses the index; then patches of page (1 byte), offset (2 bytes), length (1 byte), bytes. A
// length of 0 fills the rest of the page with the rest of the input.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "hand_tree.hpp"
#include "page/validate.hpp"

using namespace vecidx_test;

namespace {

constexpr uint32_t kRows = 45;

struct Sample {
	Store store;
	Index ix;
};

Sample make_sample(uint32_t dim, uint32_t bits, vx_metric metric, uint32_t fanout) {
	std::mt19937_64 random(dim);
	std::normal_distribution<float> normal;
	std::vector<Vector> rows(kRows, Vector(dim));
	for (auto &row : rows)
		for (auto &x : row)
			x = normal(random);
	HandOptions options;
	options.bits = bits;
	options.metric = metric;
	options.leaves = fanout == 20 ? 18 : 9;
	options.fanout = fanout;
	Sample sample;
	sample.store = HandTree(dim, rows, options).take();
	sample.ix = sample.store.open();
	insert(sample.store, sample.ix, kRows, {});
	insert(sample.store, sample.ix, kRows + 1, Vector(dim, 1e30F));
	return sample;
}

const std::vector<Sample> &samples() {
	static const std::vector<Sample> all = [] {
		std::vector<Sample> made;
		made.push_back(make_sample(4, 2, VX_L2, 3));
		made.push_back(make_sample(24, 2, VX_COSINE, 9));
		made.push_back(make_sample(60, 4, VX_IP, 2));
		made.push_back(make_sample(260, 1, VX_L2, 20)); // blocks of children that span pages
		return made;
	}();
	return all;
}

void patch(Store &store, const uint8_t *data, size_t size) {
	while (size > 4) {
		Page &page = store.pages[data[0] % store.nblocks()];
		const size_t at = (data[1] | data[2] << 8) % VX_PAGE_SIZE;
		size_t n = data[3] > 0 ? data[3] : VX_PAGE_SIZE;
		n = std::min({n, size - 4, VX_PAGE_SIZE - at});
		memcpy(page.bytes.data() + at, data + 4, n);
		data += 4 + n;
		size -= 4 + n;
	}
}

void each_page(Store &store, const Index &ix) {
	const vx_meta &meta = ix.meta();
	std::vector<vx_row> rows(vx_list_per_page());
	const std::vector<uint8_t> dead(vx_list_per_page() / 8 + 1, 0x5A);
	for (Page &page : store.pages) {
		const auto copy = std::make_unique<Page>(page); // of its own, so that a sanitizer sees its ends
		void *p = copy->data();
		if (vx_page_used(p) > VX_SPECIAL_OFFSET)
			abort();
		vx_meta_fault(p);
		const bool sound = vx_page_fault(p, &meta) == nullptr;
		const uint32_t n = vx_page_rows(p, meta.dim, rows.data());
		if (n > vx_list_per_page() || (n > 0 && !sound))
			abort();
		if (n > 0 && vecidx::rows_remove(p, dead.data()) > n) // whoever removes rows has listed them
			abort();
		if (n > 0 && vx_page_is(p, VX_KIND_CODE) && vecidx::code_release(p, dead.data()) > n)
			abort();
		if (vecidx::leaf_fault(p, meta.dim, meta.scan_bits, vecidx::page_special(p).node) == nullptr)
			vecidx::leaf_drop(p, meta.dim, meta.scan_bits, dead.data());
	}
}

// Machines may find corruption, never misbehave towards their caller. The shim's own refusal to write a page that has
// bytes beyond its used part is not a fault of theirs.
template <class Run>
void guarded(Run run) {
	try {
		run();
	} catch (const std::logic_error &e) {
		if (strcmp(e.what(), "a page has bytes beyond its used part") != 0) {
			fprintf(stderr, "%s\n", e.what());
			abort();
		}
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size < 2)
		return 0;
	const Sample &sample = samples()[data[0] % samples().size()];
	Store store = sample.store;
	patch(store, data + 1, size - 1);
	each_page(store, sample.ix);
	guarded([&] { check(store, sample.ix); });
	const Vector q(sample.ix.meta().dim, 0.25F);
	for (const double recall : {0.9, 1.0}) {
		const vx_query query{q.data(), recall, 10, VX_BY_ROWS};
		guarded([&] { scan(store, sample.ix, query, 1000); });
	}
	guarded([&] { insert(store, sample.ix, 1000, q); });
	guarded([&] { insert(store, sample.ix, 1001, {}); });
	return 0;
}
