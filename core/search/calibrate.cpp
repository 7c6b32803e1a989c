// Calibration: queries drawn from the index's own rows, or given, each searched with the gate as open as it goes while
// a probe notes what smaller efforts would have found.
#include <cmath>
#include <new>

#include "code/index.hpp"
#include "search/scan.hpp"
#include "vecidx/core.h"

namespace vecidx {
namespace {

enum class Task : uint8_t { kNone, kDraw, kRest, kSearch };

// Pages looked at for one stored row: code pages are most of an index, but a few are of other kinds.
constexpr uint32_t kMostDraws = 200;

} // namespace
} // namespace vecidx

struct vx_calibrate {
	const vx_index *ix;
	vecidx::Probe probe;
	vx_scan *scan;
	vecidx::Arena arena;
	vecidx::LongCode long_code;
	float *vector;
	uint64_t random, seed;
	uint32_t number; // of the query
	uint32_t nblocks, drawn, visiting;
	uint64_t passes; // of the scan before this query
	vecidx::Task task;
	const char *fault;
};

namespace vecidx {
namespace {

uint64_t next_random(vx_calibrate &c) { // xorshift64* (Vigna 2016)
	c.random ^= c.random >> 12;
	c.random ^= c.random << 25;
	c.random ^= c.random >> 27;
	return c.random * 0x2545F4914F6CDD1Du;
}

size_t code_bytes(const vx_index &ix) {
	return vx_code_stride(ix.meta.dim);
}

size_t own_bytes(const vx_index &ix) {
	return code_bytes(ix) + sizeof(float) * ix.meta.dim + 3 * Arena::kAlign;
}

void search(vx_calibrate &c, const float *x, const vx_row &self) {
	c.probe.start(self, c.number);
	const vx_query query{x, 0.9999, c.probe.rows(), VX_BY_ROWS};
	c.passes = c.scan->stats.passes;
	vx_scan_restart(c.scan, &query);
	c.task = Task::kSearch;
}

// The code's row is the query.
void take_code(vx_calibrate &c, const vx_code_entry &entry) {
	if (std::isfinite(entry.scale) && decode(*c.ix, entry, c.vector))
		search(c, c.vector, entry.row);
}

void read_slot(vx_calibrate &c, const void *page) {
	const uint32_t dim = c.ix->meta.dim;
	if (!vx_page_is(page, VX_KIND_CODE) || vx_page_fault(page, &c.ix->meta) != nullptr ||
		!vx_page_counts(page, &c.ix->meta) || page_header<vx_chain_header>(page).count == 0)
		return;
	const auto slot = static_cast<uint32_t>(next_random(c) >> 33) % vx_codes_per_page(dim);
	if (slot >= page_header<vx_chain_header>(page).count) // rows on pages that are not full are as likely as others
		return;
	const vx_code_entry &entry = code_entry(page, dim, slot);
	if ((entry.row.flags & VX_ROW_DEAD) != 0)
		return;
	if (vx_code_rest(dim) == 0) {
		take_code(c, entry);
	} else if (page_header<vx_chain_header>(page).next != VX_NO_BLOCK) {
		c.long_code.begin(page, c.visiting, dim);
		c.task = Task::kRest;
	}
}

void finish(vx_calibrate &c) {
	Probe::Cuts cuts{};
	for (uint32_t curve = 0; curve < c.probe.curves(); curve++) {
		const double rho = c.probe.k_th_first(curve);
		cuts.low[curve] = refine_cut(*c.scan, rho, epsilon_for(false, kCalibratedKs[curve]));
		cuts.high[curve] = refine_cut(*c.scan, rho, epsilon_for(true, kCalibratedKs[curve]));
	}
	c.probe.finish(cuts);
}

vx_step ask(vx_calibrate &c, vx_want &want, uint32_t block) {
	c.visiting = want.block = block;
	want.nahead = 0;
	return VX_PAGE;
}

vx_step draw(vx_calibrate &c, vx_want &want) {
	if (c.drawn++ == kMostDraws || c.nblocks < 2) {
		c.task = Task::kNone;
		return VX_DONE;
	}
	return ask(c, want, 1 + static_cast<uint32_t>((next_random(c) >> 32) * (c.nblocks - 1) >> 32));
}

} // namespace
} // namespace vecidx

using namespace vecidx;

size_t vx_calibrate_size(const vx_index *ix) {
	return sizeof(vx_calibrate) + own_bytes(*ix) + vx_scan_size(ix) + 2 * Arena::kAlign;
}

vx_calibrate *vx_calibrate_init(void *memory, size_t bytes, const vx_index *ix, uint32_t nblocks, uint64_t seed) {
	auto *c = new (memory) vx_calibrate{};
	c->ix = ix;
	c->nblocks = nblocks;
	c->seed = seed;
	c->arena.add_block(c + 1, bytes - sizeof(vx_calibrate));
	c->long_code.entry = static_cast<vx_code_entry *>(c->arena.allocate(code_bytes(*ix)));
	c->vector = static_cast<float *>(c->arena.allocate(sizeof(float) * ix->meta.dim));
	const size_t scan_bytes = vx_scan_size(ix);
	const vx_query query{nullptr, 0.9999, 1, VX_BY_ROWS};
	c->scan = vx_scan_init(c->arena.allocate(scan_bytes), scan_bytes, ix, &query);
	c->scan->probe = &c->probe;
	return c;
}

void vx_calibrate_row(vx_calibrate *c, uint32_t number) {
	c->drawn = 0;
	c->number = number;
	c->random = (c->seed * 0x9E3779B97F4A7C15u + number) * 0xD1B54A32D192ED03u | 1;
	next_random(*c); // neighbouring numbers differ in a few bits
	c->task = Task::kDraw;
}

void vx_calibrate_query(vx_calibrate *c, uint32_t number, const float *x) {
	c->number = number;
	search(*c, x, vx_row{});
}

vx_step vx_calibrate_next(vx_calibrate *c, vx_want *want) {
	switch (c->task) {
	case Task::kDraw:
		return draw(*c, *want);
	case Task::kRest:
		return ask(*c, *want, c->long_code.rest);
	case Task::kSearch: {
		const vx_step step = vx_scan_next(c->scan, want);
		// it lost its way in a tree that is changing, or found less than it looked for: the probe saw only the first
		// pass
		const bool anew = c->scan->stats.passes > c->passes + 1;
		if (step != VX_ROW && step != VX_DONE && !anew)
			return step;
		if (!anew && c->scan->query.ordered && !c->scan->query.wild && c->scan->has_tree)
			finish(*c);
		c->task = Task::kNone;
		return VX_DONE;
	}
	default:
		return VX_DONE;
	}
}

void vx_calibrate_page(vx_calibrate *c, const void *page) {
	if (c->task == Task::kSearch) {
		vx_scan_page(c->scan, page);
	} else if (c->task == Task::kDraw) {
		read_slot(*c, page);
	} else {
		c->task = Task::kDraw; // the slot may have been used again: then another is drawn
		if (c->long_code.finish(page, c->ix->meta.dim) == nullptr)
			take_code(*c, *c->long_code.entry);
	}
}

void vx_calibrate_grow(vx_calibrate *c, void *memory, size_t bytes) {
	vx_scan_grow(c->scan, memory, bytes);
}

uint32_t vx_calibrate_first() {
	return Probe::kFirstQueries;
}

size_t vx_calibrate_state_size() {
	return sizeof(Probe::Totals);
}

void vx_calibrate_save(const vx_calibrate *c, void *state) {
	memcpy(state, &c->probe.totals(), sizeof(Probe::Totals));
}

void vx_calibrate_resume(vx_calibrate *c, const void *state) {
	c->probe.resume(*static_cast<const Probe::Totals *>(state));
}

void vx_calibrate_add(vx_calibrate *c, const void *state) {
	c->probe.add(*static_cast<const Probe::Totals *>(state));
}

uint32_t vx_calibrate_queries(const vx_calibrate *c) {
	return c->probe.queries();
}

void vx_calibrate_result(const vx_calibrate *c, vx_calibration *out) {
	c->probe.result(*out);
}

double vx_calibrated_recall(uint32_t i) {
	return std::round(kRecalls[i] * 1e6) / 1e6;
}

bool vx_meta_calibration_due(const vx_meta *meta) {
	constexpr double kChanged = 0.2;
	const vx_calibration &last = meta->calibrations[VX_BY_ROWS];
	const auto changed = [](double now, double then) { return !(std::fabs(now - then) <= kChanged * then); };
	return last.queries == 0 || changed(likely_rows(*meta), last.rows) || changed(meta->leaves, last.leaves);
}

bool vx_meta_calibrate(void *page, vx_calibrated_by by, const vx_calibration *calibration) {
	if (vx_meta_fault(page) != nullptr)
		return false;
	auto &meta = page_header<vx_meta>(page);
	meta.calibrations[by] = *calibration;
	meta.calibrations[by].rows = likely_rows(meta);
	meta.calibrations[by].leaves = meta.leaves;
	return true;
}
