/*
 * Fault points, for tests: never part of a normal build (make FAULTS=1).
 *
 * The setting vecidx.fault = 'KIND N PLACE' makes KIND happen the N-th time that the session comes by PLACE after it
 * was set: "error" raises one; "crash" kills the process like kill -9 does, after what it has logged so far was written
 * out, so that recovery meets exactly that; "sleep:MS" waits, with the locks held that are held there. PLACE is "before
 * WHAT" and "after WHAT" (the record that does it is written), "released WHAT" (a page of it was unlocked) and "freed
 * WHAT" (the pages it freed are in the free space map), where WHAT is as in core/grow/names.cpp, or "build".
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "am/faults.h"

#define LONGEST_PLACE 64

typedef enum FaultKind { FAULT_NONE, FAULT_ERROR, FAULT_CRASH, FAULT_SLEEP } FaultKind;

typedef struct Fault {
	FaultKind kind;
	int left; /* passes */
	int milliseconds;
	char place[LONGEST_PLACE];
} Fault;

static char *setting;
static Fault fault;

static bool parse(const char *text, Fault *out) {
	char kind[16];
	int at = 0;

	memset(out, 0, sizeof(*out));
	if (text[0] == '\0')
		return true;
	if (sscanf(text, "%15s %d %n", kind, &out->left, &at) < 2 || at == 0 || out->left < 1 || text[at] == '\0')
		return false;
	if (strcmp(kind, "error") == 0)
		out->kind = FAULT_ERROR;
	else if (strcmp(kind, "crash") == 0)
		out->kind = FAULT_CRASH;
	else if (sscanf(kind, "sleep:%d", &out->milliseconds) == 1)
		out->kind = FAULT_SLEEP;
	else
		return false;
	return strlcpy(out->place, text + at, sizeof(out->place)) < sizeof(out->place);
}

static bool check_setting(char **value, void **extra, GucSource source) {
	Fault *parsed = malloc(sizeof(Fault));

	if (parsed == NULL)
		return false;
	if (!parse(*value, parsed)) {
		free(parsed);
		GUC_check_errdetail("It must be KIND N PLACE; kinds are error, crash and sleep:MS.");
		return false;
	}
	*extra = parsed;
	return true;
}

static void assign_setting(const char *value, void *extra) {
	fault = *(const Fault *)extra;
}

void vecidx_faults_define(void) {
	DefineCustomStringVariable("vecidx.fault", "What fails, when and where: KIND N PLACE.", NULL, &setting, "",
							   PGC_SUSET, 0, check_setting, assign_setting, NULL);
}

static bool is_here(const char *when, const char *what) {
	size_t length = strlen(when);

	return strncmp(fault.place, when, length) == 0 && fault.place[length] == ' ' &&
		   strcmp(fault.place + length + 1, what) == 0;
}

static void crash(void) {
	if (XactLastRecEnd != 0)
		XLogFlush(XactLastRecEnd);
	kill(getpid(), SIGKILL);
	pause();
}

void vecidx_fault(const char *when, const char *what) {
	FaultKind kind = fault.kind;

	if (kind == FAULT_NONE || !is_here(when, what) || --fault.left > 0)
		return;
	fault.kind = FAULT_NONE;
	if (kind == FAULT_CRASH)
		crash();
	else if (kind == FAULT_SLEEP)
		pg_usleep(fault.milliseconds * 1000L);
	else
		ereport(ERROR, (errmsg("fault: %s %s", when, what)));
}
