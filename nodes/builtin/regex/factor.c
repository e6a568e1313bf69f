#include "../json.h"
#include "tree.h"

// Taking out what alternatives begin with: abc|abd|x|y becomes ab(?:[cd])|[xy]. There are four rounds, as in regexp/syntax: literals that
// begin with the same text, then nodes that begin with the same class, then classes that become one, then empty alternatives that do.

// Nested deeper, a tree is too high in any case.
enum { MAX_DEPTH = 1000 };

// leading_literal is the literal that a node begins with.
static const struct node *leading_literal(const struct node *n) {
	if (n->op == CONCAT && n->subs_len > 0)
		n = n->subs[0];
	return n->op == LITERAL ? n : NULL;
}

static void drop_first_sub(struct node *n) {
	memmove(n->subs, n->subs + 1, --n->subs_len * sizeof *n->subs);
}

static void cut_literal(struct node *n, uint32_t len) {
	n->runes_len -= len;
	memmove(n->runes, n->runes + len, n->runes_len * sizeof(rune));
	if (n->runes_len == 0)
		n->op = EMPTY;
}

// without_literal takes away the first code points of the literal that a node begins with.
static struct node *without_literal(struct tree *t, struct node *n, uint32_t len) {
	if (n->op == LITERAL) {
		cut_literal(n, len);
		return n;
	}
	struct node *first = n->subs[0];
	cut_literal(first, len);
	if (first->op != EMPTY)
		return n;
	tree_reuse(t, first);
	if (n->subs_len > 2) {
		drop_first_sub(n);
		return n;
	}
	struct node *rest = n->subs[1];
	tree_reuse(t, n);
	return rest;
}

// leading_node is the node that another begins with.
static struct node *leading_node(struct node *n) {
	if (n->op == CONCAT && n->subs_len > 0)
		n = n->subs[0];
	return n->op == EMPTY ? NULL : n;
}

// without_node takes away the node that another begins with. kept = it is still needed.
static struct node *without_node(struct tree *t, struct node *n, bool kept) {
	if (n->op != CONCAT || n->subs_len == 0) {
		if (!kept)
			tree_reuse(t, n);
		return tree_new(t, EMPTY, 0);
	}
	if (!kept)
		tree_reuse(t, n->subs[0]);
	drop_first_sub(n);
	if (n->subs_len > 1)
		return n;
	struct node *rest = n->subs[0];
	tree_reuse(t, n);
	return rest;
}

// with_prefix is the concatenation of what alternatives begin with and of their rests.
static struct node *with_prefix(struct tree *t, struct node *prefix, struct node **rests, uint32_t len, uint32_t depth) {
	struct node *rest = tree_collapse(t, rests, len, ALTERNATE, depth + 1);
	struct node *n = tree_new(t, CONCAT, 0);
	n->subs = allocate(2 * sizeof *n->subs);
	n->subs[0] = prefix, n->subs[1] = rest;
	n->subs_len = 2;
	return n;
}

static uint32_t factor_literals(struct tree *t, struct node **subs, uint32_t len, uint32_t depth) {
	uint32_t out = 0, start = 0, common = 0; // the nodes from start on have so many code points in common
	const struct node *literal = NULL;
	for (uint32_t i = 0; i <= len; i++) {
		const struct node *next = i < len ? leading_literal(subs[i]) : NULL;
		if (literal && next && !((literal->flags ^ next->flags) & FOLD_CASE)) {
			uint32_t same = 0;
			while (same < common && same < next->runes_len && literal->runes[same] == next->runes[same])
				same++;
			if (same > 0) {
				common = same;
				continue;
			}
		}
		if (i == start + 1) {
			subs[out++] = subs[start];
		} else if (i > start) {
			struct node *prefix = tree_new(t, LITERAL, literal->flags & FOLD_CASE);
			tree_set_runes(prefix, literal->runes, common);
			for (uint32_t j = start; j < i; j++) {
				subs[j] = without_literal(t, subs[j], common);
				tree_check(t, subs[j]);
			}
			subs[out++] = with_prefix(t, prefix, subs + start, i - start, depth);
		}
		start = i;
		literal = next;
		common = next ? next->runes_len : 0;
	}
	return out;
}

// same_class tells whether two nodes are the same class, or the same fixed repetition of it. What is more complex cannot be taken out
// without changing which way through the alternatives comes first.
static bool same_class(const struct node *a, const struct node *b) {
	if (a->op != b->op)
		return false;
	if (a->op == REPEAT)
		return a->min == a->max && a->min == b->min && a->max == b->max && !((a->flags ^ b->flags) & NON_GREEDY) &&
		       a->subs[0]->op != REPEAT && same_class(a->subs[0], b->subs[0]);
	if (!tree_is_class(a))
		return false;
	if (a->op >= ANY_BUT_NEWLINE)
		return true;
	if ((a->flags ^ b->flags) & FOLD_CASE)
		return false;
	if (a->op == LITERAL)
		return b->runes_len == 1 && a->runes[0] == b->runes[0];
	return a->set.len == b->set.len && memcmp(a->set.ranges, b->set.ranges, a->set.len * sizeof(struct range)) == 0;
}

static uint32_t factor_classes(struct tree *t, struct node **subs, uint32_t len, uint32_t depth) {
	uint32_t out = 0, start = 0;
	struct node *first = NULL;
	for (uint32_t i = 0; i <= len; i++) {
		struct node *next = i < len ? leading_node(subs[i]) : NULL;
		if (first && next && same_class(first, next))
			continue;
		if (i == start + 1) {
			subs[out++] = subs[start];
		} else if (i > start) {
			for (uint32_t j = start; j < i; j++) {
				subs[j] = without_node(t, subs[j], j == start);
				tree_check(t, subs[j]);
			}
			subs[out++] = with_prefix(t, first, subs + start, i - start, depth);
		}
		start = i;
		first = next;
	}
	return out;
}

// simpler orders nodes for one code point.
static bool simpler(const struct node *a, const struct node *b) {
	return a->op < b->op || (a->op == b->op && a->op == CLASS && a->set.len < b->set.len);
}

static uint32_t merge_classes(struct tree *t, struct node **subs, uint32_t len) {
	uint32_t out = 0, start = 0;
	for (uint32_t i = 0; i <= len; i++) {
		if (i < len && tree_is_class(subs[i]))
			continue;
		if (i == start + 1) {
			subs[out++] = subs[start];
		} else if (i > start) {
			uint32_t most = start;
			for (uint32_t j = start + 1; j < i; j++)
				if (simpler(subs[most], subs[j]))
					most = j;
			struct node *to = subs[most];
			subs[most] = subs[start];
			for (uint32_t j = start + 1; j < i; j++) {
				tree_merge(to, subs[j]);
				tree_reuse(t, subs[j]);
			}
			tree_clean(to);
			subs[out++] = to;
		}
		if (i < len)
			subs[out++] = subs[i];
		start = i + 1;
	}
	return out;
}

static uint32_t merge_empty(struct node **subs, uint32_t len) {
	uint32_t out = 0;
	for (uint32_t i = 0; i < len; i++)
		if (i + 1 == len || subs[i]->op != EMPTY || subs[i + 1]->op != EMPTY)
			subs[out++] = subs[i];
	return out;
}

uint32_t tree_factor(struct tree *t, struct node **subs, uint32_t len, uint32_t depth) {
	if (len < 2)
		return len;
	if (depth > MAX_DEPTH) {
		t->invalid = true;
		return len;
	}
	len = factor_literals(t, subs, len, depth);
	len = factor_classes(t, subs, len, depth);
	len = merge_classes(t, subs, len);
	return merge_empty(subs, len);
}

// ---- classes ----

static bool has_newline(const struct node *n) {
	switch (n->op) {
	case LITERAL: return n->runes[0] == '\n';
	case CLASS:
		for (uint32_t i = 0; i < n->set.len; i++)
			if (n->set.ranges[i].first <= '\n' && n->set.ranges[i].last >= '\n')
				return true;
		return false;
	}
	return n->op == ANY;
}

static void add_literal(set *to, rune r, uint8_t flags) {
	if (flags & FOLD_CASE)
		set_add_folded(to, r, r);
	else
		set_add(to, r, r);
}

void tree_merge(struct node *to, const struct node *from) {
	rune r;
	switch (to->op) {
	case ANY_BUT_NEWLINE:
		if (has_newline(from))
			to->op = ANY;
		break;
	case CLASS:
		if (from->op == LITERAL)
			add_literal(&to->set, from->runes[0], from->flags);
		else
			set_add_all(&to->set, &from->set);
		break;
	case LITERAL:
		r = to->runes[0];
		if (from->runes[0] == r && from->flags == to->flags)
			break;
		to->op = CLASS;
		to->set = (set){0};
		add_literal(&to->set, r, to->flags);
		add_literal(&to->set, from->runes[0], from->flags);
	}
}

void tree_clean(struct node *n) {
	if (n->op != CLASS)
		return;
	set_clean(&n->set);
	const struct range *r = n->set.ranges;
	if (n->set.len == 1 && r[0].first == 0 && r[0].last == RUNE_MAX)
		n->op = ANY;
	else if (n->set.len == 2 && r[0].first == 0 && r[0].last == '\n' - 1 && r[1].first == '\n' + 1 && r[1].last == RUNE_MAX)
		n->op = ANY_BUT_NEWLINE;
}
