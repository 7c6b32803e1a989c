// One schedule: sessions that take turns at random, crashes between their steps, checks, and the end when all is quiet.
#pragma once

#include "sim/read.hpp"
#include "sim/vacuum.hpp"
#include "sim/verify.hpp"

namespace vecidx_sim {

// An index that is a tree from its first row, and half of the time one whose codes take two pages.
inline void make_vast(Config &c, Random &random) {
	c.dim = random.chance(0.5) ? random.between(2029, 2100) : random.between(8121, 8200);
	c.bits = 1;
	c.leaf_size = random.of({0U, 6U, 10U});
	c.built_raw = false;
	c.first_rows = random.chance(0.5) ? 0 : random.between(1, 30);
	c.steps = random.between(1000, 8000);
	c.most_rows = random.between(20, 150);
	c.crash = random.chance(0.6) ? random.uniform() * 0.005 : 0;
}

inline Config draw_config(uint64_t seed, Random &random) {
	Config c{};
	c.seed = seed;
	const bool wide = random.chance(0.1);
	c.dim = wide ? random.between(250, 620) : random.between(3, 24);
	c.bits = wide ? random.of({1U, 2U, 4U, 4U}) : random.of({0U, 1U, 2U, 4U});
	c.leaf_size = wide ? random.of({8U, 16U, 40U}) : random.of({6U, 8U, 12U, 16U, 24U});
	c.metric = random.of({VX_L2, VX_COSINE, VX_IP});
	c.built_raw = random.chance(0.3);
	c.first_rows = random.chance(0.3) ? 0 : random.between(20, wide ? 100 : 250);
	c.limits = {random.between(40, 200), random.between(6, 40), random.between(6, 20)};
	// where nobody reads the primary, what is retired is soon used again under the standby's scans
	const bool far = random.chance(0.4);
	c.writers = far ? random.between(1, 3) : random.between(2, 6);
	c.most_writes = far ? random.between(1, 3) : 12;
	c.readers = far ? 0 : random.between(0, 4);
	c.freeze = random.of({0.0, 0.003, 0.02});
	c.standby_readers = far ? random.between(2, 5) : random.chance(0.4) ? random.between(1, 3) : 0;
	c.feedback = random.of({0.0, 0.0, 0.3, 1.0});
	c.steps = wide ? random.between(1000, 6000) : random.between(3000, 16000);
	c.most_rows = random.between(60, 400);
	c.crash = random.chance(0.4) ? random.uniform() * 0.002 : random.chance(0.1) ? 0.02 : 0;
	c.late_log = random.chance(0.5) ? random.uniform() * 0.01 : 0.0005;
	c.odd = random.chance(0.3) ? random.uniform() * 0.2 : 0.01;
	c.drift = random.of({0.02, 0.1, 0.5});
	c.vacuum = random.of({0.002, 0.01, 0.1});
	c.give_up = random.chance(0.3) ? 0.001 : 0;
	// rows of aborted transactions are dead at once, and no scan of the standby has seen them
	c.abort = random.of({0.05, 0.15, 0.5});
	c.remove = random.of({0.01, 0.25, 0.25});
	c.cut_log = random.chance(0.5);
	c.reach = random.of({3.0F, 3.0F, 3.0F, 30.0F});
	if (seed % 40 == 39)
		make_vast(c, random);
	return c;
}

class Simulation {
public:
	Simulation(uint64_t seed, MemoryPool &pool)
		: random_(seed * 0x9E3779B97F4A7C15u + 1), config_(draw_config(seed, random_)),
		  world_(config_, first_store(), random_, pool) {
		fill();
		start_primary();
		sessions_.push_back(std::make_unique<Replay>(world_));
		for (uint32_t i = 0; i < config_.standby_readers; i++)
			sessions_.push_back(std::make_unique<Reader>(world_, true, random_.chance(config_.feedback)));
	}

	void run() {
		while (world_.counts.steps < config_.steps) {
			if (random_.chance(config_.crash))
				crash();
			turn();
			if (random_.chance(0.0005))
				verify(world_, world_.disk.store, true);
		}
		close();
	}
	const Counts &counts() {
		world_.counts.records = world_.log.end();
		world_.counts.anchors = world_.disk.store.meta().nanchors;
		return world_.counts;
	}

private:
	// ---- before it begins

	Store first_store() {
		for (uint32_t i = 0; i < config_.first_rows; i++)
			rows_.push_back(first_vector(i));
		vecidx_test::BuildOptions options;
		options.metric = config_.metric;
		options.bits = config_.bits;
		options.leaf_size = config_.leaf_size;
		options.leaves = config_.built_raw ? 0 : std::min(config_.first_rows / std::max(config_.leaf_size, 6U), 150U);
		options.seed = config_.seed;
		return vecidx_test::build(config_.dim, rows_, options);
	}
	Vector first_vector(uint32_t i) {
		if (i % 20 == 0 || centre_.empty()) {
			centre_.resize(config_.dim);
			for (float &x : centre_)
				x = 3 * random_.normal();
		}
		Vector x(config_.dim);
		for (uint32_t j = 0; j < config_.dim; j++)
			x[j] = centre_[j] + random_.normal();
		return x;
	}
	void fill() {
		Database &database = world_.database;
		const uint64_t xid = database.begin();
		for (Vector &x : rows_) {
			const uint32_t i = database.insert(xid, std::move(x));
			database.versions[i].indexed = world_.log.end();
		}
		database.end(xid, true);
		first_end_ = world_.log.end();
	}

	// ---- sessions

	void start_primary() {
		for (uint32_t i = 0; i < config_.writers; i++)
			primary_.push_back(std::make_unique<Writer>(world_));
		for (uint32_t i = 0; i < config_.readers; i++)
			primary_.push_back(std::make_unique<Reader>(world_, false, true));
		auto vacuum = std::make_unique<Vacuum>(world_);
		vacuum_ = vacuum.get();
		primary_.push_back(std::move(vacuum));
	}

	bool is_ready(const Session &session) const {
		if (world_.closing && session.idle())
			return false;
		return session.runnable() && (world_.closing || session.frozen_until <= world_.counts.steps);
	}
	// One session goes on for a while, most often for one step.
	void turn() {
		std::vector<Session *> ready;
		for (auto *list : {&primary_, &sessions_})
			for (const auto &session : *list)
				if (is_ready(*session))
					ready.push_back(session.get());
		if (ready.empty()) {
			world_.counts.steps++;
			return;
		}
		Session *session = ready[random_.below(ready.size())];
		if (random_.chance(config_.freeze))
			session->frozen_until = world_.counts.steps + random_.below(uint64_t(1) << random_.between(2, 11));
		const uint32_t burst = random_.chance(0.1) ? random_.between(2, 60) : 1;
		for (uint32_t i = 0; i < burst && is_ready(*session); i++) {
			world_.counts.steps++;
			const uint64_t before = world_.log.end();
			session->step();
			if (paranoid_ && world_.log.end() != before)
				verify(world_, world_.disk.store, true);
		}
	}
	bool quiet() const {
		for (const auto *list : {&primary_, &sessions_})
			for (const auto &session : *list)
				if (!session->idle())
					return false;
		return true;
	}

	// ---- crash

	void crash() {
		world_.counts.crashes++;
		primary_.clear();
		uint64_t end = world_.log.end();
		if (config_.cut_log)
			end -= random_.below(std::min<uint64_t>(end - first_end_, 200) + 1);
		Standby &standby = world_.standby;
		const bool ahead = standby.applied > end;
		if (ahead)
			sessions_.clear();
		world_.log.cut(end);
		world_.database.crash(end);
		world_.disk.restart();
		lose_space();
		if (ahead) {
			standby.store = world_.disk.store;
			standby.applied = end;
			sessions_.push_back(std::make_unique<Replay>(world_));
			for (uint32_t i = 0; i < config_.standby_readers; i++)
				sessions_.push_back(std::make_unique<Reader>(world_, true, random_.chance(config_.feedback)));
		}
		verify(world_, world_.disk.store, true);
		start_primary();
	}
	// The free space map is as it was, or empty, or knows nothing right.
	void lose_space() {
		std::set<uint32_t> &blocks = world_.disk.space.blocks;
		const uint64_t how = random_.below(3);
		if (how > 0)
			blocks.clear();
		for (uint32_t i = 0; how == 2 && i < 20; i++)
			blocks.insert(static_cast<uint32_t>(random_.below(world_.disk.store.nblocks())));
	}

	// ---- the end

	void finish_all() {
		for (uint64_t turns = 0; !quiet(); turns++) {
			require(turns < 1000000, "the sessions do not come to an end");
			turn();
		}
	}
	void close() {
		world_.closing = true;
		finish_all();
		verify(world_, world_.disk.store, true);
		verify(world_, world_.standby.store, true);
		config_.give_up = 0;
		const uint32_t deleted = delete_some();
		for (int i = 0; i < 5; i++) {
			world_.database.end(world_.database.begin(), true);
			vacuum_->begin(true);
			finish_all();
		}
		verify(world_, world_.disk.store, true);
		verify_tidy(world_, deleted);
		read_all();
	}
	// Enough for VACUUM to look at the leaves.
	uint32_t delete_some() {
		Database &database = world_.database;
		const uint64_t xid = database.begin();
		uint32_t deleted = 0;
		for (uint32_t i = 0; i < database.versions.size(); i++)
			if (random_.chance(0.2) && database.visible(database.versions[i], world_.log.end(), xid)) {
				database.remove(i, xid);
				deleted++;
			}
		database.end(xid, true);
		return deleted;
	}
	void read_all() {
		Known known{world_.open(world_.disk.store), nullptr};
		for (const double recall : {1.0, 0.95, 0.9}) {
			auto snapshot =
				std::make_unique<Snapshot>(world_.database, world_.log.end(), world_.database.next, 0, true);
			Scan scan(world_, known, std::move(snapshot), false);
			scan.start(world_.new_vector(), recall, 5);
			while (scan.step() != Scan::Progress::kDone) {
			}
		}
	}

	const bool paranoid_ = getenv("VECIDX_PARANOID") != nullptr; // check after every record
	Random random_;
	Config config_;
	std::vector<Vector> rows_;
	Vector centre_;
	World world_;
	uint64_t first_end_ = 0;
	std::vector<std::unique_ptr<Session>> primary_, sessions_;
	Vacuum *vacuum_ = nullptr;
};

} // namespace vecidx_sim
