// The walk over inner nodes, depth first: each child's numbers against the centroids above it.
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
	const double norm = child_float(frame.block, dim, VX_CHILD_NORM, lane);
	const double aux = child_float(frame.block, dim, VX_CHILD_AUX, lane);
	double sum = aux * aux;
	for (uint32_t i = 0; i < dim; i++)
		sum += frame.centroid[i] * frame.centroid[i];
	if (!(std::fabs(sum - norm) <= kRelative * sum + kTiny))
		report(c, frame.block.page, "an inner entry's norm is not its centroid's");
	if (aux != 0 && c.meta.metric != VX_IP)
		report(c, frame.block.page, "an inner entry has an extra coordinate");
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
			report(c, above.block.page, "a leaf's centroid lies outside the spread of an entry above it");
	}
}

void visit_child(vx_check &c, CheckFrame &frame) {
	const uint32_t dim = c.meta.dim, lane = frame.lane++;
	const char *fault = child_fault(frame.block, dim, lane);
	if (fault != nullptr) {
		report(c, frame.block.page, fault);
		c.cut = true;
		return;
	}
	child_centroid(frame.block, dim, lane, frame.centroid);
	frame.radius = child_float(frame.block, dim, VX_CHILD_RADIUS, lane);
	frame.spread = child_float(frame.block, dim, VX_CHILD_SPREAD, lane);
	check_norm(c, frame, lane);
	const uint32_t block = child_bits(frame.block, dim, VX_CHILD_BLOCK, lane);
	const uint64_t node = child_node(frame.block, dim, lane);
	if (node >= c.meta.next_node)
		report(c, frame.block.page, "a node has an id that was not given out yet");
	if (c.level == 1) {
		check_spreads(c);
		start_chain(c, frame.block.page, block, node);
		c.phase = CheckPhase::kLeaf;
		return;
	}
	c.level--;
	CheckFrame &below = c.frames[c.level];
	below.lane = below.block.lanes = 0;
	below.block.page = frame.block.page;
	below.cursor.start(dim, block, node, c.level, below.buffer);
}

} // namespace

void start_tree(vx_check &c) {
	c.phase = CheckPhase::kTree;
	c.level = c.meta.levels;
	CheckFrame &root = c.frames[c.level];
	root.lane = root.block.lanes = 0;
	root.block.page = VX_META_BLOCK;
	root.cursor.start(c.meta.dim, c.meta.root, c.meta.root_node, c.level, root.buffer);
}

vx_step step_tree(vx_check &c, vx_want &want) {
	while (c.level <= c.meta.levels && c.phase == CheckPhase::kTree && c.nfaults == 0) {
		CheckFrame &frame = c.frames[c.level];
		if (frame.lane < frame.block.lanes) {
			visit_child(c, frame);
		} else if (frame.cursor.next(frame.block)) {
			frame.lane = 0;
		} else if (frame.cursor.wanted() != VX_NO_BLOCK && reach(c, frame.block.page, frame.cursor.wanted())) {
			return ask_page(c, want, frame.cursor.wanted());
		} else {
			leave_node(c);
		}
	}
	if (c.level > c.meta.levels) {
		c.phase = CheckPhase::kChain;
		c.next = VX_NO_BLOCK;
	}
	return VX_DONE;
}

void tree_page(vx_check &c, const void *page) {
	CheckFrame &frame = c.frames[c.level];
	memcpy(frame.page, page, VX_PAGE_SIZE);
	const char *fault = frame.cursor.take(frame.page);
	if (fault == nullptr)
		return;
	report(c, c.visiting, fault);
	c.cut = true;
	leave_node(c);
}

} // namespace vecidx
