// What must hold whenever no record is half done: the structure check finds nothing, every row that is in the index for
// good is there once, and nothing else but rows that may be there. At the end also: nothing is left that nobody needs.
#pragma once

#include <set>

#include "page/inner.hpp"
#include "page/leaf.hpp"
#include "sim/world.hpp"
#include "tree/plan.hpp"

namespace vecidx_sim {

inline void verify_rows(const World &world, const std::vector<uint64_t> &rows) {
	const std::set<uint64_t> found(rows.begin(), rows.end());
	require(found.size() == rows.size(), "a row is in the index twice");
	std::set<uint64_t> may;
	for (const Version &v : world.database.versions) {
		if (v.made == kNever || v.freed != kNever)
			continue;
		may.insert(v.number);
		if (v.indexed != kNever && v.pruned == kNever)
			require(found.count(v.number) > 0, "a row is missing in the index");
	}
	for (const uint64_t number : found)
		require(may.count(number) > 0, "a row that was removed is still in the index");
}

inline void verify(World &world, Store &store, bool rows) {
	const Index index = world.open(store);
	const vecidx_test::CheckReport report = vecidx_test::check(store, index);
	if (!report.faults.empty())
		throw std::logic_error("check: block " + std::to_string(report.faults[0].block) + ": " + report.faults[0].why);
	require(report.end == VX_DONE, "a check does not end");
	world.counts.levels = std::max<uint64_t>(world.counts.levels, store.meta().levels);
	if (rows)
		verify_rows(world, report.rows);
}

// The tree by its living lanes.
struct Survey {
	std::set<uint64_t> nodes;
	std::set<uint32_t> inner_pages;
	std::vector<std::pair<uint64_t, uint32_t>> leaves; // nodes and first pages
	uint32_t longest = 0, thin = 0, parents = 0;
};

inline void survey_node(const Store &store, uint32_t block, uint64_t node, uint32_t level, Survey &out) {
	const uint32_t dim = store.meta().dim;
	std::vector<uint8_t> buffer(vecidx::inner_block_bytes(dim));
	vecidx::InnerCursor cursor;
	cursor.start(dim, block, node, level, buffer.data());
	out.nodes.insert(node);
	out.parents += level == 1;
	while (cursor.wanted() != VX_NO_BLOCK) {
		out.inner_pages.insert(cursor.wanted());
		require(cursor.take(store.pages.at(cursor.wanted()).data()) == nullptr, "an inner page is damaged");
		for (vecidx::InnerBlock lanes; cursor.next(lanes);)
			for (uint32_t lane = 0; lane < VX_LANES; lane++) {
				if (!vecidx::lane_used(lanes, lane) || !vecidx::lane_lives(lanes, lane))
					continue;
				if (level > 1)
					survey_node(store, lanes.child(lane), lanes.node(lane), level - 1, out);
				else
					out.leaves.emplace_back(lanes.node(lane), lanes.child(lane));
			}
	}
}

inline Survey survey(const Store &store) {
	Survey out;
	const vx_meta &meta = store.meta();
	if (meta.levels == 0)
		return out;
	survey_node(store, meta.root, meta.root_node, meta.levels, out);
	for (const auto &[node, first] : out.leaves) {
		out.nodes.insert(node);
		uint32_t living = 0;
		for (uint32_t block = first; block != VX_NO_BLOCK;) {
			const void *page = store.pages.at(block).data();
			const auto &chain = vecidx::page_header<vx_chain_header>(page);
			for (uint32_t slot = 0; slot < chain.count; slot++)
				living += !vecidx::leaf_marked(page, meta.dim, meta.scan_bits, slot);
			block = chain.next;
		}
		out.longest = std::max(out.longest, living);
		out.thin += living < vecidx::leaf_least(meta);
	}
	return out;
}

// Pages that are in use at all must be in use by something; returns the shares of code slots.
struct Slots {
	uint32_t all = 0, pending = 0;
};
inline Slots verify_pages(const Store &store, const Survey &tree) {
	const vx_meta &meta = store.meta();
	Slots slots;
	for (uint32_t block = 1; block < store.nblocks(); block++) {
		const Page &page = store.pages[block];
		if (FreeSpace::is_free(page))
			continue;
		const vx_special &special = vecidx::page_special(page.data());
		if (special.kind == VX_KIND_LEAF || special.kind == VX_KIND_INNER)
			require(tree.nodes.count(special.node) > 0, "a page of a node that is gone was not freed");
		if (special.kind == VX_KIND_INNER)
			require(tree.inner_pages.count(block) > 0, "a page that was never linked was not freed");
		if (special.kind == VX_KIND_RAW)
			require(special.node == meta.raw_node, "a page of a raw run that is gone was not freed");
		if (special.kind != VX_KIND_CODE)
			continue;
		require(special.node == 0 || special.node == meta.trained, "a code page of no training was not freed");
		const auto &header = vecidx::page_header<vx_rows_header>(page.data());
		slots.pending += header.dead - header.free;
		slots.all += header.chain.count;
	}
	return slots;
}

// After vacuums that nobody kept from anything, the first of which had so many dead rows: no page of a node that is
// gone, few dead slots, leaves of a sane size. Chores that nobody was free for are done when the next row comes.
inline void verify_tidy(const World &world, uint32_t deleted) {
	const vx_meta &meta = world.disk.store.meta();
	const Survey tree = survey(world.disk.store);
	const Slots slots = verify_pages(world.disk.store, tree);
	if (meta.levels == 0)
		return;
	require(slots.pending * 50 <= slots.all, "dead code slots were not made free");
	const uint64_t limit = vecidx::leaf_limit(meta, false);
	require(tree.longest <= 4 * limit + 50 + world.counts.untended, "a leaf grew without being split");
	// each parent keeps one child
	if (deleted * 50 >= slots.all)
		require(tree.thin <= 2 + tree.parents + tree.leaves.size() / 4,
				"thin leaves were not given to their neighbours");
}

} // namespace vecidx_sim
