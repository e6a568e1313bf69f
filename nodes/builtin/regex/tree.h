// tree.h builds the tree of a pattern. Which patterns are valid depends on it: package regexp of Go bounds the height of its trees, the
// code points in them and the instructions that they become, after it has joined literals and taken out what alternatives begin with. So
// the trees here are those of regexp/syntax, down to which nodes are used again, and the bounds are the same.
#ifndef TREE_H
#define TREE_H

#include "unicode.h"

// The order of the first ones matters: of LITERAL, CLASS, ANY_BUT_NEWLINE and ANY the later can become the union of two.
enum op {
	NO_MATCH,
	EMPTY,
	LITERAL,
	CLASS,
	ANY_BUT_NEWLINE,
	ANY,
	BEGIN_LINE,
	END_LINE,
	BEGIN_TEXT,
	END_TEXT,
	WORD_BOUNDARY,
	NO_WORD_BOUNDARY,
	CAPTURE,
	STAR,
	PLUS,
	QUEST,
	REPEAT,
	CONCAT,
	ALTERNATE,
	LEFT_PAREN, // these two are only on the stack, and the last
	VERTICAL_BAR,
};

enum { FOLD_CASE = 1, DOT_NEWLINE = 2, ONE_LINE = 4, NON_GREEDY = 8 };

enum { REPEAT_MAX = 1000, UNLIMITED = -1 };

struct node {
	uint8_t op, flags;
	bool captures;    // of LEFT_PAREN
	int16_t min, max; // of REPEAT
	uint32_t height;  // 0 = not measured
	int64_t size;     // as the instructions of regexp/syntax; 0 = not measured
	uint32_t place;   // of CLASS: in the program, counted from 1; 0 = it is not there
	union {
		set set; // of CLASS
		struct { // of LITERAL
			rune *runes;
			uint32_t runes_len, runes_cap;
		};
		struct { // of CAPTURE to ALTERNATE
			struct node **subs;
			uint32_t subs_len;
		};
	};
	struct node *own_sub; // where subs is for one
	rune own_rune;        // where runes is for one
	struct node *free;    // the next node to be used again
};

struct tree {
	struct node **stack; // what is parsed, and the open parentheses and bars
	uint32_t depth, cap;
	struct node *free;
	bool invalid;     // a bound was exceeded
	uint32_t nodes;   // made anew, not used again
	uint32_t runes;   // in literals and classes
	int64_t repeats;  // the product of all repetitions
	bool sizes;       // nodes are measured: they were too few before
	bool heights;
};

struct node *tree_new(struct tree *t, enum op op, uint8_t flags);

// tree_reuse lets tree_new use a node again.
void tree_reuse(struct tree *t, struct node *n);

// tree_push pushes a node, which may become part of the one below. flags are those at this place of the pattern.
void tree_push(struct tree *t, struct node *n, uint8_t flags);

// tree_push_literal pushes a code point.
void tree_push_literal(struct tree *t, rune r, uint8_t flags);

// tree_repeat repeats the node on top of the stack. false = there is none, or there are too many repetitions.
bool tree_repeat(struct tree *t, enum op op, int min, int max, uint8_t flags);

// tree_bar is what | does.
void tree_bar(struct tree *t, uint8_t flags);

// tree_close makes a node of what is on top of the stack, down to a parenthesis.
void tree_close(struct tree *t, uint8_t flags);

// tree_check looks at the bounds, for a node that is new or has changed.
void tree_check(struct tree *t, struct node *n);

// tree_collapse makes one node of many. depth is how often it was called within itself.
struct node *tree_collapse(struct tree *t, struct node **subs, uint32_t len, enum op op, uint32_t depth);

// tree_factor takes out what alternatives begin with, in place, and gives how many are left.
uint32_t tree_factor(struct tree *t, struct node **subs, uint32_t len, uint32_t depth);

// Parts of tree_factor that parsing uses as well: a node for one code point, and the union of two such nodes, of which to is not simpler.
static inline bool tree_is_class(const struct node *n) {
	return (n->op == LITERAL && n->runes_len == 1) || (n->op >= CLASS && n->op <= ANY);
}
void tree_merge(struct node *to, const struct node *from);
void tree_clean(struct node *n);

// tree_set_runes gives a literal its text, and tree_set_subs a node its parts. Both are copied.
void tree_set_runes(struct node *n, const rune *runes, uint32_t len);
void tree_set_subs(struct node *n, struct node *const *subs, uint32_t len);

#endif
