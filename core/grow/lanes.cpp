// Nodes in the place of one: their parent needs lanes for them. Lanes that nobody needs any more are used again, after
// the pages of their children; then the parent grows. The record that publishes retires the old lane and gives birth to
// the new ones.
#include <algorithm>

#include "grow/tend.hpp"

namespace vecidx {
namespace {

// Retired children whose pages are freed in passing.
constexpr size_t kMostFreed = 8;

bool is_free_kind(uint8_t kind) {
	return kind == VX_KIND_LEAF || kind == VX_KIND_INNER || kind == VX_KIND_RAW;
}

void list_lanes(vx_tend &t, const void *page) {
	Swap &s = t.swap;
	const auto &header = page_header<vx_inner_header>(page);
	const bool forget = header.horizon < t.oldest;
	const size_t most = t.chore.kind == VX_CHORE_FREE ? SIZE_MAX : kMostFreed;
	for (uint32_t i = 0; header.part == 0 && i < header.blocks; i++) {
		const InnerBlock block = block_at(page, t.visiting, i * vx_inner_block_rows(dim_of(t)));
		for (uint32_t lane = 0; lane < VX_LANES; lane++) {
			const vx_lane at{t.hood.above[s.above].node, block.place.page, block.place.row, lane};
			if (lane_lives(block, lane)) {
				s.living++;
			} else if (!lane_used(block, lane)) {
				s.unused.append(at);
			} else if (forget && block.retired(lane) <= header.until && s.retired.size() < most) {
				s.retired.append(at);
				s.retired_child.append(child_of(block, lane));
			}
		}
	}
}

vx_step apply_free(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Swap &s = t.swap;
	const Child &child = s.retired_child[s.free_at];
	if (!is_free_kind(page_special(pages[0]).kind) || page_special(pages[0]).node != child.node)
		return corrupt(want, blocks[0], "a page of a retired node changed under the lock");
	s.free_block = page_header<vx_chain_header>(pages[0]).next;
	s.free_found = false;
	page_init(pages[0], VX_KIND_FREE, 0, 0, dim_of(t), t.ix->meta.scan_bits);
	want.nfreed = 1;
	want.freed[0] = blocks[0];
	return VX_DONE;
}

bool any_retired(const void *page, uint32_t dim, uint32_t number) {
	const auto &header = page_header<vx_inner_header>(page);
	for (uint32_t i = 0; i < header.blocks; i++) {
		const InnerBlock block = block_at(page, number, i * vx_inner_block_rows(dim));
		for (uint32_t lane = 0; lane < VX_LANES; lane++)
			if (lane_used(block, lane) && block.retired(lane) != VX_NEVER)
				return true;
	}
	return false;
}

vx_step apply_clear(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Swap &s = t.swap;
	if (!vx_page_is(pages[0], VX_KIND_INNER))
		return corrupt(want, blocks[0], "not an inner page");
	auto &header = page_header<vx_inner_header>(pages[0]);
	const Child none{0, INFINITY, 0, 0, 0, VX_NO_BLOCK, 0, VX_NEVER, VX_NEVER};
	for (size_t i = s.clear_at; i < s.retired.size(); i++) {
		const vx_lane at = s.retired[i];
		if (at.page != blocks[0])
			continue;
		header.forgot = std::max(header.forgot, s.retired_child[i].retired);
		put_fields(pages[0], at.row, at.lane, none);
		s.unused.append(at);
		std::swap(s.retired[i], s.retired[s.clear_at]);
		std::swap(s.retired_child[i], s.retired_child[s.clear_at]);
		s.clear_at++;
	}
	header.until = 0;
	if (any_retired(pages[0], dim_of(t), blocks[0]))
		retire_on(pages[0], t.meta.clock, t.now);
	return VX_DONE;
}

void add_block(vx_tend &t, uint32_t page, uint32_t row) {
	for (uint32_t lane = 0; lane < VX_LANES; lane++)
		t.swap.unused.append({t.hood.above[t.swap.above].node, page, row, lane});
}

vx_step apply_block(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Swap &s = t.swap;
	const char *fault = inner_fault(pages[0], dim_of(t), t.hood.above[s.above].node, t.hood.above[s.above].level);
	if (fault != nullptr)
		return corrupt(want, blocks[0], fault);
	auto &header = page_header<vx_inner_header>(pages[0]);
	header.blocks++;
	clear_block(pages[0], dim_of(t), header.blocks - 1U);
	s.last_blocks = header.blocks;
	add_block(t, blocks[0], (header.blocks - 1U) * vx_inner_block_rows(dim_of(t)));
	return VX_DONE;
}

vx_step apply_link(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Swap &s = t.swap;
	const char *fault = inner_fault(pages[0], dim_of(t), t.hood.above[s.above].node, t.hood.above[s.above].level);
	if (fault != nullptr)
		return corrupt(want, blocks[0], fault);
	page_header<vx_inner_header>(pages[0]).next = t.fresh.block[0];
	s.last_page = t.fresh.block[t.fresh.block.size() - 1];
	s.last_blocks = 1;
	add_block(t, t.fresh.block[0], 0);
	t.phase = TendPhase::kGrow;
	return VX_DONE;
}

// Lanes beside the old one first: then the record that publishes has fewer pages.
void choose_lanes(Swap &s) {
	std::partition(s.unused.begin(), s.unused.end(), [&](const vx_lane &lane) { return lane.page == s.old.page; });
	for (uint32_t i = 0; i < s.n; i++)
		s.at[i] = s.unused[i];
}

vx_step apply_part(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Swap &s = t.swap;
	if (!vx_page_is(pages[0], VX_KIND_INNER) || page_header<vx_inner_header>(pages[0]).part != s.part)
		return corrupt(want, blocks[0], "pages of an inner node do not continue each other");
	put_codes(pages[0], dim_of(t), 0, s.part, s.at[s.part_lane].lane, s.bytes[s.part_lane]);
	s.part_page = page_header<vx_inner_header>(pages[0]).next;
	s.part++;
	return VX_DONE;
}

vx_step apply_publish(vx_tend &t, void *const pages[], const uint32_t blocks[], vx_want &want) {
	Swap &s = t.swap;
	const uint32_t npages = want.npages, level = t.hood.above[s.above].level;
	for (uint32_t i = 1; i < npages; i++) {
		const char *fault = inner_fault(pages[i], dim_of(t), t.hood.above[s.above].node, level);
		if (fault != nullptr)
			return corrupt(want, blocks[i], fault);
	}
	vx_step step;
	vx_meta *meta = tick(t, pages[0], want, step);
	if (meta == nullptr)
		return step;
	for (uint32_t i = 0; i < s.n; i++) {
		void *page = page_of(pages, blocks, npages, s.at[i].page);
		s.child[i].born = meta->clock;
		put_fields(page, s.at[i].row, s.at[i].lane, s.child[i]);
		put_codes(page, dim_of(t), s.at[i].row, 0, s.at[i].lane, s.bytes[i]);
	}
	void *page = page_of(pages, blocks, npages, s.old.page);
	put_word(page, s.old.row, VX_CHILD_RETIRED_LO, s.old.lane, meta->clock);
	retire_on(page, meta->clock, t.now);
	if (level == 1)
		meta->leaves += s.n - 1;
	s.living += s.n - 1;
	s.published = true;
	return VX_DONE;
}

// The leaves are there: what their neighbours have for them may come.
vx_step leaves_published(vx_tend &t, vx_want &want) {
	Neighbourhood &h = t.hood;
	if (t.plan.parts < kMostParts) {
		check_lanes(t, t.swap.above, t.swap.living);
		return VX_DONE;
	}
	if (!h.pages.reserve_more(t.arena, t.fresh.block.size()))
		return need_memory(t, want);
	for (uint32_t part = 0; part < t.plan.parts; part++) {
		TendLeaf &leaf = h.leaves[h.nleaves + part];
		const uint32_t first = leaf.first_page;
		leaf.at = t.swap.at[part];
		leaf.first_page = static_cast<uint32_t>(h.pages.size());
		for (uint32_t i = 0; i < leaf.npages; i++)
			h.pages.append({t.fresh.block[first + i], page_header<vx_chain_header>(image_of(t, first + i)).count,
							vx_leaf_capacity(dim_of(t), t.ix->meta.scan_bits), 0});
	}
	for (TendRow &row : h.rows)
		if (row.waiting != VX_NO_BLOCK)
			row.waiting = t.fresh.block[row.waiting];
	return start_moves(t, want, false);
}

} // namespace

void start_swap(vx_tend &t, uint32_t above, const vx_lane &old, uint32_t n, TendPhase after) {
	Swap &s = t.swap;
	s.above = above;
	s.old = old;
	s.n = n;
	s.after = after;
	s.living = 0;
	s.unused.clear();
	s.retired.clear();
	s.retired_child.clear();
	s.free_at = s.clear_at = 0;
	s.part_lane = s.part = 0;
	s.published = false;
	s.free_block = VX_NO_BLOCK;
	s.free_found = false;
	s.next_block = t.hood.above[above].block;
	t.phase = TendPhase::kLanes;
}

vx_step step_lanes(vx_tend &t, vx_want &want) {
	Swap &s = t.swap;
	if (s.next_block == VX_NO_BLOCK) {
		if (!s.unused.reserve_more(t.arena, s.retired.size()))
			return need_memory(t, want);
		s.free_block = s.retired.empty() ? VX_NO_BLOCK : s.retired_child[0].block;
		t.phase = TendPhase::kFree;
		return VX_DONE;
	}
	const size_t lanes = size_t(inner_blocks(dim_of(t))) * VX_LANES;
	if (!s.unused.reserve_more(t.arena, lanes) || !s.retired.reserve_more(t.arena, lanes) ||
		!s.retired_child.reserve_more(t.arena, lanes))
		return need_memory(t, want);
	return ask(t, want, s.next_block);
}

void lanes_page(vx_tend &t, const void *page) {
	Swap &s = t.swap;
	const Above &above = t.hood.above[s.above];
	t.fault = inner_fault(page, dim_of(t), above.node, above.level);
	if (t.fault != nullptr && t.chore.kind == VX_CHORE_FREE) { // the node was replaced
		t.fault = nullptr;
		t.phase = TendPhase::kDone;
	}
	if (t.fault != nullptr || t.phase == TendPhase::kDone)
		return;
	list_lanes(t, page);
	s.last_page = t.visiting;
	s.last_blocks = page_header<vx_inner_header>(page).blocks;
	s.next_block = page_header<vx_inner_header>(page).next;
}

vx_step step_free(vx_tend &t, vx_want &want) {
	Swap &s = t.swap;
	if (s.free_found) {
		begin_record(t, want, apply_free);
		add_page(want, s.free_block);
		return VX_WRITE;
	}
	if (s.free_block != VX_NO_BLOCK)
		return ask(t, want, s.free_block);
	if (s.free_at < s.retired.size() && ++s.free_at < s.retired.size()) {
		s.free_block = s.retired_child[s.free_at].block;
		return VX_DONE;
	}
	t.phase = TendPhase::kClear;
	return VX_DONE;
}

// Its pages may be free already, if a crash came between that and the clearing of the lane.
void free_page(vx_tend &t, const void *page) {
	Swap &s = t.swap;
	const vx_special &special = page_special(page);
	s.free_found =
		special.page_id == VX_PAGE_ID && is_free_kind(special.kind) && special.node == s.retired_child[s.free_at].node;
	if (!s.free_found)
		s.free_block = VX_NO_BLOCK;
}

vx_step step_clear(vx_tend &t, vx_want &want) {
	Swap &s = t.swap;
	if (s.clear_at == s.retired.size()) {
		t.phase = t.chore.kind == VX_CHORE_FREE ? TendPhase::kDone : s.n > 0 ? TendPhase::kGrow : TendPhase::kPublish;
		return VX_DONE;
	}
	begin_record(t, want, apply_clear);
	add_page(want, s.retired[s.clear_at].page);
	return VX_WRITE;
}

vx_step step_grow(vx_tend &t, vx_want &want) {
	Swap &s = t.swap;
	if (s.unused.size() >= s.n) {
		choose_lanes(s);
		t.phase = s.after;
		return VX_DONE;
	}
	if (!s.unused.reserve_more(t.arena, VX_LANES))
		return need_memory(t, want);
	if (s.last_blocks < vx_inner_blocks_per_page(dim_of(t))) {
		begin_record(t, want, apply_block);
		add_page(want, s.last_page);
		return VX_WRITE;
	}
	t.fresh.images.clear();
	t.fresh.next.clear();
	t.fresh.block.clear();
	if (!reserve_fresh(t, inner_pages(t, 1)))
		return need_memory(t, want);
	add_inner(t, t.hood.above[s.above].node, t.hood.above[s.above].level, 1);
	start_fresh(t, TendPhase::kLink);
	return VX_DONE;
}

vx_step step_link(vx_tend &t, vx_want &want) {
	begin_record(t, want, apply_link);
	add_page(want, t.swap.last_page);
	return VX_WRITE;
}

// Centroids that do not fit the first page of their group: no scan looks at them before they are born.
vx_step step_parts(vx_tend &t, vx_want &want) {
	Swap &s = t.swap;
	const uint32_t parts = vx_inner_group_pages(dim_of(t));
	if (s.part == 0) { // of the next lane
		if (parts == 1 || s.part_lane == s.n) {
			t.phase = TendPhase::kPublish;
			return VX_DONE;
		}
		return ask(t, want, s.at[s.part_lane].page);
	}
	if (s.part == parts) {
		s.part = 0;
		s.part_lane++;
		return VX_DONE;
	}
	begin_record(t, want, apply_part);
	add_page(want, s.part_page);
	return VX_WRITE;
}

void parts_page(vx_tend &t, const void *page) {
	Swap &s = t.swap;
	t.fault = inner_fault(page, dim_of(t), t.hood.above[s.above].node, t.hood.above[s.above].level);
	s.part_page = page_header<vx_inner_header>(page).next;
	s.part = 1;
	if (t.fault == nullptr && s.part_page == VX_NO_BLOCK)
		t.fault = "an inner node ends within a block";
}

vx_step step_publish(vx_tend &t, vx_want &want) {
	Swap &s = t.swap;
	const bool leaf = t.hood.above[s.above].level == 1;
	if (s.published) {
		if (leaf)
			return leaves_published(t, want);
		check_lanes(t, s.above, s.living);
		return VX_DONE;
	}
	if (s.n == 0 && s.living <= 1) { // a node keeps a child
		t.phase = TendPhase::kDone;
		return VX_DONE;
	}
	for (uint32_t i = 0; i < s.n; i++) {
		if (!leaf) {
			s.child[i] = t.regroup.child[i];
			s.child[i].block = t.fresh.block[t.regroup.first_page[i]];
			continue;
		}
		TendLeaf &made = t.hood.leaves[t.hood.nleaves + i];
		made.child.block = t.fresh.block[made.first_page];
		made.child.radius = made.needed_radius;
		s.child[i] = made.child;
	}
	begin_record(t, want, apply_publish);
	add_page(want, VX_META_BLOCK);
	add_page(want, s.old.page);
	for (uint32_t i = 0; i < s.n; i++)
		add_page(want, s.at[i].page);
	return VX_WRITE;
}

uint32_t inner_pages(const vx_tend &t, uint32_t n) {
	const uint32_t blocks = (std::max(n, 1U) + VX_LANES - 1) / VX_LANES, most = inner_blocks(dim_of(t));
	return (blocks + most - 1) / most * vx_inner_group_pages(dim_of(t));
}

uint32_t add_inner(vx_tend &t, uint64_t node, uint32_t level, uint32_t n) {
	const uint32_t parts = vx_inner_group_pages(dim_of(t)), most = inner_blocks(dim_of(t));
	const uint32_t blocks = (std::max(n, 1U) + VX_LANES - 1) / VX_LANES, pages = inner_pages(t, n);
	const auto first = static_cast<uint32_t>(t.fresh.images.size());
	for (uint32_t i = 0; i < pages; i++) {
		add_fresh(t, VX_KIND_INNER, node, level);
		auto &header = page_header<vx_inner_header>(image_of(t, first + i));
		header.part = static_cast<uint16_t>(i % parts);
		header.blocks = static_cast<uint16_t>(std::min(most, blocks - i / parts * most));
		for (uint32_t block = 0; block < header.blocks; block++)
			clear_block(image_of(t, first + i), dim_of(t), block);
		if (i > 0)
			t.fresh.next[first + i - 1] = first + i;
	}
	return first;
}

void put_lane(vx_tend &t, uint32_t first_page, uint32_t number, const Child &child, const uint8_t *bytes) {
	const uint32_t parts = vx_inner_group_pages(dim_of(t)), most = inner_blocks(dim_of(t));
	const uint32_t block = number / VX_LANES, lane = number % VX_LANES,
				   row = block % most * vx_inner_block_rows(dim_of(t));
	const uint32_t page = first_page + block / most * parts;
	put_fields(image_of(t, page), row, lane, child);
	for (uint32_t part = 0; part < parts; part++)
		put_codes(image_of(t, page + part), dim_of(t), row, part, lane, bytes);
}

} // namespace vecidx
