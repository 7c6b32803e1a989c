// The walk over inner nodes, depth first: each child's numbers against the centroids above it.
#include <algorithm>
#include <cmath>

#include "search/check.hpp"

namespace vecidx {
namespace {

// Slack for sums of squares in another order, or stored as float32.
constexpr double kRelative = 1e-5, kTiny = 1e-30;

void leave_node(vx_check &c) {
	c.level++;
}

void check_norm(vx_check &c, const CheckFrame &frame, uint32_t lane) {
	const uint32_t dim = c.meta.dim;
	const double norm = frame.block.number(VX_CHILD_NORM, lane), aux = frame.block.number(VX_CHILD_AUX, lane);
	double sum = aux * aux;
	for (uint32_t i = 0; i < dim; i++)
		sum += frame.centroid[i] * frame.centroid[i];
	if (!(std::fabs(sum - norm) <= kRelative * sum + kTiny))
		report(c, frame.block.place.page, "an inner entry's norm is not its centroid's");
	if (aux != 0 && c.meta.metric != VX_IP)
		report(c, frame.block.place.page, "an inner entry has an extra coordinate");
}

void check_clock(vx_check &c, const InnerBlock &block, uint32_t lane) {
	const uint64_t born = block.born(lane), retired = block.retired(lane);
	if ((born != VX_NEVER && born > c.meta.clock) || (retired != VX_NEVER && retired > c.meta.clock))
		report(c, block.place.page, "an inner entry was changed at a time that has not come");
}

// The spread of an entry above the leaves' parents reaches every leaf centroid below.
void check_spreads(vx_check &c) {
	for (uint32_t level = 2; level <= c.meta.levels; level++) {
		const CheckFrame &above = c.frames[level];
		double sum = 0;
		for (uint32_t i = 0; i < c.meta.dim; i++) {
			const double miss = above.centroid[i] - c.frames[1].centroid[i];
			sum += miss * miss;
		}
		if (std::sqrt(sum) > above.spread * (1 + kRelative) + kTiny)
			report(c, above.block.place.page, "a leaf's centroid lies outside the spread of an entry above it");
	}
}

void add_node(vx_check &c, uint32_t page, uint64_t node) {
	if (node >= c.meta.next_node)
		report(c, page, "a node has an id that was not given out yet");
	if (c.nnodes < c.node_pages)
		c.nodes[c.nnodes++] = node;
}

// Scans of some time use the lane: it must be whole even when it has been retired since.
bool is_published(const InnerBlock &block, uint32_t lane) {
	return block.born(lane) != VX_NEVER || block.retired(lane) != VX_NEVER;
}

void visit_child(vx_check &c, CheckFrame &frame) {
	const uint32_t dim = c.meta.dim, lane = frame.lane++, page = frame.block.place.page;
	if (!is_published(frame.block, lane))
		return;
	check_clock(c, frame.block, lane);
	const bool lives = lane_lives(frame.block, lane);
	const char *fault = child_fault(frame.block, lane);
	if (fault != nullptr) {
		report(c, page, fault);
		c.cut = c.cut || lives;
	}
	if (fault != nullptr || !lives)
		return;
	child_centroid(frame.block, dim, lane, frame.centroid);
	frame.radius = frame.block.number(VX_CHILD_RADIUS, lane);
	frame.spread = frame.block.number(VX_CHILD_SPREAD, lane);
	check_norm(c, frame, lane);
	const uint64_t node = frame.block.node(lane);
	add_node(c, page, node);
	if (c.level == 1) {
		c.leaves++;
		check_spreads(c);
		start_chain(c, page, frame.block.child(lane), node);
		c.phase = CheckPhase::kLeaf;
		return;
	}
	c.level--;
	CheckFrame &below = c.frames[c.level];
	below.lane = VX_LANES;
	below.block.place.page = page;
	below.cursor.start(dim, frame.block.child(lane), node, c.level, below.buffer);
}

void end_tree(vx_check &c) {
	std::sort(c.nodes, c.nodes + c.nnodes);
	if (!c.cut && c.leaves != c.meta.leaves)
		report(c, VX_META_BLOCK, "the meta page counts another number of leaves");
	c.phase = CheckPhase::kChain;
	c.next = VX_NO_BLOCK;
}

} // namespace

void start_tree(vx_check &c) {
	c.phase = CheckPhase::kTree;
	c.level = c.meta.levels;
	CheckFrame &root = c.frames[c.level];
	root.lane = VX_LANES;
	root.block.place.page = VX_META_BLOCK;
	add_node(c, VX_META_BLOCK, c.meta.root_node);
	root.cursor.start(c.meta.dim, c.meta.root, c.meta.root_node, c.level, root.buffer);
}

vx_step step_tree(vx_check &c, vx_want &want) {
	while (c.level <= c.meta.levels && c.phase == CheckPhase::kTree && c.nfaults == 0) {
		CheckFrame &frame = c.frames[c.level];
		if (frame.lane < VX_LANES) {
			visit_child(c, frame);
		} else if (frame.cursor.next(frame.block)) {
			frame.lane = 0;
		} else if (frame.cursor.wanted() != VX_NO_BLOCK && reach(c, frame.block.place.page, frame.cursor.wanted())) {
			return ask_page(c, want, frame.cursor.wanted());
		} else {
			leave_node(c);
		}
	}
	if (c.level > c.meta.levels)
		end_tree(c);
	return VX_DONE;
}

void tree_page(vx_check &c, const void *page) {
	CheckFrame &frame = c.frames[c.level];
	memcpy(frame.page, page, VX_PAGE_SIZE);
	const char *fault = frame.cursor.take(frame.page);
	const auto &header = page_header<vx_inner_header>(frame.page);
	if (fault == nullptr && header.forgot > c.meta.clock)
		fault = "an inner page forgot lanes at a time that has not come";
	if (fault == nullptr)
		return;
	report(c, c.visiting, fault);
	c.cut = true;
	leave_node(c);
}

} // namespace vecidx
