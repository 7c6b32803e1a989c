// Routers: a block that other processes read answers as the training does that it was made of, and passes done by
// others lead to the very same tree.
#include "catch.hpp"

#include "training.hpp"

using namespace vecidx;
using namespace vecidx_test;

namespace {

std::vector<uint32_t> assign(const vx_router *router, Training &t, uint32_t n) {
	std::vector<uint32_t> leaf(n, UINT32_MAX);
	vx_router_assign(router, &t.ix(), t.entry(0), n, leaf.data());
	return leaf;
}

void check_same_tree(Training &a, Training &b) {
	REQUIRE(a.leaves() == b.leaves());
	for (uint32_t leaf = 0; leaf < a.leaves(); leaf++)
		REQUIRE((a.centroid(leaf) == b.centroid(leaf) && a.extra(leaf) == b.extra(leaf)));
	CHECK(a.train().local_dim == b.train().local_dim);
	CHECK(a.train().spread == b.train().spread);
}

} // namespace

TEST_CASE("a router answers as its training", "[router]") {
	std::mt19937_64 random(21);
	const auto metric = GENERATE(VX_L2, VX_COSINE, VX_IP);
	// one level, two but compared with all leaves, and two to be routed through
	const auto leaves = GENERATE(1U, 40U, 2500U, 4200U);
	const uint32_t n = leaves > 1000 ? 13001 : 1001;
	Training t(clustered(random, n, 7, 300, 0.5F), leaves, metric);
	const MovedRouter router(t.train(), &t.ix());
	CHECK(assign(router, t, n) == t.assign());
}

TEST_CASE("a router that does not fit is not made", "[router]") {
	std::mt19937_64 random(22);
	Training t(gaussian(random, 1000, 12), 40);
	std::vector<uint64_t> memory(vx_router_size(&t.ix(), 40) / 8 + 1);
	CHECK(vx_router_init(memory.data(), vx_router_size(&t.ix(), 1) - 64, &t.train()) == nullptr);
	CHECK(vx_router_init(memory.data(), memory.size() * 8, &t.train()) != nullptr);
}

TEST_CASE("passes done by others give the same tree", "[router]") {
	std::mt19937_64 random(23);
	const auto metric = GENERATE(VX_L2, VX_IP);
	// of many rows a leaf, with passes over a part of them first
	const auto leaves = GENERATE(30U, 100U, 4200U);
	const Rows rows = clustered(random, leaves == 4200 ? 13000 : 5000, 8, 300, 0.5F);
	Training own(rows, leaves, metric), shared(rows, leaves, metric, 1, Training::By::kOthers);
	CHECK(own.passes_by_others() == 0);
	CHECK(shared.passes_by_others() >= 3);
	check_same_tree(own, shared);
}
