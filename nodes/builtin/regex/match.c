#include "../json.h"
#include "../scratch.h"
#include "parse.h"
#include "program.h"
#include "regex.h"

// All ways through a program are followed at the same time, a code point of the text after the other. It does not matter which way comes
// first, as only whether there is one is asked.

enum { NONE = RUNE_MAX + 1 }; // in place of a code point: before and behind the text

struct machine {
	struct program program;
	const char *at, *end;
	rune before, next; // the code points around the place
	uint32_t place;    // counts the places, from 1

	// Where a way continues. Marks have the last place at which an instruction was reached, so that it is followed once there.
	uint32_t *marks;
	uint32_t *waiting, waiting_len; // at instructions that take a code point
	uint32_t *open;                 // at what is still to be followed: down from here, in the same place as waiting
	uint32_t *ready, ready_len;     // behind the instructions that took the last code point

	// What a match that does not begin at the start of the text can begin with: a bit for each byte, 0x80 to 0xff together.
	uint32_t first[8];
	bool empty; // it may need no code point
};

static bool is_word(rune r) { return r - '0' < 10 || (r | ' ') - 'a' < 26 || r == '_'; }

static bool holds(const struct machine *m, uint32_t check) {
	switch (check) {
	case BEGIN_TEXT: return m->before == NONE;
	case END_TEXT: return m->next == NONE;
	case BEGIN_LINE: return m->before == NONE || m->before == '\n';
	case END_LINE: return m->next == NONE || m->next == '\n';
	}
	return (is_word(m->before) != is_word(m->next)) == (check == WORD_BOUNDARY);
}

static inline bool takes(const struct program *p, const struct instruction *i, rune r) {
	switch (i->op) {
	case TAKE: return r == i->arg;
	case TAKE_EITHER: return r == i->arg || r == i->other;
	case TAKE_CLASS: return class_has(&p->classes[i->arg], r);
	case TAKE_BUT_NEWLINE: return r != '\n';
	}
	return true;
}

// follow goes on from an instruction to all that take a code point, which then wait for it. true = the text matches.
static bool follow(struct machine *m, uint32_t start) {
	const struct instruction *code = m->program.code;
	uint32_t *marks = m->marks, place = m->place;
	if (marks[start] == place)
		return false;
	marks[start] = place;
	uint32_t *open = m->open; // an instruction is there or in waiting at most once, so they do not meet
	*--open = start;
	while (open < m->open) {
		uint32_t at = *open++;
		for (;;) {
			struct instruction i = code[at];
			if (i.op < CHECK) {
				m->waiting[m->waiting_len++] = at;
				break;
			}
			if (i.op == ACCEPT)
				return true;
			if (i.op == NOTHING || (i.op == CHECK && !holds(m, i.arg)))
				break;
			if (i.op == SPLIT && marks[i.arg] != place) {
				marks[i.arg] = place;
				*--open = i.arg;
			}
			at = i.op == JUMP ? i.arg : at + 1;
			if (marks[at] == place)
				break;
			marks[at] = place;
		}
	}
	return false;
}

// add_first adds what an instruction takes to what a match can begin with.
static void add_first(struct machine *m, struct instruction i) {
	bool beyond = true; // it takes some of what is not ASCII
	switch (i.op) {
	case TAKE:
	case TAKE_EITHER: {
		const rune runes[] = {i.arg, i.op == TAKE ? i.arg : i.other};
		beyond = runes[0] >= 0x80 || runes[1] >= 0x80;
		for (int n = 0; n < 2; n++)
			if (runes[n] < 0x80)
				m->first[runes[n] >> 5] |= 1u << (runes[n] & 31);
		break;
	}
	case TAKE_CLASS: {
		const struct class *c = &m->program.classes[i.arg];
		beyond = c->len > 0 && c->ranges[c->len - 1].last >= 0x80;
		for (int word = 0; word < 4; word++)
			m->first[word] |= c->ascii[word];
		break;
	}
	default:
		for (int word = 0; word < 4; word++)
			m->first[word] = 0xffffffff;
	}
	if (beyond)
		for (int word = 4; word < 8; word++)
			m->first[word] = 0xffffffff;
}

// find_first finds what a match can begin with, where it does not begin at the start of the text.
static void find_first(struct machine *m) {
	const struct instruction *code = m->program.code;
	uint32_t *open = m->open;
	m->marks[0] = ++m->place;
	*--open = 0;
	while (open < m->open) {
		uint32_t at = *open++, next[2] = {at + 1, at + 1};
		struct instruction i = code[at];
		if (i.op < CHECK)
			add_first(m, i);
		if (i.op == ACCEPT)
			m->empty = true;
		if (i.op == SPLIT || i.op == JUMP)
			next[0] = i.arg;
		if (i.op == JUMP)
			next[1] = i.arg;
		if (i.op != SPLIT && i.op != JUMP && (i.op != CHECK || i.arg == BEGIN_TEXT)) // other CHECKs hold somewhere
			continue;
		for (int n = 0; n < 2; n++)
			if (m->marks[next[n]] != m->place) {
				m->marks[next[n]] = m->place;
				*--open = next[n];
			}
	}
}

static inline bool can_begin(const struct machine *m, const char *p) {
	unsigned char b = (unsigned char)*p;
	return m->first[b >> 5] >> (b & 31) & 1;
}

static bool run(struct machine *m) {
	const char *start = m->at;
	m->before = NONE;
	for (;;) {
		bool begins = m->at == start || m->empty;
		if (m->ready_len == 0 && !begins) {
			const char *from = m->at;
			while (m->at < m->end && !can_begin(m, m->at))
				m->at++;
			if (m->at == m->end)
				return false;
			if (m->at > from)
				m->before = (unsigned char)m->at[-1]; // a CHECK only asks whether it is a newline or a part of a word
		}
		size_t len = 0;
		m->next = NONE;
		if (m->at < m->end) {
			begins = begins || can_begin(m, m->at);
			len = unicode_decode(m->at, m->end, &m->next);
		}
		m->place++;
		m->waiting_len = 0;
		for (uint32_t i = 0; i < m->ready_len; i++)
			if (follow(m, m->ready[i]))
				return true;
		if (begins && follow(m, 0))
			return true;
		if (len == 0)
			return false;
		m->ready_len = 0;
		for (uint32_t i = 0; i < m->waiting_len; i++)
			if (takes(&m->program, &m->program.code[m->waiting[i]], m->next))
				m->ready[m->ready_len++] = m->waiting[i] + 1;
		m->before = m->next;
		m->at += len;
	}
}

static bool matches(struct node *tree, ft_text text) {
	struct machine m = {.program = program_make(tree), .at = text.ptr, .end = text.ptr + text.len};
	uint32_t len = m.program.len;
	uint32_t *lists = allocate(3 * len * sizeof *lists); // less than twice of what the program has taken
	m.marks = lists, m.waiting = lists + len, m.open = m.ready = lists + 2 * len;
	memset(m.marks, 0, len * sizeof *m.marks);
	find_first(&m);
	return run(&m);
}

enum regex_result regex_match(ft_text pattern, ft_text text) {
	uintptr_t scratch = scratch_begin();
	struct node *tree = regex_parse(pattern);
	enum regex_result result = !tree ? REGEX_BAD_PATTERN : matches(tree, text) ? REGEX_YES : REGEX_NO;
	scratch_end(scratch);
	return result;
}
