// JSON to and from values of the engine. The engine's own reader takes several times as long, since
// it copies each text twice and reads each number with strtod, and its writer makes a text of each
// part before it joins them. Both are still used, for what is left to them here.
#ifndef JSON_H
#define JSON_H

#include "engine.h"

// Reading: texts that the host has checked, such as a node's input.

// json_padding is how many bytes behind a text must be readable. The first of them must be 0.
enum { json_padding = 8 };

// reader is a place in a text.
struct reader {
	JSContext *context;
	byte *p;
};

// json_value reads a value and leaves the reader behind it. It returns undefined for what is left
// to the engine's reader: what is no JSON, and what nests deeper than the host allows. Then, and
// after an exception, the reader is of no use.
JSValue json_value(struct reader *);

// json_skip skips the value of a member of an object, if there is one that ends.
int json_skip(struct reader *);

// json_key reads a key and the colon behind it. It returns 0 if there is none, or no memory for it.
JSAtom json_key(struct reader *);

// json_token reads a byte that stands between values, and tells whether it was there.
int json_token(struct reader *, byte);

// Writing, as JSON.stringify does it.

// writer is a text that grows.
struct writer {
	JSContext *context;
	JSAtom to_json;                    // the key toJSON
	JSValue with_to_json;              // of the prelude: makes an object whose toJSON calls another's
	unsigned object_class, array_class; // of plain objects and arrays
	char *text;
	size length, room;
	int allocated; // the text
};

// json_write writes a value. The result is 1, or 0 if the value has no JSON, or -1 with an
// exception.
int json_write(struct writer *, JSValue);

#endif
