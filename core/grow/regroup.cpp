// An inner node with too many lanes: they are clustered by their centroids. A root becomes the first child of a new
// root one level up, beside nothing of it: its groups become the new root's children. Another node becomes two.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"

namespace vecidx {
namespace {

constexpr double kSmallestShare = 0.3;

bool take_memory(vx_tend &t) {
	Regroup &r = t.regroup;
	const bool extra = t.meta.metric == VX_IP;
	const auto n = static_cast<uint32_t>(r.lanes.size());
	const bool taken = carve(t, [&](Carver &memory) {
		r.points.carve(memory, n, dim_of(t), extra);
		r.groups.carve(memory, r.wanted, 1, dim_of(t), extra);
		r.lloyd.carve(memory, n, whole_blocks(r.wanted), dim_of(t));
		r.group_of = memory.take<uint32_t>(n);
		r.child = memory.take<Child>(r.wanted);
		r.centroid = memory.take<double>(dim_of(t));
		r.first_page = memory.take<uint32_t>(r.wanted);
		for (uint8_t *&bytes : t.swap.bytes)
			bytes = memory.take<uint8_t>(size_t(vx_quads(dim_of(t))) * 4);
	});
	if (!taken)
		return false;
	r.points.n = n;
	r.points.entries = r.codes.data();
	for (uint32_t i = 0; i < n; i++)
		r.points.measure(i, r.lanes[i].aux);
	return true;
}

// Lanes that cannot be told apart, or hardly: by their places, or by their preference.
void balance(vx_tend &t) {
	Regroup &r = t.regroup;
	const uint32_t n = r.points.n;
	uint32_t found = 0, size = 0;
	for (uint32_t slot = 0; slot < r.wanted; slot++)
		found += r.lloyd.size(slot) > 0;
	for (uint32_t i = 0; i < n; i++)
		size += r.group_of[i] == 0;
	const auto least = static_cast<uint32_t>(n * kSmallestShare);
	if (found == r.wanted && (r.wanted > 2 || (size >= least && n - size >= least)))
		return;
	for (uint32_t i = 0; i < n; i++)
		r.group_of[i] = static_cast<uint32_t>(uint64_t(i) * r.wanted / n);
	for (uint32_t i = n; i-- > 0;)
		r.groups.set.set(r.group_of[i], r.points[i], r.points.extra_of(i));
}

uint32_t members(const Regroup &r, uint32_t group) {
	return static_cast<uint32_t>(std::count(r.group_of, r.group_of + r.points.n, group));
}

// What the lane of a group says: its ball holds the balls of its children.
void measure_group(vx_tend &t, uint32_t group) {
	Regroup &r = t.regroup;
	const Centroids &set = r.groups.set;
	const bool leaves = t.hood.above[r.above].level == 1;
	set.decode(group, r.centroid);
	double radius = 0, spread = 0;
	for (uint32_t i = 0; i < r.points.n; i++) {
		if (r.group_of[i] != group)
			continue;
		const double distance = reach_of(r.points[i], r.centroid, dim_of(t));
		radius = std::max(radius, distance + r.lanes[i].radius);
		spread = std::max(spread, distance + (leaves ? 0 : r.lanes[i].spread));
	}
	const auto up = [](double x) { return std::nextafterf(static_cast<float>(x * (1 + 1e-12)), INFINITY); };
	r.child[group] = {set.scale[group], set.norm[group],    up(radius), up(spread), set.extra_of(group),
					  VX_NO_BLOCK,      t.first_id + group, VX_NEVER,   VX_NEVER};
}

void add_node(vx_tend &t, uint32_t group) {
	Regroup &r = t.regroup;
	measure_group(t, group);
	r.first_page[group] = add_inner(t, r.child[group].node, t.hood.above[r.above].level, members(r, group));
	uint32_t number = 0;
	uint8_t bytes[(VX_MAX_DIM + 3) / 4 * 4];
	for (uint32_t i = 0; i < r.points.n; i++) {
		if (r.group_of[i] != group)
			continue;
		for (uint32_t j = 0; j < vx_quads(dim_of(t)) * 4; j++)
			bytes[j] = static_cast<uint8_t>(r.points[i].code[j] + 128);
		put_lane(t, r.first_page[group], number++, r.lanes[i], bytes);
	}
}

void clear_fresh(vx_tend &t) {
	t.fresh.images.clear();
	t.fresh.next.clear();
	t.fresh.block.clear();
}

vx_step apply_root(vx_tend &t, void *const pages[], const uint32_t[], vx_want &want) {
	const Above &old = t.hood.above[t.regroup.above];
	vx_step step;
	vx_meta *meta = tick(t, pages[0], want, step);
	if (meta == nullptr)
		return step;
	meta->root = t.fresh.block[0];
	meta->root_node = t.first_id + t.regroup.wanted;
	meta->levels = static_cast<uint8_t>(old.level + 1);
	retire_on(pages[1], meta->clock, t.now);
	t.phase = TendPhase::kDone;
	return VX_DONE;
}

} // namespace

void check_lanes(vx_tend &t, uint32_t above, uint32_t living) {
	const bool root = is_root(t, above);
	t.phase = TendPhase::kDone;
	if (living <= (root ? t.ix->limits.root_children : t.ix->limits.lanes) || (root && t.meta.levels == kMaxLevels))
		return;
	Regroup &r = t.regroup;
	r.above = above;
	r.wanted = root ? groups_for(living) : kMostParts;
	r.started = false;
	r.lanes.clear();
	r.codes.clear();
	const Above &node = t.hood.above[above];
	t.hood.cursor.start(dim_of(t), node.block, node.node, node.level, t.hood.buffer);
	t.phase = TendPhase::kRegroup;
}

vx_step step_regroup(vx_tend &t, vx_want &want) {
	Regroup &r = t.regroup;
	if (t.hood.cursor.wanted() == VX_NO_BLOCK) {
		t.phase = TendPhase::kGroup;
		return VX_DONE;
	}
	const size_t lanes = size_t(inner_blocks(dim_of(t))) * VX_LANES;
	if (!r.lanes.reserve_more(t.arena, lanes) || !r.codes.reserve_more(t.arena, lanes * vx_code_stride(dim_of(t))))
		return need_memory(t, want);
	return ask(t, want, t.hood.cursor.wanted());
}

void regroup_page(vx_tend &t, const void *page) {
	Regroup &r = t.regroup;
	const uint32_t dim = dim_of(t);
	t.fault = t.hood.cursor.take(page);
	for (InnerBlock block; t.fault == nullptr && t.hood.cursor.next(block);)
		for (uint32_t lane = 0; lane < VX_LANES; lane++) {
			if (!lane_lives(block, lane))
				continue;
			auto &entry = *reinterpret_cast<vx_code_entry *>(r.codes.end());
			entry.row = {};
			entry.error = 0;
			entry.scale = block.number(VX_CHILD_SCALE, lane);
			for (uint32_t i = 0; i < vx_quads(dim) * 4; i++)
				entry.code[i] =
					static_cast<int8_t>(block.codes()[size_t(i / 4) * VX_ROW_BYTES + size_t(lane) * 4 + i % 4] - 128);
			r.codes.set_size(r.codes.size() + vx_code_stride(dim));
			r.lanes.append(child_of(block, lane));
		}
}

vx_step step_group(vx_tend &t, vx_want &want) {
	Regroup &r = t.regroup;
	if (!r.started) {
		if (!take_memory(t))
			return need_memory(t, want);
		r.groups.items = r.wanted;
		r.groups.set_one_group();
		r.lloyd.start(r.points, &r.groups, r.wanted, {r.points.n, 0, 6, 2e-3}, t.meta.seed + t.meta.clock);
		r.started = true;
	}
	if (r.lloyd.step() != Lloyd::Step::kDone)
		return VX_YIELD;
	for (uint32_t i = 0; i < r.points.n; i++)
		r.group_of[i] = r.lloyd.slot_of_point(i);
	balance(t);
	return want_ids(t, r.wanted + 1, TendPhase::kBuildNodes);
}

// A node below the root gets lanes in its parent before its halves are written; those of the root go straight on.
vx_step step_build_nodes(vx_tend &t, vx_want &want) {
	Regroup &r = t.regroup;
	const bool root = is_root(t, r.above);
	if (!root && t.swap.after != TendPhase::kBuildNodes) {
		start_swap(t, t.hood.above[r.above].parent, t.hood.above[r.above].at, r.wanted, TendPhase::kBuildNodes);
		return VX_DONE;
	}
	t.swap.after = TendPhase::kDone;
	clear_fresh(t);
	size_t pages = 0;
	for (uint32_t group = 0; group < r.wanted; group++)
		pages += inner_pages(t, members(r, group));
	if (!reserve_fresh(t, pages)) {
		t.swap.after = root ? TendPhase::kDone : TendPhase::kBuildNodes;
		return need_memory(t, want);
	}
	for (uint32_t group = 0; group < r.wanted; group++)
		add_node(t, group);
	for (uint32_t group = 0; !root && group < r.wanted; group++)
		r.groups.set.bytes(group, t.swap.bytes[group]);
	start_fresh(t, root ? TendPhase::kNewRoot : TendPhase::kParts);
	return VX_DONE;
}

// The new root has the old one as a lane that no scan sees, so that its pages are not forgotten.
vx_step step_new_root(vx_tend &t, vx_want &want) {
	Regroup &r = t.regroup;
	const Above &old = t.hood.above[r.above];
	if (!reserve_fresh(t, inner_pages(t, r.wanted + 1)))
		return need_memory(t, want);
	for (uint32_t group = 0; group < r.wanted; group++)
		r.child[group].block = t.fresh.block[r.first_page[group]];
	clear_fresh(t);
	const uint64_t clock = t.meta.clock + 1; // of the record that makes it the root
	const uint32_t first = add_inner(t, t.first_id + r.wanted, old.level + 1, r.wanted + 1);
	uint8_t bytes[(VX_MAX_DIM + 3) / 4 * 4];
	memset(bytes, 128, sizeof(bytes));
	put_lane(t, first, 0, {0, 0, 0, 0, 0, old.block, old.node, clock, clock}, bytes);
	for (uint32_t group = 0; group < r.wanted; group++) {
		Child child = r.child[group];
		child.born = clock;
		r.groups.set.bytes(group, bytes);
		put_lane(t, first, group + 1, child, bytes);
	}
	start_fresh(t, TendPhase::kReplaceRoot);
	return VX_DONE;
}

vx_step step_replace_root(vx_tend &t, vx_want &want) {
	begin_record(t, want, apply_root);
	add_page(want, VX_META_BLOCK);
	add_page(want, t.fresh.block[0]);
	return VX_WRITE;
}

} // namespace vecidx
