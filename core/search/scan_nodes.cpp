// The scan's view of the tree: children read from inner nodes, and the choice of nodes to open.
#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"
#include "page/inner.hpp"
#include "search/scan.hpp"

namespace vecidx {
namespace {

// How much of the ball of leaf centroids below an inner node counts when it is scored: the whole ball would be proved,
// but in many dimensions its near side is empty.
constexpr float kOptimism = 0.7F;
// Spreads that a leaf's mean product is raised by when leaves are ordered for inner product.
constexpr float kProductOptimism = 0.3F;
// Radius over rms distance; in leaves as built hardly ever above 2.
constexpr float kDrifted = 2.5;

float child_score(const Query &query, const Node &node) {
	if (query.metric == VX_IP)
		return node.base -
			   static_cast<float>(query.norm) * node.spread * (node.level == 0 ? kProductOptimism : kOptimism);
	if (node.level == 0)
		return node.base;
	const float distance = std::max(0.0F, std::sqrt(node.base) - kOptimism * node.spread);
	return distance * distance;
}

// Rows were inserted far from those that the leaf was made of: its spread says nothing about them, its ball does.
bool has_drifted(const Query &query, const Node &node, float radius) {
	return query.metric == VX_IP && node.level == 0 && radius > kDrifted * node.spread;
}

void add_products(const Query &query, const uint8_t *rows, uint32_t first_quad, uint32_t n, LaneSums &sums) {
	kernels().centroid_rows(rows, query.bytes + size_t(first_quad) * 4, n, sums.coarse);
	if (query.fine != nullptr)
		kernels().centroid_rows(rows, query.fine + size_t(first_quad) * 4, n, sums.fine);
}

// <query, centroid>, less the centroid's scale.
float product(const Query &query, const LaneSums &sums, uint32_t lane) {
	const float coarse = query.shape.scale * static_cast<float>(sums.coarse[lane] - 128 * query.shape.sum);
	if (query.fine == nullptr)
		return coarse;
	return coarse + query.fine_shape.scale * static_cast<float>(sums.fine[lane] - 128 * query.fine_shape.sum);
}

void add_child(vx_scan &s, const InnerBlock &block, const LaneSums &sums, uint32_t lane) {
	const Query &query = s.query;
	const float scale = block.number(VX_CHILD_SCALE, lane), aux = block.number(VX_CHILD_AUX, lane);
	const float radius = block.number(VX_CHILD_RADIUS, lane), norm = block.number(VX_CHILD_NORM, lane) - aux * aux;
	const float dot = scale * product(query, sums, lane);
	Node &node = *s.nodes.end(); // filled in place: a copy right after writing its fields waits for them
	node.opened = 0;
	node.level = static_cast<uint16_t>(s.reader.level - 1);
	node.block = block.child(lane);
	if (node.block == VX_NO_BLOCK) // would pass for an empty leaf
		s.fault = "an inner node's child has no page";
	node.id = block.node(lane);
	node.spread = block.number(VX_CHILD_SPREAD, lane);
	node.base = query.metric == VX_IP ? -(static_cast<float>(query.offset) + dot)
									  : std::max(0.0F, norm - 2 * dot + static_cast<float>(query.squared));
	node.score = child_score(query, node);
	node.bound = s.dial.exact ? -INFINITY : INFINITY;
	if (!std::isfinite(node.score) || !(radius >= 0)) {
		if (!query.wild)
			s.fault = "an inner node's child has impossible numbers";
	} else if ((s.dial.exact || has_drifted(query, node, radius)) && !query.wild) {
		const double bound = ball_bound(*s.ix, query, dot, norm, radius);
		node.bound = std::nextafterf(static_cast<float>(bound), -INFINITY);
	}
	if (node.level == 0)
		s.nearest = std::min(s.nearest, node.base);
	s.nodes.set_size(s.nodes.size() + 1);
}

void add_children(vx_scan &s, const InnerBlock &block, const LaneSums &sums) {
	for (uint32_t lane = 0; lane < VX_LANES && s.fault == nullptr; lane++)
		if (lane_seen(block, lane, s.start))
			add_child(s, block, sums, lane);
}

// Blocks that lie whole on this page.
void read_blocks(vx_scan &s, const void *page) {
	const uint32_t quads = vx_quads(s.query.dim), rows = vx_inner_block_rows(s.query.dim);
	const uint32_t blocks = page_header<vx_inner_header>(page).blocks;
	for (uint32_t i = 0; i < blocks && s.fault == nullptr; i++) {
		const InnerBlock block = block_at(page, s.visiting, i * rows);
		alignas(64) LaneSums sums{};
		add_products(s.query, block.codes(), 0, quads, sums);
		add_children(s, block, sums);
	}
}

// One part of a block that takes several pages.
void read_part(vx_scan &s, const void *page) {
	InnerReader &reader = s.reader;
	const auto *rows = static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET;
	const uint32_t fields = VX_CHILD_FIELDS, first = reader.part * VX_ROWS_PER_PAGE;
	const uint32_t end = std::min(vx_inner_block_rows(s.query.dim), first + VX_ROWS_PER_PAGE);
	const uint32_t code = std::max(first, fields);
	if (reader.part == 0) {
		reader.sums = {};
		memcpy(reader.fields, rows, sizeof(reader.fields));
	}
	add_products(s.query, rows + size_t(code - first) * VX_ROW_BYTES, code - fields, end - code, reader.sums);
	if (++reader.part < vx_inner_group_pages(s.query.dim))
		return;
	reader.part = 0;
	add_children(s, {reader.fields, {s.visiting, 0}}, reader.sums);
}

// True: the page is the one expected. False: `lost` or `fault` says why not.
bool is_expected(vx_scan &s, const void *page) {
	const auto &header = page_header<vx_inner_header>(page);
	if (!vx_page_is(page, VX_KIND_INNER))
		s.lost = "not an inner page";
	else if (page_special(page).node != s.reader.id || page_special(page).level != s.reader.level)
		s.lost = "an inner page belongs to another node";
	else if (header.forgot > s.start)
		s.lost = "an inner page forgot lanes that it must not yet";
	else if (header.part != s.reader.part)
		s.fault = "pages of an inner node do not continue each other";
	else if (header.blocks == 0 || header.blocks > inner_blocks(s.query.dim))
		s.fault = "an inner page has an impossible number of blocks";
	return s.lost == nullptr && s.fault == nullptr;
}

} // namespace

void start_node(vx_scan &s, uint32_t block, uint64_t id, uint32_t level) {
	s.reader.id = id;
	s.reader.level = level;
	s.reader.part = 0;
	s.next_block = block;
	s.in_node = true;
}

bool reserve_inner(vx_scan &s) {
	return s.nodes.reserve_more(s.arena, size_t(inner_blocks(s.query.dim)) * VX_LANES);
}

void read_inner(vx_scan &s, const void *page) {
	if (!is_expected(s, page))
		return;
	if (vx_inner_group_pages(s.query.dim) > 1)
		read_part(s, page);
	else
		read_blocks(s, page);
	s.next_block = page_header<vx_inner_header>(page).next;
	if (s.next_block != VX_NO_BLOCK)
		return;
	if (s.reader.part != 0)
		s.fault = "an inner node ends within a block";
	s.in_node = false;
	s.npicks = s.pick = 0; // there may be better ones now
	s.stats.inner_nodes++;
}

// The few unopened nodes with the smallest scores, in order. False when there are none.
bool choose_picks(vx_scan &s) {
	constexpr uint32_t kMost = sizeof(s.picks) / sizeof(s.picks[0]);
	s.pick = s.npicks = 0;
	float worst = INFINITY;
	for (uint32_t i = 0; i < s.nodes.size(); i++) {
		const Node &node = s.nodes[i];
		if (node.opened != 0 || (s.npicks == kMost && node.score >= worst))
			continue;
		uint32_t at = s.npicks < kMost ? s.npicks++ : kMost - 1;
		for (; at > 0 && s.nodes[s.picks[at - 1]].score > node.score; at--)
			s.picks[at] = s.picks[at - 1];
		s.picks[at] = i;
		worst = s.nodes[s.picks[s.npicks - 1]].score;
	}
	return s.npicks > 0;
}

namespace {

// Of a query's norm: three times what the centroid of a leaf near it is off by its rounding to 8 bits (the largest
// coordinate, some 3 / sqrt(dim) of the norm, over 127 and sqrt(12)). Rows that lie as near to each other as that, far
// from the mean, are all to one side of their centroid, so nothing is known of them but how far.
constexpr float kCoarse = 0.02F, kCoarseReach = 1.3F;

// What a node must be below to be opened, rho being the k-th best distance so far. All nodes are asked, so each by few
// operations.
struct Gate {
	double rho;
	float limit;    // of a score
	double reach;   // rho, as estimates count
	double breadth; // square of how many deviations count
	float coarse;   // spreads below that are the centroids' rounding more than the rows' own

	Gate(const vx_scan &s, double k_th) : rho(k_th), limit(s.dial.alpha), reach(0), breadth(0), coarse(0) {
		if (s.query.metric == VX_IP)
			return;
		reach = estimate_units(s.query, rho);
		limit = s.nearest + s.dial.alpha * static_cast<float>(reach);
		const double deviations = 2.0 * s.dial.sigmas * s.dial.deviation;
		breadth = deviations * deviations;
		coarse = kCoarse * static_cast<float>(s.query.norm);
	}

	// Whether the nearest rows of a leaf are likely to lie within rho, by mean and deviation of their squared
	// distances. Compact clusters apart from each other need this: beyond the query's own, the next ones are all far
	// from its centroid.
	bool reaches(const Node &leaf) const {
		const double square = static_cast<double>(leaf.spread) * leaf.spread, over = leaf.base + square - reach;
		if (leaf.spread < coarse)
			return std::sqrt(leaf.base) <= kCoarseReach * leaf.spread + std::sqrt(reach);
		return over <= 0 || over * over <= breadth * leaf.base * square;
	}
};

bool passes(const vx_scan &s, const Gate &gate, const Node &node) {
	if (s.dial.exact)
		return node.bound < gate.rho;
	if (s.query.metric != VX_IP)
		return node.score <= gate.limit || (node.level == 0 && gate.reaches(node));
	if (node.bound < gate.rho)
		return true;
	// how many of the leaf's own deviations the k-th product lies above its mean product
	const float rise = node.level == 0 ? 0 : static_cast<float>(s.query.norm) * node.spread * kOptimism;
	const float spread = node.level == 0 ? node.spread : 0;
	return node.base - rise - static_cast<float>(gate.rho) <= gate.limit * static_cast<float>(s.query.norm) * spread;
}

} // namespace

// List in `open` what must be opened now that rho_k is known: inner nodes alone while any passes, then leaves.
void choose_gate(vx_scan &s) {
	const Gate gate(s, s.highs.threshold());
	s.open.clear();
	s.open_at = 0;
	bool inner = false;
	for (uint32_t i = 0; i < s.nodes.size(); i++) {
		const Node &node = s.nodes[i];
		if (node.opened != 0 || !passes(s, gate, node))
			continue;
		if (node.level > 0 && !inner) {
			inner = true;
			s.open.clear();
		}
		if (!inner || node.level > 0)
			s.open.append(i);
	}
	if (s.dial.exact)
		std::sort(s.open.begin(), s.open.end(), [&](uint32_t a, uint32_t b) {
			const Node &x = s.nodes[a], &y = s.nodes[b];
			return x.bound != y.bound ? x.bound < y.bound : x.block < y.block;
		});
	else
		std::sort(s.open.begin(), s.open.end(),
				  [&](uint32_t a, uint32_t b) { return s.nodes[a].block < s.nodes[b].block; });
}

} // namespace vecidx
