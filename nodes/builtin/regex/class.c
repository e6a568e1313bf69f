#include "parse.h"

// ---- escapes ----

static inline bool is_alnum(rune r) { return r - '0' < 10 || (r | ' ') - 'a' < 26; }

static int hex(rune r) {
	if (r - '0' < 10)
		return (int)(r - '0');
	return (r | ' ') - 'a' < 6 ? (int)((r | ' ') - 'a' + 10) : -1;
}

bool parse_rune(struct parser *p, rune *r) {
	if (p->at == p->end)
		return false;
	size_t len = unicode_decode(p->at, p->end, r);
	p->at += len;
	return len > 1 || *r != RUNE_ERROR;
}

// hex_escape reads what is behind \x: two digits, or some in braces.
static bool hex_escape(struct parser *p, rune *r) {
	rune c;
	if (!parse_rune(p, &c))
		return false;
	if (c != '{') {
		int high = hex(c);
		if (!parse_rune(p, &c))
			return false;
		int low = hex(c);
		*r = (rune)high << 4 | (rune)low;
		return high >= 0 && low >= 0;
	}
	*r = 0;
	for (int digits = 0;; digits++) {
		if (!parse_rune(p, &c))
			return false;
		if (c == '}')
			return digits > 0;
		int digit = hex(c);
		*r = *r << 4 | (rune)digit;
		if (digit < 0 || *r > RUNE_MAX)
			return false;
	}
}

static inline bool at_octal(const struct parser *p) { return p->at < p->end && *p->at >= '0' && *p->at <= '7'; }

bool parse_escape(struct parser *p, rune *r) {
	rune c;
	if (!parse_rune(p, &c))
		return false;
	switch (c) {
	case 'a': *r = '\a'; return true;
	case 'f': *r = '\f'; return true;
	case 'n': *r = '\n'; return true;
	case 'r': *r = '\r'; return true;
	case 't': *r = '\t'; return true;
	case 'v': *r = '\v'; return true;
	case 'x': return hex_escape(p, r);
	}
	if (c - '0' < 8 && (c == '0' || at_octal(p))) { // a single digit but 0 would be a back-reference
		*r = c - '0';
		for (int digits = 1; digits < 3 && at_octal(p); digits++)
			*r = *r << 3 | (rune)(*p->at++ - '0');
		return true;
	}
	*r = c;
	return c < 0x80 && !is_alnum(c);
}

// ---- classes with names ----

// A class of ASCII, a bit for each code point.
struct ascii {
	char name[8];
	uint32_t bits[4];
};

#define DIGITS 0x03ff0000
#define UPPER 0x07fffffe
#define LOWER 0x07fffffe
#define UNDERSCORE 0x80000000

static const struct ascii posix[] = {
	{"alnum", {0, DIGITS, UPPER, LOWER}},
	{"alpha", {0, 0, UPPER, LOWER}},
	{"ascii", {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
	{"blank", {1u << '\t', 1, 0, 0}},
	{"cntrl", {0xffffffff, 0, 0, 0x80000000}},
	{"digit", {0, DIGITS, 0, 0}},
	{"graph", {0, 0xfffffffe, 0xffffffff, 0x7fffffff}},
	{"lower", {0, 0, 0, LOWER}},
	{"print", {0, 0xffffffff, 0xffffffff, 0x7fffffff}},
	{"punct", {0, 0xfc00fffe, 0xf8000001, 0x78000001}},
	{"space", {0x00003e00, 1, 0, 0}}, // \t\n\v\f\r
	{"upper", {0, 0, UPPER, 0}},
	{"word", {0, DIGITS, UPPER | UNDERSCORE, LOWER}},
	{"xdigit", {0, DIGITS, 0x7e, 0x7e}},
};

static const struct ascii perl[] = {
	{"d", {0, DIGITS, 0, 0}},
	{"s", {0x00003600, 1, 0, 0}}, // without \v
	{"w", {0, DIGITS, UPPER | UNDERSCORE, LOWER}},
};

// add_part adds p->part, a clean set, or all others, to p->class. folds = with what its code points fold to.
static void add_part(struct parser *p, bool others, bool folds) {
	const set *part = &p->part;
	if (folds) {
		p->folded.len = 0;
		for (uint32_t i = 0; i < part->len; i++)
			set_add_folded(&p->folded, part->ranges[i].first, part->ranges[i].last);
		set_clean(&p->folded);
		part = &p->folded;
	}
	if (others)
		set_add_others(&p->class, part);
	else
		set_add_all(&p->class, part);
}

static void add_ascii(struct parser *p, const struct ascii *class, bool others) {
	p->part.len = 0;
	for (rune r = 0; r < 0x80; r++)
		if (class->bits[r >> 5] >> (r & 31) & 1)
			set_add(&p->part, r, r);
	add_part(p, others, p->flags & FOLD_CASE);
}

static const struct ascii *named(const struct ascii *from, size_t len, ft_text name) {
	for (size_t i = 0; i < len; i++)
		if (ft_equal(name, ft_text_of(from[i].name)))
			return &from[i];
	return NULL;
}

// property reads what is behind \p or \P: a letter, or a name in braces.
static bool property(struct parser *p, bool others) {
	const char *name = p->at;
	rune r;
	if (!parse_rune(p, &r))
		return false;
	ft_text text = {name, (size_t)(p->at - name)};
	if (r == '{') {
		text.ptr = p->at;
		while (p->at < p->end && *p->at != '}')
			p->at++;
		if (p->at == p->end)
			return false;
		text.len = (size_t)(p->at++ - text.ptr);
	}
	if (text.len > 0 && *text.ptr == '^') {
		others = !others;
		text.ptr++, text.len--;
	}
	p->part.len = 0;
	bool folds;
	if (!unicode_property(text, &p->part, &folds))
		return false;
	add_part(p, others, folds && p->flags & FOLD_CASE);
	return true;
}

bool parse_group(struct parser *p, bool *found) {
	*found = false;
	if (p->end - p->at < 2 || *p->at != '\\')
		return true;
	char c = p->at[1], lower = c | ' ';
	if (lower == 'p') {
		*found = true;
		p->at += 2;
		return property(p, c == 'P');
	}
	const struct ascii *class = named(perl, sizeof perl / sizeof perl[0], (ft_text){&lower, 1});
	if (!class)
		return true;
	*found = true;
	p->at += 2;
	add_ascii(p, class, c != lower);
	return true;
}

// posix_class reads a class like [:alpha:] or [:^alpha:], which is only within brackets.
static bool posix_class(struct parser *p, bool *found) {
	*found = false;
	if (p->end - p->at < 3 || p->at[0] != '[' || p->at[1] != ':')
		return true;
	const char *name = p->at + 2, *behind = name;
	while (p->end - behind >= 2 && (behind[0] != ':' || behind[1] != ']'))
		behind++;
	if (p->end - behind < 2)
		return true;
	bool others = *name == '^';
	name += others;
	const struct ascii *class = named(posix, sizeof posix / sizeof posix[0], (ft_text){name, (size_t)(behind - name)});
	if (!class)
		return false;
	*found = true;
	p->at = behind + 2;
	add_ascii(p, class, others);
	return true;
}

// ---- classes in brackets ----

static bool class_rune(struct parser *p, rune *r) {
	if (p->at < p->end && *p->at == '\\') {
		p->at++;
		return parse_escape(p, r);
	}
	return parse_rune(p, r);
}

static bool class_range(struct parser *p) {
	rune first, last;
	if (!class_rune(p, &first))
		return false;
	last = first;
	if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') { // - is itself as the last
		p->at++;
		if (!class_rune(p, &last) || last < first)
			return false;
	}
	if (p->flags & FOLD_CASE)
		set_add_folded(&p->class, first, last);
	else
		set_add(&p->class, first, last);
	return true;
}

const set *parse_class(struct parser *p) {
	bool others = p->at < p->end && *p->at == '^';
	p->at += others;
	p->class.len = 0;
	for (bool first = true; first || p->at == p->end || *p->at != ']'; first = false) { // ] is itself as the first
		bool found;
		if (!posix_class(p, &found) || (!found && !parse_group(p, &found)) || (!found && !class_range(p)))
			return NULL;
	}
	p->at++;
	set_clean(&p->class);
	if (!others)
		return &p->class;
	p->part.len = 0;
	set_add_others(&p->part, &p->class);
	return &p->part;
}
