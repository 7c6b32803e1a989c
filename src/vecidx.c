/*
 * The module itself: what PostgreSQL asks for when it loads the library.
 */
#include "postgres.h"

#include "fmgr.h"

#include "am/am.h"
#include "compat.h"

VECIDX_MODULE_MAGIC("vecidx", "0.1.0");

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
	vecidx_options_define();
	vecidx_limit_install();
	vecidx_explain_install();
}
