// The tables that targets offer, for the choice in kernels.cpp: nullptr where this build has no such target.
#pragma once

#include "kernel/kernels.hpp"

namespace vecidx {

const Kernels *scalar_kernels();
const Kernels *sse4_kernels();
const Kernels *avx2_kernels();
const Kernels *avx512vnni_kernels();
const Kernels *neon_kernels();

} // namespace vecidx
