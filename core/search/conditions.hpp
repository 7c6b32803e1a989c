// Conditions of a scan: balls that a row must lie in, each a center and a radius in units of the operator's result.
//
// A condition is exact at any recall, so it goes by proved bounds alone: what is below an inner node's child is left
// out when the child's ball does not reach into the condition's, a coded row when its proved interval lies beyond the
// radius. A coded row whose interval holds the radius is handed out to be checked by whoever has the row itself.
#pragma once

#include "memory/arena.hpp"
#include "search/children.hpp"
#include "vecidx/core.h"

namespace vecidx {

struct Ball {
	Query query; // the center
	double radius;
	Limit limit;   // of the radius
	bool at_query; // its center is the vector that rows are ordered by
	void *memory;  // of the query's arrays
	LaneSums sums; // of the inner block being read
};

// To all balls of a scan.
enum class Place : uint8_t { kOutside, kUnknown, kInside };

struct Conditions {
	const vx_ball *given;
	uint32_t wanted;
	bool ready;    // prepared for this scan
	bool nothing;  // no row can satisfy them
	uint32_t made; // balls that have memory
	Pool<Ball> balls;

	bool any() const { return wanted > 0; }
	// What scans before had stays as memory.
	void give(const vx_ball *list, uint32_t n) {
		given = list;
		wanted = n;
		ready = nothing = false;
		balls.clear();
	}
};

// False when memory is missing. `ordered_by` is the scan's own query.
bool prepare_conditions(const vx_index &ix, const Query &ordered_by, Arena &arena, Conditions &conditions);

// Sums for an inner block that is read part by part: begin, add, and then exclude.
void begin_block(Conditions &conditions);
void add_block_products(Conditions &conditions, const uint8_t *rows, uint32_t first_quad, uint32_t n);
// Children below which no row satisfies all conditions become as unseen. nullptr, or what is wrong with the block.
const char *exclude_children(const vx_index &ix, const Conditions &conditions, const InnerBlock &block,
							 Children &children);

// `own` is where the operator's result for the scan's own query lies.
Place place_of_coded(const vx_index &ix, const Conditions &conditions, const vx_code_entry &entry, const Interval &own);
// Of a row that is stored as it is: never unknown.
Place place_of_raw(const Conditions &conditions, const float *x);

} // namespace vecidx
