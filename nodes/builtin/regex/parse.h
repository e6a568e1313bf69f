#ifndef PARSE_H
#define PARSE_H

#include "tree.h"

// regex_parse makes a tree of a pattern. NULL = it is not valid.
struct node *regex_parse(ft_text pattern);

// A parser is where a pattern is read. Its functions below read what is at that place; false = that is not valid.
struct parser {
	const char *at, *end;
	uint8_t flags;
	struct tree tree;
	set class, part, folded; // used again, for each class
};

// parse_rune reads a code point.
bool parse_rune(struct parser *p, rune *r);

// parse_escape reads what is behind a backslash and stands for one code point.
bool parse_escape(struct parser *p, rune *r);

// parse_class reads a class in brackets, behind the first of them. It gives a clean set; NULL = that is not valid.
const set *parse_class(struct parser *p);

// parse_group adds to p->class what an escape like \d or \p{Greek} stands for. found = there is one, and it was read.
bool parse_group(struct parser *p, bool *found);

#endif
