// The insert machine: what to read, and the plan of what to write. See insert.hpp for its phases.
#include "search/insert.hpp"

#include <new>

#include "page/leaf.hpp"
#include "page/rows.hpp"
#include "tree/plan.hpp"

namespace vecidx {
namespace {

// Training is tried again after so many rows, if it could not be done at once.
constexpr uint32_t kTrainTries = 16;

Home home_of(const vx_index *ix, const float *x) {
	if (x == nullptr)
		return Home::kLate;
	switch (vx_classify(ix, x)) {
	case VX_CLASS_CODED:
		return ix->meta.levels > 0 ? Home::kTree : Home::kRaw;
	case VX_CLASS_WILD:
		return Home::kWild;
	default:
		return Home::kLate;
	}
}

size_t aligned8(size_t bytes) {
	return (bytes + 7) / 8 * 8;
}

// Pieces of memory behind the struct, in this order: entry (twice where there are anchors), scan code, two centroids,
// block buffer. A raw row needs only its vector, in the place of all that.
size_t pieces_size(const vx_index &ix) {
	const uint32_t dim = ix.meta.dim, entries = ix.meta.nanchors > 0 ? 2 : 1;
	return entries * aligned8(vx_code_stride(dim)) + aligned8(dim) + 2 * sizeof(double) * dim + inner_block_bytes(dim);
}

void lay_out(vx_insert &in) {
	const uint32_t dim = dim_of(*in.ix);
	auto *next = reinterpret_cast<uint8_t *>(&in + 1);
	in.x = reinterpret_cast<float *>(next);
	in.entry = reinterpret_cast<vx_code_entry *>(next);
	next += aligned8(vx_code_stride(dim));
	in.stored = in.entry;
	if (in.ix->meta.nanchors > 0) {
		in.stored = reinterpret_cast<vx_code_entry *>(next);
		next += aligned8(vx_code_stride(dim));
	}
	in.scan = next;
	next += aligned8(dim);
	in.centroid = reinterpret_cast<double *>(next);
	in.candidate = in.centroid + dim;
	in.block = reinterpret_cast<uint8_t *>(in.candidate + dim);
}

void encode(vx_insert &in, const float *x) {
	in.stored->row = in.row;
	encode_near(*in.ix, x, *in.stored);
	if (in.stored != in.entry) {
		memcpy(in.entry, in.stored, vx_code_stride(dim_of(*in.ix)));
		make_absolute(*in.ix, *in.entry);
	}
	in.extra = extra_coordinate(*in.ix, *in.entry);
	for (uint32_t i = 0; i < dim_of(*in.ix); i++)
		in.code_sum += in.entry->code[i];
}

uint32_t capacity(const vx_insert &in) {
	return chain_capacity(chain_kind(in.home), in.ix->meta.dim, in.ix->meta.scan_bits);
}

} // namespace

bool has_room(const vx_insert &in, const void *page) {
	if (in.home == Home::kTree)
		return leaf_takes(page, in.ix->meta.dim, in.ix->meta.scan_bits, in.oldest);
	return page_header<vx_chain_header>(page).count < capacity(in);
}

namespace {

uint32_t entries_on(const vx_insert &in, const void *page) {
	if (in.home == Home::kTree)
		return leaf_living(page, in.ix->meta.dim, in.ix->meta.scan_bits);
	return page_header<vx_chain_header>(page).count;
}

vx_step ask(vx_insert &in, vx_want &want, uint32_t block) {
	in.visiting = block;
	want.block = block;
	want.nahead = 0;
	return VX_PAGE;
}

void read_meta(vx_insert &in, const void *page) {
	in.fault = vx_meta_fault(page);
	if (in.fault != nullptr)
		return;
	const vx_meta &meta = *vx_page_meta(page);
	const vx_meta &known = in.ix->meta;
	in.stale = meta.epoch != known.epoch;
	if (!in.stale &&
		(meta.dim != known.dim || meta.scan_bits != known.scan_bits || (meta.levels > 0) != (known.levels > 0)))
		in.fault = "the meta page changed without a new epoch";
	if (in.stale || in.fault != nullptr)
		return;
	in.plan = {};
	in.meta = meta;
	in.plan.room = meta.room[room_of(in.home)];
	in.plan.code_tail = meta.code_tail;
	in.plan.after = in.plan.target = VX_NO_BLOCK;
	in.raw_node = meta.raw_node;
	if (in.home == Home::kTree && !in.routed) {
		start_route(in, meta);
		return;
	}
	in.plan.head = in.home == Home::kTree   ? in.found[0].block
				   : in.home == Home::kRaw  ? meta.raw
				   : in.home == Home::kWild ? meta.wild
											: meta.late;
	in.phase = in.home != Home::kTree && in.plan.room != VX_NO_BLOCK ? InsertPhase::kRoom : InsertPhase::kHead;
}

// The chain's place is settled; a coded row also needs a slot.
void after_chain(vx_insert &in) {
	if (in.home != Home::kTree) {
		in.phase = InsertPhase::kWrite;
		return;
	}
	choose_code_page(in);
}

void read_room(vx_insert &in, const void *page) {
	in.fault = target_fault(in, page);
	in.plan.target = in.plan.room;
	in.phase = in.fault != nullptr || has_listed_room(in, page) ? InsertPhase::kWrite : InsertPhase::kPop;
}

// A scan code is relative to the leaf's origin: its centroid, unless that moved since the leaf was written.
void encode_for_leaf(vx_insert &in, const void *head) {
	const vx_meta &meta = in.ix->meta;
	const vx_origin *origin = leaf_origin(head);
	in.limit = leaf_limit(in.meta, origin != nullptr);
	if (origin != nullptr)
		origin_point(*origin, meta.dim, in.centroid);
	scan_encode(static_cast<vx_metric>(meta.metric), meta.dim, meta.scan_bits,
				{*in.stored, anchor_of_code(*in.ix, *in.stored)}, in.centroid, in.scan, in.factors);
}

void read_head(vx_insert &in, const void *page) {
	in.fault = target_fault(in, page);
	if (in.fault != nullptr)
		return;
	if (in.home == Home::kTree) {
		encode_for_leaf(in, page);
		in.plan.own = page_special(page).codes;
	}
	const auto &chain = page_header<vx_chain_header>(page);
	in.plan.after = chain.next;
	in.plan.entries = entries_on(in, page) + (chain.behind > 0 ? (chain.behind - 1U) * capacity(in) : 0);
	if (has_room(in, page))
		in.plan.target = in.plan.head;
	const bool counted = in.home == Home::kTree || in.home == Home::kRaw;
	if (in.plan.after != VX_NO_BLOCK && (counted || in.plan.target == VX_NO_BLOCK))
		in.phase = InsertPhase::kNext;
	else
		after_chain(in);
}

void read_next(vx_insert &in, const void *page) {
	in.fault = target_fault(in, page);
	if (in.fault != nullptr)
		return;
	in.plan.entries += entries_on(in, page);
	if (in.plan.target == VX_NO_BLOCK && has_room(in, page))
		in.plan.target = in.plan.after;
	after_chain(in);
}

// The next radius that must grow, root first; false when none is left.
bool want_radius(vx_insert &in, vx_want &want) {
	for (; in.radius_level > 0; in.radius_level--) {
		const PathStep &step = in.found[0].path[in.radius_level];
		if (step.needed <= step.radius)
			continue;
		want.npages = 1;
		want.pages[0] = step.place.page;
		return true;
	}
	return false;
}

// A page behind the head is new, or the head gets another code page and does not have the entry.
bool changes_head(const vx_insert &in) {
	return in.plan.target == VX_NO_BLOCK || (adopts(in) && in.plan.target != in.plan.head);
}

void want_record(const vx_insert &in, vx_want &want) {
	const InsertPlan &plan = in.plan;
	uint32_t n = 0;
	if (in.home == Home::kTree && !has_new_code_page(in))
		want.pages[n++] = plan.code;
	if (needs_slot(in))
		want.pages[n++] = plan.rest;
	if (changes_head(in))
		want.pages[n++] = plan.head;
	want.pages[n++] = plan.target; // VX_NO_BLOCK: a new one
	if (has_new_code_page(in))
		want.pages[n++] = VX_NO_BLOCK;
	want.npages = n;
}

void want_pop(const vx_insert &in, vx_want &want) {
	want.npages = 2;
	want.pages[0] = VX_META_BLOCK;
	want.pages[1] = in.plan.room;
}

// There is no page on the list, or one that has no room left.
void want_slot(const vx_insert &in, vx_want &want) {
	uint32_t n = 0;
	want.pages[n++] = VX_META_BLOCK;
	if (in.plan.room != VX_NO_BLOCK)
		want.pages[n++] = in.plan.room;
	want.pages[n++] = VX_NO_BLOCK;
	want.pages[n++] = VX_NO_BLOCK;
	want.npages = n;
}

} // namespace

const char *target_fault(const vx_insert &in, const void *page) {
	const vx_meta &meta = in.ix->meta;
	if (in.home == Home::kTree)
		return leaf_fault(page, meta.dim, meta.scan_bits, in.found[0].node);
	const char *fault = chain_fault(page, chain_kind(in.home), meta.dim, meta.scan_bits);
	if (fault == nullptr && in.home == Home::kRaw && page_special(page).node != in.raw_node)
		fault = "a raw page belongs to another run";
	return fault;
}

bool has_listed_room(const vx_insert &in, const void *page) {
	const auto &header = page_header<vx_rows_header>(page);
	return in.home == Home::kTree ? header.free > 0 : header.chain.count < capacity(in);
}

} // namespace vecidx

using namespace vecidx;

size_t vx_insert_size(const vx_index *ix) {
	return sizeof(vx_insert) + pieces_size(*ix);
}

vx_insert *vx_insert_init(void *memory, const vx_index *ix, vx_row row, const float *x) {
	auto *in = new (memory) vx_insert{};
	in->ix = ix;
	in->row = row;
	in->row.flags = x == nullptr ? VX_ROW_NULL : 0;
	in->home = home_of(ix, x);
	in->phase = InsertPhase::kMeta;
	lay_out(*in);
	if (in->home == Home::kTree)
		encode(*in, x);
	else if (in->home == Home::kRaw)
		memcpy(in->x, x, sizeof(float) * ix->meta.dim);
	return in;
}

void vx_insert_oldest(vx_insert *in, uint64_t oldest) {
	in->oldest = oldest;
}

vx_step vx_insert_next(vx_insert *in, vx_want *want) {
	if (in->stale)
		return VX_STALE;
	if (in->fault != nullptr) {
		want->block = in->visiting;
		want->why = in->fault;
		return VX_CORRUPT;
	}
	switch (in->phase) {
	case InsertPhase::kMeta:
		return ask(*in, *want, VX_META_BLOCK);
	case InsertPhase::kInner:
		return ask(*in, *want, in->cursor.wanted());
	case InsertPhase::kRoom:
		return ask(*in, *want, in->plan.room);
	case InsertPhase::kHead:
		return ask(*in, *want, in->plan.head);
	case InsertPhase::kNext:
		return ask(*in, *want, in->plan.after);
	case InsertPhase::kNear:
		return ask(*in, *want, in->near_block);
	case InsertPhase::kCode:
		return ask(*in, *want, in->plan.code);
	case InsertPhase::kRest:
		return ask(*in, *want, in->plan.rest);
	case InsertPhase::kPop:
		want_pop(*in, *want);
		return VX_WRITE;
	case InsertPhase::kMake:
		want_slot(*in, *want);
		return VX_WRITE;
	case InsertPhase::kRadius:
		if (want_radius(*in, *want))
			return VX_WRITE;
		in->phase = InsertPhase::kWrite;
		[[fallthrough]];
	case InsertPhase::kWrite:
		want_record(*in, *want);
		return VX_WRITE;
	case InsertPhase::kDone:
		break;
	}
	return VX_DONE;
}

void vx_insert_page(vx_insert *in, const void *page) {
	switch (in->phase) {
	case InsertPhase::kMeta:
		read_meta(*in, page);
		break;
	case InsertPhase::kInner:
		route_page(*in, page);
		break;
	case InsertPhase::kRoom:
		read_room(*in, page);
		break;
	case InsertPhase::kHead:
		read_head(*in, page);
		break;
	case InsertPhase::kNext:
		read_next(*in, page);
		break;
	case InsertPhase::kNear:
		read_near(*in, page);
		break;
	case InsertPhase::kCode:
		read_code(*in, page);
		break;
	case InsertPhase::kRest:
		read_rest(*in, page);
		break;
	default:
		break;
	}
}

void vx_insert_chore(const vx_insert *in, vx_chore *out) {
	*out = {};
	const uint32_t entries = in->plan.entries + 1;
	if (in->home == Home::kRaw && entries % kTrainTries == 0 && vx_plan_leaves(in->ix, entries) > 0)
		out->kind = VX_CHORE_TRAIN;
	if (in->home != Home::kTree || entries < in->limit)
		return;
	out->kind = VX_CHORE_LEAF;
	out->leaf = in->found[0].node;
	out->levels = in->levels;
	for (uint32_t level = 1; level <= in->levels; level++) {
		const PathStep &step = in->found[0].path[level];
		out->path[level] = {step.node, step.place.page, step.place.row, step.lane};
	}
}
