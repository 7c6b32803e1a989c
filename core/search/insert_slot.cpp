// Where a row's refine code goes. Rows that lie near each other are refined by the same queries, so their codes should
// share pages: a leaf has a code page of its own, and when that is full it takes over the one of the leaf that is
// second nearest to the row, one that VACUUM or a build left with room, or a new one.
#include "page/rows.hpp"
#include "search/insert.hpp"

namespace vecidx {
namespace {

bool is_last_listed(const void *page) {
	return page_header<vx_rows_header>(page).room == VX_NO_BLOCK;
}

void ask_page(vx_insert &in, uint32_t block, CodePage whose) {
	in.plan.code = block;
	in.plan.asked = whose;
	in.phase = InsertPhase::kCode;
}

void ask_new(vx_insert &in) {
	in.plan.asked = CodePage::kNew;
	in.phase = InsertPhase::kRadius;
}

void ask_tail(vx_insert &in) {
	if (in.plan.code_tail != VX_NO_BLOCK)
		ask_page(in, in.plan.code_tail, CodePage::kTail);
	else
		ask_new(in);
}

void ask_listed(vx_insert &in) {
	if (in.plan.room != VX_NO_BLOCK)
		ask_page(in, in.plan.room, CodePage::kListed);
	else
		ask_tail(in);
}

void ask_near(vx_insert &in) {
	if (in.near_block != VX_NO_BLOCK)
		in.phase = InsertPhase::kNear;
	else
		ask_listed(in);
}

// The page asked last has no room.
void ask_next(vx_insert &in) {
	if (in.plan.asked == CodePage::kOwn)
		ask_near(in);
	else if (in.plan.asked == CodePage::kNear)
		ask_listed(in);
	else
		ask_new(in);
}

} // namespace

void choose_code_page(vx_insert &in) {
	if (!needs_slot(in)) {
		if (in.plan.own != VX_META_BLOCK)
			ask_page(in, in.plan.own, CodePage::kOwn);
		else
			ask_near(in);
	} else if (in.plan.room != VX_NO_BLOCK) {
		ask_page(in, in.plan.room, CodePage::kListed);
	} else {
		in.phase = InsertPhase::kMake;
	}
}

void read_near(vx_insert &in, const void *page) {
	in.fault = leaf_fault(page, in.ix->meta.dim, in.ix->meta.scan_bits, in.near_node);
	if (in.fault != nullptr)
		return;
	const uint32_t codes = page_special(page).codes;
	if (codes != VX_META_BLOCK && codes != in.plan.own)
		ask_page(in, codes, CodePage::kNear);
	else
		ask_listed(in);
}

void read_code(vx_insert &in, const void *page) {
	const uint32_t dim = dim_of(*in.ix);
	in.fault = chain_fault(page, VX_KIND_CODE, dim, 0);
	if (in.fault != nullptr)
		return;
	in.phase = needs_slot(in) ? InsertPhase::kRest : InsertPhase::kRadius;
	in.plan.rest = page_header<vx_chain_header>(page).next;
	if (in.plan.asked != CodePage::kListed) {
		if (code_slot(page, dim) == kNoSlot)
			ask_next(in);
	} else if (!has_listed_room(in, page)) {
		in.phase = needs_slot(in) && is_last_listed(page) ? InsertPhase::kMake : InsertPhase::kPop;
	}
}

// Nothing on it is of use: but it is locked with others, so it must be what it is thought to be.
void read_rest(vx_insert &in, const void *page) {
	in.fault = rest_fault(page, dim_of(*in.ix), in.plan.code);
	in.phase = InsertPhase::kRadius;
}

bool adopts(const vx_insert &in) {
	return in.home == Home::kTree && !needs_slot(in) && in.plan.asked != CodePage::kOwn;
}

} // namespace vecidx
