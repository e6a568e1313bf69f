// unicode.h has sets of code points, and what Unicode says about them.
#ifndef UNICODE_H
#define UNICODE_H

#include "../../sdk/languages/c/flowtrux.h"

typedef uint32_t rune; // a code point

enum { RUNE_MAX = 0x10ffff, RUNE_ERROR = 0xfffd };

// unicode_decode reads the code point at p, which is before end, and gives its length in bytes. A byte that is not part of valid UTF-8 is
// RUNE_ERROR, of length 1.
static inline size_t unicode_decode(const char *p, const char *end, rune *r) {
	const unsigned char *b = (const unsigned char *)p;
	size_t has = (size_t)(end - p);
	rune first = b[0];
	*r = first;
	if (first < 0x80)
		return 1;
	if (first - 0xc2 < 0x1e && has > 1 && (b[1] & 0xc0) == 0x80) {
		*r = (first & 0x1f) << 6 | (b[1] & 0x3f);
		return 2;
	}
	if (first - 0xe0 < 0x10 && has > 2 && (b[1] & 0xc0) == 0x80 && (b[2] & 0xc0) == 0x80) {
		*r = (first & 0x0f) << 12 | (rune)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);
		if (*r >= 0x800 && *r - 0xd800 >= 0x800)
			return 3;
	} else if (first - 0xf0 < 5 && has > 3 && (b[1] & 0xc0) == 0x80 && (b[2] & 0xc0) == 0x80 && (b[3] & 0xc0) == 0x80) {
		*r = (first & 0x07) << 18 | (rune)(b[1] & 0x3f) << 12 | (rune)(b[2] & 0x3f) << 6 | (b[3] & 0x3f);
		if (*r >= 0x10000 && *r <= RUNE_MAX)
			return 4;
	}
	*r = RUNE_ERROR;
	return 1;
}

// A set is ranges in any order, which may overlap; set_clean sorts and joins them. It begins as {0}.
struct range {
	rune first, last;
};
typedef struct {
	struct range *ranges;
	uint32_t len, cap;
} set;

void set_add(set *to, rune first, rune last);

// set_add_folded adds a range, and what folds to it.
void set_add_folded(set *to, rune first, rune last);

void set_clean(set *s);

// set_copy takes no more memory than it needs.
set set_copy(const set *s);

// set_add_all adds a set. set_add_others adds what a clean set lacks.
void set_add_all(set *to, const set *from);
void set_add_others(set *to, const set *from);

// set_has looks a code point up in a clean set.
bool set_has(const struct range *ranges, uint32_t len, rune r);

// unicode_fold gives the code points that (?i) takes for the same, in a circle: each the next one, the last the first. Most are alone.
rune unicode_fold(rune r);

// unicode_fold_least is the least of such a circle.
rune unicode_fold_least(rune r);

// unicode_property adds a category or script to an empty set, which then is clean, by a name as in \p{name}. folds = with (?i) it also has
// what its code points fold to. false = there is no such name.
bool unicode_property(ft_text name, set *to, bool *folds);

#endif
