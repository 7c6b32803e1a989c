/*
 * The tokens of a statement's text, by the server's own scanner, with their places.
 */
#include "postgres.h"

#include "common/keywords.h"
#include "parser/scanner.h"

#include "explain/explain.h"

/*
 * The codes that every grammar on top of the scanner must give, since it returns them: they begin at 258, in this
 * order. Those of keywords are the server's own.
 */
enum {
	TOKEN_IDENT = 258,
	TOKEN_UIDENT,
	TOKEN_FCONST,
	TOKEN_SCONST,
	TOKEN_USCONST,
	TOKEN_BCONST,
	TOKEN_XCONST,
	TOKEN_OP,
	TOKEN_ICONST,
	TOKEN_PARAM,
	TOKEN_TYPECAST,
	TOKEN_DOT_DOT,
	TOKEN_COLON_EQUALS,
	TOKEN_EQUALS_GREATER,
	TOKEN_LESS_EQUALS,
	TOKEN_GREATER_EQUALS,
	TOKEN_NOT_EQUALS
};

bool vecidx_token_is_operator(const VecidxToken *token) {
	return token->code == TOKEN_OP || (token->code >= TOKEN_LESS_EQUALS && token->code <= TOKEN_NOT_EQUALS) ||
		   (token->code > 0 && token->code < TOKEN_IDENT && strchr("+-*/%^<>=", token->code) != NULL);
}

static const char *keyword_of(int code, const char *word) {
	int keyword = code == 0 ? -1 : ScanKeywordLookup(word, &ScanKeywords);

	return keyword >= 0 && ScanKeywordTokens[keyword] == code ? GetScanKeyword(keyword, &ScanKeywords) : NULL;
}

VecidxToken *vecidx_tokens_of(const char *text, int *n) {
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	int room = 64, depth = 0;
	VecidxToken *tokens = palloc(sizeof(VecidxToken) * room);

	extra.escape_string_warning = false; /* the parser has said so already */
	for (*n = 0;; (*n)++) {
		core_YYSTYPE value = {0};
		YYLTYPE place;
		VecidxToken *token;
		int code;

		if (*n == room)
			tokens = repalloc(tokens, sizeof(VecidxToken) * (room *= 2));
		token = &tokens[*n];
		code = core_yylex(&value, &place, scanner);
		if (code == ')' || code == ']')
			depth--;
		token->code = code;
		token->start = code == 0 ? (int)strlen(text) : place;
		/* the scanner ends the token it is at with a zero */
		token->end = code == 0 ? token->start : place + (int)strlen(extra.scanbuf + place);
		token->keyword = keyword_of(code, extra.scanbuf + place);
		token->depth = depth;
		if (code == '(' || code == '[')
			depth++;
		if (code == 0)
			break;
	}
	scanner_finish(scanner);
	return tokens;
}
