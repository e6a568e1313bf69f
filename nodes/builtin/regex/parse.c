#include "parse.h"

static void push(struct parser *p, enum op op) { tree_push(&p->tree, tree_new(&p->tree, op, p->flags), p->flags); }

static void push_class(struct parser *p, const set *members) {
	struct node *n = tree_new(&p->tree, CLASS, p->flags);
	n->set = set_copy(members);
	tree_push(&p->tree, n, p->flags);
}

static inline bool starts(const struct parser *p, const char *with) {
	ft_text t = ft_text_of(with);
	return (size_t)(p->end - p->at) >= t.len && memcmp(p->at, t.ptr, t.len) == 0;
}

// ---- groups ----

static void open(struct parser *p, bool captures) {
	struct node *n = tree_new(&p->tree, LEFT_PAREN, p->flags);
	n->captures = captures;
	tree_push(&p->tree, n, p->flags);
}

// close ends a group. Flags are those from before it.
static bool close(struct parser *p) {
	struct tree *t = &p->tree;
	tree_close(t, p->flags);
	if (t->depth < 2 || t->stack[t->depth - 2]->op != LEFT_PAREN)
		return false;
	struct node *inner = t->stack[t->depth - 1], *paren = t->stack[t->depth - 2];
	t->depth -= 2;
	p->flags = paren->flags;
	if (!paren->captures) {
		tree_push(t, inner, p->flags);
		return true;
	}
	paren->op = CAPTURE;
	tree_set_subs(paren, &inner, 1);
	tree_push(t, paren, p->flags);
	return true;
}

// group_name reads the rest of (?P<name>.
static bool group_name(struct parser *p) {
	const char *name = p->at;
	for (; p->at < p->end && *p->at != '>'; p->at++) {
		unsigned char c = (unsigned char)*p->at;
		if (c != '_' && (unsigned)(c - '0') >= 10 && (unsigned)((c | ' ') - 'a') >= 26)
			return false;
	}
	if (p->at == name || p->at == p->end)
		return false;
	p->at++;
	open(p, true);
	return true;
}

static uint8_t flag(rune r) {
	switch (r) {
	case 'i': return FOLD_CASE;
	case 'm': return ONE_LINE; // which it takes away
	case 's': return DOT_NEWLINE;
	case 'U': return NON_GREEDY;
	}
	return 0;
}

// flags reads the rest of (?flags) or (?flags: which may take some away: (?i-s).
static bool flags(struct parser *p) {
	uint8_t flags = p->flags;
	bool minus = false, any = false;
	for (rune r; parse_rune(p, &r);) {
		if (r == '-' && !minus) {
			minus = true;
			any = false;
		} else if (flag(r)) {
			if ((r == 'm') != minus)
				flags &= (uint8_t)~flag(r);
			else
				flags |= flag(r);
			any = true;
		} else if ((r == ':' || r == ')') && (any || !minus)) {
			if (r == ':')
				open(p, false);
			p->flags = flags;
			return true;
		} else {
			return false;
		}
	}
	return false;
}

// group reads what begins with a parenthesis.
static bool group(struct parser *p) {
	p->at++;
	if (p->at == p->end || *p->at != '?') {
		open(p, true);
		return true;
	}
	p->at++;
	if (starts(p, "P<"))
		return p->at += 2, group_name(p);
	if (starts(p, "<"))
		return p->at += 1, group_name(p);
	return flags(p);
}

// ---- repetitions ----

// number reads a number without leading zeros. false = there is none. One that is too large is larger than REPEAT_MAX.
static bool number(const char **at, const char *end, int *n) {
	const char *p = *at;
	if (p == end || *p < '0' || *p > '9' || (*p == '0' && end - p > 1 && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (*n = 0; p < end && *p >= '0' && *p <= '9'; p++)
		if (*n <= REPEAT_MAX)
			*n = *n * 10 + (*p - '0');
	*at = p;
	return true;
}

// counts reads {min}, {min,} or {min,max}. What is none of these is text: false.
static bool counts(struct parser *p, int *min, int *max) {
	const char *at = p->at + 1;
	if (!number(&at, p->end, min) || at == p->end)
		return false;
	*max = *min;
	if (*at == ',') {
		at++;
		*max = UNLIMITED;
		if (at == p->end || (*at != '}' && !number(&at, p->end, max)))
			return false;
	}
	if (at == p->end || *at != '}')
		return false;
	p->at = at + 1;
	return true;
}

// repeat reads the rest of a repetition. again = there is one directly before it, which means something else in Perl.
static bool repeat(struct parser *p, enum op op, int min, int max, bool again) {
	uint8_t flags = p->flags;
	if (p->at < p->end && *p->at == '?') {
		p->at++;
		flags ^= NON_GREEDY;
	}
	return !again && tree_repeat(&p->tree, op, min, max, flags);
}

// ---- escapes ----

// quoted reads the rest of \Q...\E.
static bool quoted(struct parser *p) {
	while (p->at < p->end) {
		if (starts(p, "\\E")) {
			p->at += 2;
			return true;
		}
		rune r;
		if (!parse_rune(p, &r))
			return false;
		tree_push_literal(&p->tree, r, p->flags);
	}
	return true;
}

static bool escape(struct parser *p) {
	if (p->end - p->at >= 2) {
		enum op op = EMPTY;
		switch (p->at[1]) {
		case 'A': op = BEGIN_TEXT; break;
		case 'b': op = WORD_BOUNDARY; break;
		case 'B': op = NO_WORD_BOUNDARY; break;
		case 'z': op = END_TEXT; break;
		case 'Q': return p->at += 2, quoted(p);
		}
		if (op != EMPTY) {
			p->at += 2;
			push(p, op);
			return true;
		}
		bool found;
		p->class.len = 0;
		if (!parse_group(p, &found))
			return false;
		if (found) {
			push_class(p, &p->class);
			return true;
		}
	}
	p->at++;
	rune r;
	if (!parse_escape(p, &r))
		return false;
	tree_push_literal(&p->tree, r, p->flags);
	return true;
}

// ---- patterns ----

// step reads what is at a place. repeated says whether that was a repetition, before and after.
static bool step(struct parser *p, bool *repeated) {
	bool again = *repeated;
	int min = 0, max = 0;
	enum op op = STAR;
	const set *class;
	rune r;
	*repeated = false;
	switch (*p->at) {
	case '(': return group(p);
	case ')': return p->at++, close(p);
	case '|':
		p->at++;
		tree_bar(&p->tree, p->flags);
		return true;
	case '^':
		p->at++;
		push(p, p->flags & ONE_LINE ? BEGIN_TEXT : BEGIN_LINE);
		return true;
	case '$':
		p->at++;
		push(p, p->flags & ONE_LINE ? END_TEXT : END_LINE);
		return true;
	case '.':
		p->at++;
		push(p, p->flags & DOT_NEWLINE ? ANY : ANY_BUT_NEWLINE);
		return true;
	case '[':
		p->at++;
		if (!(class = parse_class(p)))
			return false;
		push_class(p, class);
		return true;
	case '\\': return escape(p);
	case '{':
		if (!counts(p, &min, &max))
			break;
		if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && min > max))
			return false;
		*repeated = true;
		return repeat(p, REPEAT, min, max, again);
	case '*':
	case '+':
	case '?':
		op = *p->at == '*' ? STAR : *p->at == '+' ? PLUS : QUEST;
		p->at++;
		*repeated = true;
		return repeat(p, op, 0, 0, again);
	}
	if (!parse_rune(p, &r))
		return false;
	tree_push_literal(&p->tree, r, p->flags);
	return true;
}

struct node *regex_parse(ft_text pattern) {
	struct parser p = {.at = pattern.ptr, .end = pattern.ptr + pattern.len, .flags = ONE_LINE};
	for (bool repeated = false; p.at < p.end;)
		if (!step(&p, &repeated) || p.tree.invalid)
			return NULL;
	tree_close(&p.tree, p.flags);
	return p.tree.depth == 1 && !p.tree.invalid ? p.tree.stack[0] : NULL;
}
