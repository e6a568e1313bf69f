#include "path.h"

enum result { STEP, END, BAD };

static void space(path *p) {
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
}

static bool take(path *p, char c) {
	if (p->at >= p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

// valid_key tells whether the text between two quotes, behind whose escapes no quote was missing, is that of a JSON string. Exact texts
// are in UTF-8 but for halves of surrogate pairs.
static bool valid_key(ft_text raw) {
	for (size_t i = 0; i < raw.len; i++) {
		unsigned char c = (unsigned char)raw.ptr[i];
		if (c < ' ' || (c == 0xed && i + 1 < raw.len && (unsigned char)raw.ptr[i + 1] >= 0xa0))
			return false;
		if (c != '\\')
			continue;
		switch (raw.ptr[++i]) {
		case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
			continue;
		case 'u':
			break;
		default:
			return false;
		}
		for (size_t digits_end = i + 4; i < digits_end;) {
			char d = ++i < raw.len ? raw.ptr[i] : 0;
			if (!((d >= '0' && d <= '9') || ((d | ' ') >= 'a' && (d | ' ') <= 'f')))
				return false;
		}
	}
	return true;
}

// bracket reads a step behind its opening bracket.
static enum result bracket(path *p, path_step *step) {
	const size_t most = 0x7fffffff;
	space(p);
	const char *start = p->at;
	if (take(p, '"')) {
		p->at = json_skip_string(start, p->end);
		ft_text quoted = {start, (size_t)(p->at - start)};
		if (quoted.len < 2 || p->at[-1] != '"' || !valid_key((ft_text){start + 1, quoted.len - 2}))
			return BAD;
		*step = (path_step){false, json_exact(quoted), 0};
	} else {
		size_t n = 0;
		for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
			size_t digit = (size_t)(*p->at - '0');
			if (n > (most - digit) / 10)
				return BAD;
			n = n * 10 + digit;
		}
		if (p->at == start)
			return BAD;
		*step = (path_step){true, {0}, n};
	}
	space(p);
	return take(p, ']') ? STEP : BAD;
}

static enum result step_at(path *p, path_step *step) {
	if (p->at >= p->end && p->begun)
		return END;
	bool first = !p->begun;
	p->begun = true;
	if (take(p, '['))
		return bracket(p, step);
	if (!first && !take(p, '.'))
		return BAD;
	const char *start = p->at;
	while (p->at < p->end && *p->at != '.' && *p->at != '[' && *p->at != ']')
		p->at++;
	*step = (path_step){false, {start, (size_t)(p->at - start)}, 0};
	return p->at > start ? STEP : BAD;
}

bool path_parse(ft_text text, path *p) {
	*p = (path){.at = text.ptr, .end = text.ptr + text.len};
	enum result r;
	path_step step;
	for (path rest = *p; (r = step_at(&rest, &step)) == STEP;) {
	}
	return r == END;
}

bool path_next(path *p, path_step *step) {
	do {
		if (step_at(p, step) != STEP)
			return false;
	} while (p->keys_only && step->is_index);
	return true;
}

path_found path_find(ft_text v, const path_step *step) {
	path_found f = {0};
	if (step->is_index) {
		json_cursor c = json_elements(v);
		for (ft_text value; json_element(&c, &value); f.count++)
			if (f.count == step->index) {
				f.start = value.ptr, f.value = value;
				break;
			}
		return f;
	}
	json_cursor c = json_members(v);
	for (ft_text key, value; json_member(&c, &key, &value); f.count++)
		if (json_key_is(key, step->key)) {
			f.start = key.ptr - 1, f.value = value;
			break;
		}
	return f;
}
