// Applying a planned record to the copies of its pages: validate everything again, then change. Between the plan and
// the locks another insert may have filled a page, linked a new one or moved the code tail.
#include <cmath>

#include "page/leaf.hpp"
#include "page/rows.hpp"
#include "search/insert.hpp"

namespace vecidx {
namespace {

// The pages of a record by their part in it, in the order of want_record; nullptr where there is none.
struct Record {
	void *code, *rest, *head, *target;
	uint32_t code_block, target_block;
	bool new_target;
};

Record take_apart(const vx_insert &in, void *const pages[], const uint32_t blocks[]) {
	const InsertPlan &plan = in.plan;
	Record r{};
	uint32_t n = 0;
	if (in.home == Home::kTree && !has_new_code_page(in)) {
		r.code = pages[n];
		r.code_block = blocks[n++];
	}
	if (needs_slot(in))
		r.rest = pages[n++];
	r.new_target = plan.target == VX_NO_BLOCK;
	if (r.new_target || (adopts(in) && plan.target != plan.head))
		r.head = pages[n++];
	r.target = pages[n];
	r.target_block = blocks[n++];
	if (plan.target == plan.head)
		r.head = r.target;
	if (has_new_code_page(in)) {
		r.code = pages[n];
		r.code_block = blocks[n++];
	}
	return r;
}

vx_step corrupt(vx_want *want, uint32_t block, const char *why) {
	want->block = block;
	want->why = why;
	return VX_CORRUPT;
}

// Another insert was quicker: look again.
vx_step replan(vx_insert &in) {
	in.phase = InsertPhase::kMeta;
	return VX_YIELD;
}

vx_step check_code(vx_insert &in, const Record &r, vx_want *want) {
	const uint32_t dim = dim_of(*in.ix);
	const char *fault = chain_fault(r.code, VX_KIND_CODE, dim, 0);
	if (fault != nullptr)
		return corrupt(want, r.code_block, fault);
	if (r.rest != nullptr)
		fault = rest_fault(r.rest, dim, r.code_block);
	if (fault != nullptr)
		return corrupt(want, in.plan.rest, fault);
	const bool room =
		in.plan.asked == CodePage::kListed ? has_listed_room(in, r.code) : code_slot(r.code, dim) != kNoSlot;
	return room ? VX_DONE : replan(in);
}

vx_step check_chain(vx_insert &in, const Record &r, vx_want *want) {
	const void *page = r.new_target ? r.head : r.target;
	const char *fault = target_fault(in, page);
	if (fault != nullptr)
		return corrupt(want, r.new_target ? in.plan.head : r.target_block, fault);
	const auto &chain = page_header<vx_chain_header>(page);
	const bool full = !has_room(in, page);
	if (r.new_target)
		return full && chain.next == in.plan.after ? VX_DONE : replan(in);
	return full ? replan(in) : VX_DONE;
}

// The leaf gets another code page, unless another insert gave it one.
vx_step check_adoption(vx_insert &in, const Record &r, vx_want *want) {
	const char *fault = target_fault(in, r.head);
	if (fault != nullptr)
		return corrupt(want, in.plan.head, fault);
	return page_special(r.head).codes == in.plan.own ? VX_DONE : replan(in);
}

vx_step check_record(vx_insert &in, const Record &r, vx_want *want) {
	if (r.code != nullptr && !has_new_code_page(in)) {
		const vx_step step = check_code(in, r, want);
		if (step != VX_DONE)
			return step;
	}
	if (adopts(in)) {
		const vx_step step = check_adoption(in, r, want);
		if (step != VX_DONE)
			return step;
	}
	return check_chain(in, r, want);
}

// ---- changing the copies; should anything fail, the caller drops them

void start_target(const vx_insert &in, const Record &r) {
	const uint64_t node = page_special(r.head).node;
	page_init(r.target, chain_kind(in.home), node, 0, in.ix->meta.dim, in.ix->meta.scan_bits);
	page_header<vx_chain_header>(r.target).next = in.plan.after;
	auto &head = page_header<vx_chain_header>(r.head);
	head.next = r.target_block;
	if (head.behind < UINT16_MAX)
		head.behind++;
}

// What entries of a new page will be like. The leaf's own spread says best; a leaf of equal rows has none.
float likely_residual_squared(const vx_insert &in) {
	constexpr float kLargest = 1e35F; // beyond what coded rows can have
	const auto all = static_cast<float>(in.ix->meta.spread);
	const float likely = in.leaf_spread > 0                ? in.leaf_spread * in.leaf_spread
						 : in.factors.residual_squared > 0 ? in.factors.residual_squared
														   : all * all;
	return std::fmin(likely, kLargest);
}

bool add_scan_entry(const vx_insert &in, void *leaf, uint32_t ref) {
	const vx_meta &meta = in.ix->meta;
	if (page_header<vx_chain_header>(leaf).count == 0)
		leaf_set_unit(leaf, choose_unit(likely_residual_squared(in), meta.spread, in.centroid, meta.dim));
	leaf_forget(leaf, in.oldest);
	return leaf_add(leaf, meta.dim, meta.scan_bits, in.scan, in.factors, ref);
}

bool add_row(const vx_insert &in, const Record &r, uint32_t ref) {
	switch (in.home) {
	case Home::kTree:
		if (r.rest != nullptr)
			long_code_put_rest(r.rest, in.ix->meta.dim, *in.stored);
		return code_put(r.code, in.ix->meta.dim, *in.stored) && add_scan_entry(in, r.target, ref);
	case Home::kRaw:
		return raw_append(r.target, in.ix->meta.dim, in.row, in.x);
	default:
		return list_append(r.target, in.row);
	}
}

vx_step apply_record(vx_insert &in, const Record &r, vx_want *want) {
	const vx_step step = check_record(in, r, want);
	if (step != VX_DONE)
		return step;
	const uint32_t dim = dim_of(*in.ix);
	uint64_t ref = 0;
	if (in.home == Home::kTree) {
		const uint32_t slot = has_new_code_page(in) ? 0 : code_slot(r.code, dim);
		ref = uint64_t(r.code_block) * vx_codes_per_page(dim) + slot;
	}
	if (ref > UINT32_MAX) {
		want->why = "the index has as many pages as its references can reach";
		return VX_FULL;
	}
	if (has_new_code_page(in))
		page_init(r.code, VX_KIND_CODE, 0, 0, dim, in.ix->meta.scan_bits);
	if (adopts(in))
		page_special(r.head).codes = r.code_block;
	if (r.new_target)
		start_target(in, r);
	if (!add_row(in, r, static_cast<uint32_t>(ref)))
		return corrupt(want, r.target_block, "a page takes no entry although it has room");
	in.phase = InsertPhase::kDone;
	return VX_DONE;
}

vx_step apply_radius(vx_insert &in, void *page, vx_want *want) {
	const PathStep &step = in.found[0].path[in.radius_level];
	const char *fault = inner_fault(page, dim_of(*in.ix), step.node, in.radius_level);
	if (fault == nullptr &&
		step.place.row >= page_header<vx_inner_header>(page).blocks * vx_inner_block_rows(in.ix->meta.dim))
		fault = "an inner node lost children";
	if (fault != nullptr)
		return corrupt(want, step.place.page, fault);
	in.radius_level--;
	if (get_float(page, step.place.row, VX_CHILD_RADIUS, step.lane) >= step.needed) // another insert enlarged it
		return VX_YIELD;
	put_float(page, step.place.row, VX_CHILD_RADIUS, step.lane, step.needed);
	return VX_DONE;
}

// Take a page without room off its list.
vx_step apply_pop(vx_insert &in, void *meta_page, void *page, vx_want *want) {
	const char *fault = vx_meta_fault(meta_page);
	if (fault != nullptr)
		return corrupt(want, VX_META_BLOCK, fault);
	const vx_meta &known = in.ix->meta;
	fault = chain_fault(page, in.home == Home::kTree ? VX_KIND_CODE : chain_kind(in.home), known.dim, known.scan_bits);
	if (fault != nullptr)
		return corrupt(want, in.plan.room, fault);
	auto &meta = page_header<vx_meta>(meta_page);
	auto &header = page_header<vx_rows_header>(page);
	uint32_t &first = meta.room[room_of(in.home)];
	replan(in);
	if (first != in.plan.room || has_listed_room(in, page))
		return VX_YIELD;
	if (header.room == VX_META_BLOCK)
		return corrupt(want, in.plan.room, "a page on a list of pages with room is not marked as such");
	first = header.room;
	header.room = VX_META_BLOCK;
	return VX_DONE;
}

// A free slot on two new pages, alone on its list: the page without room that was there before goes. The code is there
// already, so that the record which fills the slot finds little to change.
vx_step apply_slot(vx_insert &in, void *const pages[], const uint32_t blocks[], vx_want *want) {
	const bool listed = in.plan.room != VX_NO_BLOCK;
	const uint32_t dim = dim_of(*in.ix), slot = listed ? 2 : 1, rest = slot + 1;
	const char *fault = vx_meta_fault(pages[0]);
	if (fault != nullptr)
		return corrupt(want, VX_META_BLOCK, fault);
	if (listed) {
		const vx_step step = apply_pop(in, pages[0], pages[1], want);
		if (step != VX_DONE)
			return step;
	}
	uint32_t &first = page_header<vx_meta>(pages[0]).room[VX_ROOM_CODE];
	if (first != VX_NO_BLOCK)
		return replan(in);
	long_code_init(pages[slot], blocks[slot], pages[rest], blocks[rest], dim);
	vx_code_entry &entry = code_entry(pages[slot], dim, 0);
	const vx_row row = entry.row;
	memcpy(&entry, in.stored, vx_code_here(dim));
	entry.row = row;
	long_code_put_rest(pages[rest], dim, *in.stored);
	page_header<vx_rows_header>(pages[slot]).room = VX_NO_BLOCK;
	first = blocks[slot];
	in.phase = InsertPhase::kMeta;
	return VX_DONE;
}

} // namespace
} // namespace vecidx

using namespace vecidx;

vx_step vx_insert_apply(vx_insert *in, void *const pages[], const uint32_t blocks[], vx_want *want) {
	want->nfreed = 0;
	if (in->phase == InsertPhase::kRadius)
		return apply_radius(*in, pages[0], want);
	if (in->phase == InsertPhase::kPop)
		return apply_pop(*in, pages[0], pages[1], want);
	if (in->phase == InsertPhase::kMake)
		return apply_slot(*in, pages, blocks, want);
	return apply_record(*in, take_apart(*in, pages, blocks), want);
}
