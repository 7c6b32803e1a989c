// The part of PostgreSQL's executor that stands above an ordered index scan: exact distances, the reorder queue, LIMIT.
// Rules as in nodeIndexscan.c (IndexNextWithReorder): a row is out when its exact distance is at most the last value
// that the index reported; a recomputed distance below the reported bound is an error.
#pragma once

#include <algorithm>
#include <cmath>
#include <queue>

#include "store.hpp"

namespace vecidx_test {

inline double operator_value(vx_metric metric, const Vector &a, const Vector &b) {
	const auto dim = static_cast<uint32_t>(a.size());
	if (metric == VX_L2)
		return vx_l2_value(vx_l2_squared(a.data(), b.data(), dim));
	if (metric == VX_IP)
		return vx_ip_value(vx_inner_product(a.data(), b.data(), dim));
	float terms[3];
	vx_cosine_terms(a.data(), b.data(), dim, terms);
	return vx_cosine_value(terms);
}

// Order of float8 with NaN last and NULL after that.
struct SortKey {
	int late; // 0 number, 1 NaN, 2 NULL
	double value;
	bool operator<(const SortKey &o) const { return late != o.late ? late < o.late : late == 0 && value < o.value; }
	bool operator==(const SortKey &o) const { return late == o.late && (late != 0 || value == o.value); }
};

inline SortKey key_of(vx_metric metric, const Vector &row, const Vector &q) {
	if (row.empty())
		return {2, 0};
	const double value = operator_value(metric, row, q);
	return std::isnan(value) ? SortKey{1, 0} : SortKey{0, value};
}

struct Output {
	uint64_t number;
	SortKey key;
};

// Whether a row satisfies a condition.
inline bool lies_within(vx_metric metric, const Vector &row, const vx_ball &ball) {
	return !row.empty() && operator_value(metric, row, Vector(ball.center, ball.center + row.size())) <= ball.radius;
}

struct Execution {
	std::vector<Output> rows;
	uint64_t fetched = 0, rechecked = 0;
	vx_scan_stats stats{};
	vx_step end = VX_DONE;
	std::string why;
};

// Run `ORDER BY v <op> q LIMIT limit` over an index whose row i holds rows[i].
class Executor {
public:
	Executor(Store &store, const Index &ix, const std::vector<Vector> &rows) : store_(store), ix_(ix), rows_(rows) {}

	// ... `WHERE` all of `balls`.
	Execution run(const Vector &q, double recall, size_t limit, bool tell_limit = true,
				  const std::vector<vx_ball> &balls = {}) {
		balls_ = balls;
		const vx_query query{q.data(), recall, tell_limit && limit < UINT32_MAX ? static_cast<uint32_t>(limit) : 0,
							 VX_BY_ROWS};
		vx_scan *scan = start(query);
		vx_scan_within(scan, balls_.data(), static_cast<uint32_t>(balls_.size()));
		vx_scan_stats before{};
		vx_scan_stats_get(scan, &before);
		Execution out;
		queue_ = {};
		vx_want want{};
		while (out.rows.size() < limit) {
			const vx_step step = vx_scan_next(scan, &want);
			if (step == VX_PAGE)
				vx_scan_page(scan, store_.page(want.block));
			else if (step == VX_MEMORY)
				vx_scan_grow(scan, memory_.take(want.bytes), want.bytes);
			else if (step == VX_ROW)
				take(out, want, q, limit);
			else if (step != VX_YIELD) {
				out.end = step;
				out.why = step == VX_CORRUPT ? want.why : "";
				break;
			}
		}
		release(out, {3, 0}, limit);
		for (Output &row : out.rows) // rows that needed no recheck came with a bound
			row.key = key_of(static_cast<vx_metric>(ix_.meta().metric), rows_.at(row.number), q);
		vx_scan_stats_get(scan, &out.stats);
		subtract(out.stats, before);
		return out;
	}

private:
	// One scan serves all queries, as in a nested loop: each finds what the one before left of the root.
	vx_scan *start(const vx_query &query) {
		if (scan_ != nullptr) {
			vx_scan_restart(scan_, &query);
			return scan_;
		}
		const size_t bytes = vx_scan_size(ix_);
		return scan_ = vx_scan_init(memory_.take(bytes), bytes, ix_, &query);
	}

	static void subtract(vx_scan_stats &stats, const vx_scan_stats &before) {
		auto *counts = reinterpret_cast<uint64_t *>(&stats);
		const auto *earlier = reinterpret_cast<const uint64_t *>(&before);
		for (size_t i = 0; i < sizeof(stats) / sizeof(*counts); i++)
			counts[i] -= earlier[i];
	}

	struct Later {
		bool operator()(const Output &a, const Output &b) const { return b.key < a.key; }
	};

	void release(Execution &out, const SortKey &reported, size_t limit) {
		while (!queue_.empty() && out.rows.size() < limit && !(reported < queue_.top().key)) {
			out.rows.push_back(queue_.top());
			queue_.pop();
		}
	}

	void take(Execution &out, const vx_want &want, const Vector &q, size_t limit) {
		const uint64_t number = number_of(want.row);
		const SortKey reported{want.order == VX_ORDER_NAN ? 1 : want.order == VX_ORDER_NULL ? 2 : 0, want.value};
		out.fetched++;
		const bool within = std::all_of(balls_.begin(), balls_.end(), [&](const vx_ball &ball) {
			return lies_within(static_cast<vx_metric>(ix_.meta().metric), rows_.at(number), ball);
		});
		require(within || want.check, "a row came as if it satisfied the conditions");
		if (!within)
			return;
		release(out, reported, limit);
		SortKey key = reported;
		const SortKey own = key_of(static_cast<vx_metric>(ix_.meta().metric), rows_.at(number), q);
		if (want.order == VX_ORDER_VALUE) // what is reported where there are several ordering expressions
			require(!(own < SortKey{0, want.bound}) && want.bound <= want.value, "the bound of a row is not proved");
		if (want.recheck) {
			out.rechecked++;
			key = own;
			require(!(key < reported), "index returned tuples in wrong order");
		}
		const bool exact = key == reported;
		if (exact && (queue_.empty() || !(queue_.top().key < key)) && out.rows.size() < limit)
			out.rows.push_back({number, key});
		else
			queue_.push({number, key});
		release(out, reported, limit);
	}

	Store &store_;
	const Index &ix_;
	const std::vector<Vector> &rows_;
	std::vector<vx_ball> balls_;
	std::priority_queue<Output, std::vector<Output>, Later> queue_;
	Memory memory_;
	vx_scan *scan_ = nullptr;
};

} // namespace vecidx_test
