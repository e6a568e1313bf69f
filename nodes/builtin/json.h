// json.h reads raw JSON in place, as package nodes/rawjson does in Go: a value stays the text that it is, so the digits of numbers, the
// order of keys and the spelling of escapes survive.
//
// All functions take one valid value, as the host gives them, and no other text. A member that is not there is a text without a pointer.
//
// An exact text is the text of a string in UTF-8, where a lone half of a surrogate pair is the three bytes that WTF-8 has for it. Two
// strings have the same characters only if their exact texts are the same. Keys are compared by them.
#ifndef JSON_H
#define JSON_H

#include "../sdk/languages/c/flowtrux.h"

// allocate is ft_alloc that traps where there is no memory: the host then says which limit was reached, and repeats the call if it was one
// that all calls share.
void *allocate(size_t n);

// word is eight bytes of a text, the first of them lowest.
static inline uint64_t word(const char *p) {
	uint64_t w;
	__builtin_memcpy(&w, p, sizeof w);
	return w;
}

// begins_with tells whether a text begins with another: with one that is constant, in a few instructions.
static inline bool begins_with(ft_text text, ft_text with) {
	if (text.len < with.len)
		return false;
	size_t i = 0;
	for (; with.len - i >= sizeof(uint64_t); i += sizeof(uint64_t))
		if (word(text.ptr + i) != word(with.ptr + i))
			return false;
	for (; i < with.len; i++)
		if (text.ptr[i] != with.ptr[i])
			return false;
	return true;
}

enum json_kind { JSON_NONE, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

// json_kind is the kind of a value, by its first byte. JSON_NONE = there is no value.
static inline enum json_kind json_kind(ft_text v) {
	if (v.len == 0)
		return JSON_NONE;
	switch (*v.ptr) {
	case '"': return JSON_STRING;
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case 't': return JSON_TRUE;
	case 'f': return JSON_FALSE;
	case 'n': return JSON_NULL;
	}
	return *v.ptr == '-' || (unsigned char)(*v.ptr - '0') <= 9 ? JSON_NUMBER : JSON_NONE;
}

// json_skip is where the value that begins at p ends, json_skip_string the same for a string. They do not recurse.
const char *json_skip(const char *p, const char *end);
const char *json_skip_string(const char *p, const char *end);

// json_space skips white space: nothing else outside of strings is as small.
static inline const char *json_space(const char *p, const char *end) {
	while (p < end && (unsigned char)*p <= ' ')
		p++;
	return p;
}

// json_cursor goes through the members of an object or the elements of an array:
//
//	struct json_cursor c = json_elements(list);
//	for (ft_text v; json_element(&c, &v);)
typedef struct {
	const char *at, *end; // at is at the next member or element, or at the end
} json_cursor;

static inline json_cursor json_open_(ft_text v, char bracket) {
	const char *end = v.ptr + v.len;
	if (v.len < 2 || *v.ptr != bracket)
		return (json_cursor){end, end};
	return (json_cursor){json_space(v.ptr + 1, end), end};
}

// json_members begins with the first member of v. There are none where v is no object.
static inline json_cursor json_members(ft_text v) { return json_open_(v, '{'); }

// json_elements begins with the first element of v. There are none where v is no array.
static inline json_cursor json_elements(ft_text v) { return json_open_(v, '['); }

// json_value_ takes the value at a cursor, and moves on to what follows.
static inline ft_text json_value_(json_cursor *c) {
	const char *value = c->at, *behind = json_skip(value, c->end);
	const char *next = json_space(behind, c->end);
	c->at = next < c->end && *next == ',' ? json_space(next + 1, c->end) : c->end;
	return (ft_text){value, (size_t)(behind - value)};
}

// json_element takes the next element. false = there is none.
static inline bool json_element(json_cursor *c, ft_text *value) {
	if (c->at >= c->end || *c->at == ']')
		return false;
	*value = json_value_(c);
	return true;
}

// json_member takes the next member. Its key is the text between the quotes as it is written: see json_key_is. false = there is none.
static inline bool json_member(json_cursor *c, ft_text *key, ft_text *value) {
	if (c->at >= c->end || *c->at != '"')
		return false;
	const char *start = c->at + 1, *behind = json_skip_string(c->at, c->end);
	*key = (ft_text){start, (size_t)(behind - start - 1)};
	c->at = json_space(json_space(behind, c->end) + 1, c->end);
	*value = json_value_(c);
	return true;
}

// json_escaped tells whether the text between a string's quotes has an escape.
bool json_escaped(ft_text raw);

// json_key_is tells whether a key, as json_member gives it, stands for an exact text.
bool json_key_is(ft_text raw, ft_text exact);

// json_get is the value of a key, an exact text.
ft_text json_get(ft_text object, ft_text key);

// json_fields is json_get for several keys in one pass: values[i] becomes the value of keys[i]. These keys have no backslash.
void json_fields(ft_text object, size_t n, const ft_text keys[], ft_text values[]);

// json_exact is the exact text of a string, and json_text its text, where half of a surrogate pair is U+FFFD. They are a part of the string
// if it has no escapes. v must be a string.
ft_text json_exact(ft_text v);
ft_text json_text(ft_text v);

// json_compare orders two strings by their exact texts. It needs no memory.
int json_compare(ft_text a, ft_text b);

// json_compare_bytes orders two texts by their bytes.
int json_compare_bytes(ft_text a, ft_text b);

// json_put_exact appends an exact text as a string, in quotes.
void json_put_exact(ft_out *out, ft_text exact);

#endif
