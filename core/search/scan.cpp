// The scan machine: what to read next. Reading itself is in scan_nodes.cpp and scan_rows.cpp, order in scan_emit.cpp.
#include "search/scan.hpp"

#include <algorithm>
#include <cmath>
#include <new>

#include "page/layout.hpp"

namespace vecidx {
namespace {

// Rows looked for when no LIMIT is known.
constexpr uint64_t kFirstBatch = 10;
// Estimates the first cut is taken from, however small k is: among near duplicates, whose distances are below the
// rounding of the query and the centroids to 8 bits, the best estimate is not the nearest row's.
constexpr uint64_t kFewestEstimates = 10;
constexpr uint64_t kLargestBatch = uint64_t(1) << 40;
// Survivors that are refined before more leaves are opened.
constexpr size_t kMostWaiting = 8192;
// Survivors that there must be for each row wanted so that some are refined first.
constexpr uint64_t kSurvivorsARow = 4;

// ---- chains

void start_chain(vx_scan &s, uint32_t head) {
	s.next_block = head;
	s.chain_pages = 0;
	s.chain_mark = VX_NO_BLOCK;
}

// Ask for the next page of the chain or node being read.
vx_step ask(vx_scan &s, vx_want &want, uint32_t block) {
	s.visiting = block;
	s.stats.pages++;
	want.block = block;
	want.nahead = 0;
	return VX_PAGE;
}

vx_step ask_chain(vx_scan &s, vx_want &want) {
	if (s.next_block == s.chain_mark) {
		s.visiting = s.next_block;
		s.fault = "a chain of pages runs in a circle";
		return VX_CORRUPT;
	}
	if ((s.chain_pages & (s.chain_pages + 1)) == 0) // Brent: move the mark at powers of two
		s.chain_mark = s.next_block;
	s.chain_pages++;
	return ask(s, want, s.next_block);
}

vx_step need_memory(const vx_scan &s, vx_want &want) {
	want.bytes = s.arena.wanted();
	return VX_MEMORY;
}

// ---- passes

void start_pass(vx_scan &s) {
	s.complete = true;
	s.gated = false;
	s.waiting.clear();
	s.refine_at = s.refine_end = 0;
	s.long_code.rest = VX_NO_BLOCK;
	s.candidates.clear();
	s.kept.clear();
	s.estimates.start(std::max(s.k, kFewestEstimates));
	s.highs.start(s.k);
	s.first_opened = 0;
	s.code_error = s.code_rounding = s.query_rounding = 0;
	s.pick = s.npicks = 0;
	s.has_fence = false;
	s.in_leaf = s.in_node = false;
	for (Children &children : s.nodes)
		if (children.level == 0)
			children.opened = 0;
}

void set_dial(vx_scan &s) {
	const auto k = static_cast<double>(s.k);
	if (s.probe != nullptr)
		s.dial = dial_at(s.ix->meta, kMostEffort, 1, s.wanted.recall, k);
	else
		s.dial = dial_at(s.ix->meta, effort_for(s.efforts, k), s.efforts.width, s.wanted.recall, k);
}

void widen(vx_scan &s) {
	s.k = std::min(s.k * 2, kLargestBatch);
	set_dial(s);
	start_pass(s);
	s.stats.passes++;
	s.phase = s.has_tree ? Phase::kFirst : Phase::kRaw;
	if (!s.has_tree)
		start_chain(s, s.raw);
}

// Room for what a probe notes of the next leaf or of a page of codes.
bool reserve_probe(vx_scan &s, size_t rows) {
	return s.probe == nullptr || s.probe->reserve(s.arena, s.nodes.size() * VX_LANES, rows);
}

void open_node(vx_scan &s, uint32_t number) {
	Children &children = s.nodes[number / VX_LANES];
	children.opened |= 1U << child_lane(number);
	s.current = node_of(children, child_lane(number));
	start_chain(s, s.current.block);
	if (s.current.level > 0) {
		start_node(s, s.current.block, s.current.id, s.current.level);
		return;
	}
	s.in_leaf = true;
	s.leaf_base = s.current.base;
	s.stats.leaves++;
	if (s.probe != nullptr)
		s.probe->open(number, s.gated);
}

void start_refine(vx_scan &s, Phase after) {
	s.phase = Phase::kRefine;
	s.after_refine = after;
	s.refine_at = s.refine_end = 0;
}

void to_emit(vx_scan &s, Phase after) {
	s.phase = Phase::kEmit;
	s.after_emit = after;
	start_emit(s);
}

// ---- one step of each phase: VX_DONE means "look at the phase again"

vx_step step_list(vx_scan &s, vx_want &want) {
	const bool late = s.phase != Phase::kWild;
	if ((late || !s.query.ordered) && !s.candidates.empty()) {
		to_emit(s, s.phase);
		return VX_DONE;
	}
	if (s.next_block != VX_NO_BLOCK)
		return s.candidates.reserve_more(s.arena, vx_list_per_page()) ? ask_chain(s, want) : need_memory(s, want);
	if (s.phase == Phase::kWild) {
		s.phase = s.has_tree ? Phase::kRoot : Phase::kRaw;
		if (s.has_tree && !take_root(s))
			start_node(s, s.root_block, s.root_id, s.levels);
		start_chain(s, s.has_tree ? s.root_block : s.raw);
	} else if (s.phase == Phase::kNan) {
		s.phase = Phase::kNull;
		start_chain(s, s.late);
	} else {
		s.phase = Phase::kDone;
	}
	return VX_DONE;
}

vx_step step_raw(vx_scan &s, vx_want &want) {
	if (!s.query.ordered && !s.candidates.empty()) {
		to_emit(s, Phase::kRaw);
		return VX_DONE;
	}
	if (s.next_block != VX_NO_BLOCK)
		return reserve_rows(s, vx_raws_per_page(s.query.dim)) ? ask_chain(s, want) : need_memory(s, want);
	to_emit(s, Phase::kDone);
	return VX_DONE;
}

// The page being read continues: a node or leaf of several pages. VX_DONE when there is none.
vx_step continue_reading(vx_scan &s, vx_want &want) {
	if (s.in_node)
		return reserve_inner(s) ? ask_chain(s, want) : need_memory(s, want);
	if (!s.in_leaf)
		return VX_DONE;
	if (s.next_block == VX_NO_BLOCK) {
		s.in_leaf = false;
		return VX_DONE;
	}
	const bool room = reserve_leaf(s) && reserve_probe(s, vx_leaf_capacity(s.query.dim, s.ix->meta.scan_bits));
	return room ? ask_chain(s, want) : need_memory(s, want);
}

void announce_page(vx_want &want, uint32_t block, size_t at) {
	want.ahead[want.nahead] = block;
	want.ahead_at[want.nahead++] = static_cast<uint16_t>(at);
}

uint32_t block_of(const vx_scan &s, uint32_t number) {
	return s.nodes[number / VX_LANES].block[child_lane(number)];
}

// Blocks of nodes that will be opened soon, each told once.
void announce(vx_scan &s, vx_want &want) {
	s.announced = std::max(s.announced, s.open_at);
	while (s.announced < s.open.size() && s.announced < s.open_at + VX_MAX_AHEAD)
		announce_page(want, block_of(s, s.open[s.announced++]), VX_BLOCKS_OFFSET);
}

void announce_picks(const vx_scan &s, vx_want &want) {
	for (uint32_t i = s.pick; i < s.npicks; i++)
		announce_page(want, block_of(s, s.picks[i]), VX_BLOCKS_OFFSET);
}

vx_step step_first(vx_scan &s, vx_want &want) {
	const vx_step step = continue_reading(s, want);
	if (step != VX_DONE)
		return step;
	const bool enough = s.first_opened >= s.dial.first && s.waiting.size() >= s.k;
	if (enough || (s.pick == s.npicks && !choose_picks(s))) {
		trim_waiting(s);
		start_refine(s, Phase::kGate);
		return VX_DONE;
	}
	if (!reserve_probe(s, 0))
		return need_memory(s, want);
	open_node(s, s.picks[s.pick++]);
	if (s.in_leaf)
		s.first_opened++;
	const vx_step first = continue_reading(s, want);
	if (first == VX_PAGE && s.pick == 1)
		announce_picks(s, want);
	return first;
}

vx_step step_gate(vx_scan &s, vx_want &want) {
	s.gated = true;
	if (!s.query.ordered && !s.candidates.empty()) {
		to_emit(s, Phase::kGate);
		return VX_DONE;
	}
	if (!s.open.reserve(s.arena, s.nodes.size() * VX_LANES) || !reserve_probe(s, 0))
		return need_memory(s, want);
	if (s.probe != nullptr)
		watch_gate(s);
	choose_gate(s);
	s.announced = 0;
	if (s.open.empty())
		to_emit(s, Phase::kDone);
	else
		s.phase = Phase::kOpen;
	return VX_DONE;
}

vx_step step_open(vx_scan &s, vx_want &want) {
	const bool reading = s.in_leaf || s.in_node;
	const vx_step step = continue_reading(s, want);
	if (step != VX_DONE)
		return step;
	const bool refine_now = s.dial.exact || s.query.wild || !s.query.ordered;
	if (reading && !s.waiting.empty() && (refine_now || s.waiting.size() > kMostWaiting)) {
		start_refine(s, Phase::kOpen);
		return VX_DONE;
	}
	if (!s.query.ordered && !s.candidates.empty()) {
		to_emit(s, Phase::kOpen);
		return VX_DONE;
	}
	if (s.open_at == s.open.size()) {
		start_refine(s, Phase::kGate); // finds nothing more unless nodes were opened or rho_k is still unknown
		return VX_DONE;
	}
	if (!reserve_probe(s, 0))
		return need_memory(s, want);
	const uint32_t number = s.open[s.open_at++];
	if (s.dial.exact && !(s.nodes[number / VX_LANES].bound[child_lane(number)] < s.highs.threshold()))
		return VX_DONE;
	open_node(s, number);
	const vx_step first = continue_reading(s, want);
	if (first == VX_PAGE)
		announce(s, want);
	return first;
}

// Survivors are refined in two runs: those with the best estimates, whose distances lower rho_k, then of the others
// those that it lets through. Half of the pages that one run would visit are enough so.
void next_run(vx_scan &s) {
	const bool first = s.refine_end == 0, estimated = s.query.ordered && !s.query.wild && !s.dial.exact;
	if (!first)
		trim_rest(s);
	s.refine_end = s.waiting.size();
	if (first && estimated && s.k < s.waiting.size() / kSurvivorsARow) {
		s.refine_end = static_cast<size_t>(s.k * kBestARow);
		std::nth_element(s.waiting.begin(), s.waiting.begin() + s.refine_end, s.waiting.end(),
						 [](const Waiting &a, const Waiting &b) { return a.est < b.est; });
	}
	const auto earlier = [](const Waiting &a, const Waiting &b) { return a.ref < b.ref; };
	Waiting *begin = s.waiting.begin() + s.refine_at, *end = s.waiting.begin() + s.refine_end;
	if (!std::is_sorted(begin, end, earlier)) // all entries of a leaf as it was built are
		std::sort(begin, end, earlier);
	s.announced = s.refine_at;
}

vx_step step_refine(vx_scan &s, vx_want &want) {
	if (s.refine_at == s.refine_end && s.refine_end < s.waiting.size())
		next_run(s);
	if (s.refine_at == s.waiting.size()) {
		s.waiting.clear();
		s.phase = s.after_refine;
		return VX_DONE;
	}
	const uint32_t dim = s.query.dim;
	if (s.long_code.begun())
		return ask(s, want, s.long_code.rest);
	if (!reserve_rows(s, vx_codes_per_page(dim)) || !reserve_probe(s, vx_codes_per_page(dim)))
		return need_memory(s, want);
	const vx_step step = ask(s, want, ref_block(s.waiting[s.refine_at].ref, dim));
	s.announced = std::max(s.announced, s.refine_at);
	uint32_t last = want.block;
	for (; s.announced < s.refine_end && want.nahead < VX_MAX_AHEAD; s.announced++) {
		const uint32_t ref = s.waiting[s.announced].ref, block = ref_block(ref, dim);
		if (block != last)
			announce_page(want, block, VX_ENTRIES_OFFSET + size_t(ref_slot(ref, dim)) * vx_code_here(dim));
		last = block;
	}
	return step;
}

vx_step step_emit(vx_scan &s, vx_want &want) {
	if (!s.emitted.reserve_one(s.arena))
		return need_memory(s, want);
	if (emit_row(s, want)) {
		s.stats.rows++;
		return VX_ROW;
	}
	s.candidates.clear();
	s.phase = s.after_emit;
	if (s.after_emit != Phase::kDone)
		return VX_DONE;
	if (s.query.ordered && !s.complete) {
		widen(s);
	} else if (s.conditions.any()) { // rows without a distance satisfy none
		s.phase = Phase::kDone;
	} else {
		s.phase = Phase::kNan;
		start_chain(s, s.late);
	}
	return VX_DONE;
}

vx_step step_meta(vx_scan &s, vx_want &want) {
	if (!prepare_conditions(*s.ix, s.query, s.arena, s.conditions))
		return need_memory(s, want);
	if (!s.conditions.nothing)
		return ask(s, want, VX_META_BLOCK);
	s.phase = Phase::kDone;
	return VX_DONE;
}

void read_meta(vx_scan &s, const void *page) {
	s.fault = vx_meta_fault(page);
	if (s.fault != nullptr)
		return;
	const vx_meta &meta = *vx_page_meta(page);
	s.stale = meta.epoch != s.ix->meta.epoch;
	if (meta.clock == s.lost_start) { // nothing changed that would explain it
		s.fault = s.lost_why;
		s.visiting = s.lost_block;
		return;
	}
	s.lost_start = VX_NEVER;
	s.start = meta.clock;
	s.efforts = efforts_for(meta, s.wanted.by, s.wanted.recall);
	set_dial(s);
	s.has_tree = meta.levels > 0;
	s.levels = meta.levels;
	s.root_block = meta.root;
	s.root_id = meta.root_node;
	s.raw = meta.raw;
	s.raw_id = meta.raw_node;
	s.late = meta.late;
	s.phase = Phase::kWild;
	start_chain(s, meta.wild);
}

// From the meta page, with what was handed out remembered.
void begin(vx_scan &s) {
	s.nodes.clear();
	s.open.clear();
	s.open_at = 0;
	s.phase = Phase::kMeta;
	start_pass(s);
	s.stats.passes++;
}

// The tree changed under the scan and what it changed was used again: the next reading of the meta page shows that.
void begin_again(vx_scan &s) {
	s.lost_start = s.start;
	s.lost_block = s.visiting;
	s.lost_why = s.lost;
	s.lost = nullptr;
	begin(s);
}

size_t long_code_bytes(const vx_index &ix) {
	return vx_code_rest(ix.meta.dim) > 0 ? vx_code_stride(ix.meta.dim) : 0;
}

} // namespace
} // namespace vecidx

using namespace vecidx;

size_t vx_scan_size(const vx_index *ix) {
	return sizeof(vx_scan) + query_bytes(*ix) + long_code_bytes(*ix) + 3 * Arena::kAlign;
}

vx_scan *vx_scan_init(void *memory, size_t bytes, const vx_index *ix, const vx_query *query) {
	auto *s = new (memory) vx_scan{};
	s->ix = ix;
	s->arena.add_block(s + 1, bytes - sizeof(vx_scan));
	s->query_memory = s->arena.allocate(query_bytes(*ix));
	s->long_code.entry = static_cast<vx_code_entry *>(s->arena.allocate(long_code_bytes(*ix)));
	vx_scan_restart(s, query);
	return s;
}

void vx_scan_restart(vx_scan *s, const vx_query *query) {
	prepare_query(*s->ix, query->vector, s->query_memory, s->query);
	s->wanted = *query;
	s->wanted.vector = nullptr;
	s->fault = s->lost = nullptr;
	s->lost_start = VX_NEVER;
	s->stale = false;
	s->emitted.clear();
	s->emitted_high = -INFINITY;
	s->k = query->k > 0 ? query->k : kFirstBatch;
	s->efforts = efforts_for(s->ix->meta, query->by, query->recall);
	set_dial(*s);
	s->conditions.give(nullptr, 0);
	begin(*s);
}

void vx_scan_within(vx_scan *s, const vx_ball *balls, uint32_t n) {
	s->conditions.give(balls, n);
}

void vx_scan_inherit(vx_scan *s, const vx_scan *from) {
	s->emitted = from->emitted;
	s->emitted_high = from->emitted_high;
}

vx_step vx_scan_next(vx_scan *scan, vx_want *want) {
	vx_scan &s = *scan;
	for (;;) {
		if (s.stale)
			return VX_STALE;
		if (s.fault != nullptr) {
			want->block = s.visiting;
			want->why = s.fault;
			return VX_CORRUPT;
		}
		if (s.lost != nullptr)
			begin_again(s);
		vx_step step = VX_DONE;
		switch (s.phase) {
		case Phase::kMeta:
			step = step_meta(s, *want);
			break;
		case Phase::kWild:
		case Phase::kNan:
		case Phase::kNull:
			step = step_list(s, *want);
			break;
		case Phase::kRaw:
			step = step_raw(s, *want);
			break;
		case Phase::kRoot:
			step = continue_reading(s, *want);
			if (step == VX_DONE)
				s.phase = Phase::kFirst;
			break;
		case Phase::kFirst:
			step = step_first(s, *want);
			break;
		case Phase::kGate:
			step = step_gate(s, *want);
			break;
		case Phase::kOpen:
			step = step_open(s, *want);
			break;
		case Phase::kRefine:
			step = step_refine(s, *want);
			break;
		case Phase::kEmit:
			step = step_emit(s, *want);
			break;
		case Phase::kDone:
			return VX_DONE;
		}
		if (step != VX_DONE && step != VX_CORRUPT) // the loop's head tells what is wrong, and where
			return step;
	}
}

void vx_scan_page(vx_scan *s, const void *page) {
	const auto *bytes = static_cast<const uint8_t *>(page);
	// a page's kind stands at its far end: fetch that together with the beginning
	__builtin_prefetch(bytes + VX_SPECIAL_OFFSET);
	__builtin_prefetch(bytes + VX_BLOCKS_OFFSET);
	switch (s->phase) {
	case Phase::kMeta:
		read_meta(*s, page);
		break;
	case Phase::kWild:
	case Phase::kNan:
	case Phase::kNull:
		read_list(*s, page);
		break;
	case Phase::kRaw:
		read_raw(*s, page);
		break;
	case Phase::kRefine:
		read_codes(*s, page);
		break;
	default:
		if (s->in_node)
			read_inner(*s, page);
		else
			read_leaf(*s, page);
	}
}

void vx_scan_grow(vx_scan *s, void *memory, size_t bytes) {
	s->arena.add_block(memory, bytes);
}

void vx_scan_stats_get(const vx_scan *s, vx_scan_stats *out) {
	*out = s->stats;
}
