/*
 * Writes a search's ORDER BY anew, in the text of its statement: the bare operator, ascending.
 *
 * Places in the text come from the parser, but only where things begin; where they end the tokens tell. An item of
 * ORDER BY may name a column of the result, whose expression then stands in the select list.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "explain/explain.h"

typedef struct Editor {
	const char *text;
	VecidxToken *tokens;
	int n;
} Editor;

/* Tokens [from, to). */
typedef struct Span {
	int from, to;
} Span;

static bool is_keyword(const VecidxToken *token, const char *keyword) {
	return token->keyword != NULL && strcmp(token->keyword, keyword) == 0;
}

static bool is_any(const VecidxToken *token, const char *const *keywords) {
	for (; *keywords != NULL; keywords++)
		if (is_keyword(token, *keywords))
			return true;
	return false;
}

/* The token at this place; -1 if none begins there. */
static int token_at(const Editor *editor, int place) {
	for (int i = 0; i < editor->n; i++)
		if (editor->tokens[i].start == place)
			return i;
	return -1;
}

/* The first token from `from` on that ends the list or group that one is in. */
static int end_of(const Editor *editor, int from, const char *const *keywords, bool comma_ends) {
	int depth = editor->tokens[from].depth;

	for (int i = from; i < editor->n; i++) {
		const VecidxToken *token = &editor->tokens[i];

		if (token->depth < depth || (token->depth == depth && ((comma_ends && token->code == ',') ||
															   token->code == ';' || is_any(token, keywords))))
			return i;
	}
	return editor->n;
}

/* An item may end with a direction; the list ends where the next clause begins. */
static const char *const directions[] = {"asc", "desc", "nulls", "using", "limit", "offset", "fetch", "for", NULL};
static const char *const clauses[] = {"limit", "offset", "fetch", "for", NULL};
static const char *const nothing[] = {NULL};

/* Where the parenthesised group that token i is in begins: the token after the parenthesis; 0 at the top. */
static int start_of_group(const Editor *editor, int i) {
	int depth = editor->tokens[i].depth;

	while (i > 0 && editor->tokens[i - 1].depth >= depth)
		i--;
	return i;
}

/* The first item after the ORDER BY that sorts by token `call`: the one that it is in, or the next one of its SELECT.
 */
static int item_of(const Editor *editor, int call) {
	for (int group = call;; group = start_of_group(editor, group) - 1) {
		int depth = editor->tokens[group].depth, from = start_of_group(editor, group);

		for (int i = from; i + 2 < editor->n && editor->tokens[i].depth >= depth; i++) {
			if (editor->tokens[i].depth != depth || !is_keyword(&editor->tokens[i], "order") ||
				!is_keyword(&editor->tokens[i + 1], "by"))
				continue;
			if (i > call || end_of(editor, i + 2, clauses, true) > call)
				return i + 2;
		}
		if (from == 0)
			return -1;
	}
}

static void append_tokens(StringInfo out, const Editor *editor, Span span) {
	if (span.from < span.to)
		appendBinaryStringInfo(out, editor->text + editor->tokens[span.from].start,
							   editor->tokens[span.to - 1].end - editor->tokens[span.from].start);
}

/* Names, literals, calls and casts bind closer than any operator. */
static bool is_simple(const Editor *editor, Span span) {
	int depth = editor->tokens[span.from].depth;

	for (int i = span.from; i < span.to; i++) {
		const VecidxToken *token = &editor->tokens[i];

		if (token->depth == depth && (token->keyword != NULL || vecidx_token_is_operator(token)))
			return false;
	}
	return true;
}

static void append_side(StringInfo out, const Editor *editor, Span span, bool as_subquery) {
	bool simple = is_simple(editor, span);

	if (as_subquery)
		appendStringInfoString(out, "(SELECT ");
	else if (!simple)
		appendStringInfoChar(out, '(');
	append_tokens(out, editor, span);
	if (as_subquery || !simple)
		appendStringInfoChar(out, ')');
}

/* The two arguments of the function whose name begins at `call`. */
static bool sides_of_function(const Editor *editor, int call, Span *left, Span *right) {
	int open = call, comma, end;

	while (open < editor->n && editor->tokens[open].code != '(')
		open++;
	if (open + 1 >= editor->n)
		return false;
	left->from = open + 1;
	comma = end_of(editor, open + 1, nothing, true);
	if (comma + 1 >= editor->n || editor->tokens[comma].code != ',')
		return false;
	left->to = comma;
	end = end_of(editor, comma + 1, nothing, true);
	*right = (Span){comma + 1, end};
	return end < editor->n && editor->tokens[end].code == ')' && left->from < left->to && right->from < end;
}

/* What stands on both sides of the operator at `call`, as far as its parentheses or its item go. */
static bool sides_of_operator(const Editor *editor, int call, Span item, Span *left, Span *right) {
	bool within = call >= item.from && call < item.to;
	int depth = editor->tokens[call].depth, after = call + 1;
	int from = start_of_group(editor, call), to = end_of(editor, call, nothing, true);

	/* OPERATOR(schema.<->) */
	if (editor->tokens[call].keyword != NULL)
		after = end_of(editor, call + 2, nothing, false) + 1;
	if (within && depth == editor->tokens[item.from].depth) {
		from = item.from;
		to = item.to;
	} else if (from == 0)
		return false;
	for (int i = from; i < call; i++)
		if (editor->tokens[i].depth == depth && editor->tokens[i].code == ',')
			from = i + 1;
	*left = (Span){from, call};
	*right = (Span){after, to};
	return from < call && after < to;
}

static bool append_order(StringInfo out, const Editor *editor, const VecidxSearch *search, int call, Span item) {
	bool evaluate_once = search->each_row;
	bool within = call >= item.from && call < item.to;
	Span left, right;

	/* the name of a column that is the distance */
	if (!within && search->order.bare && search->order.is_operator && !evaluate_once) {
		append_tokens(out, editor, item);
		return true;
	}
	if (!(search->order.is_operator ? sides_of_operator(editor, call, item, &left, &right)
									: sides_of_function(editor, call, &left, &right)))
		return false;
	append_side(out, editor, left, evaluate_once && !search->vector_is_right);
	appendStringInfo(out, " %s ", vecidx_order_written(&search->order));
	append_side(out, editor, right, evaluate_once && search->vector_is_right);
	return true;
}

char *vecidx_rewrite(const char *text, const VecidxSearch *search) {
	Editor editor = {.text = text};
	StringInfoData out;
	int call, start, end;
	Span item;

	/* in a query above it the sides of the distance have other names, or none */
	if (!search->readable || !OidIsValid(search->order.opno) || search->order.location < 0 || !search->within)
		return NULL;
	editor.tokens = vecidx_tokens_of(text, &editor.n);
	call = token_at(&editor, search->order.location);
	start = call < 0 ? -1 : item_of(&editor, call);
	if (start < 0)
		return NULL;
	item = (Span){start, end_of(&editor, start, directions, true)};
	end = end_of(&editor, start, clauses, VECIDX_SORTS_WITHIN_TIES);
	if (item.from >= item.to)
		return NULL;
	initStringInfo(&out);
	appendBinaryStringInfo(&out, text, editor.tokens[start].start);
	if (!append_order(&out, &editor, search, call, item))
		return NULL;
	appendStringInfoString(&out, text + editor.tokens[end - 1].end);
	return out.data;
}
