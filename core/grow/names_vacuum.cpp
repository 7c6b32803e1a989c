// What the record that VACUUM has just asked for does, in words: see names.cpp.
#include "grow/vacuum.hpp"

using namespace vecidx;

const char *vx_vacuum_record(const vx_vacuum *v) {
	switch (v->phase) {
	case VacuumPhase::kRemove:
		return "vacuum remove";
	case VacuumPhase::kDrop:
		return "vacuum drop";
	case VacuumPhase::kRelease:
		return "vacuum release";
	case VacuumPhase::kOrphans:
		return "vacuum free";
	default:
		return "vacuum count";
	}
}
