/*
 * What ANALYZE keeps of a column of vectors beside the usual.
 */
#ifndef VECIDX_VECTOR_ANALYZE_H
#define VECIDX_VECTOR_ANALYZE_H

#include "type/vector.h"

/* Kind of the slot in pg_statistic, from the range for private use: vectors of the column, from all over it, no
 * numbers.
 */
#define VECTOR_SAMPLE_KIND 21750

#endif
