#include "tree.h"
#include "../json.h"

// The bounds of regexp/syntax. A code point has 4 bytes there, an instruction 40, and each of the two may take 128 MiB.
static const uint32_t max_height = 1000, max_runes = (128 << 20) / 4;
static const int64_t max_size = (128 << 20) / 40;

// ---- nodes ----

struct node *tree_new(struct tree *t, enum op op, uint8_t flags) {
	struct node *n = t->free;
	int64_t size = 0;
	if (n) {
		t->free = n->free;
		size = n->size; // it counts until the node is measured again
	} else {
		n = allocate(sizeof *n);
		t->nodes++;
	}
	*n = (struct node){.op = op, .flags = flags, .size = size};
	return n;
}

void tree_reuse(struct tree *t, struct node *n) {
	n->height = 0;
	n->free = t->free;
	t->free = n;
}

void tree_set_runes(struct node *n, const rune *runes, uint32_t len) {
	n->runes_len = n->runes_cap = len;
	n->runes = len == 1 ? &n->own_rune : allocate(len * sizeof(rune));
	memcpy(n->runes, runes, len * sizeof(rune));
}

static void append_runes(struct node *n, const rune *runes, uint32_t len) {
	uint32_t all = n->runes_len + len;
	if (all > n->runes_cap) {
		rune *larger = allocate(2 * all * sizeof(rune));
		memcpy(larger, n->runes, n->runes_len * sizeof(rune));
		n->runes = larger, n->runes_cap = 2 * all;
	}
	memcpy(n->runes + n->runes_len, runes, len * sizeof(rune));
	n->runes_len = all;
}

void tree_set_subs(struct node *n, struct node *const *subs, uint32_t len) {
	n->subs_len = len;
	n->subs = len == 1 ? &n->own_sub : allocate(len * sizeof(struct node *));
	memcpy(n->subs, subs, len * sizeof(struct node *));
}

// ---- bounds ----

static inline bool has_subs(const struct node *n) { return n->op >= CAPTURE && n->op <= ALTERNATE; }

static int64_t measure_size(struct node *n);

static inline int64_t size_of(struct node *n) { return n->size > 0 ? n->size : measure_size(n); }

// measure_size recurses no deeper than a tree is high, as all functions here that walk one.
static int64_t measure_size(struct node *n) {
	int64_t size = 0, sub = 0;
	if (has_subs(n))
		for (uint32_t i = 0; i < n->subs_len; i++)
			sub += size_of(n->subs[i]);
	switch (n->op) {
	case LITERAL: size = n->runes_len; break;
	case CAPTURE:
	case STAR: size = 2 + sub; break;
	case PLUS:
	case QUEST: size = 1 + sub; break;
	case CONCAT: size = sub; break;
	case ALTERNATE: size = sub + (n->subs_len > 1 ? n->subs_len - 1 : 0); break;
	case REPEAT:
		if (n->max == UNLIMITED)
			size = n->min == 0 ? 2 + sub : 1 + n->min * sub;
		else
			size = n->max * sub + (n->max - n->min);
	}
	return n->size = size > 1 ? size : 1;
}

// check_size begins to measure only when what has been parsed could be too large.
static void check_size(struct tree *t, struct node *n) {
	if (!t->sizes) {
		if (t->repeats == 0)
			t->repeats = 1;
		if (n->op == REPEAT) {
			int64_t times = n->max == UNLIMITED ? n->min : n->max;
			if (times <= 0)
				times = 1;
			t->repeats = times > max_size / t->repeats ? max_size : t->repeats * times;
		}
		if (t->nodes < max_size / t->repeats)
			return;
		t->sizes = true;
		for (uint32_t i = 0; i < t->depth; i++)
			if (measure_size(t->stack[i]) > max_size)
				t->invalid = true;
	}
	if (measure_size(n) > max_size)
		t->invalid = true;
}

static uint32_t measure_height(struct node *n) {
	uint32_t height = 1;
	if (has_subs(n))
		for (uint32_t i = 0; i < n->subs_len; i++) {
			struct node *sub = n->subs[i];
			uint32_t below = sub->height > 0 ? sub->height : measure_height(sub);
			height = below + 1 > height ? below + 1 : height;
		}
	return n->height = height;
}

static void check_height(struct tree *t, struct node *n) {
	if (t->nodes < max_height)
		return;
	if (!t->heights) {
		t->heights = true;
		for (uint32_t i = 0; i < t->depth; i++)
			if (measure_height(t->stack[i]) > max_height)
				t->invalid = true;
	}
	if (measure_height(n) > max_height)
		t->invalid = true;
}

void tree_check(struct tree *t, struct node *n) {
	if (t->runes > max_runes)
		t->invalid = true;
	check_size(t, n);
	check_height(t, n);
}

// ---- the stack ----

// joined makes one literal of the two on top of the stack, and leaves the upper one there. What is on top can be repeated, so it is joined
// only when more follows.
static bool joined(struct tree *t) {
	if (t->depth < 2)
		return false;
	struct node *top = t->stack[t->depth - 1], *below = t->stack[t->depth - 2];
	if (top->op != LITERAL || below->op != LITERAL || (top->flags ^ below->flags) & FOLD_CASE)
		return false;
	append_runes(below, top->runes, top->runes_len);
	return true;
}

static void join(struct tree *t) {
	if (joined(t))
		tree_reuse(t, t->stack[--t->depth]);
}

// became_literal makes a literal of a class of one code point, or of the two cases of one. true = it is on the stack.
static bool became_literal(struct tree *t, struct node *n, uint8_t flags) {
	struct range *r = n->set.ranges;
	rune first = n->set.len > 0 ? r[0].first : 0, other = first;
	if (n->set.len == 1)
		other = r[0].last;
	else if (n->set.len == 2 && r[0].first == r[0].last && r[1].first == r[1].last)
		other = r[1].first;
	else
		return join(t), false;
	if (n->set.len == 1 && first == other)
		flags &= (uint8_t)~FOLD_CASE;
	else if ((n->set.len == 2 || first + 1 == other) && unicode_fold(first) == other && unicode_fold(other) == first)
		flags |= FOLD_CASE;
	else
		return join(t), false;
	if (joined(t)) {
		struct node *top = t->stack[t->depth - 1];
		tree_set_runes(top, &first, 1);
		top->flags = flags;
		return true;
	}
	n->op = LITERAL;
	n->flags = flags;
	tree_set_runes(n, &first, 1);
	return false;
}

void tree_push(struct tree *t, struct node *n, uint8_t flags) {
	if (n->op == CLASS) {
		t->runes += 2 * n->set.len;
		if (became_literal(t, n, flags))
			return;
	} else {
		if (n->op == LITERAL)
			t->runes += n->runes_len;
		join(t);
	}
	if (t->depth == t->cap) {
		uint32_t cap = t->cap ? 2 * t->cap : 16;
		struct node **larger = allocate(cap * sizeof *larger);
		if (t->depth > 0)
			memcpy(larger, t->stack, t->depth * sizeof *larger);
		t->stack = larger, t->cap = cap;
	}
	t->stack[t->depth++] = n;
	tree_check(t, n);
}

void tree_push_literal(struct tree *t, rune r, uint8_t flags) {
	struct node *n = tree_new(t, LITERAL, flags);
	if (flags & FOLD_CASE)
		r = unicode_fold_least(r);
	tree_set_runes(n, &r, 1);
	tree_push(t, n, flags);
}

// fits tells whether the innermost part of a tree is repeated at most so many times. Only nine repetitions of 2 or more are in each other
// before they are too many, so a part of the tree is looked at nine times at most.
static bool fits(const struct node *n, int times) {
	if (n->op == REPEAT) {
		int most = n->max == UNLIMITED ? n->min : n->max;
		if (n->max == 0)
			return true;
		if (most > times)
			return false;
		if (most > 0)
			times /= most;
	}
	if (has_subs(n))
		for (uint32_t i = 0; i < n->subs_len; i++)
			if (!fits(n->subs[i], times))
				return false;
	return true;
}

bool tree_repeat(struct tree *t, enum op op, int min, int max, uint8_t flags) {
	if (t->depth == 0 || t->stack[t->depth - 1]->op >= LEFT_PAREN)
		return false;
	struct node *n = tree_new(t, op, flags);
	n->min = (int16_t)min, n->max = (int16_t)max;
	tree_set_subs(n, &t->stack[t->depth - 1], 1);
	t->stack[t->depth - 1] = n;
	tree_check(t, n);
	return op != REPEAT || (min < 2 && max < 2) || fits(n, REPEAT_MAX);
}

struct node *tree_collapse(struct tree *t, struct node **subs, uint32_t len, enum op op, uint32_t depth) {
	if (len == 1)
		return subs[0];
	struct node *n = tree_new(t, op, 0);
	uint32_t all = 0;
	for (uint32_t i = 0; i < len; i++)
		all += subs[i]->op == op ? subs[i]->subs_len : 1;
	struct node **flat = allocate(all * sizeof *flat), **to = flat;
	for (uint32_t i = 0; i < len; i++) {
		struct node *sub = subs[i];
		if (sub->op == op) {
			memcpy(to, sub->subs, sub->subs_len * sizeof *to);
			to += sub->subs_len;
			tree_reuse(t, sub);
		} else {
			*to++ = sub;
		}
	}
	n->subs = flat, n->subs_len = all;
	if (op == ALTERNATE) {
		n->subs_len = tree_factor(t, flat, all, depth);
		if (n->subs_len == 1) {
			tree_reuse(t, n);
			return flat[0];
		}
	}
	return n;
}

// above is where on the stack what is above the last bar or parenthesis begins.
static uint32_t above(const struct tree *t) {
	uint32_t i = t->depth;
	while (i > 0 && t->stack[i - 1]->op < LEFT_PAREN)
		i--;
	return i;
}

// concat makes one node of what is above the last bar or parenthesis.
static void concat(struct tree *t, uint8_t flags) {
	join(t);
	uint32_t from = above(t), len = t->depth - from;
	t->depth = from;
	tree_push(t, len == 0 ? tree_new(t, EMPTY, 0) : tree_collapse(t, t->stack + from, len, CONCAT, 0), flags);
}

// swap_bar moves a bar below the node on top of the stack to the top, so that all alternatives are below it. It makes one node of two that
// are for one code point each. false = there is no bar.
static bool swap_bar(struct tree *t) {
	uint32_t n = t->depth;
	if (n < 2 || t->stack[n - 2]->op != VERTICAL_BAR)
		return false;
	struct node *top = t->stack[n - 1];
	if (n >= 3) {
		struct node *below = t->stack[n - 3];
		if (tree_is_class(top) && tree_is_class(below)) {
			bool more = top->op > below->op;
			struct node *to = more ? top : below, *from = more ? below : top;
			t->stack[n - 3] = to;
			tree_merge(to, from);
			tree_reuse(t, from);
			t->depth--;
			return true;
		}
		tree_clean(below); // nothing is merged into it any more
	}
	t->stack[n - 1] = t->stack[n - 2];
	t->stack[n - 2] = top;
	return true;
}

void tree_bar(struct tree *t, uint8_t flags) {
	concat(t, flags);
	if (!swap_bar(t))
		tree_push(t, tree_new(t, VERTICAL_BAR, flags), flags);
}

void tree_close(struct tree *t, uint8_t flags) {
	concat(t, flags);
	if (swap_bar(t))
		t->depth--;
	uint32_t from = above(t), len = t->depth - from;
	t->depth = from;
	if (len > 0)
		tree_clean(t->stack[from + len - 1]);
	tree_push(t, len == 0 ? tree_new(t, NO_MATCH, 0) : tree_collapse(t, t->stack + from, len, ALTERNATE, 0), flags);
}
