// The sweep over all pages of rows: every row pointer is offered, those named are removed. Code slots are marked only,
// because scan entries still lead to them.
#include <algorithm>

#include "grow/vacuum.hpp"
#include "page/rows.hpp"

namespace vecidx {
namespace {

constexpr uint64_t kClearWords = 1U << 20;

// The list of pages with room that the page belongs on; pages of lists carry it in place of a node id.
vx_room room_of(const void *page) {
	const vx_special &special = page_special(page);
	return special.kind == VX_KIND_CODE  ? VX_ROOM_CODE
		   : special.kind == VX_KIND_RAW ? VX_ROOM_RAW
		   : special.node == VX_ROOM_WILD ? VX_ROOM_WILD
										  : VX_ROOM_LATE;
}

void list_rows(vx_vacuum &v, const void *page) {
	const auto &header = page_header<vx_rows_header>(page);
	v.kind = static_cast<vx_page_kind>(page_special(page).kind);
	v.nrows = header.chain.count;
	v.listed = header.room != VX_META_BLOCK;
	for (uint32_t slot = 0; slot < v.nrows; slot++) {
		v.rows[slot] = row_at(page, slot);
		v.remove[slot] = false;
	}
	v.room = room_of(page);
}

// The bitmap, once there is something to be noted in it.
vx_step reserve_dead(vx_vacuum &v, vx_want &want) {
	if (v.dead == nullptr) {
		v.dead_words = (uint64_t(v.nblocks) * vx_codes_per_page(v.meta.dim) + 63) / 64;
		v.dead = static_cast<uint64_t *>(v.arena.allocate(checked_product(v.dead_words, sizeof(uint64_t))));
		if (v.dead == nullptr)
			return need_memory(v, want);
	}
	if (v.cleared < v.dead_words) {
		const uint64_t n = std::min(kClearWords, v.dead_words - v.cleared);
		memset(v.dead + v.cleared, 0, n * sizeof(uint64_t));
		v.cleared += n;
		return v.cleared < v.dead_words ? VX_YIELD : VX_DONE;
	}
	return VX_DONE;
}

bool pending(const vx_row &row) {
	return (row.flags & (VX_ROW_DEAD | VX_ROW_FREE)) == VX_ROW_DEAD;
}

bool any_pending(const vx_vacuum &v) {
	return v.kind == VX_KIND_CODE && std::any_of(v.rows, v.rows + v.nrows, pending);
}

// After the page's rows are settled: its pending slots go into the bitmap.
void note_page(vx_vacuum &v) {
	const uint32_t dim = v.meta.dim;
	bool noted = false;
	for (uint32_t slot = 0; slot < v.nrows; slot++) {
		const vx_row &row = v.rows[slot];
		if ((row.flags & VX_ROW_DEAD) == 0)
			v.stats.rows++;
		if (v.kind != VX_KIND_CODE)
			continue;
		v.slots++;
		const uint64_t ref = uint64_t(v.visiting) * vx_codes_per_page(dim) + slot;
		if (!pending(row) || ref / 64 >= v.dead_words)
			continue;
		v.dead[ref / 64] |= uint64_t(1) << ref % 64;
		v.pending++;
		noted = true;
	}
	if (noted)
		v.code_pages.append(v.visiting);
	if (v.kind == VX_KIND_RAW)
		v.raw_rows += v.nrows;
}

} // namespace

bool is_dead(const vx_vacuum &v, uint32_t ref) {
	return ref / 64 < v.dead_words && (v.dead[ref / 64] >> (ref % 64) & 1) != 0;
}

vx_step step_sweep(vx_vacuum &v, vx_want &want) {
	if (v.phase == VacuumPhase::kRows) { // the caller has answered
		v.phase = VacuumPhase::kRemove;
		return VX_DONE;
	}
	if (v.nrows > 0) { // rows of the page read last
		v.phase = VacuumPhase::kRows;
		return VX_ROWS;
	}
	if (v.at >= v.nblocks) {
		// inserts extend the index meanwhile; what they add is newer than the start
		if (!v.asked) {
			v.asked = true;
			return VX_LENGTH;
		}
		v.asked = false;
		if (v.at >= v.nblocks) {
			v.phase = VacuumPhase::kBarrier;
			return VX_DONE;
		}
	}
	if (!v.node_pages.reserve_more(v.arena, 1) || !v.code_pages.reserve_more(v.arena, 1))
		return need_memory(v, want);
	return ask(v, want, v.at);
}

void sweep_page(vx_vacuum &v, const void *page) {
	v.at++;
	v.asked = false;
	v.nrows = 0;
	v.fault = vx_page_fault(page, &v.meta);
	if (v.fault != nullptr || page_is_new(page))
		return;
	const vx_special &special = page_special(page);
	if (vx_page_counts(page, &v.meta))
		list_rows(v, page);
	else if (special.kind == VX_KIND_FREE)
		v.stats.free_pages++;
	else if (special.kind != VX_KIND_META && special.node != 0 && v.visiting != v.meta.mean)
		v.node_pages.append({v.visiting, special.kind == VX_KIND_INNER, special.node});
}

vx_step step_remove(vx_vacuum &v, vx_want &want) {
	const bool named = std::any_of(v.remove, v.remove + v.nrows, [](bool flag) { return flag; });
	if (named || any_pending(v)) {
		const vx_step step = reserve_dead(v, want);
		if (step != VX_DONE)
			return step;
	}
	if (!named) {
		note_page(v);
		v.nrows = 0;
		v.phase = VacuumPhase::kSweep;
		return VX_DONE;
	}
	want.npages = 0;
	if (v.kind != VX_KIND_CODE && !v.listed)
		want.pages[want.npages++] = VX_META_BLOCK;
	want.pages[want.npages++] = v.visiting;
	return VX_WRITE;
}

// Inserts may have added rows since the page was listed, but what was listed keeps its place: only a vacuum removes.
vx_step apply_remove(vx_vacuum &v, void *const pages[], const uint32_t blocks[], vx_want &want) {
	const bool push = want.npages == 2;
	void *page = pages[push ? 1 : 0];
	const uint32_t block = blocks[push ? 1 : 0];
	const char *fault = chain_fault(page, v.kind, v.meta.dim, v.meta.scan_bits);
	if (fault == nullptr && page_header<vx_chain_header>(page).count < v.nrows)
		fault = "a page lost entries during a vacuum";
	if (fault != nullptr)
		return corrupt(want, block, fault);
	uint8_t slots[(vx_vacuum::kMostRows + 7) / 8] = {};
	for (uint32_t slot = 0; slot < v.nrows; slot++) {
		const vx_row &now = row_at(page, slot);
		if (!v.remove[slot] || now.block != v.rows[slot].block || now.offset != v.rows[slot].offset)
			continue;
		slots[slot / 8] = static_cast<uint8_t>(slots[slot / 8] | 1U << slot % 8);
		v.rows[slot].flags |= VX_ROW_DEAD;
	}
	const uint32_t removed = rows_remove(page, slots);
	auto &header = page_header<vx_rows_header>(page);
	if (push && header.room == VX_META_BLOCK) {
		const char *meta_fault = vx_meta_fault(pages[0]);
		if (meta_fault != nullptr)
			return corrupt(want, VX_META_BLOCK, meta_fault);
		uint32_t &first = page_header<vx_meta>(pages[0]).room[v.room];
		header.room = first;
		first = block;
	}
	v.stats.removed += removed;
	note_page(v);
	v.nrows = 0;
	v.phase = VacuumPhase::kSweep;
	return removed > 0 ? VX_DONE : VX_YIELD;
}

} // namespace vecidx
