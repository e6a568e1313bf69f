#include "json.h"

void *allocate(size_t n) {
	void *p = ft_alloc(n);
	if (!p)
		__builtin_trap();
	return p;
}

// Eight bytes of a string are looked at together.

static const uint64_t each = 0x0101010101010101;

// zeros has the high bit of each byte that is zero. Those above the lowest one may be wrong.
static inline uint64_t zeros(uint64_t w) { return (w - each) & ~w & each << 7; }

// special is where the first quote or backslash from p on is.
static inline const char *special(const char *p, const char *end) {
	for (; end - p >= 8; p += 8) {
		uint64_t w = word(p), found = zeros(w ^ each * '"') | zeros(w ^ each * '\\');
		if (found)
			return p + __builtin_ctzll(found) / 8;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

const char *json_skip_string(const char *p, const char *end) {
	for (p = special(p + 1, end); p < end && *p == '\\';)
		p = end - p < 2 ? end : special(p + 2, end);
	return p < end ? p + 1 : end;
}

const char *json_skip(const char *p, const char *end) {
	if (p >= end)
		return end;
	if (*p == '"')
		return json_skip_string(p, end);
	if (*p != '{' && *p != '[') { // a literal or a number
		while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
			p++;
		return p;
	}
	size_t depth = 0;
	while (p < end) {
		char c = *p;
		if (c == '"') {
			p = json_skip_string(p, end);
			continue;
		}
		p++;
		if ((c | ' ') == '{') { // [ | ' ' is {, and ] | ' ' is }
			depth++;
		} else if ((c | ' ') == '}' && --depth == 0) {
			return p;
		}
	}
	return end;
}

bool json_escaped(ft_text raw) {
	for (const char *p = raw.ptr, *end = p + raw.len; (p = special(p, end)) < end; p++)
		if (*p == '\\')
			return true;
	return false;
}

// ---- exact texts, byte by byte ----

// reader gives the bytes that the text between a string's quotes stands for.
typedef struct {
	const char *at, *end;
	uint32_t more; // bytes of the last escape that are still to be given, the lowest first
	bool exact;
} reader;

static int hex(const char *p) {
	int n = 0;
	for (int i = 0; i < 4; i++)
		n = n << 4 | (p[i] <= '9' ? p[i] - '0' : (p[i] | ' ') - 'a' + 10);
	return n;
}

// unit reads the escape \uXXXX at p. -1 = there is none.
static int unit(const char *p, const char *end) { return end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex(p + 2) : -1; }

static inline bool is_low(int unit) { return unit >= 0xdc00 && unit < 0xe000; }

// encoded is a code point in UTF-8, its first byte lowest. No byte of it is zero but that of U+0000.
static uint32_t encoded(uint32_t c) {
	uint32_t last = 0x80 | (c & 0x3f), third = 0x80 | (c >> 6 & 0x3f), second = 0x80 | (c >> 12 & 0x3f);
	if (c < 0x80)
		return c;
	if (c < 0x800)
		return (0xc0 | c >> 6) | last << 8;
	if (c < 0x10000)
		return (0xe0 | c >> 12) | third << 8 | last << 16;
	return (0xf0 | c >> 18) | second << 8 | third << 16 | last << 24;
}

// escape reads the escape at r.
static uint32_t escape(reader *r) {
	int high = unit(r->at, r->end);
	if (high < 0) {
		char c = r->end - r->at > 1 ? r->at[1] : '\\';
		r->at = r->end - r->at > 1 ? r->at + 2 : r->end;
		switch (c) {
		case 'b': return '\b';
		case 'f': return '\f';
		case 'n': return '\n';
		case 'r': return '\r';
		case 't': return '\t';
		}
		return (unsigned char)c;
	}
	r->at += 6;
	if (high < 0xd800 || high >= 0xe000)
		return encoded((uint32_t)high);
	int low = is_low(high) ? -1 : unit(r->at, r->end);
	if (is_low(low)) {
		r->at += 6;
		return encoded(0x10000 + ((uint32_t)(high - 0xd800) << 10 | (uint32_t)(low - 0xdc00)));
	}
	return encoded(r->exact ? (uint32_t)high : 0xfffd);
}

// next is the next byte; -1 = there is none.
static int next(reader *r) {
	uint32_t bytes = r->more;
	if (bytes == 0) {
		if (r->at >= r->end)
			return -1;
		if (*r->at != '\\')
			return (unsigned char)*r->at++;
		bytes = escape(r);
	}
	r->more = bytes >> 8;
	return bytes & 0xff;
}

static inline ft_text between_quotes(ft_text v) { return (ft_text){v.ptr + 1, v.len - 2}; }

static inline reader read(ft_text raw, bool exact) { return (reader){raw.ptr, raw.ptr + raw.len, 0, exact}; }

static ft_text decoded(ft_text v, bool exact) {
	ft_text raw = between_quotes(v);
	if (!json_escaped(raw))
		return raw;
	char *text = allocate(raw.len); // an escape is never shorter than what it stands for
	size_t n = 0;
	reader r = read(raw, exact);
	for (int c; (c = next(&r)) >= 0;)
		text[n++] = (char)c;
	return (ft_text){text, n};
}

ft_text json_exact(ft_text v) { return decoded(v, true); }

ft_text json_text(ft_text v) { return decoded(v, false); }

int json_compare_bytes(ft_text a, ft_text b) {
	size_t least = a.len < b.len ? a.len : b.len, i = 0;
	while (least - i >= 8 && word(a.ptr + i) == word(b.ptr + i))
		i += 8;
	for (; i < least; i++)
		if (a.ptr[i] != b.ptr[i])
			return (unsigned char)a.ptr[i] < (unsigned char)b.ptr[i] ? -1 : 1;
	return a.len < b.len ? -1 : a.len > b.len;
}

// compare orders the texts of what is between the quotes of two strings.
static int compare(reader a, reader b) {
	for (;;) {
		int c = next(&a), d = next(&b);
		if (c != d || c < 0)
			return c < d ? -1 : c > d;
	}
}

int json_compare(ft_text a, ft_text b) {
	a = between_quotes(a), b = between_quotes(b);
	if (!json_escaped(a) && !json_escaped(b))
		return json_compare_bytes(a, b);
	return compare(read(a, true), read(b, true));
}

bool json_key_is(ft_text raw, ft_text exact) {
	if (raw.len <= exact.len) // no escape is shorter than what it stands for
		return raw.len == exact.len && begins_with(raw, exact) && !json_escaped(raw);
	if (*raw.ptr != '\\' && (exact.len == 0 || *raw.ptr != *exact.ptr))
		return false;
	if (!json_escaped(raw))
		return false;
	reader r = read(raw, true);
	for (size_t i = 0; i < exact.len; i++)
		if (next(&r) != (unsigned char)exact.ptr[i])
			return false;
	return next(&r) < 0;
}

ft_text json_get(ft_text object, ft_text key) {
	json_cursor c = json_members(object);
	for (ft_text k, v; json_member(&c, &k, &v);)
		if (json_key_is(k, key))
			return v;
	return (ft_text){0};
}

void json_fields(ft_text object, size_t n, const ft_text keys[], ft_text values[]) {
	for (size_t i = 0; i < n; i++)
		values[i] = (ft_text){0};
	json_cursor c = json_members(object);
	for (ft_text k, v; json_member(&c, &k, &v);)
		for (size_t i = 0; i < n; i++)
			if (k.len == keys[i].len ? begins_with(k, keys[i]) : k.len > keys[i].len && json_key_is(k, keys[i])) {
				values[i] = v;
				break;
			}
}

// is_half tells whether half of a surrogate pair stands at p, as exact texts have it.
static bool is_half(const char *p, const char *end) {
	return end - p >= 3 && (unsigned char)p[0] == 0xed && (unsigned char)p[1] >= 0xa0;
}

// letter is what stands behind the backslash of a character's escape. 'u' = its code follows.
static char letter(char c) {
	switch (c) {
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	case '"': case '\\': return c;
	}
	return 'u';
}

void json_put_exact(ft_out *out, ft_text exact) {
	static const char digits[] = "0123456789abcdef";
	ft_put(out, FT("\""));
	const char *end = exact.ptr + exact.len, *done = exact.ptr;
	for (const char *p = done; p < end; p++) {
		bool half = is_half(p, end);
		if ((unsigned char)*p >= ' ' && *p != '"' && *p != '\\' && !half)
			continue;
		unsigned code = half ? 0xd000 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu) : (unsigned char)*p;
		char escape[] = {'\\', letter(*p), digits[code >> 12], digits[code >> 8 & 15], digits[code >> 4 & 15], digits[code & 15]};
		ft_put(out, (ft_text){done, (size_t)(p - done)});
		ft_put(out, (ft_text){escape, escape[1] == 'u' ? 6 : 2});
		if (half)
			p += 2;
		done = p + 1;
	}
	ft_put(out, (ft_text){done, (size_t)(end - done)});
	ft_put(out, FT("\""));
}
