// The walk over lists of pages with room, which inserts fill first.
#include "search/check.hpp"

namespace vecidx {
namespace {

vx_page_kind kind_of(uint32_t list) {
	return list == VX_ROOM_CODE ? VX_KIND_CODE : list == VX_ROOM_RAW ? VX_KIND_RAW : VX_KIND_LIST;
}

} // namespace

void start_lists(vx_check &c) {
	c.list = 0;
	c.next = VX_NO_BLOCK;
	c.phase = CheckPhase::kRoom;
}

vx_step step_lists(vx_check &c, vx_want &want) {
	while (c.next == VX_NO_BLOCK && c.list < kRoomLists) {
		c.from = VX_META_BLOCK;
		c.next = c.meta.room[c.list++];
	}
	if (c.next == VX_NO_BLOCK) {
		c.at = 1;
		c.phase = CheckPhase::kSlots;
		return VX_DONE;
	}
	const uint32_t page = c.next;
	c.next = VX_NO_BLOCK;
	if (page >= c.nblocks)
		report(c, c.from, "a pointer leads beyond the end of the index");
	else if ((c.state[page] & kDamaged) != 0)
		return VX_DONE;
	else if ((c.state[page] & kListed) != 0)
		report(c, c.from, "two pointers lead to the same page");
	else
		return ask_page(c, want, page);
	return VX_DONE;
}

void listed_page(vx_check &c, const void *page) {
	const vx_page_kind kind = kind_of(c.list - 1);
	const bool reached = (c.state[c.visiting] & kReached) != 0;
	c.state[c.visiting] |= kListed;
	const auto &header = page_header<vx_rows_header>(page);
	if (!vx_page_is(page, kind) || header.room == VX_META_BLOCK) {
		report(c, c.from, "a pointer leads to a page that is on no list");
		return;
	}
	if (kind == VX_KIND_LIST && page_special(page).node != c.list - 1)
		report(c, c.visiting, "a page is on the list of another kind of rows");
	if (kind != VX_KIND_CODE && !reached && !c.cut) // rows put there would be lost
		report(c, c.visiting, "a page with room belongs to no chain");
	c.from = c.visiting;
	c.next = header.room;
}

} // namespace vecidx
