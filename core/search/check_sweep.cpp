// What a check learns without following pointers: each page by itself at the beginning, and at the end the slots and
// pages that nothing led to.
#include <algorithm>

#include "page/rows.hpp"
#include "search/check.hpp"

namespace vecidx {
namespace {

constexpr uint64_t kClearWords = 1u << 20; // 8 MB a step
constexpr uint32_t kBlocksAStep = 1u << 16;

bool holds_rows(uint32_t kind) {
	return kind == VX_KIND_CODE || kind == VX_KIND_RAW || kind == VX_KIND_LIST;
}

void sweep_rows(vx_check &c, const void *page, uint32_t kind) {
	const auto &header = page_header<vx_rows_header>(page);
	uint32_t dead = 0, free = 0;
	for (uint32_t slot = 0; slot < header.chain.count; slot++) {
		dead += (row_at(page, slot).flags & VX_ROW_DEAD) != 0;
		free += (row_at(page, slot).flags & VX_ROW_FREE) != 0;
	}
	if (dead != header.dead || free != header.free)
		report(c, c.visiting, "a page's count of dead entries is wrong");
	if (header.room != VX_META_BLOCK)
		c.state[c.visiting] |= kHasRoom;
	else if (free > 0)
		report(c, c.visiting, "a page with free slots is on no list");
	c.live_rows += header.chain.count - dead;
	if (kind == VX_KIND_CODE) {
		c.live_slots += header.chain.count - dead;
		c.number[c.visiting] = c.code_pages++;
	}
}

} // namespace

void sweep_page(vx_check &c, const void *page) {
	uint8_t &state = c.state[c.at++];
	state = 0;
	if (page_is_new(page))
		return;
	const uint32_t kind = page_special(page).kind;
	const char *fault = vx_page_fault(page, &c.meta);
	if (fault == nullptr && kind == VX_KIND_META)
		fault = "a second meta page";
	if (fault != nullptr) {
		report(c, c.visiting, fault);
		state = kDamaged;
		return;
	}
	state = static_cast<uint8_t>(kind);
	const uint64_t node = page_special(page).node;
	if (kind == VX_KIND_CODE && node != 0 && node != c.meta.trained)
		state = 0;                                              // left by a training that was cut short
	else if (holds_rows(kind) && vx_page_counts(page, &c.meta)) // not the run that a training replaced
		sweep_rows(c, page, kind);
	else if (kind == VX_KIND_LEAF || kind == VX_KIND_INNER)
		c.node_pages++;
	else if (kind == VX_KIND_REST)
		c.number[c.visiting] = page_header<vx_chain_header>(page).next;
}

size_t check_memory_wanted(const vx_check &c) {
	const uint64_t slot_words = (uint64_t(c.code_pages) * vx_codes_per_page(c.meta.dim) + 63) / 64;
	return (slot_words + c.live_rows + c.live_rows / 3 + 16 + c.node_pages) * sizeof(uint64_t);
}

void check_take_memory(vx_check &c, void *memory) {
	c.slot_words = (uint64_t(c.code_pages) * vx_codes_per_page(c.meta.dim) + 63) / 64;
	c.seen_size = c.live_rows + c.live_rows / 3 + 16;
	c.slots = static_cast<uint64_t *>(memory);
	c.seen = c.slots + c.slot_words;
	c.nodes = c.seen + c.seen_size;
	c.cleared = 0;
	c.phase = CheckPhase::kClear;
}

bool clear_slice(vx_check &c) {
	const uint64_t left = c.slot_words + c.seen_size - c.cleared, n = std::min(left, kClearWords);
	memset(c.slots + c.cleared, 0, n * sizeof(uint64_t));
	c.cleared += n;
	return n > 0;
}

namespace {

// Code pages that are still to be looked at: all of them when live slots were not met, and those that no scan entry led
// to when they lead to others.
bool is_due(const vx_check &c, uint8_t state) {
	if ((state & (kKindMask | kDamaged)) != VX_KIND_CODE)
		return false;
	return c.slots_met != c.live_slots || (vx_code_rest(c.meta.dim) > 0 && (state & kReached) == 0);
}

} // namespace

// Every live slot has one scan entry; a second one was found when it was met.
vx_step step_slots(vx_check &c, vx_want &want) {
	const bool any = c.slots_met != c.live_slots || vx_code_rest(c.meta.dim) > 0;
	for (; any && !c.cut && c.at < c.nblocks; c.at++)
		if (is_due(c, c.state[c.at]))
			return ask_page(c, want, c.at);
	c.at = 1;
	c.phase = CheckPhase::kPages;
	return VX_DONE;
}

void slots_page(vx_check &c, const void *page) {
	c.at++;
	if (chain_fault(page, VX_KIND_CODE, c.meta.dim, 0) != nullptr)
		return;
	if ((c.state[c.visiting] & kReached) == 0)
		reach_rest(c, page);
	const uint32_t count = page_header<vx_chain_header>(page).count;
	for (uint32_t slot = 0; slot < count; slot++) {
		const uint64_t bit = uint64_t(c.number[c.visiting]) * vx_codes_per_page(c.meta.dim) + slot;
		const bool met = (c.slots[bit / 64] >> (bit % 64) & 1) != 0;
		if (!met && (row_at(page, slot).flags & VX_ROW_DEAD) == 0)
			report(c, c.visiting, "no scan entry refers to a live code slot");
	}
}

vx_step step_pages(vx_check &c, vx_want &want) {
	const uint32_t end = std::min<uint64_t>(c.nblocks, uint64_t(c.at) + kBlocksAStep);
	for (; !c.cut && c.at < end && c.nfaults < vx_check::kMostFaults; c.at++) {
		const uint8_t state = c.state[c.at];
		if ((state & (kHasRoom | kListed)) == kHasRoom)
			report(c, c.at, "a page is on a list that does not lead to it");
		if ((state & (kReached | kDamaged)) != 0)
			continue;
		const uint32_t kind = state & kKindMask;
		if (kind == VX_KIND_LEAF || kind == VX_KIND_INNER)
			return ask_page(c, want, c.at);
		if (kind == VX_KIND_LIST || kind == VX_KIND_REST)
			report(c, c.at, "no pointer leads to a page that is in use");
		if (kind == VX_KIND_RAW)
			return ask_page(c, want, c.at);
	}
	if (!c.cut && c.at < c.nblocks)
		return c.nfaults > 0 ? VX_DONE : VX_YIELD;
	c.phase = CheckPhase::kDone;
	return VX_DONE;
}

// Retired, or never published: unless its node lives. An inner node that was to grow may have left a page when that was
// cut short; one that got lost shows by the slots that nothing leads to any more.
void unreached_page(vx_check &c, const void *page) {
	const uint64_t node = page_special(page).node;
	const uint32_t kind = page_special(page).kind;
	const bool known =
		kind == VX_KIND_RAW ? node == c.meta.raw_node : std::binary_search(c.nodes, c.nodes + c.nnodes, node);
	if (known && kind != VX_KIND_INNER)
		report(c, c.at, "no pointer leads to a page that is in use");
	c.at++;
}

} // namespace vecidx
