// The rows of a neighbourhood: the entries of its leaves, and their refine codes. Under the lock the entries are read
// again, because inserts added some and VACUUM dropped some meanwhile.
#include <algorithm>

#include "grow/tend.hpp"
#include "page/leaf.hpp"
#include "page/rows.hpp"

namespace vecidx {
namespace {

constexpr uint32_t kMostSteps = 1U << 24; // pages of all leaves: more is a circle

bool again(const vx_tend &t) {
	return t.phase == TendPhase::kEntriesAgain;
}

TendRow *find_row(Neighbourhood &h, uint32_t ref) {
	TendRow *end = h.rows.data() + h.known;
	TendRow *row =
		std::lower_bound(h.rows.data(), end, ref, [](const TendRow &a, uint32_t value) { return a.ref < value; });
	return row != end && row->ref == ref ? row : nullptr;
}

// An entry read again. Rows that came to other leaves than the first meanwhile may stay where they are.
void meet_again(Neighbourhood &h, uint32_t ref, uint32_t block) {
	TendRow *row = find_row(h, ref);
	if (row != nullptr && row->leaf == h.leaf_at) {
		row->page = block;
		h.leaves[h.leaf_at].met++;
	} else if (row == nullptr && h.leaf_at == 0) {
		h.rows.append({ref, kNoIndex, block, 0, 0, 0, VX_NO_BLOCK});
	}
}

void take_entries(vx_tend &t, const void *page) {
	Neighbourhood &h = t.hood;
	const uint32_t dim = dim_of(t), bits = t.ix->meta.scan_bits;
	const auto &header = page_header<vx_leaf_header>(page);
	const bool purge = marks_forgettable(header, t.oldest);
	TendLeaf &leaf = h.leaves[h.leaf_at];
	leaf.gone = std::max({leaf.gone, header.forgot, purge ? header.moved : 0});
	if (leaf.npages == 0)
		leaf.codes = page_special(page).codes;
	const vx_origin *origin = leaf.npages == 0 ? leaf_origin(page) : nullptr;
	if (origin != nullptr)
		origin_point(*origin, dim, leaf.origin);
	else if (leaf.npages == 0)
		std::copy_n(leaf.centroid, dim, leaf.origin);
	leaf.has_origin = leaf.has_origin || origin != nullptr;
	TendPage known{t.visiting, header.chain.count, header.chain.count + leaf_room(page, dim, bits), 0};
	for (uint32_t slot = 0; slot < header.chain.count; slot++) {
		if (header.moved != 0 && leaf_marked(page, dim, bits, slot)) {
			known.purgeable += purge ? 1 : 0;
			leaf.entries += purge ? 0 : 1;
			continue;
		}
		const uint32_t ref = leaf_ref(page, slot);
		leaf.living++;
		leaf.entries++;
		if (again(t))
			meet_again(h, ref, t.visiting);
		else
			h.rows.append({ref, kNoIndex, t.visiting, static_cast<uint16_t>(h.leaf_at), 0,
						   static_cast<uint16_t>(h.leaf_at), VX_NO_BLOCK});
	}
	h.pages.append(known);
	leaf.npages++;
}

void sort_rows(vx_tend &t) {
	Neighbourhood &h = t.hood;
	std::sort(h.rows.begin(), h.rows.end(), [](const TendRow &a, const TendRow &b) { return a.ref < b.ref; });
	h.known = h.rows.size();
}

// All entries of a leaf were read.
void next_leaf(vx_tend &t) {
	Neighbourhood &h = t.hood;
	bool nothing = false;
	if (h.leaf_at == 0 && !again(t)) {
		wanted_parts(t, nothing);
		if (nothing) {
			t.phase = TendPhase::kDone;
			return;
		}
	}
	if (++h.leaf_at < h.nleaves) {
		TendLeaf &leaf = h.leaves[h.leaf_at];
		h.next_block = leaf.child.block;
		leaf.first_page = static_cast<uint32_t>(h.pages.size());
		leaf.npages = leaf.living = leaf.entries = leaf.met = 0;
		leaf.gone = 0;
		return;
	}
	if (!again(t)) {
		sort_rows(t);
		h.row_at = 0;
		t.phase = TendPhase::kCodes;
	} else {
		h.row_at = h.known;
		t.phase = TendPhase::kCodesAgain;
	}
}

} // namespace

vx_step step_entries(vx_tend &t, vx_want &want) {
	Neighbourhood &h = t.hood;
	if (h.next_block == VX_NO_BLOCK) {
		next_leaf(t);
		return VX_DONE;
	}
	const uint32_t capacity = vx_leaf_capacity(dim_of(t), t.ix->meta.scan_bits);
	if (!h.rows.reserve_more(t.arena, capacity) || !h.pages.reserve_more(t.arena, 1))
		return need_memory(t, want);
	return ask(t, want, h.next_block);
}

void entries_page(vx_tend &t, const void *page) {
	Neighbourhood &h = t.hood;
	t.fault = leaf_fault(page, dim_of(t), t.ix->meta.scan_bits, h.leaves[h.leaf_at].child.node);
	if (t.fault == nullptr && ++h.steps > kMostSteps)
		t.fault = "a chain of pages runs in a circle";
	if (t.fault != nullptr)
		return;
	take_entries(t, page);
	h.next_block = page_header<vx_chain_header>(page).next;
}

void start_entries_again(vx_tend &t) {
	Neighbourhood &h = t.hood;
	for (TendRow &row : h.rows)
		row.page = VX_NO_BLOCK;
	h.pages.clear();
	h.leaf_at = h.steps = 0;
	h.next_block = h.leaves[0].child.block;
	h.leaves[0].first_page = h.leaves[0].npages = h.leaves[0].living = 0;
	h.leaves[0].entries = h.leaves[0].met = 0;
	h.leaves[0].gone = 0;
}

vx_step step_codes(vx_tend &t, vx_want &want) {
	Neighbourhood &h = t.hood;
	const uint32_t dim = dim_of(t);
	if (h.row_at == h.rows.size()) {
		if (t.phase == TendPhase::kCodesAgain)
			return late_rows(t, want);
		t.phase = TendPhase::kPlan;
		return VX_DONE;
	}
	if (h.long_code.begun())
		return ask(t, want, h.long_code.rest);
	const size_t page_bytes = size_t(vx_codes_per_page(dim)) * vx_code_stride(dim);
	if (!h.codes.reserve_more(t.arena, page_bytes) ||
		(t.ix->meta.nanchors > 0 && !h.stored.reserve_more(t.arena, page_bytes)))
		return need_memory(t, want);
	return ask(t, want, ref_block(h.rows[h.row_at].ref, dim));
}

namespace {

// The code at the end of `codes` is whole: keep it as it is stored too, and make it absolute.
void keep_code(vx_tend &t) {
	Neighbourhood &h = t.hood;
	const size_t bytes = vx_code_stride(dim_of(t));
	if (t.ix->meta.nanchors > 0) {
		memcpy(h.stored.end(), h.codes.end(), bytes);
		h.stored.set_size(h.stored.size() + bytes);
	}
	if (!make_absolute(*t.ix, *reinterpret_cast<vx_code_entry *>(h.codes.end()))) {
		t.fault = "a refine code is relative to an anchor that is not there";
		return;
	}
	h.rows[h.row_at].code = h.ncodes++;
	h.codes.set_size(h.codes.size() + bytes);
}

void finish_code(vx_tend &t, const void *page) {
	Neighbourhood &h = t.hood;
	t.fault = h.long_code.finish(page, dim_of(t));
	if (t.fault == nullptr)
		keep_code(t);
	h.row_at++;
}

} // namespace

void codes_page(vx_tend &t, const void *page) {
	Neighbourhood &h = t.hood;
	const uint32_t dim = dim_of(t);
	if (h.long_code.begun()) {
		finish_code(t, page);
		return;
	}
	t.fault = chain_fault(page, VX_KIND_CODE, dim, 0);
	if (t.fault != nullptr)
		return;
	const uint32_t count = page_header<vx_chain_header>(page).count;
	for (uint32_t n = 0; h.row_at < h.rows.size() && n < vx_codes_per_page(dim); h.row_at++, n++) {
		const TendRow &row = h.rows[h.row_at];
		if (ref_block(row.ref, dim) != t.visiting)
			return;
		if (ref_slot(row.ref, dim) >= count) {
			t.fault = "a leaf refers to a code slot that is not in use";
			return;
		}
		const vx_code_entry &entry = code_entry(page, dim, ref_slot(row.ref, dim));
		if ((entry.row.flags & VX_ROW_DEAD) != 0)
			continue;
		if (vx_code_rest(dim) > 0) {
			h.long_code.entry = reinterpret_cast<vx_code_entry *>(h.codes.end());
			h.long_code.begin(page, t.visiting, dim);
			return;
		}
		memcpy(h.codes.end(), &entry, vx_code_stride(dim));
		keep_code(t);
		if (t.fault != nullptr)
			return;
	}
}

} // namespace vecidx
