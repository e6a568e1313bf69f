#include "json.h"

typedef unsigned long long u64;

// maxLevels is how deep values may nest. The engine writes what is deeper, more than the host
// allows.
enum { maxLevels = 520 };

// level is an array or object of which the members are being written.
struct level {
	JSValue value;
	int is_array, some;     // some: a member was written
	struct property *keys;  // of an object
	long long length, next; // of keys or elements
};

static struct level levels[maxLevels];

// written are places in the text where keys stand with their quotes and colons: objects in a list
// have the same ones.
static struct {
	JSAtom key;
	size at, length;
} written[32];

// reserve makes room for n more bytes.
static int reserve(struct writer *w, size n) {
	if (n <= w->room - w->length)
		return 1;
	u64 room = (u64)w->length + n, more = (u64)w->room + w->room / 2;
	if (room < more)
		room = more;
	char *text = room == (size)room ? grow(w->text, w->allocated, w->length, (size)room) : 0;
	if (!text) {
		JS_ThrowOutOfMemory(w->context);
		return 0;
	}
	w->text = text, w->room = (size)room, w->allocated = 1;
	return 1;
}

static int write_bytes(struct writer *w, const char *p, size n) {
	if (!reserve(w, n))
		return 0;
	__builtin_memcpy(w->text + w->length, p, n);
	w->length += n;
	return 1;
}

static int write_byte(struct writer *w, char c) {
	if (!reserve(w, 1))
		return 0;
	w->text[w->length++] = c;
	return 1;
}

// engine_json returns the engine's text of a value, or null with an exception. n is 0 if the value
// has no JSON.
static const char *engine_json(struct writer *w, JSValue v, size *n) {
	v = JS_JSONStringify(w->context, v, special(TAG_UNDEFINED), special(TAG_UNDEFINED));
	*n = 0;
	return is_exception(v) ? 0 : is_undefined(v) ? "" : JS_ToCStringLen2(w->context, n, v, 0);
}

static int write_escape(struct writer *w, byte c) {
	static const char letters[] = "btn\0fr", digits[] = "0123456789abcdef";
	char letter = c == '"' || c == '\\' ? (char)c : c >= '\b' && c <= '\r' ? letters[c - '\b'] : 0;
	char escape[] = {'\\', letter ? letter : 'u', '0', '0', digits[c >> 4], digits[c & 15]};
	return write_bytes(w, escape, letter ? 2 : 6);
}

// write_text writes a text.
static int write_text(struct writer *w, JSValue v) {
	const u64 ones = ~(u64)0 / 255, tops = ones << 7;
	size n, before = w->length;
	const char *text = JS_ToCStringLen2(w->context, &n, v, 0), *p = text, *end = p + n;
	if (!text || !reserve(w, n + 2))
		return 0;
	w->text[w->length++] = '"';
	while (p < end) {
		for (u64 word; end - p >= 8; p += 8, w->length += 8) {
			__builtin_memcpy(&word, p, 8);
			u64 quote = word ^ ones * '"', backslash = word ^ ones * '\\';
			if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((word - ones * ' ') & ~word) | word) & tops)
				break;
			__builtin_memcpy(w->text + w->length, &word, 8);
		}
		for (int i = 0; i < 8 && p < end; i++, p++) {
			byte c = (byte)*p;
			if (c == 0xed && (byte)p[1] >= 0xa0) { // half of a surrogate pair
				w->length = before;
				text = engine_json(w, v, &n);
				return text && write_bytes(w, text, n);
			}
			if (c >= ' ' && c != '"' && c != '\\')
				w->text[w->length++] = (char)c;
			else if (!write_escape(w, c) || !reserve(w, (size)(end - p) + 1))
				return 0;
		}
	}
	w->text[w->length++] = '"';
	JS_FreeCString(w->context, text);
	return 1;
}

static int write_number(struct writer *w, JSValue v) {
	if (is_integer(v)) {
		char digits[11], *p = digits + sizeof digits;
		unsigned n = (unsigned)v, negative = n >> 31;
		for (n = negative ? 0 - n : n; p == digits + sizeof digits || n > 0; n /= 10)
			*--p = (char)('0' + n % 10);
		if (negative)
			*--p = '-';
		return write_bytes(w, p, (size)(digits + sizeof digits - p));
	}
	size n;
	const char *p = JS_ToCStringLen2(w->context, &n, v, 0);
	if (!p)
		return 0;
	int finite = p[n - 1] >= '0' && p[n - 1] <= '9';
	int ok = finite ? write_bytes(w, p, n) : write_bytes(w, "null", 4);
	JS_FreeCString(w->context, p);
	return ok;
}

static int write_simple(struct writer *w, JSValue v) {
	if (is_string(v)) {
		int ok = write_text(w, v);
		JS_FreeValue(w->context, v);
		return ok;
	}
	if (is_null(v))
		return write_bytes(w, "null", 4);
	if (is_boolean(v))
		return v == boolean(1) ? write_bytes(w, "true", 4) : write_bytes(w, "false", 5);
	return write_number(w, v);
}

// write_key writes what stands before the value of a member.
static int write_key(struct writer *w, struct level *in, JSAtom key) {
	if (in->some && !write_byte(w, ','))
		return 0;
	in->some = 1;
	if (in->is_array)
		return 1;
	size i = key % (sizeof written / sizeof *written), at = written[i].at, n = written[i].length;
	if (written[i].key == key) {
		if (!reserve(w, n))
			return 0;
		__builtin_memcpy(w->text + w->length, w->text + at, n);
		w->length += n;
		return 1;
	}
	at = w->length;
	JSValue text = JS_AtomToString(w->context, key);
	if (is_exception(text) || !write_text(w, text) || !write_byte(w, ':'))
		return 0;
	JS_FreeValue(w->context, text);
	written[i].key = key, written[i].at = at, written[i].length = w->length - at;
	return 1;
}

// write_foreign has the engine write a value that is not written here. A member is the only one of
// an object then, since the functions that the engine calls get its key.
static int write_foreign(struct writer *w, struct level *in, JSAtom key, JSValue v) {
	size n, skipped = 0;
	const char *text;
	if (!in) {
		text = engine_json(w, v, &n);
		return text && n > 0 ? write_bytes(w, text, n) : text ? 0 : -1;
	}
	if (in->is_array)
		key = JS_NewAtomUInt32(w->context, (unsigned)in->next - 1);
	JSValue object = JS_NewObject(w->context);
	if (!key || is_exception(object) || JS_DefinePropertyValue(w->context, object, key, v, PROPERTY_PLAIN) < 0)
		return -1;
	text = engine_json(w, object, &n);
	JS_FreeValue(w->context, object);
	if (!text)
		return -1;
	text++, n -= 2; // the braces
	if (n == 0 && !in->is_array)
		return 1; // a member without a value is left out
	if (in->is_array) { // only the value is wanted
		if (n == 0)
			text = ":null", n = 5;
		while (text[skipped++] != ':') {
		}
	}
	if (in->some && !write_byte(w, ','))
		return -1;
	in->some = 1;
	return write_bytes(w, text + skipped, n - skipped) ? 1 : -1;
}

// kinds of values
enum { FAILED, NOTHING, SIMPLE, NESTED, FOREIGN };

// kind_of tells what a value is. It replaces one with a method toJSON by one whose method calls
// that: no getter is called twice.
static int kind_of(struct writer *w, JSValue *v, struct level *deeper) {
	if (is_string(*v) || is_integer(*v) || is_boolean(*v) || is_null(*v) || is_float(*v))
		return SIMPLE;
	if (is_undefined(*v))
		return NOTHING;
	unsigned class = is_object(*v) && deeper < levels + maxLevels ? JS_GetClassID(*v) : 0;
	if (class == 0 || (class != w->object_class && class != w->array_class))
		return FOREIGN;
	JSValue to_json[] = {JS_GetProperty(w->context, *v, w->to_json), *v};
	if (is_exception(to_json[0]))
		return FAILED;
	if (JS_IsFunction(w->context, to_json[0])) {
		*v = JS_Call(w->context, w->with_to_json, special(TAG_UNDEFINED), 2, to_json);
		return is_exception(*v) ? FAILED : FOREIGN;
	}
	for (struct level *l = levels; l < deeper; l++)
		if (l->value == *v) {
			JS_ThrowTypeError(w->context, "circular reference");
			return FAILED;
		}
	return NESTED;
}

// enter begins an array or object.
static int enter(struct writer *w, struct level *l, JSValue v) {
	unsigned n = 0;
	*l = (struct level){.value = v, .is_array = JS_GetClassID(v) == w->array_class};
	if (l->is_array)
		return JS_GetLength(w->context, v, &l->length) == 0 && write_byte(w, '[');
	if (JS_GetOwnPropertyNames(w->context, &l->keys, &n, v, NAMES_TEXTS | NAMES_ENUMERABLE) < 0)
		return 0;
	l->length = n;
	return write_byte(w, '{');
}

static int leave(struct writer *w, struct level *l) {
	JS_FreeValue(w->context, l->value);
	if (!l->is_array)
		js_free(w->context, l->keys);
	return write_byte(w, l->is_array ? ']' : '}');
}

int json_write(struct writer *w, JSValue v) {
	struct level *deeper = levels, *in = 0;
	JSAtom key = 0;
	int result = 1;
	__builtin_memset(written, 0, sizeof written);
	for (;;) {
		int kind = kind_of(w, &v, deeper);
		if (kind == FAILED)
			return -1;
		if (kind == NOTHING && !in)
			return 0;
		if (kind == FOREIGN) {
			result = write_foreign(w, in, key, v);
			if (result < 0 || !in)
				return result;
		} else if (kind != NOTHING || in->is_array) {
			if (in && !write_key(w, in, key))
				return -1;
			if (kind == NESTED) {
				in = deeper++;
				if (!enter(w, in, v))
					return -1;
			} else if (!write_simple(w, kind == SIMPLE ? v : special(TAG_NULL))) {
				return -1;
			}
		}
		while (in && in->next == in->length) {
			if (!leave(w, in))
				return -1;
			deeper = in;
			in = deeper > levels ? deeper - 1 : 0;
		}
		if (!in)
			return 1;
		if (in->is_array) {
			v = JS_GetPropertyInt64(w->context, in->value, in->next++);
		} else {
			key = in->keys[in->next++].key;
			v = JS_GetProperty(w->context, in->value, key);
		}
		if (is_exception(v))
			return -1;
	}
}
