// What a scan does with pages that hold rows: scan codes to survivors, refine codes and raw vectors to candidates.
#include <algorithm>
#include <cmath>

#include "kernel/kernels.hpp"
#include "page/leaf.hpp"
#include "search/scan.hpp"

namespace vecidx {
namespace {

const char *chain_fault(const void *page, vx_page_kind kind, uint32_t capacity) {
	if (!vx_page_is(page, kind))
		return kind == VX_KIND_LEAF   ? "not a leaf page"
			   : kind == VX_KIND_RAW  ? "not a raw page"
			   : kind == VX_KIND_LIST ? "not a list page"
									  : "not a code page";
	return page_header<vx_chain_header>(page).count > capacity ? "a page holds more entries than fit" : nullptr;
}

// Marked entries count only for scans that may miss what their rows have elsewhere since.
bool takes_marked(const vx_scan &s, const vx_leaf_header &header) {
	return s.start < header.moved;
}

// Every reference of a leaf page, without a look at the codes: for exact scans.
void take_all(vx_scan &s, const void *page, uint32_t count) {
	const uint32_t dim = s.query.dim, bits = s.ix->meta.scan_bits;
	const auto &header = page_header<vx_leaf_header>(page);
	const bool skip = header.moved != 0 && !takes_marked(s, header);
	for (uint32_t i = 0; i < count; i++)
		if (!skip || !leaf_marked(page, dim, bits, i))
			s.waiting.append({-INFINITY, leaf_ref(page, i)});
}

// On a page with marks: marked entries leave the survivors unless this scan needs them. Their estimate is infinite, so
// that they survive only where all do. Another entry of the page may have the same reference: its row came back.
// Returns how many entries the page has for this scan.
uint32_t sort_out_marked(const vx_scan &s, const void *page, uint32_t count, Survivor *out, uint32_t &found) {
	const uint32_t dim = s.query.dim, bits = s.ix->meta.scan_bits;
	const bool take = takes_marked(s, page_header<vx_leaf_header>(page)), all = found == count;
	uint32_t marked = 0, kept = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (leaf_marked(page, dim, bits, i))
			marked++;
		else if (all)
			out[kept++] = out[i];
	}
	found = all ? kept : found;
	for (uint32_t i = 0; take && i < count && found < count; i++)
		if (leaf_marked(page, dim, bits, i))
			out[found++] = {-INFINITY, leaf_ref(page, i)};
	return take ? count : count - marked;
}

// Rounding of an estimate: add and mul are float16, and products with the whole query, which nearly cancel, stand
// behind them; |q-c|^2 is a difference of float32 squares. It counts where codes are nearly exact, as in one dimension.
float rounding_of(const vx_scan &s, const Node &leaf, const vx_leaf_header &header) {
	const float product = static_cast<float>(s.query.norm) * leaf.spread * s.dial.deviation;
	return header.unit * header.unit * 0x1p-10F + product * 0x1p-9F + static_cast<float>(s.query.squared) * 0x1p-21F;
}

// Deviation of an estimate by the query's rounding, to 8 bits for centroids and to 7 in the tables.
float query_rounding_of(const vx_scan &s, const Node &leaf) {
	return s.query.estimate_rounding + s.query.tables.error * leaf.spread;
}

// How far an estimate near `squared` may be from the truth: the deviation of codes, which shrinks with the distance,
// and that of the query's rounding, which does not. They have nothing to do with each other.
float doubt(const vx_scan &s, float epsilon, float error, float squared) {
	if (s.query.metric == VX_IP) // half of it for a product; near the mean it is little beside the error
		return epsilon *
			   (error * static_cast<float>(s.query.norm) + (s.query.fine != nullptr ? s.query_rounding / 2 : 0));
	return epsilon * std::sqrt(error * error * std::max(0.0F, squared) + s.query_rounding * s.query_rounding);
}

// The largest true value that an estimate like this may stand for. Its deviation belongs to that value and not to the
// estimate: the smallest of many estimates lies far below its row's distance, even below 0.
float most_of(const vx_scan &s, float error, float estimate) {
	if (s.query.metric == VX_IP)
		return estimate + doubt(s, s.dial.epsilon, error, 0);
	const float half = s.dial.epsilon * error / 2, from = estimate + s.dial.epsilon * s.query_rounding;
	const float root = half + std::sqrt(std::max(0.0F, half * half + from));
	return root * root;
}

// Squared distance (or negated product) below which a scan code's estimate lets an entry through.
float estimate_cut(const vx_scan &s, const Node &leaf, const vx_leaf_header &header) {
	if (!s.gated && s.conditions.any()) // the best estimates may be those of rows that do not satisfy them
		return INFINITY;
	if (!s.gated) { // no rho_k yet: the k-th best estimate, with doubt on both sides
		const float kth = s.estimates.threshold();
		const float most = most_of(s, s.code_error, kth) + s.code_rounding;
		return most + doubt(s, s.dial.epsilon, header.error, std::min(most, leaf.base)) + rounding_of(s, leaf, header);
	}
	const auto rho = static_cast<float>(estimate_units(s.query, s.highs.threshold()));
	return rho + doubt(s, s.dial.epsilon, header.error, std::min(rho, leaf.base)) + rounding_of(s, leaf, header);
}

// The leaf's centroid moved since its codes were written: they are relative to another point.
void take_origin(vx_scan &s, const void *page, const vx_origin &origin) {
	if (!std::isfinite(origin.scale) || (page_special(page).level & VX_LEAF_QUADS) != vx_quads(s.query.dim)) {
		s.fault = "a leaf page has impossible factors";
		return;
	}
	if (s.query.metric == VX_IP)
		s.leaf_base = -(static_cast<float>(s.query.offset) +
						origin.scale * kernels().refine_dot(s.query.point, origin.code, s.query.dim));
	else
		s.leaf_base = kernels().refine_l2_squared(s.query.point, origin.code, origin.scale, s.query.dim);
}

void scan_codes(vx_scan &s, const void *page, uint32_t count) {
	const Node &leaf = s.current;
	const auto &header = page_header<vx_leaf_header>(page);
	const uint32_t dim = s.query.dim, bits = s.ix->meta.scan_bits;
	if (!(header.unit > 0) || !std::isfinite(header.unit) || !(header.error >= 0)) {
		s.fault = "a leaf page has impossible factors";
		return;
	}
	s.code_error = std::max(s.code_error, header.error);
	s.code_rounding = std::max(s.code_rounding, rounding_of(s, leaf, header));
	s.query_rounding = std::max(s.query_rounding, query_rounding_of(s, leaf));
	const ScanTables &tables = s.query.tables;
	const ScanQuery query{tables.values, tables.slope / header.unit, tables.offset / header.unit};
	const vx_origin *origin = leaf_origin(page);
	if (origin != nullptr)
		take_origin(s, page, *origin);
	const float base = s.leaf_base, cut = estimate_cut(s, leaf, header);
	const float squared_unit = header.unit * header.unit;
	// no estimate is >= NaN: without a cut all entries pass, even those whose damaged factors make infinity
	const float relative = std::isfinite(cut) ? (cut - base) / squared_unit : NAN;
	auto *out = reinterpret_cast<Survivor *>(s.waiting.end());
	const auto scan = kernels().scan;
	const uint32_t bytes = vx_scan_bytes(dim, bits), open = leaf_open(page) ? count % VX_LANES : 0;
	const uint32_t closed = count - open;
	const uint8_t *refs = leaf_refs(page);
	uint32_t found = scan(leaf_block(page, dim, bits, 0), refs, (closed + VX_LANES - 1) / VX_LANES, bytes, closed,
						  query, relative, out);
	if (open > 0) {
		alignas(VX_ROW_BYTES) uint8_t block[VX_PAGE_SIZE];
		leaf_open_block(page, dim, bits, block);
		found += scan(block, refs + size_t(closed) * 4, 1, bytes, open, query, relative, out + found);
	}
	// below a cut no marked entry survives; that the page is then thought to have more entries than it has costs at
	// most another pass in a scan that is read to its end
	const bool sorted_out = header.moved == 0 || (std::isfinite(relative) && !takes_marked(s, header));
	const uint32_t entries = sorted_out ? count : sort_out_marked(s, page, count, out, found);
	for (uint32_t i = 0; i < found; i++) {
		out[i].est = base + squared_unit * out[i].est;
		if (!s.gated && std::isfinite(out[i].est))
			s.estimates.add(out[i].est);
	}
	s.waiting.set_size(s.waiting.size() + found);
	s.complete = s.complete && found == entries;
	for (uint32_t i = 0; s.probe != nullptr && i < found; i++)
		s.probe->survived(out[i].ref);
}

} // namespace

static_assert(sizeof(Waiting) == sizeof(Survivor));

bool reserve_leaf(vx_scan &s) {
	const uint32_t capacity = vx_leaf_capacity(s.query.dim, s.ix->meta.scan_bits);
	return s.waiting.reserve_more(s.arena, capacity) && s.estimates.reserve_more(s.arena, capacity);
}

bool reserve_rows(vx_scan &s, size_t rows) {
	return s.candidates.reserve_more(s.arena, rows) && s.highs.reserve_more(s.arena, rows) &&
		   s.kept.reserve_more(s.arena, rows);
}

void read_leaf(vx_scan &s, const void *page) {
	if (!vx_page_is(page, VX_KIND_LEAF))
		s.lost = "not a leaf page";
	else if (page_special(page).node != s.current.id)
		s.lost = "a leaf page belongs to another node";
	else if (page_header<vx_leaf_header>(page).forgot > s.start)
		s.lost = "a leaf page forgot entries that it must not yet";
	else
		s.fault = chain_fault(page, VX_KIND_LEAF, vx_leaf_capacity(s.query.dim, s.ix->meta.scan_bits));
	if (s.lost != nullptr || s.fault != nullptr)
		return;
	const auto &header = page_header<vx_chain_header>(page);
	s.stats.entries += header.count;
	if (s.probe != nullptr)
		s.probe->read(header.count);
	if (s.dial.exact || s.query.wild || !s.query.ordered)
		take_all(s, page, header.count);
	else
		scan_codes(s, page, header.count);
	s.next_block = header.next;
}

namespace {

void drop_above(vx_scan &s, size_t from, float cut) {
	auto *end =
		std::remove_if(s.waiting.begin() + from, s.waiting.end(), [&](const Waiting &w) { return w.est > cut; });
	s.complete = s.complete && end == s.waiting.end();
	s.waiting.set_size(static_cast<size_t>(end - s.waiting.begin()));
}

} // namespace

// Before the first refinement: drop what the best estimates so far have put out of reach.
void trim_waiting(vx_scan &s) {
	if (!s.estimates.full() || s.dial.exact || s.conditions.any())
		return;
	const float kth = s.estimates.threshold();
	const float most = most_of(s, s.code_error, kth) + s.code_rounding;
	const float cut = most + doubt(s, s.dial.epsilon, s.code_error, most) + s.code_rounding;
	drop_above(s, 0, cut);
}

float refine_cut(const vx_scan &s, double k_th, float epsilon) {
	const auto rho = static_cast<float>(estimate_units(s.query, k_th));
	return rho + doubt(s, epsilon, s.code_error, rho) + s.code_rounding;
}

// Between refinements: drop what rho_k has put out of reach.
void trim_rest(vx_scan &s) {
	drop_above(s, s.refine_at, refine_cut(s, s.highs.threshold(), s.dial.epsilon));
}

namespace {

void refine(vx_scan &s, const vx_code_entry &entry) {
	s.stats.refined++;
	CodedIntervals intervals{};
	if (s.query.ordered)
		intervals = coded_intervals(*s.ix, s.query, entry);
	const Place place = place_of_coded(*s.ix, s.conditions, entry, intervals.proved);
	if (place == Place::kOutside)
		return;
	const Interval &interval = s.dial.exact ? intervals.proved : intervals.likely;
	if (s.probe != nullptr) {
		if (s.probe->is_self(entry.row))
			return;
		s.probe->refined(s.waiting[s.refine_at].ref, s.waiting[s.refine_at].est, interval.low, interval.high);
	}
	keep_candidate(s, {interval.low, interval.high, intervals.proved.low, entry.row, place == Place::kUnknown});
}

void read_rest(vx_scan &s, const void *page) {
	s.fault = s.long_code.finish(page, s.query.dim);
	if (s.fault != nullptr)
		return;
	refine(s, *s.long_code.entry);
	s.refine_at++;
}

} // namespace

// All waiting entries whose codes lie on this page, from refine_at on.
void read_codes(vx_scan &s, const void *page) {
	const uint32_t dim = s.query.dim;
	if (s.long_code.begun()) {
		read_rest(s, page);
		return;
	}
	const auto *first =
		reinterpret_cast<const uint8_t *>(&code_entry(page, dim, ref_slot(s.waiting[s.refine_at].ref, dim)));
	for (uint32_t i = 0; i < vx_code_here(dim); i += 64)
		__builtin_prefetch(first + i);
	s.fault = chain_fault(page, VX_KIND_CODE, vx_codes_per_page(dim));
	const bool in_two = vx_code_rest(dim) > 0;
	if (s.fault == nullptr && in_two && page_header<vx_chain_header>(page).next == VX_NO_BLOCK)
		s.fault = "a code page has no page for the rest of its code";
	if (s.fault != nullptr)
		return;
	const uint32_t count = page_header<vx_chain_header>(page).count;
	for (; s.refine_at < s.refine_end; s.refine_at++) {
		const uint32_t ref = s.waiting[s.refine_at].ref;
		if (ref_block(ref, dim) != s.visiting)
			return;
		if (s.refine_at > 0 && s.waiting[s.refine_at - 1].ref == ref)
			continue;
		if (ref_slot(ref, dim) >= count) {
			s.fault = "a leaf refers to a code slot that is not in use";
			return;
		}
		const vx_code_entry &entry = code_entry(page, dim, ref_slot(ref, dim));
		if ((entry.row.flags & VX_ROW_DEAD) != 0)
			continue;
		if (in_two && (s.query.ordered || s.conditions.any())) {
			s.long_code.begin(page, s.visiting, dim);
			return;
		}
		refine(s, entry);
	}
}

void read_raw(vx_scan &s, const void *page) {
	const uint32_t dim = s.query.dim;
	if (!vx_page_is(page, VX_KIND_RAW))
		s.lost = "not a raw page";
	else if (page_special(page).node != s.raw_id)
		s.lost = "a raw page belongs to another run";
	else
		s.fault = chain_fault(page, VX_KIND_RAW, vx_raws_per_page(dim));
	if (s.lost != nullptr || s.fault != nullptr)
		return;
	const auto &header = page_header<vx_chain_header>(page);
	s.stats.entries += header.count;
	for (uint32_t i = 0; i < header.count; i++) {
		const vx_raw_entry &entry = raw_entry(page, dim, i);
		if ((entry.row.flags & VX_ROW_DEAD) != 0)
			continue;
		s.stats.refined++;
		if (place_of_raw(s.conditions, entry.x) == Place::kOutside)
			continue;
		if (!s.query.ordered) {
			keep_candidate(s, {0, 0, 0, entry.row, false});
		} else if (s.query.wild) {
			keep_candidate(s, {-INFINITY, INFINITY, -INFINITY, entry.row, false});
		} else {
			const double value = raw_value(s.query, entry.x);
			keep_candidate(s, {value, value, value, entry.row, false});
		}
	}
	s.next_block = header.next;
}

// Wild rows may be anywhere; of the late list only the kind that is due now.
void read_list(vx_scan &s, const void *page) {
	s.fault = chain_fault(page, VX_KIND_LIST, vx_list_per_page());
	if (s.fault != nullptr)
		return;
	const auto &header = page_header<vx_chain_header>(page);
	const bool null = s.phase == Phase::kNull;
	for (uint32_t i = 0; i < header.count; i++) {
		const vx_row &row = list_entry(page, i);
		if ((row.flags & VX_ROW_DEAD) != 0 || (s.phase != Phase::kWild && ((row.flags & VX_ROW_NULL) != 0) != null))
			continue;
		const bool placed = s.phase != Phase::kWild || !s.query.ordered;
		const double low = placed ? 0 : -INFINITY, high = placed ? 0 : INFINITY;
		s.candidates.append({low, high, low, row, s.conditions.any()});
	}
	s.next_block = header.next;
}

} // namespace vecidx
