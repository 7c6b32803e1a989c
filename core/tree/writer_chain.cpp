// Chains of pages as they grow in a build: the same shape as inserts leave behind, so that only the head and the page
// behind it may have room.
#include "tree/writer.hpp"

namespace vecidx {
namespace {

bool has_room(const vx_writer &w, const ChainPages &chain, const uint8_t *page) {
	return page_header<vx_chain_header>(page).count < chain_capacity(chain.kind, w.meta.dim, w.meta.scan_bits);
}

} // namespace

vx_step hand_out(vx_want *want, uint32_t block, const uint8_t *image) {
	want->npages = 1;
	want->pages[0] = block;
	want->image = image;
	return VX_WRITE;
}

void start_chain(vx_writer &w, ChainPages &chain, vx_page_kind kind, uint64_t node) {
	chain.kind = kind;
	chain.node = node;
	chain.head_block = take_block(w);
	chain.newest_block = VX_NO_BLOCK;
	chain.newest_written = false;
	page_init(chain.head, kind, node, 0, w.meta.dim, w.meta.scan_bits);
}

uint8_t *chain_room(vx_writer &w, ChainPages &chain) {
	if (has_room(w, chain, chain.head))
		return chain.head;
	if (chain.newest_block != VX_NO_BLOCK && !chain.newest_written)
		return chain.newest;
	chain.newest_block = take_block(w);
	chain.newest_written = false;
	page_init(chain.newest, chain.kind, chain.node, 0, w.meta.dim, w.meta.scan_bits);
	auto &head = page_header<vx_chain_header>(chain.head);
	page_header<vx_chain_header>(chain.newest).next = head.next;
	head.next = chain.newest_block;
	if (head.behind < UINT16_MAX)
		head.behind++;
	return chain.newest;
}

vx_step chain_added(const vx_writer &w, ChainPages &chain, const uint8_t *page, vx_want *want) {
	if (page == chain.head || has_room(w, chain, page))
		return VX_DONE;
	chain.newest_written = true;
	return hand_out(want, chain.newest_block, chain.newest);
}

vx_step finish_chain(ChainPages &chain, vx_want *want) {
	if (chain.newest_block != VX_NO_BLOCK && !chain.newest_written) {
		chain.newest_written = true;
		return hand_out(want, chain.newest_block, chain.newest);
	}
	if (chain.head_block == VX_NO_BLOCK)
		return VX_DONE;
	const uint32_t block = chain.head_block;
	chain.head_block = VX_NO_BLOCK;
	return hand_out(want, block, chain.head);
}

} // namespace vecidx
