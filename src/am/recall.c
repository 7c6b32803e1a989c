/*
 * The recall that a scan is to reach: the session's setting where there is one, else the index's own, else the default.
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/rel.h"

#include "am/am.h"

#define DEFAULT_RECALL 0.95

static double session_recall = DEFAULT_RECALL;
static bool session_decides = false;
static int calibrated_by = VX_BY_ROWS;

static const struct config_enum_entry calibrations[] = {
	{"rows", VX_BY_ROWS, false}, {"queries", VX_BY_QUERIES, false}, {NULL, 0, false}};

/*
 * A value of the configuration file is the server's default, which an index may replace; one of a database, role,
 * function, transaction or session is meant for the queries that run under it.
 */
static bool check_recall(double *value, void **extra, GucSource source) {
	bool *decides = vecidx_guc_malloc(sizeof(bool));

	if (decides == NULL)
		return false;
	*decides = source >= PGC_S_GLOBAL;
	*extra = decides;
	return true;
}

static void assign_recall(double value, void *extra) {
	session_decides = *(bool *)extra;
}

void vecidx_recall_define(void) {
	DefineCustomRealVariable("vecidx.recall", "Share of the true nearest rows that an index scan shall find.",
							 "1 gives exact results. It never affects which rows a condition finds.", &session_recall,
							 DEFAULT_RECALL, 0.5, 1.0, PGC_USERSET, 0, check_recall, assign_recall, NULL);
	DefineCustomEnumVariable("vecidx.calibration", "Whose searches say how much work gives that recall.",
							 "Of rows of the index, or of queries that were given to vecidx_calibrate().",
							 &calibrated_by, VX_BY_ROWS, calibrations, PGC_USERSET, 0, NULL, NULL, NULL);
}

double vecidx_recall_of(Relation index) {
	double own = vecidx_options_of(index).recall;

	return session_decides || own == 0 ? session_recall : own;
}

vx_calibrated_by vecidx_calibrated_by(void) {
	return (vx_calibrated_by)calibrated_by;
}
