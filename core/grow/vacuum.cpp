// The vacuum machine: its phases. See vacuum.hpp for their order and why it is so.
#include "grow/vacuum.hpp"

#include <new>

#include "tree/plan.hpp"

namespace vecidx {
namespace {

void read_meta(vx_vacuum &v, const void *page) {
	v.fault = vx_meta_fault(page);
	if (v.fault != nullptr)
		return;
	v.meta = *vx_page_meta(page);
	// nothing was removed yet, so the caller may simply begin again
	v.stale = v.phase == VacuumPhase::kMeta && v.meta.epoch != v.ix->meta.epoch;
}

vx_step lock(vx_vacuum &v, VacuumPhase then) {
	v.phase = then;
	if (v.locked)
		return VX_DONE;
	v.locked = true;
	return VX_LOCK;
}

vx_step unlock(vx_vacuum &v, VacuumPhase then) {
	v.phase = then;
	if (!v.locked)
		return VX_DONE;
	v.locked = false;
	return VX_UNLOCK;
}

vx_step step_meta(vx_vacuum &v, vx_want &want) {
	if (!v.asked) {
		v.asked = true;
		return ask(v, want, VX_META_BLOCK);
	}
	v.asked = false;
	if (v.phase == VacuumPhase::kMetaAgain) {
		v.phase = VacuumPhase::kWalk;
		return VX_DONE;
	}
	if (v.meta.levels > 0)
		return unlock(v, VacuumPhase::kSweep);
	v.phase = VacuumPhase::kSweep;
	return VX_DONE;
}

// All rows were offered. Without a tree only what a first training left behind is to be freed, under the same lock.
vx_step after_sweep(vx_vacuum &v) {
	if (v.meta.levels > 0)
		return lock(v, VacuumPhase::kMetaAgain);
	v.limit = v.meta.next_node;
	v.phase = VacuumPhase::kOrphans;
	return VX_DONE;
}

vx_step apply_count(vx_vacuum &v, void *page, vx_want &want) {
	const char *fault = vx_meta_fault(page);
	if (fault != nullptr)
		return corrupt(want, VX_META_BLOCK, fault);
	auto &meta = page_header<vx_meta>(page);
	v.phase = VacuumPhase::kDone;
	if (meta.rows == v.stats.rows)
		return VX_YIELD;
	meta.rows = v.stats.rows;
	return VX_DONE;
}

vx_step step_count(vx_vacuum &v, vx_want &want) {
	if (v.meta.levels == 0 && vx_plan_leaves(v.ix, v.raw_rows) > 0) {
		if (!v.chores.reserve_more(v.arena, 1))
			return need_memory(v, want);
		vx_chore chore{};
		chore.kind = VX_CHORE_TRAIN;
		v.chores.append(chore);
	}
	want.npages = 1;
	want.pages[0] = VX_META_BLOCK;
	return VX_WRITE;
}

vx_step step_phase(vx_vacuum &v, vx_want &want) {
	switch (v.phase) {
	case VacuumPhase::kStart:
		return lock(v, VacuumPhase::kMeta);
	case VacuumPhase::kMeta:
	case VacuumPhase::kMetaAgain:
		return step_meta(v, want);
	case VacuumPhase::kSweep:
	case VacuumPhase::kRows:
		return step_sweep(v, want);
	case VacuumPhase::kRemove:
		return step_remove(v, want);
	case VacuumPhase::kBarrier:
		return after_sweep(v);
	case VacuumPhase::kWalk: {
		const vx_step step = step_walk(v, want);
		return step == VX_DONE && v.phase != VacuumPhase::kWalk ? unlock(v, v.phase) : step;
	}
	case VacuumPhase::kEntries:
	case VacuumPhase::kDrop:
		return step_entries(v, want);
	case VacuumPhase::kRelease:
		if (v.release_at < v.code_pages.size() && !v.locked) {
			v.held = kMostReleased;
			return lock(v, VacuumPhase::kRelease);
		}
		if (v.locked && (v.release_at == v.code_pages.size() || v.held == 0))
			return unlock(v, VacuumPhase::kRelease);
		return step_release(v, want);
	case VacuumPhase::kOrphans:
		return step_orphans(v, want);
	case VacuumPhase::kCount:
		return v.locked ? unlock(v, VacuumPhase::kCount) : step_count(v, want);
	case VacuumPhase::kDone:
		break;
	}
	return VX_DONE;
}

} // namespace
} // namespace vecidx

using namespace vecidx;

size_t vx_vacuum_size(const vx_index *ix) {
	return sizeof(vx_vacuum) + inner_block_bytes(ix->meta.dim) + 2 * Arena::kAlign;
}

vx_vacuum *vx_vacuum_init(void *memory, size_t bytes, const vx_index *ix, uint64_t oldest) {
	auto *v = new (memory) vx_vacuum{};
	v->ix = ix;
	v->oldest = oldest;
	v->buffer = reinterpret_cast<uint8_t *>(v + 1);
	const size_t used = sizeof(vx_vacuum) + inner_block_bytes(ix->meta.dim);
	v->arena.add_block(v->buffer + inner_block_bytes(ix->meta.dim), bytes - used);
	return v;
}

vx_step vx_vacuum_next(vx_vacuum *v, vx_want *want) {
	for (;;) {
		if (v->stale && v->locked) {
			v->locked = false;
			return VX_UNLOCK;
		}
		if (v->stale)
			return VX_STALE;
		if (v->fault != nullptr)
			return corrupt(*want, v->visiting, v->fault);
		want->nfreed = 0;
		const vx_step step = step_phase(*v, *want);
		if (step != VX_DONE || v->phase == VacuumPhase::kDone)
			return step;
	}
}

void vx_vacuum_length(vx_vacuum *v, uint32_t nblocks) {
	v->nblocks = nblocks;
}

void vx_vacuum_page(vx_vacuum *v, const void *page) {
	switch (v->phase) {
	case VacuumPhase::kMeta:
	case VacuumPhase::kMetaAgain:
		read_meta(*v, page);
		break;
	case VacuumPhase::kSweep:
		sweep_page(*v, page);
		break;
	case VacuumPhase::kWalk:
		walk_page(*v, page);
		break;
	case VacuumPhase::kEntries:
		entries_page(*v, page);
		break;
	default:
		break;
	}
}

uint32_t vx_vacuum_rows(vx_vacuum *v, const vx_row **rows, bool **remove) {
	*rows = v->rows;
	*remove = v->remove;
	return v->nrows;
}

vx_step vx_vacuum_apply(vx_vacuum *v, void *const pages[], const uint32_t blocks[], vx_want *want) {
	want->nfreed = 0;
	switch (v->phase) {
	case VacuumPhase::kRemove:
		return apply_remove(*v, pages, blocks, *want);
	case VacuumPhase::kDrop:
		return apply_drop(*v, pages, blocks, *want);
	case VacuumPhase::kRelease:
		return apply_release(*v, pages, blocks, *want);
	case VacuumPhase::kOrphans:
		return apply_orphan(*v, pages, blocks, *want);
	default:
		return apply_count(*v, pages[0], *want);
	}
}

void vx_vacuum_grow(vx_vacuum *v, void *memory, size_t bytes) {
	v->arena.add_block(memory, bytes);
}

void vx_vacuum_stats_get(const vx_vacuum *v, vx_vacuum_stats *out) {
	*out = v->stats;
}

bool vx_vacuum_chore(const vx_vacuum *v, uint64_t i, vx_chore *out) {
	if (i >= v->chores.size())
		return false;
	*out = v->chores[i];
	return true;
}
