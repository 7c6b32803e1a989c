// What a record of GenericXLog would take in the WAL: access/transam/generic_xlog.c logs, of each page, the runs of
// bytes that changed, and all that lies behind the old pd_lower; new pages whole, without the hole between pd_lower and
// pd_upper. Page headers' own changes (pd_lower, checksum) count as one more run.
#pragma once

#include <algorithm>
#include <cstdint>

#include "vecidx/core.h"

namespace vecidx_bench {

class WalModel {
public:
	// `before` is null for a new page.
	void add_page(const void *before, const void *after) {
		bytes_ += first_ ? kFirstPage : kPage;
		first_ = false;
		const uint32_t lower = vx_page_used(after), upper = vx_page_upper(after);
		if (before == nullptr) {
			bytes_ += kImage + lower + (VX_PAGE_SIZE - upper);
			return;
		}
		const uint32_t old_lower = vx_page_used(before), old_upper = vx_page_upper(before);
		if (old_lower != lower || old_upper != upper)
			add_run(2);
		const auto *from = static_cast<const uint8_t *>(before), *to = static_cast<const uint8_t *>(after);
		add_changes(from, to, VX_HEADER_OFFSET, std::min(lower, old_lower));
		if (lower > old_lower)
			add_run(lower - old_lower);
		if (upper < old_upper)
			add_run(old_upper - upper);
		add_changes(from, to, std::max(upper, old_upper), VX_PAGE_SIZE);
	}
	uint64_t bytes() const { return (bytes_ + 7) / 8 * 8; }

private:
	static constexpr uint32_t kRecord = 24, kFirstPage = 20, kPage = 8, kImage = 5, kRun = 4;
	// runs that lie nearer to each other are one
	static constexpr uint32_t kGap = 4;

	void add_run(uint32_t bytes) { bytes_ += kRun + bytes; }

	void add_changes(const uint8_t *from, const uint8_t *to, uint32_t first, uint32_t end) {
		uint32_t begin = end, last = end;
		for (uint32_t i = first; i < end; i++) {
			if (from[i] == to[i])
				continue;
			if (begin != end && i - last > kGap) {
				add_run(last - begin);
				begin = i;
			} else if (begin == end) {
				begin = i;
			}
			last = i + 1;
		}
		if (begin != end)
			add_run(last - begin);
	}

	uint64_t bytes_ = kRecord;
	bool first_ = true;
};

} // namespace vecidx_bench
