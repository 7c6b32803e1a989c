// The writer's interface and the order of its tasks.
#include "tree/writer.hpp"

#include <algorithm>
#include <new>

#include "page/rows.hpp"

namespace vecidx {
namespace {

void carve(Carver &memory, vx_writer &w, const vx_index &ix, const vx_train *train) {
	const uint32_t dim = ix.meta.dim;
	for (ChainPages *chain : {&w.raw, &w.wild, &w.late, &w.leaf}) {
		chain->head = memory.take<uint8_t>(VX_PAGE_SIZE);
		chain->newest = memory.take<uint8_t>(VX_PAGE_SIZE);
	}
	w.code_page = memory.take<uint8_t>(VX_PAGE_SIZE);
	w.page = memory.take<uint8_t>(VX_PAGE_SIZE);
	w.entry = reinterpret_cast<vx_code_entry *>(memory.take<uint8_t>(vx_code_stride(dim)));
	w.x = memory.take<float>(dim);
	w.code = memory.take<uint8_t>(dim);
	w.bytes = memory.take<uint8_t>(size_t(vx_quads(dim)) * 4);
	for (uint32_t l = 0; train != nullptr && l < train->nlevels; l++) {
		w.centroid[l] = memory.take<double>(dim);
		w.items[l] = memory.take<ItemSummary>(train->levels[l].items);
	}
}

void clear_pages(vx_writer &w) {
	for (ChainPages *chain : {&w.raw, &w.wild, &w.late, &w.leaf}) {
		memset(chain->head, 0, VX_PAGE_SIZE);
		memset(chain->newest, 0, VX_PAGE_SIZE);
	}
	memset(w.code_page, 0, VX_PAGE_SIZE);
	memset(w.page, 0, VX_PAGE_SIZE);
}

void start_meta(vx_writer &w) {
	const uint64_t next_node = w.meta.next_node;
	w.meta = w.ix->meta;
	w.meta.next_node = next_node;
	w.meta.levels = 0;
	w.meta.rows = 0;
	w.meta.root_node = 0;
	w.meta.root = w.meta.mean = w.meta.code_tail = VX_NO_BLOCK;
	w.meta.raw = w.raw.head_block;
	w.meta.raw_node = w.raw.node;
	w.meta.wild = w.wild.head_block;
	w.meta.late = w.late.head_block;
	if (w.train == nullptr)
		return;
	w.meta.mean = w.nblocks;
	w.nblocks += vx_mean_pages(w.meta.dim);
	w.meta.leaves = w.train->levels[0].items;
	w.meta.spread = w.train->spread;
	w.meta.local_dim = w.train->local_dim;
}

vx_step add_listed(vx_writer &w, ChainPages &chain, vx_want *want) {
	uint8_t *page = chain_room(w, chain);
	if (chain.kind == VX_KIND_RAW)
		raw_append(page, w.meta.dim, w.row, w.x);
	else
		list_append(page, w.row);
	w.meta.rows++;
	return chain_added(w, chain, page, want);
}

vx_step finish_chains(vx_writer &w, vx_want *want) {
	ChainPages *const chains[] = {&w.raw, &w.wild, &w.late};
	for (; w.chain < 3; w.chain++) {
		const vx_step step = finish_chain(*chains[w.chain], want);
		if (step != VX_DONE)
			return step;
	}
	return VX_DONE;
}

vx_step finish_code(vx_writer &w, vx_want *want) {
	if (w.code_block == VX_NO_BLOCK)
		return VX_DONE;
	const uint32_t block = w.code_block;
	w.code_block = VX_NO_BLOCK;
	return hand_out(want, block, w.code_page);
}

vx_step advance(vx_writer &w, vx_want *want) {
	if (w.train == nullptr || w.target >= w.train->levels[0].items || w.target < w.leaf_number) {
		want->block = VX_META_BLOCK;
		want->why = "coded rows do not come in the order of their leaves";
		return VX_CORRUPT;
	}
	return close_leaves(w, w.target, want);
}

// Do the task (or the next piece of it) and choose the one that follows.
vx_step perform(vx_writer &w, vx_want *want) {
	vx_step step = VX_DONE;
	WriterTask then = WriterTask::kIdle;
	bool once = true; // a page handed out completes the task
	switch (w.task) {
	case WriterTask::kIdle:
		break;
	case WriterTask::kAdvance:
		step = advance(w, want);
		then = WriterTask::kCode;
		once = false;
		break;
	case WriterTask::kCode:
		step = write_code(w, want);
		then = vx_code_rest(w.meta.dim) > 0 ? WriterTask::kRest : WriterTask::kScan;
		break;
	case WriterTask::kRest:
		step = write_rest(w, want);
		then = WriterTask::kScan;
		break;
	case WriterTask::kScan:
		step = write_scan_entry(w, want);
		break;
	case WriterTask::kRaw:
		step = add_listed(w, w.raw, want);
		break;
	case WriterTask::kWild:
		step = add_listed(w, w.wild, want);
		break;
	case WriterTask::kLate:
		step = add_listed(w, w.late, want);
		break;
	case WriterTask::kFinishLeaves:
		step = close_leaves(w, w.train->levels[0].items, want);
		then = WriterTask::kFinishCode;
		once = false;
		break;
	case WriterTask::kFinishCode:
		step = finish_code(w, want);
		then = WriterTask::kMean;
		break;
	case WriterTask::kMean:
		step = write_mean(w, want);
		then = WriterTask::kInner;
		once = false;
		break;
	case WriterTask::kInner:
		step = write_inner(w, want);
		then = WriterTask::kFinishChains;
		once = false;
		break;
	case WriterTask::kFinishChains:
		step = finish_chains(w, want);
		then = WriterTask::kMeta;
		once = false;
		break;
	case WriterTask::kMeta:
		step = write_meta(w, want);
		break;
	}
	if (step == VX_DONE || (step == VX_WRITE && once))
		w.task = then;
	return step;
}

} // namespace
} // namespace vecidx

using namespace vecidx;

size_t vx_writer_size(const vx_index *ix, const vx_train *train) {
	Carver memory;
	memory.take<vx_writer>(1);
	vx_writer plan;
	carve(memory, plan, *ix, train);
	return memory.bytes();
}

vx_writer *vx_writer_init(void *memory, size_t bytes, const vx_index *ix, const vx_train *train) {
	(void)bytes;
	Carver carver(memory);
	auto *w = new (carver.take<vx_writer>(1)) vx_writer{};
	w->ix = ix;
	w->train = train;
	carve(carver, *w, *ix, train);
	clear_pages(*w);
	for (uint32_t l = 0; train != nullptr && l < train->nlevels; l++)
		std::fill_n(w->items[l], train->levels[l].items, ItemSummary{});
	w->meta = ix->meta;
	w->nblocks = VX_META_BLOCK + 1;
	w->code_block = VX_NO_BLOCK;
	start_chain(*w, w->raw, VX_KIND_RAW, w->meta.next_node++);
	start_chain(*w, w->wild, VX_KIND_LIST, VX_ROOM_WILD);
	start_chain(*w, w->late, VX_KIND_LIST, VX_ROOM_LATE);
	start_meta(*w);
	return w;
}

void vx_writer_coded(vx_writer *w, uint32_t leaf, const vx_code_entry *entry) {
	memcpy(w->entry, entry, vx_code_stride(w->meta.dim));
	w->target = leaf;
	w->task = WriterTask::kAdvance;
}

void vx_writer_raw(vx_writer *w, vx_row row, const float *x) {
	w->row = row;
	memcpy(w->x, x, sizeof(float) * w->meta.dim);
	w->task = WriterTask::kRaw;
}

void vx_writer_wild(vx_writer *w, vx_row row) {
	w->row = row;
	w->task = WriterTask::kWild;
}

void vx_writer_late(vx_writer *w, vx_row row) {
	w->row = row;
	w->task = WriterTask::kLate;
}

void vx_writer_finish(vx_writer *w) {
	w->task = w->train != nullptr ? WriterTask::kFinishLeaves : WriterTask::kFinishChains;
}

vx_step vx_writer_next(vx_writer *w, vx_want *want) {
	while (w->task != WriterTask::kIdle) {
		const vx_step step = perform(*w, want);
		if (step != VX_DONE)
			return step;
	}
	return VX_DONE;
}

uint32_t vx_writer_blocks(const vx_writer *w) {
	return w->nblocks;
}
