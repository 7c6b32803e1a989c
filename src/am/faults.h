/*
 * Named places at which a test may make the server fail: only in a library built with VECIDX_FAULTS (make FAULTS=1),
 * see faults.c.
 */
#ifndef VECIDX_AM_FAULTS_H
#define VECIDX_AM_FAULTS_H

#ifdef VECIDX_FAULTS
/* A session comes by: `when` ("before", "after", ...) and `what` is done name the place. */
extern void vecidx_fault(const char *when, const char *what);
extern void vecidx_faults_define(void);
/* What a record does: nothing asks for it in a normal build. */
#define vecidx_fault_name(name) (name)
#else
#define vecidx_fault(when, what) ((void)0)
#define vecidx_faults_define() ((void)0)
#define vecidx_fault_name(name) NULL
#endif

#endif
