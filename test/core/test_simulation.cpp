// Schedules of concurrent sessions, crashes and a standby, each from a seed: see doc/testing.md.
//   VECIDX_SCHEDULES=n   how many (default 1000), VECIDX_FIRST=n the first one's seed
//   VECIDX_SEED=n        that one alone
#include <cstdio>
#include <cstdlib>

#include "catch.hpp"
#include "sim/simulation.hpp"

using namespace vecidx_sim;

namespace {

uint64_t number_from(const char *name, uint64_t otherwise) {
	const char *value = getenv(name);
	return value != nullptr ? strtoull(value, nullptr, 10) : otherwise;
}

// Empty, or what went wrong.
std::string run(uint64_t seed, MemoryPool &pool, Counts &counts) {
	try {
		Simulation simulation(seed, pool);
		simulation.run();
		counts.add(simulation.counts());
		return {};
	} catch (const std::exception &error) {
		return error.what();
	}
}

} // namespace

TEST_CASE("simulated schedules", "[simulation]") {
	const uint64_t only = number_from("VECIDX_SEED", 0), first = only != 0 ? only : number_from("VECIDX_FIRST", 1);
	const uint64_t n = only != 0 ? 1 : number_from("VECIDX_SCHEDULES", 1000), most = number_from("VECIDX_FAILURES", 1);
	MemoryPool pool;
	Counts counts;
	uint64_t failures = 0;
	for (uint64_t seed = first; seed < first + n && failures < most; seed++) {
		const std::string why = run(seed, pool, counts);
		if (why.empty())
			continue;
		failures++;
		UNSCOPED_INFO("VECIDX_SEED=" << seed << ": " << why);
	}
	CHECK(failures == 0);
	if (getenv("VECIDX_COUNTS") != nullptr)
		printf("steps %lu inserts %lu chores %lu vacuums %lu scans %lu crashes %lu standby %lu again %lu cancelled %lu "
			   "levels %lu records %lu rows %lu anchors %lu\n",
			   counts.steps, counts.inserts, counts.chores, counts.vacuums, counts.scans, counts.crashes,
			   counts.standby_scans, counts.again, counts.cancelled, counts.levels, counts.records, counts.rows,
			   counts.anchors);
}
