/*
 * What the functions that look into an index share: opening one by name, with the errors that go with it.
 */
#ifndef VECIDX_AM_INSPECT_H
#define VECIDX_AM_INSPECT_H

#include "am/am.h"

/* Opens a vecidx index of this database that has been built; its table stays open with the same lock. */
extern Relation vecidx_open_for_inspection(Oid index, LOCKMODE lock, Relation *heap);
/* Who owns an index, or may look at statistics, may know what is in it. */
extern void vecidx_check_inspector(Relation index);
extern void vecidx_close_inspected(Relation index, Relation heap, LOCKMODE lock);

#endif
