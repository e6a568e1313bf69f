#include "operator.h"
#include "equal.h"
#include "regex/regex.h"
#include "scratch.h"

// ---- names ----

enum operator {
	UNKNOWN,
	EQUALS,
	NOT_EQUALS,
	GREATER_THAN,
	GREATER_OR_EQUAL,
	LESS_THAN,
	LESS_OR_EQUAL,
	CONTAINS,
	NOT_CONTAINS,
	IN,
	STARTS_WITH,
	ENDS_WITH,
	MATCHES,
	EXISTS,
	NOT_EXISTS,
	IS_EMPTY,
	IS_NOT_EMPTY,
	IS_TRUE,
	IS_FALSE,
};

// is compares a name with one of the same length.
static inline enum operator is(ft_text name, ft_text of, enum operator op) { return begins_with(name, of) ? op : UNKNOWN; }

// find looks at the length of a name and at one byte first: each is then compared once.
static enum operator find(ft_text name) {
	switch (name.len) {
	case 2: return is(name, FT("in"), IN);
	case 6:
		switch (name.ptr[2]) {
		case 'u': return is(name, FT("equals"), EQUALS);
		case 'i': return is(name, FT("exists"), EXISTS);
		}
		return is(name, FT("isTrue"), IS_TRUE);
	case 7:
		switch (name.ptr[2]) {
		case 't': return is(name, FT("matches"), MATCHES);
		case 'E': return is(name, FT("isEmpty"), IS_EMPTY);
		}
		return is(name, FT("isFalse"), IS_FALSE);
	case 8:
		switch (name.ptr[2]) {
		case 'n': return is(name, FT("contains"), CONTAINS);
		case 's': return is(name, FT("lessThan"), LESS_THAN);
		}
		return is(name, FT("endsWith"), ENDS_WITH);
	case 9: return name.ptr[4] == 'q' ? is(name, FT("notEquals"), NOT_EQUALS) : is(name, FT("notExists"), NOT_EXISTS);
	case 10: return name.ptr[2] == 'a' ? is(name, FT("startsWith"), STARTS_WITH) : is(name, FT("isNotEmpty"), IS_NOT_EMPTY);
	case 11:
		switch (name.ptr[2]) {
		case 'e': return is(name, FT("greaterThan"), GREATER_THAN);
		case 's': return is(name, FT("lessOrEqual"), LESS_OR_EQUAL);
		}
		return is(name, FT("notContains"), NOT_CONTAINS);
	case 14: return is(name, FT("greaterOrEqual"), GREATER_OR_EQUAL);
	}
	return UNKNOWN;
}

// ---- texts ----

static inline bool texts(ft_text *a, ft_text *b) {
	if (json_kind(*a) != JSON_STRING || json_kind(*b) != JSON_STRING)
		return false;
	*a = json_exact(*a), *b = json_exact(*b);
	return true;
}

// search_surely finds a part by the algorithm of Knuth, Morris and Pratt: in linear time, with memory for each byte of the part.
static bool search_surely(ft_text text, ft_text part) {
	uint32_t *border = allocate(part.len * sizeof *border); // the length of the longest beginning that also ends there
	border[0] = 0;
	for (uint32_t i = 1, n = 0; i < part.len; i++) {
		while (n > 0 && part.ptr[i] != part.ptr[n])
			n = border[n - 1];
		border[i] = n += part.ptr[i] == part.ptr[n];
	}
	for (size_t i = 0, n = 0; i < text.len; i++) {
		while (n > 0 && text.ptr[i] != part.ptr[n])
			n = border[n - 1];
		n += text.ptr[i] == part.ptr[n];
		if (n == part.len)
			return true;
	}
	return false;
}

// search finds a part of a text. It compares it at each place, unless that turns out to be slow.
static bool search(ft_text text, ft_text part) {
	const size_t patience = 256;
	if (part.len == 0)
		return true;
	size_t compared = 0;
	for (size_t i = 0; i + part.len <= text.len; i++) {
		if (text.ptr[i] != *part.ptr)
			continue;
		size_t n = 1;
		while (n < part.len && text.ptr[i + n] == part.ptr[n])
			n++;
		if (n == part.len)
			return true;
		compared += n;
		if (compared > patience + 4 * i)
			return search_surely((ft_text){text.ptr + i, text.len - i}, part);
	}
	return false;
}

static bool ends_with(ft_text text, ft_text part) {
	return part.len <= text.len && begins_with((ft_text){text.ptr + text.len - part.len, part.len}, part);
}

// ---- operators ----

static bool contains(ft_text whole, ft_text part) {
	json_cursor c;
	size_t least;
	switch (json_kind(whole)) {
	case JSON_STRING: return texts(&whole, &part) && search(whole, part);
	case JSON_ARRAY:
		c = json_elements(whole);
		least = least_length(part);
		for (ft_text v; json_element(&c, &v);)
			if (v.len >= least && equal(v, part)) // many short elements do not each read a long part
				return true;
		return false;
	case JSON_OBJECT: return json_kind(part) == JSON_STRING && json_get(whole, json_exact(part)).ptr;
	default: return false;
	}
}

static bool exists(ft_text v) { return json_kind(v) != JSON_NULL && json_kind(v) != JSON_NONE; }

static bool is_empty(ft_text v) {
	json_cursor c;
	ft_text key, value;
	switch (json_kind(v)) {
	case JSON_NONE:
	case JSON_NULL: return true;
	case JSON_STRING: return v.len == 2;
	case JSON_ARRAY: return c = json_elements(v), !json_element(&c, &value);
	case JSON_OBJECT: return c = json_members(v), !json_member(&c, &key, &value);
	default: return false;
	}
}

static enum operator_result matches(ft_text text, ft_text pattern) {
	if (json_kind(text) != JSON_STRING || json_kind(pattern) != JSON_STRING)
		return OPERATOR_FALSE;
	switch (regex_match(json_text(pattern), json_text(text))) {
	case REGEX_BAD_PATTERN: return OPERATOR_BAD_PATTERN;
	case REGEX_YES: return OPERATOR_TRUE;
	default: return OPERATOR_FALSE;
	}
}

static enum operator_result eval(enum operator op, ft_text left, ft_text right) {
	int c;
	switch (op) {
	case EQUALS: return equal(left, right);
	case NOT_EQUALS: return !equal(left, right);
	case GREATER_THAN: return order(left, right, &c) && c > 0;
	case GREATER_OR_EQUAL: return order(left, right, &c) && c >= 0;
	case LESS_THAN: return order(left, right, &c) && c < 0;
	case LESS_OR_EQUAL: return order(left, right, &c) && c <= 0;
	case CONTAINS: return contains(left, right);
	case NOT_CONTAINS: return !contains(left, right);
	case IN: return contains(right, left);
	case STARTS_WITH: return texts(&left, &right) && begins_with(left, right);
	case ENDS_WITH: return texts(&left, &right) && ends_with(left, right);
	case MATCHES: return matches(left, right);
	case EXISTS: return exists(left);
	case NOT_EXISTS: return !exists(left);
	case IS_EMPTY: return is_empty(left);
	case IS_NOT_EMPTY: return !is_empty(left);
	case IS_TRUE: return ft_equal(left, FT("true")) || ft_equal(left, FT("\"true\""));
	case IS_FALSE: return ft_equal(left, FT("false")) || ft_equal(left, FT("\"false\""));
	case UNKNOWN: break;
	}
	return OPERATOR_UNKNOWN;
}

enum operator_result operator_eval(ft_text name, ft_text left, ft_text right) {
	left = left.len > 0 ? left : FT("null"), right = right.len > 0 ? right : FT("null");
	uintptr_t scratch = scratch_begin();
	enum operator_result result = eval(find(name), left, right);
	scratch_end(scratch);
	return result;
}
