// The tend machine: its phases, and what all of them share. See tend.hpp for their order.
#include "grow/tend.hpp"

#include <new>

namespace vecidx {
namespace {

void read_meta(vx_tend &t, const void *page) {
	t.fault = vx_meta_fault(page);
	if (t.fault != nullptr)
		return;
	t.meta = *vx_page_meta(page);
	t.stale = t.meta.epoch != t.ix->meta.epoch;
}

bool is_leaf_chore(const vx_tend &t) {
	return (t.chore.kind == VX_CHORE_LEAF || t.chore.kind == VX_CHORE_THIN) && t.chore.levels == t.meta.levels;
}

void start_free(vx_tend &t) {
	const vx_lane &node = t.chore.path[1];
	t.hood.above[0] = {};
	t.hood.above[0].node = node.node;
	t.hood.above[0].block = node.page;
	t.hood.above[0].level = t.chore.levels;
	t.hood.above[0].parent = kNoIndex;
	start_swap(t, 0, {}, 0, TendPhase::kDone);
}

// After the first look at the meta page.
vx_step choose(vx_tend &t, vx_want &want) {
	const bool tree = t.meta.levels > 0;
	if (t.chore.kind == VX_CHORE_TRAIN && !tree) {
		t.phase = TendPhase::kRaw;
		t.training.next_block = t.meta.raw;
	} else if (t.chore.kind == VX_CHORE_FREE && tree) {
		start_free(t);
	} else if (is_leaf_chore(t) && tree) {
		if (!start_hood(t))
			return need_memory(t, want);
		t.phase = TendPhase::kPlace;
	} else {
		t.phase = TendPhase::kDone;
	}
	return VX_DONE;
}

vx_step step_meta(vx_tend &t, vx_want &want) {
	if (t.chore.kind == VX_CHORE_TRAIN && !t.locked) {
		t.locked = true;
		return VX_LOCK;
	}
	if (t.visiting == VX_NO_BLOCK)
		return ask(t, want, VX_META_BLOCK);
	return choose(t, want);
}

vx_step step_lock(vx_tend &t, vx_want &want) {
	if (!t.locked) {
		t.locked = true;
		t.visiting = VX_NO_BLOCK;
		return VX_LOCK;
	}
	if (t.visiting == VX_NO_BLOCK)
		return ask(t, want, VX_META_BLOCK);
	start_entries_again(t);
	t.phase = TendPhase::kEntriesAgain;
	return VX_DONE;
}

vx_step apply_ids(vx_tend &t, void *const pages[], const uint32_t[], vx_want &want) {
	const char *fault = vx_meta_fault(pages[0]);
	if (fault != nullptr)
		return corrupt(want, VX_META_BLOCK, fault);
	auto &meta = page_header<vx_meta>(pages[0]);
	t.first_id = meta.next_node;
	meta.next_node += t.ids;
	t.phase = t.after_ids;
	return VX_DONE;
}

vx_step step_ids(vx_tend &t, vx_want &want) {
	begin_record(t, want, apply_ids);
	add_page(want, VX_META_BLOCK);
	return VX_WRITE;
}

// VX_DONE: look at the phase again.
vx_step step_phase(vx_tend &t, vx_want &want) {
	switch (t.phase) {
	case TendPhase::kMeta:
		return step_meta(t, want);
	case TendPhase::kPlace:
		return step_place(t, want);
	case TendPhase::kRoute:
		return step_route(t, want);
	case TendPhase::kEntries:
	case TendPhase::kEntriesAgain:
		return step_entries(t, want);
	case TendPhase::kCodes:
	case TendPhase::kCodesAgain:
		return step_codes(t, want);
	case TendPhase::kPlan:
		return step_plan(t, want);
	case TendPhase::kAssign:
		return step_assign(t);
	case TendPhase::kLock:
		return step_lock(t, want);
	case TendPhase::kIds:
		return step_ids(t, want);
	case TendPhase::kRaise:
		return step_raise(t, want);
	case TendPhase::kMoveOut:
	case TendPhase::kMoveIn:
		return step_moves(t, want);
	case TendPhase::kOrigins:
		return step_origins(t, want);
	case TendPhase::kRecentre:
		return step_recentre(t, want);
	case TendPhase::kAnchor:
		return step_anchor(t, want);
	case TendPhase::kLanes:
		return step_lanes(t, want);
	case TendPhase::kFree:
		return step_free(t, want);
	case TendPhase::kClear:
		return step_clear(t, want);
	case TendPhase::kGrow:
		return step_grow(t, want);
	case TendPhase::kLink:
		return step_link(t, want);
	case TendPhase::kBuild:
		return build_leaves(t, want);
	case TendPhase::kFresh:
		return step_fresh(t, want);
	case TendPhase::kParts:
		return step_parts(t, want);
	case TendPhase::kPublish:
		return step_publish(t, want);
	case TendPhase::kRegroup:
		return step_regroup(t, want);
	case TendPhase::kGroup:
		return step_group(t, want);
	case TendPhase::kBuildNodes:
		return step_build_nodes(t, want);
	case TendPhase::kNewRoot:
		return step_new_root(t, want);
	case TendPhase::kReplaceRoot:
		return step_replace_root(t, want);
	case TendPhase::kRaw:
		return step_raw(t, want);
	case TendPhase::kEncode:
		return step_encode(t, want);
	case TendPhase::kTrain:
		return step_train(t, want);
	case TendPhase::kCodePages:
		return step_code_pages(t, want);
	case TendPhase::kLeafPages:
		return step_leaf_pages(t, want);
	case TendPhase::kRootPages:
		return step_root_pages(t, want);
	case TendPhase::kFirstTree:
		return step_first_tree(t, want);
	case TendPhase::kDone:
		break;
	}
	return VX_DONE;
}

} // namespace

vx_meta *tick(vx_tend &t, void *page, vx_want &want, vx_step &step) {
	const char *fault = vx_meta_fault(page);
	if (fault != nullptr) {
		step = corrupt(want, VX_META_BLOCK, fault);
		return nullptr;
	}
	auto &meta = page_header<vx_meta>(page);
	meta.clock++;
	t.meta.clock = meta.clock;
	step = VX_DONE;
	return &meta;
}

vx_step want_ids(vx_tend &t, uint32_t n, TendPhase after) {
	t.ids = n;
	t.after_ids = after;
	t.phase = TendPhase::kIds;
	return VX_DONE;
}

} // namespace vecidx

using namespace vecidx;

size_t vx_tend_size(const vx_index *) {
	return sizeof(vx_tend) + 2 * Arena::kAlign;
}

vx_tend *vx_tend_init(void *memory, size_t bytes, const vx_index *ix, const vx_chore *chore, uint64_t oldest) {
	auto *t = new (memory) vx_tend{};
	t->ix = ix;
	t->chore = *chore;
	t->oldest = oldest;
	t->arena.add_block(t + 1, bytes - sizeof(vx_tend));
	t->phase = TendPhase::kMeta;
	t->visiting = VX_NO_BLOCK;
	return t;
}

vx_step vx_tend_next(vx_tend *t, vx_want *want) {
	for (;;) {
		if (t->stale)
			return VX_STALE;
		if (t->fault != nullptr)
			return corrupt(*want, t->visiting, t->fault);
		want->nfreed = 0;
		const vx_step step = step_phase(*t, *want);
		if (step != VX_DONE || t->phase == TendPhase::kDone)
			return step;
	}
}

void vx_tend_page(vx_tend *t, const void *page) {
	switch (t->phase) {
	case TendPhase::kMeta:
	case TendPhase::kLock:
		read_meta(*t, page);
		break;
	case TendPhase::kPlace:
		place_page(*t, page);
		break;
	case TendPhase::kRoute:
		route_page(*t, page);
		break;
	case TendPhase::kEntries:
	case TendPhase::kEntriesAgain:
		entries_page(*t, page);
		break;
	case TendPhase::kCodes:
	case TendPhase::kCodesAgain:
		codes_page(*t, page);
		break;
	case TendPhase::kLanes:
		lanes_page(*t, page);
		break;
	case TendPhase::kFree:
		free_page(*t, page);
		break;
	case TendPhase::kParts:
		parts_page(*t, page);
		break;
	case TendPhase::kRegroup:
		regroup_page(*t, page);
		break;
	case TendPhase::kRaw:
		raw_page(*t, page);
		break;
	default:
		break;
	}
}

vx_step vx_tend_apply(vx_tend *t, void *const pages[], const uint32_t blocks[], uint64_t now, vx_want *want) {
	t->now = now;
	want->nfreed = 0;
	return t->apply(*t, pages, blocks, *want);
}

uint64_t vx_tend_written(const vx_tend *t) {
	return t->written;
}

void vx_tend_grow(vx_tend *t, void *memory, size_t bytes) {
	t->arena.add_block(memory, bytes);
}
