// What is proved of nodes and rows about the conditions of a scan.
#include "search/conditions.hpp"

#include <cmath>

namespace vecidx {

bool prepare_conditions(const vx_index &ix, const Query &ordered_by, Arena &arena, Conditions &c) {
	if (c.ready)
		return true;
	c.balls.set_size(c.made);
	if (!c.balls.reserve(arena, c.wanted))
		return false;
	for (; c.made < c.wanted; c.made++) {
		void *memory = arena.allocate(query_bytes(ix));
		if (memory == nullptr)
			return false;
		Ball ball{};
		ball.memory = memory;
		c.balls.append(ball);
	}
	c.balls.set_size(c.wanted);
	for (uint32_t i = 0; i < c.wanted; i++) {
		Ball &ball = c.balls[i];
		prepare_query(ix, c.given[i].center, ball.memory, ball.query);
		ball.radius = c.given[i].radius;
		ball.limit = limit_of(ball.query, ball.radius);
		ball.at_query = ordered_by.ordered && memcmp(ordered_by.x, ball.query.x, sizeof(float) * ball.query.dim) == 0;
		// every distance from such a center is NaN
		c.nothing = c.nothing || !ball.query.ordered || std::isnan(ball.radius);
	}
	c.ready = true;
	return true;
}

void begin_block(Conditions &c) {
	for (Ball &ball : c.balls)
		ball.sums = {};
}

void add_block_products(Conditions &c, const uint8_t *rows, uint32_t first_quad, uint32_t n) {
	for (Ball &ball : c.balls)
		add_products(ball.query, rows, first_quad, n, ball.sums);
}

const char *exclude_children(const vx_index &ix, const Conditions &c, const InnerBlock &block, Children &children) {
	for (const Ball &ball : c.balls) {
		Children view = children;
		const char *fault = score_children(ball.query, ball.sums, view);
		if (fault != nullptr)
			return fault;
		bound_children(ix, ball.query, block, true, view);
		for (uint32_t lane = 0; lane < VX_LANES; lane++) {
			if (!(view.bound[lane] > ball.radius))
				continue;
			children.seen &= ~(1U << lane);
			children.hidden[lane] = INFINITY;
		}
	}
	return nullptr;
}

Place place_of_coded(const vx_index &ix, const Conditions &c, const vx_code_entry &entry, const Interval &own) {
	Place place = Place::kInside;
	for (const Ball &ball : c.balls) {
		if (!ball.at_query && is_beyond(ball.query, ball.limit, entry))
			return Place::kOutside;
		const Interval proved = ball.at_query ? own : coded_intervals(ix, ball.query, entry).proved;
		if (proved.low > ball.radius)
			return Place::kOutside;
		// where nothing is proved the result may be NaN, which not even an infinite ball holds
		if (!(proved.high <= ball.radius) || !(proved.high < INFINITY))
			place = Place::kUnknown;
	}
	return place;
}

Place place_of_raw(const Conditions &c, const float *x) {
	for (const Ball &ball : c.balls)
		if (!(raw_value(ball.query, x) <= ball.radius))
			return Place::kOutside;
	return Place::kInside;
}

} // namespace vecidx
