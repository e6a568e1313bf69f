#include "program.h"
#include "../json.h"

// Functions here recurse along the tree, which is at most 1,000 nodes high. None has a variable whose address is taken, so they need only
// the stack of the engine, not the small one in the module's memory.

// length is how many instructions a tree becomes.
static uint64_t length(const struct node *n) {
	uint64_t sum = 0;
	if (n->op >= CAPTURE)
		for (uint32_t i = 0; i < n->subs_len; i++)
			sum += length(n->subs[i]);
	switch (n->op) {
	case EMPTY: return 0;
	case LITERAL: return n->runes_len;
	case CAPTURE:
	case CONCAT: return sum;
	case STAR: return sum + 2;
	case PLUS:
	case QUEST: return sum + 1;
	case REPEAT:
		if (n->max == UNLIMITED)
			return n->min == 0 ? sum + 2 : (uint64_t)n->min * sum + 1;
		return (uint64_t)n->max * sum + (uint64_t)(n->max - n->min);
	case ALTERNATE: return sum + 2 * (n->subs_len - 1);
	}
	return 1;
}

// A writer is a program that is being written.
struct writer {
	struct program program;
	uint32_t classes, classes_cap;
};

static inline uint32_t write(struct writer *w, enum instruction_op op, uint32_t arg) {
	w->program.code[w->program.len] = (struct instruction){.op = op, .arg = arg};
	return w->program.len++;
}

// write_class writes a class of sorted ranges.
static uint32_t write_class(struct writer *w, const struct range *ranges, uint32_t len) {
	if (w->classes == w->classes_cap) {
		uint32_t cap = w->classes_cap ? 2 * w->classes_cap : 4;
		struct class *larger = allocate(cap * sizeof *larger);
		if (w->classes > 0)
			memcpy(larger, w->program.classes, w->classes * sizeof *larger);
		w->program.classes = larger, w->classes_cap = cap;
	}
	struct class *c = &w->program.classes[w->classes];
	*c = (struct class){.ranges = ranges, .len = len};
	for (uint32_t i = 0; i < len && ranges[i].first < 0x80; i++)
		for (rune r = ranges[i].first; r <= ranges[i].last && r < 0x80; r++)
			c->ascii[r >> 5] |= 1u << (r & 31);
	return w->classes++;
}

// write_folded writes a code point in any case.
static void write_folded(struct writer *w, rune r) {
	rune other = unicode_fold(r);
	if (other == r) {
		write(w, TAKE, r);
	} else if (unicode_fold(other) == r) {
		w->program.code[write(w, TAKE_EITHER, r)].other = other & 0xffffff;
	} else {
		set *all = allocate(sizeof *all); // not a variable: see above
		*all = (set){0};
		set_add_folded(all, r, r);
		set_clean(all);
		write(w, TAKE_CLASS, write_class(w, all->ranges, all->len));
	}
}

static void write_node(struct writer *w, struct node *n);

// land lets a list of jumps lead here. While they wait for it, the arg of each is the number of the one before, counted from 1.
static void land(struct writer *w, uint32_t list) {
	while (list > 0) {
		struct instruction *jump = &w->program.code[list - 1];
		list = jump->arg;
		jump->arg = w->program.len;
	}
}

static void write_star(struct writer *w, struct node *sub) {
	uint32_t start = write(w, SPLIT, 0);
	write_node(w, sub);
	write(w, JUMP, start);
	w->program.code[start].arg = w->program.len;
}

static void write_repeat(struct writer *w, struct node *n) {
	struct node *sub = n->subs[0];
	if (n->min == 0 && n->max == UNLIMITED)
		return write_star(w, sub);
	uint32_t start = 0, list = 0;
	for (int i = 0; i < n->min; i++) {
		start = w->program.len;
		write_node(w, sub);
	}
	if (n->max == UNLIMITED)
		write(w, SPLIT, start);
	for (int i = n->min; i < n->max; i++) {
		list = write(w, SPLIT, list) + 1;
		write_node(w, sub);
	}
	land(w, list);
}

static void write_alternatives(struct writer *w, struct node *n) {
	uint32_t list = 0;
	for (uint32_t i = 0; i + 1 < n->subs_len; i++) {
		uint32_t split = write(w, SPLIT, 0);
		write_node(w, n->subs[i]);
		list = write(w, JUMP, list) + 1;
		w->program.code[split].arg = w->program.len;
	}
	write_node(w, n->subs[n->subs_len - 1]);
	land(w, list);
}

static void write_node(struct writer *w, struct node *n) {
	uint32_t start = w->program.len;
	switch (n->op) {
	case NO_MATCH: write(w, NOTHING, 0); break;
	case EMPTY: break;
	case LITERAL:
		for (uint32_t i = 0; i < n->runes_len; i++)
			if (n->flags & FOLD_CASE)
				write_folded(w, n->runes[i]);
			else
				write(w, TAKE, n->runes[i]);
		break;
	case CLASS:
		if (n->place == 0)
			n->place = write_class(w, n->set.ranges, n->set.len) + 1;
		write(w, TAKE_CLASS, n->place - 1);
		break;
	case ANY_BUT_NEWLINE: write(w, TAKE_BUT_NEWLINE, 0); break;
	case ANY: write(w, TAKE_ANY, 0); break;
	case CAPTURE: write_node(w, n->subs[0]); break;
	case STAR: write_star(w, n->subs[0]); break;
	case PLUS:
		write_node(w, n->subs[0]);
		write(w, SPLIT, start);
		break;
	case QUEST:
		write(w, SPLIT, 0);
		write_node(w, n->subs[0]);
		w->program.code[start].arg = w->program.len;
		break;
	case REPEAT: write_repeat(w, n); break;
	case CONCAT:
		for (uint32_t i = 0; i < n->subs_len; i++)
			write_node(w, n->subs[i]);
		break;
	case ALTERNATE: write_alternatives(w, n); break;
	default:
		write(w, CHECK, n->op);
		w->program.checks = true;
	}
}

struct program program_make(struct node *tree) {
	struct writer w = {0};
	uint64_t len = length(tree) + 1;
	w.program.code = allocate(len <= SIZE_MAX / 32 ? (size_t)len * sizeof *w.program.code : SIZE_MAX);
	write_node(&w, tree);
	write(&w, ACCEPT, 0);
	return w.program;
}
