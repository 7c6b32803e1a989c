/*
 * Distances to vectors stored out of line, remembered for as long as the query stays the same.
 *
 * An ordered index scan computes the distance of a row twice: when the executor rechecks the order, and again when it
 * projects the row, for the sort expression stays in the target list though nobody sorts by it. Fetching a vector from
 * the TOAST table takes several microseconds, more than the rest of the work on a row. A TOAST value never changes, and
 * its id is not given out again while a transaction may see it.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "storage/proc.h"
#include "utils/memutils.h"

#include "type/distance_memo.h"

#define ENTRIES 256 /* a power of two; more rows than that between the two computations are not expected */

typedef struct Entry {
	Oid table; /* InvalidOid: not in use */
	Oid value;
	double distance;
} Entry;

/* What all entries are for. */
static struct {
	VectorDistance function;
	LocalTransactionId transaction;
	bool stored_first;
	Vector *query;
	Size size; /* of the memory there */
} key;

static Entry entries[ENTRIES];

static bool is_stored(Datum datum) {
	return VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(datum));
}

static bool same_key(VectorDistance function, bool stored_first, const Vector *query) {
	return key.function == function && key.transaction == vecidx_local_transaction() &&
		   key.stored_first == stored_first && key.query != NULL && VARSIZE(key.query) == VARSIZE(query) &&
		   memcmp(key.query, query, VARSIZE(query)) == 0;
}

static void set_key(VectorDistance function, bool stored_first, const Vector *query) {
	key.function = NULL; /* should memory be missing */
	memset(entries, 0, sizeof(entries));
	if (key.size < VARSIZE(query)) {
		if (key.query != NULL)
			pfree(key.query);
		key.query = NULL;
		key.size = 0;
		key.query = MemoryContextAlloc(TopMemoryContext, VARSIZE(query));
		key.size = VARSIZE(query);
	}
	memcpy(key.query, query, VARSIZE(query));
	key.transaction = vecidx_local_transaction();
	key.stored_first = stored_first;
	key.function = function;
}

static double compute(VectorDistance function, Datum a, Datum b) {
	const Vector *first = DatumGetVector(a);
	const Vector *second = DatumGetVector(b);

	vecidx_vector_check_same_dim(first, second);
	return function(first, second);
}

double vecidx_distance(VectorDistance function, Datum a, Datum b) {
	bool stored_first = is_stored(a);
	struct varatt_external pointer;
	const Vector *query;
	Entry *entry;

	if (stored_first == is_stored(b))
		return compute(function, a, b);
	query = DatumGetVector(stored_first ? b : a);
	if (!same_key(function, stored_first, query))
		set_key(function, stored_first, query);
	VARATT_EXTERNAL_GET_POINTER(pointer, (struct varlena *)DatumGetPointer(stored_first ? a : b));
	entry = &entries[pointer.va_valueid % ENTRIES];
	if (entry->table != pointer.va_toastrelid || entry->value != pointer.va_valueid) {
		double distance =
			stored_first ? compute(function, a, PointerGetDatum(query)) : compute(function, PointerGetDatum(query), b);

		*entry = (Entry){pointer.va_toastrelid, pointer.va_valueid, distance};
	}
	return entry->distance;
}
