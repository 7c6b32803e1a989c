// Chooses the table of kernels for this machine, once.
#include "kernel/kernels.hpp"

#include "kernel/tables.hpp"

namespace vecidx {

size_t kernels_available(const Kernels **out, size_t max) {
	size_t n = 0;
	if (max > 0)
		out[n++] = scalar_kernels();
	return n;
}

const Kernels &kernels() {
	// PostgreSQL has one thread a process; elsewhere the race is harmless, since all write the same pointer
	static const Kernels *best = nullptr;
	if (best == nullptr) {
		const Kernels *tables[8];
		best = tables[kernels_available(tables, 8) - 1];
	}
	return *best;
}

} // namespace vecidx
