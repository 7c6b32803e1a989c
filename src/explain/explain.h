/*
 * vecidx_explain: what its files share. A statement is planned; its ORDER BYs by a distance are its *searches*; each is
 * read and traced to a table; what keeps it from an index is a *finding*.
 */
#ifndef VECIDX_EXPLAIN_EXPLAIN_H
#define VECIDX_EXPLAIN_EXPLAIN_H

#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "utils/tuplestore.h"

#include "am/am.h"

/* ---- order.c: ordering expressions */

/* By which distance an expression sorts. */
typedef struct VecidxOrder {
	Oid opno; /* of the operator whose ascending order is the expression's, or its reverse; invalid if there is none */
	const char *symbol; /* of that operator; NULL if there is none */
	Oid function;       /* that computes the distance in the expression */
	bool is_operator;   /* and is called by that operator */
	bool bare;          /* nothing is computed from the distance */
	bool reversed;      /* the larger the expression, the nearer */
	int location;       /* of the call in the statement's text; -1 if unknown */
	Node *left, *right; /* its arguments */
} VecidxOrder;

/* False when the expression does not sort by one distance, or not recognisably. It has been simplified before. */
extern bool vecidx_order_read(Node *expression, VecidxOrder *order);
/* Is any distance computed in it? */
extern bool vecidx_order_mentions(Node *expression);
/* The operator as it may be written here: `<->`, or OPERATOR(schema.<->). */
extern char *vecidx_order_written(const VecidxOrder *order);

/* ---- searches.c, trace.c: where a statement sorts by a distance, and by which table's */

typedef struct VecidxSearch {
	Query *query;       /* whose ORDER BY it is */
	TargetEntry *entry; /* what is sorted by first */
	bool descending, nulls_first;
	bool more_keys;       /* it is sorted by something else as well */
	bool limited;         /* by a LIMIT here or above */
	Query *from;          /* the expression's columns are those of this one, as far as it could be traced */
	Node *expression;     /* the entry's, in these terms, simplified */
	const char *obstacle; /* what lies between, if its rows do not come in the order of a scan; else NULL */
	bool within;          /* the distance is computed in `query` itself */
	bool readable;        /* `order` says what it sorts by */
	VecidxOrder order;
	RangeTblEntry *table;  /* whose column is one side; NULL if there is none, or other columns on the other */
	Index relation;        /* its number in `from` */
	Node *column, *vector; /* the two sides, where `table` is not NULL */
	bool vector_is_right;
	bool each_row; /* the vector is evaluated for each row anew */
} VecidxSearch;

/* List of VecidxSearch, in the order of the statement's tree. */
extern List *vecidx_searches_of(Query *query);
/* Fills in the latter half. The enclosing queries, innermost first, that of the search included. */
extern void vecidx_trace(VecidxSearch *search, List *queries);
/* The relations of the query whose columns are in it. */
extern Bitmapset *vecidx_relations_in(Node *expression);

/* ---- statement.c, plans.c: parsing and planning */

typedef struct VecidxStatement {
	const char *text;
	List *queries;  /* after rewriting; several by rules */
	List *searches; /* of all of them */
	List *plans;    /* PlannedStmt */
} VecidxStatement;

extern VecidxStatement *vecidx_statement_plan(const char *text);
/* The same, but NULL where the text is wrong. */
extern VecidxStatement *vecidx_statement_try(const char *text);
/* Plans again with everything switched off but what an ordered index scan needs. */
extern List *vecidx_statement_forced(const VecidxStatement *statement);
extern double vecidx_plans_cost(const List *plans);
/* The index that serves the search in these plans, invalid if none does. */
extern Oid vecidx_plans_index(const List *plans, const VecidxSearch *search);

/* ---- indexes.c: what the table of a search offers */

/* From the worst on. */
typedef enum VecidxFit {
	VECIDX_FIT_NONE,     /* no vecidx index on the column */
	VECIDX_FIT_OPERATOR, /* only for another operator */
	VECIDX_FIT_INVALID,  /* not finished or failed */
	VECIDX_FIT_PARTIAL,  /* of some rows */
	VECIDX_FIT_GOOD
} VecidxFit;

typedef struct VecidxIndexes {
	VecidxFit fit;
	Oid index;         /* the best one */
	char *symbol;      /* of the operator that it is for */
	char *related;     /* an expression over the column that has an index; NULL if there is none */
	char *predicate;   /* of a partial one */
	char *definition;  /* CREATE INDEX that would serve; NULL when no operator class has the operator */
	char *column;      /* its name or expression, as written */
	char *table;       /* its name, as written */
	bool plain_column; /* not an expression */
	int32 dimension;   /* of the column, -1 if it is not fixed */
	double rows;       /* of the table as the planner takes it, -1 if unknown */
} VecidxIndexes;

/* What an index would need: `column <-> query`, with the column's name if it is known. */
extern char *vecidx_order_wanted(const VecidxSearch *search);
extern void vecidx_indexes_find(const VecidxSearch *search, VecidxIndexes *out);
/* SET STORAGE PLAIN would spare the search reads out of line: the command; else NULL. */
extern char *vecidx_storage_advice(const VecidxSearch *search);
extern bool vecidx_is_vecidx_method(Oid method);
/* The name of a table or index as it may be written here. */
extern char *vecidx_written_name(Oid relation);

/* ---- tokens.c, rewrite.c: the text of a statement */

typedef struct VecidxToken {
	int start, end;
	int code;            /* below 256: the character */
	const char *keyword; /* NULL if it is none */
	int depth;           /* of parentheses and brackets around it */
} VecidxToken;

/* Or a keyword. */
extern bool vecidx_token_is_operator(const VecidxToken *token);
/* All tokens of a text that has been parsed without an error; the last one is empty and has code 0. */
extern VecidxToken *vecidx_tokens_of(const char *text, int *n);

/*
 * The statement with the search's ORDER BY in the form that an index understands. NULL if the text cannot be edited.
 * The caller looks whether what came out is right.
 */
extern char *vecidx_rewrite(const char *text, const VecidxSearch *search);

/* ---- findings.c, forms.c, advice.c: what is said of a search */

typedef struct VecidxFindings {
	Tuplestorestate *rows;
	TupleDesc desc;
} VecidxFindings;

/* `detail` as for errdetail. */
extern void vecidx_findings_add(const VecidxFindings *out, const char *finding, const char *rewritten,
								const char *detail, ...) __attribute__((format(printf, 4, 5)));
/* All about search number i. */
extern void vecidx_findings_about(const VecidxFindings *out, const VecidxStatement *statement, int i);
/* True, with a finding, when the search can have no index however it is written. */
extern bool vecidx_findings_hopeless(const VecidxFindings *out, const VecidxSearch *search);
/* Does it sort by the bare operator, and by nothing else that keeps it from an index? */
extern bool vecidx_form_is_good(const VecidxSearch *search);
/* What is wrong with its form. The statement written anew and planned; NULL where that could not be done. */
extern VecidxStatement *vecidx_findings_form(const VecidxFindings *out, const VecidxStatement *statement, int i);
/* Of a table without an index that could serve. */
extern void vecidx_findings_indexes(const VecidxFindings *out, const VecidxSearch *search,
									const VecidxIndexes *indexes);

#endif
