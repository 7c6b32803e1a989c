// New pages, as many as a change needs: their images are made in memory and written up to four a record, the last one
// first, so that a page that links to another one knows its block.
#include "grow/tend.hpp"

namespace vecidx {
namespace {

size_t batch_start(const FreshPages &f) {
	return f.left > VX_MAX_WRITE ? f.left - VX_MAX_WRITE : 0;
}

// Inner pages and pages of chains have their link in the same place.
static_assert(offsetof(vx_inner_header, next) == 0 && offsetof(vx_chain_header, next) == 0);

vx_step apply_fresh(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	FreshPages &f = t.fresh;
	const size_t first = batch_start(f), n = f.left - first;
	for (size_t i = 0; i < n; i++)
		if (blocks[i] == VX_NO_BLOCK || blocks[i] == VX_META_BLOCK)
			return corrupt(want, VX_META_BLOCK, "a new page has an impossible number");
	for (size_t i = 0; i < n; i++)
		f.block[first + i] = blocks[i];
	for (size_t i = 0; i < n; i++) {
		memcpy(static_cast<uint8_t *>(pages[i]) + VX_HEADER_OFFSET, f.images[first + i].bytes + VX_HEADER_OFFSET,
			   VX_PAGE_SIZE - VX_HEADER_OFFSET);
		if (f.next[first + i] != kNoIndex)
			page_header<vx_inner_header>(pages[i]).next = f.block[f.next[first + i]];
	}
	f.left = first;
	return VX_DONE;
}

} // namespace

bool reserve_fresh(vx_tend &t, size_t more) {
	FreshPages &f = t.fresh;
	return f.images.reserve_more(t.arena, more) && f.next.reserve_more(t.arena, more) &&
		   f.block.reserve_more(t.arena, more);
}

uint32_t add_fresh(vx_tend &t, vx_page_kind kind, uint64_t node, uint32_t level) {
	FreshPages &f = t.fresh;
	const auto index = static_cast<uint32_t>(f.images.size());
	f.images.set_size(index + 1);
	f.next.append(kNoIndex);
	f.block.append(VX_NO_BLOCK);
	page_init(f.images[index].bytes, kind, node, level, dim_of(t), t.ix->meta.scan_bits);
	return index;
}

void start_fresh(vx_tend &t, TendPhase after) {
	t.fresh.left = t.fresh.images.size();
	t.fresh.after = after;
	t.phase = TendPhase::kFresh;
}

vx_step step_fresh(vx_tend &t, vx_want &want) {
	FreshPages &f = t.fresh;
	if (f.left == 0) {
		t.phase = f.after;
		return VX_DONE;
	}
	begin_record(t, want, apply_fresh);
	for (size_t i = batch_start(f); i < f.left; i++)
		add_page(want, VX_NO_BLOCK);
	return VX_WRITE;
}

} // namespace vecidx
