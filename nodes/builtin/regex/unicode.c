#include "unicode.h"
#include "../json.h"

// A property is a set of categories, a bit each, or a script; neither of both is ASCII. names has the names one behind the other.
struct property {
	uint16_t name;
	uint8_t length, script;
	uint32_t categories;
	bool folds;
};

// A run of code points that fold in the same way. FOLD_PAIRS: neighbors, to each other. FOLD_SHIFT: each to the one at a distance, and
// back. FOLD_CIRCLE: a code point of three or four; the distance leads to the next.
enum { FOLD_SHIFT, FOLD_PAIRS, FOLD_CIRCLE };
struct fold {
	uint32_t first : 21, kind : 2, more : 9;
	int32_t distance;
};

#include "tables.h"

// ---- folding ----

enum { FOLDS = sizeof folds / sizeof folds[0] };

static inline rune last_of(const struct fold *f) { return f->first + f->more; }

// folds_from is the first run that ends at r or behind it.
static const struct fold *folds_from(rune r) {
	const struct fold *f = folds;
	for (size_t len = FOLDS; len > 0;) {
		size_t half = len / 2;
		if (last_of(&f[half]) < r)
			f += half + 1, len -= half + 1;
		else
			len = half;
	}
	return f;
}

static inline rune shifted(const struct fold *f, rune r) {
	return f->kind == FOLD_PAIRS ? f->first + ((r - f->first) ^ 1) : (rune)((int32_t)r + f->distance);
}

rune unicode_fold(rune r) {
	if (r < 'A' || (r > 'z' && r < 0x80))
		return r;
	const struct fold *f = folds_from(r);
	return f < folds + FOLDS && f->first <= r ? shifted(f, r) : r;
}

rune unicode_fold_least(rune r) {
	rune least = r;
	for (rune f = unicode_fold(r); f != r; f = unicode_fold(f))
		least = f < least ? f : least;
	return least;
}

void set_add_folded(set *to, rune first, rune last) {
	set_add(to, first, last);
	for (const struct fold *f = folds_from(first); f < folds + FOLDS && f->first <= last; f++) {
		rune from = f->first > first ? f->first : first, until = last_of(f) < last ? last_of(f) : last;
		switch (f->kind) {
		case FOLD_SHIFT: set_add(to, shifted(f, from), shifted(f, until)); break;
		case FOLD_PAIRS: set_add(to, from - ((from - f->first) & 1), until + (~(until - f->first) & 1)); break;
		case FOLD_CIRCLE:
			for (rune r = unicode_fold(from); r != from; r = unicode_fold(r))
				set_add(to, r, r);
		}
	}
}

// ---- properties ----

// number reads a number of the tables, seven bits a byte, the lowest first.
static inline rune number(const unsigned char **p) {
	rune n = 0;
	for (int shift = 0;; shift += 7) {
		rune b = *(*p)++;
		n |= (b & 0x7f) << shift;
		if (b < 0x80)
			return n;
	}
}

static void add_categories(set *to, uint32_t categories) {
	const unsigned char *p = category_runs;
	for (rune at = 0; at <= RUNE_MAX;) {
		uint32_t category = *p & 31;
		rune len = (*p++ >> 5) + 1;
		if (len == 8)
			len += number(&p);
		if (category < CATEGORY_PAIRS) {
			if (categories >> category & 1)
				set_add(to, at, at + len - 1);
		} else {
			bool upper = categories >> CATEGORY_LU & 1, lower = categories >> CATEGORY_LL & 1;
			if (upper && lower)
				set_add(to, at, at + len - 1);
			else if (upper || lower)
				for (rune r = at + lower; r < at + len; r += 2)
					set_add(to, r, r);
		}
		at += len;
	}
}

static void add_script(set *to, uint32_t script) {
	const unsigned char *p = script_runs;
	for (rune at = 0; at <= RUNE_MAX;) {
		uint32_t of = *p++;
		rune len = number(&p) + 1;
		if (of == script)
			set_add(to, at, at + len - 1);
		at += len;
	}
}

// canonical writes a name without separators, its first letter upper case and the others lower case.
static size_t canonical(ft_text name, char to[PROPERTY_NAME_MAX]) {
	size_t n = 0;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (c == '_' || c == '-' || c == ' ')
			continue;
		if (n == PROPERTY_NAME_MAX)
			return 0;
		if (n == 0 ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z')
			c ^= ' ';
		to[n++] = c;
	}
	return n;
}

static const struct property *find(ft_text name) {
	char buffer[PROPERTY_NAME_MAX];
	name = (ft_text){buffer, canonical(name, buffer)};
	size_t low = 0, high = sizeof properties / sizeof properties[0];
	while (low < high) {
		size_t half = (low + high) / 2;
		const struct property *p = &properties[half];
		int c = json_compare_bytes(name, (ft_text){(const char *)property_names + p->name, p->length});
		if (c == 0)
			return p;
		if (c < 0)
			high = half;
		else
			low = half + 1;
	}
	return NULL;
}

bool unicode_property(ft_text name, set *to, bool *folds) {
	const struct property *p = find(name);
	if (!p)
		return false;
	if (p->categories)
		add_categories(to, p->categories);
	else if (p->script)
		add_script(to, p->script);
	else
		set_add(to, 0, 0x7f);
	*folds = p->folds;
	return true;
}
