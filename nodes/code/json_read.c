#include "json.h"

typedef unsigned long long u64;

// maxLevels is how deep values may nest. The host allows no more than 512.
enum { maxLevels = 520 };

// level is an open array or object.
struct level {
	JSValue object;  // undefined = an array
	JSAtom key;      // of the next value of an object
	unsigned before; // how many values of other arrays are on the stack
};

static struct level levels[maxLevels];

// The values of open arrays, those of the innermost last.
static JSValue few[64], *values = few;
static unsigned count, room = sizeof few / sizeof *few;

int json_token(struct reader *r, byte token) {
	while (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r')
		r->p++;
	if (*r->p != token)
		return 0;
	r->p++;
	return 1;
}

// what stands in a text besides plain ASCII
enum { ESCAPES = 1, NON_ASCII = 2 };

// end_of_text returns the closing quote of the text that begins at p, and what stands in it. It
// looks at eight bytes at a time, so NON_ASCII may be set because of what comes behind the text.
// NULL means that the text does not end, or has control characters.
static byte *end_of_text(byte *p, int *has) {
	const u64 ones = ~(u64)0 / 255, tops = ones << 7;
	*has = 0;
	for (;;) {
		u64 word;
		__builtin_memcpy(&word, p, sizeof word);
		if (word & tops)
			*has |= NON_ASCII;
		// The lowest byte with its top bit set is one of those looked for; higher ones need not be.
		u64 quote = word ^ ones * '"', backslash = word ^ ones * '\\';
		u64 found = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((word - ones * ' ') & ~word)) & tops;
		if (!found) {
			p += sizeof word;
			continue;
		}
		p += __builtin_ctzll(found) / 8;
		if (*p == '"')
			return p;
		if (*p != '\\' || p[1] < ' ')
			return 0;
		*has |= ESCAPES;
		p += 2;
	}
}

int json_skip(struct reader *r) {
	int has;
	unsigned depth = 0;
	for (byte *p = r->p; *p; p++) {
		if (*p == '"') {
			p = end_of_text(p + 1, &has);
			if (!p)
				return 0;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (depth == 0 && (*p == ',' || *p == '}')) {
			r->p = p;
			return 1;
		} else if (*p == '}' || *p == ']') {
			depth--;
		}
	}
	return 0;
}

// engine_value has the engine read the value from p to end, in a longer text.
static JSValue engine_value(JSContext *context, byte *p, byte *end) {
	byte next = *end;
	*end = 0; // the engine reads this byte
	JSValue v = JS_ParseJSON(context, (char *)p, (size)(end - p), "config");
	*end = next;
	return v;
}

// read_text reads a text whose opening quote was read.
static JSValue read_text(struct reader *r, int *has) {
	byte *p = r->p, *end = end_of_text(p, has);
	if (!end)
		return special(TAG_UNDEFINED);
	r->p = end + 1;
	if (*has & ESCAPES)
		return engine_value(r->context, p - 1, end + 1);
	return JS_NewStringLen(r->context, (char *)p, (size)(end - p));
}

JSAtom json_key(struct reader *r) {
	if (!json_token(r, '"'))
		return 0;
	int has;
	byte *p = r->p, *end = end_of_text(p, &has);
	if (!end)
		return 0;
	JSAtom key;
	if (has) {
		JSValue text = read_text(r, &has);
		if (is_undefined(text) || is_exception(text))
			return 0;
		key = JS_ValueToAtom(r->context, text);
	} else {
		r->p = end + 1;
		key = JS_NewAtomLen(r->context, (char *)p, (size)(end - p));
	}
	return json_token(r, ':') ? key : 0;
}

// read_number reads a number. Those with up to 15 digits and a small exponent are exact as
// multiples or fractions of integers; the engine reads the others.
static JSValue read_number(struct reader *r) {
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	byte *p = r->p;
	int negative = *p == '-', digits = 0, scale = 0;
	p += negative;
	byte *first = p;
	u64 n = 0;
	for (; *p - '0' < 10u; p++, digits++)
		n = n * 10 + (*p - '0');
	if (digits == 0 || (*first == '0' && digits > 1))
		return special(TAG_UNDEFINED);
	if (*p != '.' && (*p | ' ') != 'e' && digits < 10 && (n || !negative)) {
		r->p = p;
		return integer(negative ? -(int)n : (int)n);
	}
	if (*p == '.') {
		byte *point = ++p;
		for (; *p - '0' < 10u; p++, digits++)
			n = n * 10 + (*p - '0');
		if ((scale = (int)(point - p)) == 0)
			return special(TAG_UNDEFINED);
	}
	if ((*p | ' ') == 'e') {
		int minus = *++p == '-', exponent = 0;
		p += minus || *p == '+';
		byte *from = p;
		for (; *p - '0' < 10u; p++)
			exponent = exponent < 9999 ? exponent * 10 + (*p - '0') : exponent;
		if (p == from)
			return special(TAG_UNDEFINED);
		scale += minus ? -exponent : exponent;
	}
	byte *number = r->p;
	r->p = p;
	if (digits > 15 || scale < -22 || scale > 22)
		return engine_value(r->context, number, p);
	double d = (double)(long long)n;
	d = scale < 0 ? d / powers[-scale] : d * powers[scale];
	return JS_NewNumber(r->context, negative ? -d : d);
}

// read_word reads true, false or null.
static JSValue read_word(struct reader *r, const char *word, int n, JSValue v) {
	for (int i = 0; i < n; i++)
		if (r->p[i] != (byte)word[i])
			return special(TAG_UNDEFINED);
	r->p += n;
	return v;
}

// keep puts a value on the stack.
static int keep(struct reader *r, JSValue v) {
	if (count == room) {
		size more = room + room / 2; // the memory is too small for an overflow
		JSValue *larger = grow(values, values != few, count * sizeof *values, more * sizeof *values);
		if (!larger) {
			JS_ThrowOutOfMemory(r->context);
			return 0;
		}
		values = larger, room = more;
	}
	values[count++] = v;
	return 1;
}

JSValue json_value(struct reader *r) {
	struct level *open = levels;
	count = 0;
	for (;;) {
		JSValue v;
		int has;
		while (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r')
			r->p++;
		switch (*r->p) {
		case '{':
		case '[':
			if (open == levels + maxLevels)
				goto left;
			int object = *r->p++ == '{';
			open->object = object ? JS_NewObject(r->context) : special(TAG_UNDEFINED);
			open->before = count;
			if (is_exception(open->object))
				goto failed;
			open++;
			if (json_token(r, object ? '}' : ']'))
				goto close;
			if (object)
				goto key;
			continue;
		case '"':
			r->p++;
			v = read_text(r, &has);
			break;
		case 't':
			v = read_word(r, "true", 4, boolean(1));
			break;
		case 'f':
			v = read_word(r, "false", 5, boolean(0));
			break;
		case 'n':
			v = read_word(r, "null", 4, special(TAG_NULL));
			break;
		default:
			v = read_number(r);
		}
	ended: // a value
		if (is_exception(v))
			goto failed;
		if (is_undefined(v))
			goto left;
		if (open == levels)
			return v;
		struct level *in = open - 1;
		if (is_undefined(in->object)) {
			if (!keep(r, v))
				goto failed;
		} else if (JS_DefinePropertyValue(r->context, in->object, in->key, v, PROPERTY_PLAIN) < 0) {
			goto failed;
		}
		if (json_token(r, ',')) {
			if (is_undefined(in->object))
				continue;
		key:
			in = open - 1;
			in->key = json_key(r);
			if (!in->key)
				goto left;
			continue;
		}
		if (!json_token(r, is_undefined(in->object) ? ']' : '}'))
			goto left;
	close:
		open--;
		v = open->object;
		if (is_undefined(v)) {
			v = JS_NewArrayFrom(r->context, (int)(count - open->before), values + open->before);
			count = open->before;
		}
		goto ended;
	}
	JSValue why;
left:
	why = special(TAG_UNDEFINED);
	goto free;
failed:
	why = special(TAG_EXCEPTION);
free: // what was read, so that there is memory for an error
	while (open > levels)
		JS_FreeValue(r->context, (--open)->object);
	while (count > 0)
		JS_FreeValue(r->context, values[--count]);
	return why;
}
