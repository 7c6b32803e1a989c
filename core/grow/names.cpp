// What the record that a machine has just asked for does, in words: fault points of tests are named so. Not part of a
// normal build of the extension (make FAULTS=1).
#include "grow/tend.hpp"
#include "search/insert.hpp"

using namespace vecidx;

namespace {

// New pages are told apart by what is done with them.
const char *fresh_name(TendPhase after) {
	switch (after) {
	case TendPhase::kParts:
		return "tend new node";
	case TendPhase::kLink:
		return "tend new inner page";
	case TendPhase::kNewRoot:
		return "tend root child";
	case TendPhase::kReplaceRoot:
		return "tend new root";
	case TendPhase::kLeafPages:
		return "train code page";
	case TendPhase::kRootPages:
		return "train leaf";
	case TendPhase::kFirstTree:
		return "train root";
	default:
		return "tend page";
	}
}

} // namespace

const char *vx_insert_record(const vx_insert *in) {
	switch (in->phase) {
	case InsertPhase::kPop:
		return "insert room";
	case InsertPhase::kMake:
		return "insert slot";
	case InsertPhase::kRadius:
		return "insert radius";
	default:
		if (has_new_code_page(*in))
			return "insert code page";
		return in->plan.target == VX_NO_BLOCK ? "insert page" : "insert row";
	}
}

const char *vx_tend_record(const vx_tend *t) {
	switch (t->phase) {
	case TendPhase::kIds:
		return "tend ids";
	case TendPhase::kRaise:
		return "tend radius";
	case TendPhase::kMoveOut:
		return "tend move out";
	case TendPhase::kMoveIn:
		return "tend move in";
	case TendPhase::kOrigins:
		return "tend origin";
	case TendPhase::kRecentre:
		return "tend centroid";
	case TendPhase::kAnchor:
		return "tend anchor";
	case TendPhase::kFree:
		return "tend free";
	case TendPhase::kClear:
		return "tend clear";
	case TendPhase::kGrow:
		return "tend grow";
	case TendPhase::kLink:
		return "tend link";
	case TendPhase::kFresh:
		return fresh_name(t->fresh.after);
	case TendPhase::kParts:
		return "tend lane";
	case TendPhase::kPublish:
		return "tend publish";
	case TendPhase::kReplaceRoot:
		return "tend replace root";
	case TendPhase::kFirstTree:
		return "train publish";
	default:
		return "tend record";
	}
}
