/*
 * Storage parameters of an index and the settings of a session.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "utils/guc.h"

#include "am/am.h"
#include "am/faults.h"

static relopt_kind option_kind;

static relopt_enum_elt_def tree_values[] = {{"auto", VECIDX_TREE_AUTO}, {"kmeans", VECIDX_TREE_KMEANS}, {NULL, 0}};

static relopt_enum_elt_def scan_bits_values[] = {{"auto", 0}, {"0", 0}, {"1", 1}, {"2", 2}, {"4", 4}, {NULL, 0}};

/* They shape what is built, so they are read at CREATE INDEX and REINDEX only: hence the lock. */
static void define_storage_parameters(void) {
	option_kind = add_reloption_kind();
	add_enum_reloption(option_kind, "tree", "Kind of tree; auto chooses by the operator class", tree_values,
					   VECIDX_TREE_AUTO, "Valid values are \"auto\" and \"kmeans\".", AccessExclusiveLock);
	add_enum_reloption(option_kind, "scan_bits", "Bits a dimension in the codes that are scanned first",
					   scan_bits_values, 0, "Valid values are \"auto\", \"1\", \"2\" and \"4\".", AccessExclusiveLock);
	add_int_reloption(option_kind, "leaf_size", "Rows in a leaf; 0 chooses by the dimension", 0, 0, 65535,
					  AccessExclusiveLock);
	add_int_reloption(option_kind, "seed", "Seed of all random choices of a build", 0, 0, PG_INT32_MAX,
					  AccessExclusiveLock);
	/* scans read this one, so it may be changed at any time */
	add_real_reloption(option_kind, "recall", "Share of the true nearest rows that scans shall find; 0: the default", 0,
					   0, 1, ShareUpdateExclusiveLock);
}

void vecidx_options_define(void) {
	define_storage_parameters();
	vecidx_recall_define();
	vecidx_faults_define();
	MarkGUCPrefixReserved("vecidx");
}

/* What the type of the parameter does not say. */
static bytea *checked(bytea *options, bool validate) {
	double recall = options != NULL ? ((VecidxOptions *)options)->recall : 0;

	if (validate && recall != 0 && recall < 0.5)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("value %g out of bounds for option \"recall\"", recall),
						errdetail("Valid values are 0 and those between 0.5 and 1.")));
	return options;
}

bytea *vecidx_options(Datum reloptions, bool validate) {
	static const relopt_parse_elt elements[] = {
		{.optname = "tree", .opttype = RELOPT_TYPE_ENUM, .offset = offsetof(VecidxOptions, tree)},
		{.optname = "scan_bits", .opttype = RELOPT_TYPE_ENUM, .offset = offsetof(VecidxOptions, scan_bits)},
		{.optname = "leaf_size", .opttype = RELOPT_TYPE_INT, .offset = offsetof(VecidxOptions, leaf_size)},
		{.optname = "seed", .opttype = RELOPT_TYPE_INT, .offset = offsetof(VecidxOptions, seed)},
		{.optname = "recall", .opttype = RELOPT_TYPE_REAL, .offset = offsetof(VecidxOptions, recall)},
	};

	return checked((bytea *)build_reloptions(reloptions, validate, option_kind, sizeof(VecidxOptions), elements,
											 lengthof(elements)),
				   validate);
}

VecidxOptions vecidx_options_of(Relation index) {
	VecidxOptions none = {0};

	return index->rd_options != NULL ? *(VecidxOptions *)index->rd_options : none;
}
