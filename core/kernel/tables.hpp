// The tables that targets offer, for the choice in kernels.cpp: nullptr where the compiler has no such target.
#pragma once

#include "kernel/kernels.hpp"

namespace vecidx {

const Kernels *scalar_kernels();

} // namespace vecidx
