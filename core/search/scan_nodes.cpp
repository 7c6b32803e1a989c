// The scan's view of the tree: children read from inner nodes, and the choice of nodes to open.
#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"
#include "page/layout.hpp"
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
constexpr uint32_t kMostChildren = 1U << 20;

float as_float(uint32_t bits) {
	return __builtin_bit_cast(float, bits);
}

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

void add_child(vx_scan &s, uint32_t lane) {
	const auto &f = s.reader.fields;
	const Query &query = s.query;
	const float scale = as_float(f[VX_CHILD_SCALE][lane]);
	float norm = as_float(f[VX_CHILD_NORM][lane]);
	const float aux = as_float(f[VX_CHILD_AUX][lane]), radius = as_float(f[VX_CHILD_RADIUS][lane]);
	const float dot = scale * query.shape.scale * static_cast<float>(s.reader.sums[lane] - 128 * query.shape.sum);
	norm -= aux * aux;
	Node node{};
	node.level = static_cast<uint16_t>(s.reader.level - 1);
	node.block = f[VX_CHILD_BLOCK][lane];
	node.id = uint64_t(f[VX_CHILD_NODE_HI][lane]) << 32 | f[VX_CHILD_NODE_LO][lane];
	node.spread = as_float(f[VX_CHILD_SPREAD][lane]);
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
	s.nodes.append(node);
}

void finish_block(vx_scan &s) {
	const uint32_t block_rows = vx_inner_block_rows(s.query.dim);
	const uint32_t first = (s.reader.row / block_rows - 1) * VX_LANES;
	const uint32_t lanes = std::min(VX_LANES, s.reader.children - first);
	for (uint32_t lane = 0; lane < lanes && s.fault == nullptr; lane++)
		add_child(s, lane);
	memset(s.reader.sums, 0, sizeof(s.reader.sums));
}

// Consume `rows` rows of the stream, which start on this page at `bytes`.
void read_rows(vx_scan &s, const uint8_t *bytes, uint32_t rows) {
	const uint32_t quads = vx_quads(s.query.dim), block_rows = vx_inner_block_rows(s.query.dim);
	while (rows > 0 && s.fault == nullptr) {
		const uint32_t at = s.reader.row % block_rows;
		uint32_t n = 1;
		if (at < quads) {
			n = std::min(quads - at, rows);
			kernels().centroid_rows(bytes, s.query.bytes + size_t(at) * 4, n, s.reader.sums);
		} else {
			memcpy(s.reader.fields[at - quads], bytes, VX_ROW_BYTES);
		}
		bytes += size_t(n) * VX_ROW_BYTES;
		rows -= n;
		s.reader.row += n;
		if (s.reader.row % block_rows == 0)
			finish_block(s);
	}
}

const char *inner_fault(const vx_scan &s, const void *page) {
	const auto &special = page_special(page);
	const auto &header = page_header<vx_inner_header>(page);
	if (!vx_page_is(page, VX_KIND_INNER))
		return "not an inner page";
	if (special.node != s.reader.id || special.level != s.reader.level)
		return "an inner page belongs to another node";
	if (header.children == 0 || header.children > kMostChildren)
		return "an inner node's number of children is impossible";
	if (header.first_row != s.reader.row || (s.reader.row > 0 && header.children != s.reader.children))
		return "pages of an inner node do not continue each other";
	return nullptr;
}

} // namespace

void start_node(vx_scan &s, uint32_t block, uint64_t id, uint32_t level) {
	s.reader = {};
	s.reader.id = id;
	s.reader.level = level;
	s.next_block = block;
	s.in_node = true;
}

bool reserve_inner(vx_scan &s) {
	const uint32_t blocks = VX_ROWS_PER_PAGE / vx_inner_block_rows(s.query.dim) + 2;
	return s.nodes.reserve_more(s.arena, size_t(blocks) * VX_LANES);
}

void read_inner(vx_scan &s, const void *page) {
	s.fault = inner_fault(s, page);
	if (s.fault != nullptr)
		return;
	const auto &header = page_header<vx_inner_header>(page);
	s.reader.children = header.children;
	s.reader.rows = (header.children + VX_LANES - 1) / VX_LANES * vx_inner_block_rows(s.query.dim);
	const uint32_t rows = std::min(VX_ROWS_PER_PAGE, s.reader.rows - s.reader.row);
	read_rows(s, static_cast<const uint8_t *>(page) + VX_BLOCKS_OFFSET, rows);
	const bool more = s.reader.row < s.reader.rows;
	if (s.fault == nullptr && more != (header.next != VX_NO_BLOCK))
		s.fault = "an inner node has too few or too many pages";
	s.next_block = more ? header.next : VX_NO_BLOCK;
	if (!more) {
		s.in_node = false;
		s.npicks = s.pick = 0; // there may be better ones now
		s.stats.inner_nodes++;
	}
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

// Whether the nearest rows of a leaf are likely to lie within rho_k, by mean and deviation of their squared distances.
// Compact clusters apart from each other need this: beyond the query's own, the next ones are all far from its
// centroid.
bool reaches(const vx_scan &s, const Node &leaf, double rho) {
	const float mean = leaf.base + leaf.spread * leaf.spread;
	const float deviation = 2 * std::sqrt(leaf.base) * leaf.spread * s.dial.deviation;
	return mean - s.dial.sigmas * deviation <= static_cast<float>(estimate_units(s.query, rho));
}

bool passes(const vx_scan &s, const Node &node, double rho, float limit) {
	if (s.dial.exact)
		return node.bound < rho;
	if (s.query.metric != VX_IP)
		return node.score <= limit || (node.level == 0 && reaches(s, node, rho));
	if (node.bound < rho)
		return true;
	// how many of the leaf's own deviations the k-th product lies above its mean product
	const float rise = node.level == 0 ? 0 : static_cast<float>(s.query.norm) * node.spread * kOptimism;
	const float spread = node.level == 0 ? node.spread : 0;
	return node.base - rise - static_cast<float>(rho) <= limit * static_cast<float>(s.query.norm) * spread;
}

} // namespace

// List in `open` what must be opened now that rho_k is known: inner nodes alone while any passes, then leaves.
void choose_gate(vx_scan &s) {
	const double rho = s.highs.threshold();
	float limit = s.dial.alpha;
	if (s.query.metric != VX_IP)
		limit = s.nearest + s.dial.alpha * static_cast<float>(estimate_units(s.query, rho));
	s.open.clear();
	s.open_at = 0;
	bool inner = false;
	for (uint32_t i = 0; i < s.nodes.size(); i++) {
		const Node &node = s.nodes[i];
		if (node.opened != 0 || !passes(s, node, rho, limit))
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
