// The first training: the raw run becomes a tree. All of it happens under the lock, since an index of few rows is soon
// trained; the old run stays for scans that began with it, as a lane of the new root that no other scan sees.
#include <algorithm>
#include <cmath>

#include "grow/tend.hpp"
#include "page/leaf.hpp"
#include "page/rows.hpp"

namespace vecidx {
namespace {

constexpr uint32_t kRowsAStep = 64;
constexpr uint32_t kMostSteps = 1U << 24;

// New pages before those of codes.
constexpr uint32_t kMeanPage = 0, kRawPage = 1, kFirstCodePage = 2;

const vx_raw_entry &raw_row(const Training &r, uint32_t i, uint32_t dim) {
	return *reinterpret_cast<const vx_raw_entry *>(r.rows.data() + size_t(i) * vx_raw_stride(dim));
}
vx_code_entry &code_row(const Training &r, uint32_t i, uint32_t dim) {
	return *reinterpret_cast<vx_code_entry *>(r.codes + size_t(i) * vx_code_stride(dim));
}

void clear_fresh(vx_tend &t) {
	t.fresh.images.clear();
	t.fresh.next.clear();
	t.fresh.block.clear();
}

uint64_t root_id(const vx_tend &t) {
	return t.first_id + t.training.leaves;
}

// The index as it will be: another mean, so another epoch.
bool make_shape(vx_tend &t) {
	Training &r = t.training;
	const uint32_t dim = dim_of(t);
	const size_t bytes = vx_index_size(dim, 0);
	double *sums = nullptr;
	float *mean = nullptr;
	const bool taken = carve(t, [&](Carver &memory) {
		r.shape = reinterpret_cast<vx_index *>(memory.take<uint8_t>(bytes));
		sums = memory.take<double>(dim);
		mean = memory.take<float>(dim);
		r.codes = memory.take<uint8_t>(checked_product(r.n, vx_code_stride(dim)));
		t.scan_code = memory.take<uint8_t>(dim);
		t.scratch = memory.take<double>(dim);
	});
	if (!taken)
		return false;
	memcpy(r.shape, t.ix, bytes);
	std::fill_n(sums, dim, 0.0);
	for (uint32_t i = 0; i < r.n; i++)
		vx_mean_add(r.shape, raw_row(r, i, dim).x, sums);
	for (uint32_t i = 0; i < dim; i++)
		mean[i] = static_cast<float>(sums[i] / r.n);
	vx_index_set_mean(r.shape, mean);
	return true;
}

vx_step start_training(vx_tend &t, vx_want &want) {
	Training &r = t.training;
	const size_t bytes = vx_train_size(r.shape, r.n, r.leaves);
	void *memory = t.arena.allocate(bytes);
	if (memory == nullptr)
		return need_memory(t, want);
	r.train = vx_train_init(memory, bytes, r.shape, r.codes, r.n, r.leaves);
	return VX_YIELD;
}

// Rows in the order of their leaves.
vx_step sort_rows(vx_tend &t, vx_want &want) {
	Training &r = t.training;
	r.leaves = vx_train_leaves(r.train);
	const bool taken = carve(t, [&](Carver &memory) {
		r.leaf_of = memory.take<uint32_t>(r.n);
		r.order = memory.take<uint32_t>(r.n);
		r.ref = memory.take<uint32_t>(r.n);
		r.start = memory.take<uint32_t>(size_t(r.leaves) + 1);
		r.child = memory.take<Child>(r.leaves);
		r.first_page = memory.take<uint32_t>(r.leaves);
	});
	if (!taken)
		return need_memory(t, want);
	vx_train_assign(r.train, r.codes, r.n, r.leaf_of);
	for (uint32_t i = 0; i < r.n; i++)
		r.order[i] = i;
	std::sort(r.order, r.order + r.n, [&](uint32_t a, uint32_t b) {
		return r.leaf_of[a] != r.leaf_of[b] ? r.leaf_of[a] < r.leaf_of[b] : a < b;
	});
	for (uint32_t leaf = 0, i = 0; leaf <= r.leaves; leaf++) {
		r.start[leaf] = i;
		while (i < r.n && r.leaf_of[r.order[i]] == leaf)
			i++;
	}
	return want_ids(t, r.leaves + 2, TendPhase::kCodePages);
}

// The numbers of a leaf's lane, by its rows.
void measure_leaf(vx_tend &t, uint32_t leaf) {
	Training &r = t.training;
	const Level &level = r.train->levels[0];
	const uint32_t slot = level.slot_of[leaf], dim = dim_of(t);
	level.set.decode(slot, t.scratch);
	double squares = 0;
	float radius = 0;
	for (uint32_t i = r.start[leaf]; i < r.start[leaf + 1]; i++) {
		const vx_code_entry &entry = code_row(r, r.order[i], dim);
		const double reach = reach_of(entry, t.scratch, dim), distance = reach - entry.error;
		squares += distance * distance;
		radius = std::max(radius, std::nextafterf(static_cast<float>(reach * (1 + 1e-12)), INFINITY));
	}
	const uint32_t rows = r.start[leaf + 1] - r.start[leaf];
	const float spread = rows > 0 ? static_cast<float>(std::sqrt(squares / rows)) : 0;
	r.child[leaf] = {level.set.scale[slot], level.set.norm[slot], radius,   spread,  level.set.extra_of(slot),
					 VX_NO_BLOCK,           t.first_id + leaf,    VX_NEVER, VX_NEVER};
}

bool put_entry(vx_tend &t, void *page, uint32_t leaf, uint32_t i) {
	Training &r = t.training;
	const vx_meta &meta = t.ix->meta;
	const vx_code_entry &entry = code_row(r, r.order[i], meta.dim);
	ScanFactors factors;
	t.written++;
	scan_encode(static_cast<vx_metric>(meta.metric), meta.dim, meta.scan_bits, entry, t.scratch, t.scan_code, factors);
	if (page_header<vx_chain_header>(page).count == 0) {
		const float spread = r.child[leaf].spread, likely = spread > 0 ? spread * spread : factors.residual_squared;
		leaf_set_unit(page, choose_unit(std::fmin(likely, 1e35F), r.train->spread, t.scratch, meta.dim));
	}
	return leaf_add(page, meta.dim, meta.scan_bits, t.scan_code, factors, r.ref[i]);
}

bool build_leaf(vx_tend &t, uint32_t leaf) {
	Training &r = t.training;
	const uint32_t capacity = vx_leaf_capacity(dim_of(t), t.ix->meta.scan_bits);
	const uint32_t rows = r.start[leaf + 1] - r.start[leaf], pages = std::max(1U, (rows + capacity - 1) / capacity);
	measure_leaf(t, leaf);
	const auto first = static_cast<uint32_t>(t.fresh.images.size());
	for (uint32_t i = 0; i < pages; i++) {
		add_fresh(t, VX_KIND_LEAF, r.child[leaf].node, 0);
		if (i > 0)
			t.fresh.next[first + i - 1] = first + i;
	}
	page_header<vx_chain_header>(image_of(t, first)).behind = static_cast<uint16_t>(pages - 1);
	for (uint32_t i = 0; i < rows; i++)
		if (!put_entry(t, image_of(t, first + i / capacity), leaf, r.start[leaf] + i))
			return false;
	r.first_page[leaf] = first;
	return true;
}

vx_step apply_first_tree(vx_tend &t, void *const pages[], const uint32_t[], vx_want &want) {
	const Training &r = t.training;
	vx_step step;
	vx_meta *meta = tick(t, pages[0], want, step);
	if (meta == nullptr)
		return step;
	meta->mean = r.mean_block;
	meta->root = t.fresh.block[0];
	meta->root_node = root_id(t);
	meta->levels = 1;
	meta->raw = r.raw_block;
	meta->raw_node = root_id(t) + 1;
	meta->room[VX_ROOM_RAW] = VX_NO_BLOCK;
	meta->code_tail = r.code_tail;
	meta->trained = root_id(t);
	meta->leaves = r.leaves;
	meta->spread = r.train->spread;
	meta->local_dim = r.train->local_dim;
	meta->epoch++;
	retire_on(pages[1], meta->clock, t.now);
	t.phase = TendPhase::kDone;
	return VX_DONE;
}

} // namespace

vx_step step_raw(vx_tend &t, vx_want &want) {
	Training &r = t.training;
	const uint32_t dim = dim_of(t);
	if (r.next_block != VX_NO_BLOCK) {
		if (!r.rows.reserve_more(t.arena, size_t(vx_raws_per_page(dim)) * vx_raw_stride(dim)))
			return need_memory(t, want);
		return ask(t, want, r.next_block);
	}
	r.leaves = std::min(vx_plan_leaves(t.ix, r.n), t.ix->limits.root_children - 1);
	if (r.leaves == 0) {
		t.phase = TendPhase::kDone;
		return VX_DONE;
	}
	if (!make_shape(t))
		return need_memory(t, want);
	t.phase = TendPhase::kEncode;
	return VX_YIELD;
}

void raw_page(vx_tend &t, const void *page) {
	Training &r = t.training;
	const uint32_t dim = dim_of(t);
	t.fault = chain_fault(page, VX_KIND_RAW, dim, 0);
	if (t.fault == nullptr && page_special(page).node != t.meta.raw_node)
		t.fault = "a raw page belongs to another run";
	if (t.fault == nullptr && ++r.steps > kMostSteps)
		t.fault = "a chain of pages runs in a circle";
	if (t.fault != nullptr)
		return;
	const auto &chain = page_header<vx_chain_header>(page);
	const size_t bytes = size_t(chain.count) * vx_raw_stride(dim);
	memcpy(r.rows.end(), static_cast<const uint8_t *>(page) + VX_ENTRIES_OFFSET, bytes);
	r.rows.set_size(r.rows.size() + bytes);
	r.n += chain.count;
	r.next_block = chain.next;
}

vx_step step_encode(vx_tend &t, vx_want &) {
	Training &r = t.training;
	const uint32_t dim = dim_of(t), end = std::min(r.n, r.at + kRowsAStep);
	for (; r.at < end; r.at++) {
		const vx_raw_entry &raw = raw_row(r, r.at, dim);
		vx_encode(r.shape, raw.x, &code_row(r, r.at, dim));
		code_row(r, r.at, dim).row = raw.row;
	}
	if (r.at == r.n)
		t.phase = TendPhase::kTrain;
	return VX_YIELD;
}

vx_step step_train(vx_tend &t, vx_want &want) {
	if (t.training.train == nullptr)
		return start_training(t, want);
	return vx_train_next(t.training.train) == VX_YIELD ? VX_YIELD : sort_rows(t, want);
}

vx_step step_code_pages(vx_tend &t, vx_want &want) {
	Training &r = t.training;
	const uint32_t dim = dim_of(t), capacity = vx_codes_per_page(dim), pages = (r.n + capacity - 1) / capacity;
	clear_fresh(t);
	if (!reserve_fresh(t, kFirstCodePage + pages))
		return need_memory(t, want);
	add_fresh(t, VX_KIND_MEAN, root_id(t), 0);
	mean_put(image_of(t, kMeanPage), root_id(t), dim, 0, VX_NO_BLOCK, mean_of(*r.shape));
	add_fresh(t, VX_KIND_RAW, root_id(t) + 1, 0);
	for (uint32_t i = 0; i < pages; i++)
		add_fresh(t, VX_KIND_CODE, root_id(t), 0);
	for (uint32_t i = 0; i < r.n; i++)
		if (!code_put(image_of(t, kFirstCodePage + i / capacity), dim, code_row(r, r.order[i], dim)))
			return corrupt(want, VX_META_BLOCK, "a new code page has no room");
	start_fresh(t, TendPhase::kLeafPages);
	return VX_DONE;
}

vx_step step_leaf_pages(vx_tend &t, vx_want &want) {
	Training &r = t.training;
	const uint32_t dim = dim_of(t), capacity = vx_codes_per_page(dim);
	const uint32_t entries = vx_leaf_capacity(dim, t.ix->meta.scan_bits);
	if (!reserve_fresh(t, r.leaves + r.n / entries))
		return need_memory(t, want);
	r.mean_block = t.fresh.block[kMeanPage];
	r.raw_block = t.fresh.block[kRawPage];
	r.code_tail = t.fresh.block[t.fresh.block.size() - 1];
	for (uint32_t i = 0; i < r.n; i++) {
		const uint64_t ref = uint64_t(t.fresh.block[kFirstCodePage + i / capacity]) * capacity + i % capacity;
		if (ref > UINT32_MAX) {
			want.why = "the index has as many pages as its references can reach";
			return VX_FULL;
		}
		r.ref[i] = static_cast<uint32_t>(ref);
	}
	clear_fresh(t);
	for (uint32_t leaf = 0; leaf < r.leaves; leaf++)
		if (!build_leaf(t, leaf))
			return corrupt(want, VX_META_BLOCK, "a new leaf has no room for its rows");
	start_fresh(t, TendPhase::kRootPages);
	return VX_DONE;
}

vx_step step_root_pages(vx_tend &t, vx_want &want) {
	Training &r = t.training;
	if (!reserve_fresh(t, inner_pages(t, r.leaves + 1)))
		return need_memory(t, want);
	for (uint32_t leaf = 0; leaf < r.leaves; leaf++)
		r.child[leaf].block = t.fresh.block[r.first_page[leaf]];
	clear_fresh(t);
	const uint64_t clock = t.meta.clock + 1; // of the record that publishes
	const uint32_t first = add_inner(t, root_id(t), 1, r.leaves + 1);
	uint8_t bytes[(VX_MAX_DIM + 3) / 4 * 4];
	memset(bytes, 128, sizeof(bytes));
	put_lane(t, first, 0, {0, 0, 0, 0, 0, t.meta.raw, t.meta.raw_node, clock, clock}, bytes);
	const Level &level = r.train->levels[0];
	for (uint32_t leaf = 0; leaf < r.leaves; leaf++) {
		Child child = r.child[leaf];
		child.born = clock;
		level.set.bytes(level.slot_of[leaf], bytes);
		put_lane(t, first, leaf + 1, child, bytes);
	}
	start_fresh(t, TendPhase::kFirstTree);
	return VX_DONE;
}

vx_step step_first_tree(vx_tend &t, vx_want &want) {
	begin_record(t, want, apply_first_tree);
	add_page(want, VX_META_BLOCK);
	add_page(want, t.fresh.block[0]);
	return VX_WRITE;
}

} // namespace vecidx
