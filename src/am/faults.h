/*
 * Named places at which a test may make the server fail: only in a library built with VECIDX_FAULTS (make FAULTS=1).
 * The setting vecidx.fault = 'PLACE N KIND' makes the N-th time that a session comes by an error or a crash.
 */
#ifndef VECIDX_AM_FAULTS_H
#define VECIDX_AM_FAULTS_H

#ifdef VECIDX_FAULTS
extern void vecidx_fault(const char *place);
extern void vecidx_faults_define(void);
#else
#define vecidx_fault(place) ((void)0)
#define vecidx_faults_define() ((void)0)
#endif

#endif
