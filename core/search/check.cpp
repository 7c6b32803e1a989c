// The check machine: phases and reports. See check.hpp for their order.
#include "search/check.hpp"

#include <new>

namespace vecidx {
namespace {

size_t aligned8(size_t bytes) {
	return (bytes + 7) / 8 * 8;
}

size_t frame_bytes(uint32_t dim) {
	return sizeof(double) * dim + VX_PAGE_SIZE + inner_block_bytes(dim);
}

void lay_out(vx_check &c) {
	const uint32_t dim = c.ix->meta.dim;
	auto *next = reinterpret_cast<uint8_t *>(&c + 1);
	const auto take = [&next](size_t bytes) {
		uint8_t *piece = next;
		next += aligned8(bytes);
		return piece;
	};
	for (uint32_t level = 1; level <= kMaxLevels; level++) {
		c.frames[level].centroid = reinterpret_cast<double *>(take(sizeof(double) * dim));
		c.frames[level].page = take(VX_PAGE_SIZE);
		c.frames[level].buffer = take(inner_block_bytes(dim));
	}
	c.leaf = take(VX_PAGE_SIZE);
	c.origin = reinterpret_cast<double *>(take(sizeof(double) * dim));
	c.code = take(dim);
	c.long_code.entry = reinterpret_cast<vx_code_entry *>(take(vx_code_stride(dim)));
	c.absolute = reinterpret_cast<vx_code_entry *>(take(vx_code_stride(dim)));
	c.refs = reinterpret_cast<CheckRef *>(take(sizeof(CheckRef) * vx_leaf_capacity(dim, c.ix->meta.scan_bits)));
	c.number = reinterpret_cast<uint32_t *>(take(sizeof(uint32_t) * c.nblocks));
	c.state = take(c.nblocks);
	memset(c.state, 0, c.nblocks);
}

void read_meta(vx_check &c, const void *page) {
	const char *fault = vx_meta_fault(page);
	if (fault != nullptr) {
		report(c, VX_META_BLOCK, fault);
		c.phase = CheckPhase::kDone;
		return;
	}
	const vx_meta &known = c.ix->meta;
	c.meta = *vx_page_meta(page);
	c.stale = c.meta.epoch != known.epoch;
	if (c.meta.dim != known.dim || c.meta.scan_bits != known.scan_bits || c.meta.metric != known.metric) {
		report(c, VX_META_BLOCK, "the meta page changed without a new epoch");
		c.phase = CheckPhase::kDone;
		return;
	}
	c.state[VX_META_BLOCK] = VX_KIND_META | kReached;
	c.at = 1;
	c.phase = CheckPhase::kSweep;
}

vx_step step_memory(vx_check &c, vx_want &want) {
	if (c.phase == CheckPhase::kMemory) {
		want.bytes = check_memory_wanted(c);
		return VX_MEMORY;
	}
	if (clear_slice(c))
		return VX_YIELD;
	c.phase = c.meta.levels > 0 ? CheckPhase::kMean : CheckPhase::kChain;
	c.next = c.meta.mean;
	c.from = VX_META_BLOCK;
	return VX_DONE;
}

vx_step step_mean(vx_check &c, vx_want &want) {
	if (c.mean_part < vx_mean_pages(c.meta.dim) + c.meta.nanchors && reach(c, c.from, c.next))
		return ask_page(c, want, c.next);
	start_tree(c);
	return VX_DONE;
}

void mean_page(vx_check &c, const void *page) {
	const uint32_t means = vx_mean_pages(c.meta.dim), part = c.mean_part;
	const bool anchor = part >= means;
	const char *fault =
		anchor ? anchor_fault(page, c.meta.dim, c.meta.nanchors - (part - means)) : mean_fault(page, c.meta.dim);
	if (fault == nullptr && !anchor && page_header<vx_mean_header>(page).part != part)
		fault = "pages of the mean do not continue each other";
	if (fault != nullptr) {
		report(c, c.visiting, fault);
		start_tree(c);
		return;
	}
	c.mean_part++;
	const bool last = part + 1 == means;
	c.from = last ? VX_META_BLOCK : c.visiting;
	c.next = last ? c.meta.anchors : page_header<vx_mean_header>(page).next;
}

vx_step step_sweep(vx_check &c, vx_want &want) {
	if (c.at < c.nblocks)
		return ask_page(c, want, c.at);
	c.phase = CheckPhase::kMemory;
	return VX_DONE;
}

// VX_DONE: look at the phase, and at what was found, again.
vx_step step_phase(vx_check &c, vx_want &want) {
	switch (c.phase) {
	case CheckPhase::kMeta:
		return ask_page(c, want, VX_META_BLOCK);
	case CheckPhase::kSweep:
		return step_sweep(c, want);
	case CheckPhase::kMemory:
	case CheckPhase::kClear:
		return step_memory(c, want);
	case CheckPhase::kMean:
		return step_mean(c, want);
	case CheckPhase::kTree:
		return step_tree(c, want);
	case CheckPhase::kLeaf:
		return step_leaf(c, want);
	case CheckPhase::kCodes:
		return step_codes(c, want);
	case CheckPhase::kChain:
		return step_chains(c, want);
	case CheckPhase::kRoom:
		return step_lists(c, want);
	case CheckPhase::kSlots:
		return step_slots(c, want);
	case CheckPhase::kPages:
		return step_pages(c, want);
	case CheckPhase::kDone:
		break;
	}
	return VX_DONE;
}

} // namespace

void report(vx_check &c, uint32_t block, const char *why) {
	for (uint32_t i = 0; i < c.nfaults; i++)
		if (c.faults[i].block == block && c.faults[i].why == why)
			return;
	if (c.nfaults < vx_check::kMostFaults)
		c.faults[c.nfaults++] = {block, why};
}

bool reach(vx_check &c, uint32_t from, uint32_t block) {
	const char *fault = nullptr;
	if (block >= c.nblocks)
		fault = "a pointer leads beyond the end of the index";
	else if ((c.state[block] & kDamaged) != 0)
		fault = nullptr; // known already
	else if ((c.state[block] & kReached) != 0)
		fault = "two pointers lead to the same page";
	else if ((c.state[block] & kKindMask) == 0)
		fault = "a pointer leads to a page that was never written";
	else {
		c.state[block] |= kReached;
		return true;
	}
	if (fault != nullptr)
		report(c, from, fault);
	c.cut = true;
	return false;
}

} // namespace vecidx

using namespace vecidx;

size_t vx_check_size(const vx_index *ix, uint32_t nblocks) {
	const uint32_t dim = ix->meta.dim;
	const size_t frames = kMaxLevels * aligned8(frame_bytes(dim));
	const size_t refs = sizeof(CheckRef) * vx_leaf_capacity(dim, ix->meta.scan_bits);
	return sizeof(vx_check) + frames + VX_PAGE_SIZE + sizeof(double) * dim + aligned8(dim) +
		   2 * aligned8(vx_code_stride(dim)) + aligned8(refs) + aligned8(sizeof(uint32_t) * nblocks) +
		   aligned8(nblocks);
}

vx_check *vx_check_init(void *memory, size_t, const vx_index *ix, uint32_t nblocks) {
	auto *c = new (memory) vx_check{};
	c->ix = ix;
	c->nblocks = nblocks;
	c->phase = nblocks > 0 ? CheckPhase::kMeta : CheckPhase::kDone;
	lay_out(*c);
	return c;
}

vx_step vx_check_next(vx_check *c, vx_want *want) {
	for (;;) {
		if (c->stale)
			return VX_STALE;
		if (c->fault_at < c->nfaults) {
			want->block = c->faults[c->fault_at].block;
			want->why = c->faults[c->fault_at++].why;
			return VX_CORRUPT;
		}
		c->fault_at = c->nfaults = 0;
		if (c->row_at < c->nrows) {
			want->row = c->rows[c->row_at++];
			return VX_ROW;
		}
		c->row_at = c->nrows = 0;
		const vx_step step = step_phase(*c, *want);
		if (step != VX_DONE || (c->phase == CheckPhase::kDone && c->nfaults == 0 && c->nrows == 0))
			return step;
	}
}

void vx_check_page(vx_check *c, const void *page) {
	switch (c->phase) {
	case CheckPhase::kMeta:
		read_meta(*c, page);
		break;
	case CheckPhase::kSweep:
		sweep_page(*c, page);
		break;
	case CheckPhase::kMean:
		mean_page(*c, page);
		break;
	case CheckPhase::kTree:
		tree_page(*c, page);
		break;
	case CheckPhase::kLeaf:
		leaf_page(*c, page);
		break;
	case CheckPhase::kCodes:
		codes_page(*c, page);
		break;
	case CheckPhase::kChain:
		chain_page(*c, page);
		break;
	case CheckPhase::kRoom:
		listed_page(*c, page);
		break;
	case CheckPhase::kSlots:
		slots_page(*c, page);
		break;
	case CheckPhase::kPages:
		unreached_page(*c, page);
		break;
	default:
		break;
	}
}

void vx_check_grow(vx_check *c, void *memory, size_t) {
	if (c->phase == CheckPhase::kMemory)
		check_take_memory(*c, memory);
}
