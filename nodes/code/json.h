// Reading JSON that the host has checked, such as a node's input, into values of the engine. The
// engine's own reader takes several times as long: it copies each text twice and reads each number
// with strtod.
#ifndef JSON_H
#define JSON_H

#include "engine.h"

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

// json_key reads a key and the colon behind it. It returns 0 if there is none, or no memory for it.
JSAtom json_key(struct reader *);

// json_token reads a byte that stands between values, and tells whether it was there.
int json_token(struct reader *, byte);

#endif
