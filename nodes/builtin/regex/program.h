// program.h makes a program of a tree: what a text is compared with.
#ifndef PROGRAM_H
#define PROGRAM_H

#include "tree.h"

// An instruction continues with the next one, unless it says otherwise. Those up to ANYTHING take a code point.
enum instruction_op {
	TAKE,             // the code point in arg
	TAKE_EITHER,      // the code point in arg, or the one in other
	TAKE_CLASS,       // one of the class in arg
	TAKE_BUT_NEWLINE, // any but \n
	TAKE_ANY,
	CHECK,    // what arg, an op of the tree, says about the place
	SPLIT,    // continue with arg as well
	JUMP,     // continue with arg instead
	NOTHING,  // do not continue
	ACCEPT,   // the text matches
};

struct instruction {
	uint32_t op : 8, other : 24;
	uint32_t arg;
};

struct class {
	uint32_t ascii[4]; // a bit for each code point
	const struct range *ranges;
	uint32_t len;
};

struct program {
	struct instruction *code;
	struct class *classes;
	uint32_t len;
	bool checks; // there are CHECKs
};

// program_make takes a tree as regex_parse gives it. Counted repetitions are written out.
struct program program_make(struct node *tree);

static inline bool class_has(const struct class *c, rune r) {
	return r < 0x80 ? c->ascii[r >> 5] >> (r & 31) & 1 : set_has(c->ranges, c->len, r);
}

#endif
