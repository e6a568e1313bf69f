#include "equal.h"
#include "number.h"
#include "scratch.h"

// ---- order ----

static inline bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

static inline bool is_number(ft_text v) { return v.len > 0 && (*v.ptr == '-' || is_digit(*v.ptr)); }

static const char *skip_digits(const char *p, const char *end) {
	while (p < end && is_digit(*p))
		p++;
	return p;
}

// holds_number tells whether a text is one JSON number, and nothing else.
static bool holds_number(ft_text t) {
	const char *p = t.ptr, *end = t.ptr + t.len, *start;
	if (p < end && *p == '-')
		p++;
	p = skip_digits(start = p, end);
	if (p == start || (*start == '0' && p - start > 1))
		return false;
	if (p < end && *p == '.') {
		p = skip_digits(start = p + 1, end);
		if (p == start)
			return false;
	}
	if (p < end && (*p | ' ') == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(start = p, end);
		if (p == start)
			return false;
	}
	return p == end;
}

// number is a number, or the one that a string holds. false = v is neither.
static bool number(ft_text *v) {
	if (json_kind(*v) != JSON_STRING)
		return is_number(*v);
	*v = json_text(*v);
	return holds_number(*v);
}

bool order(ft_text a, ft_text b, int *result) {
	if (is_number(a) && is_number(b))
		*result = number_compare(a, b);
	else if (json_kind(a) == JSON_STRING && json_kind(b) == JSON_STRING)
		*result = json_compare(a, b);
	else if (number(&a) && number(&b))
		*result = number_compare(a, b);
	else
		return false;
	return true;
}

// ---- arrays and objects ----

// Pairs of arrays and objects that are still to be compared. All must be the same, so their order does not matter.
struct pairs {
	struct pair {
		ft_text a, b;
	} *list;
	size_t len, cap;
};

static void push(struct pairs *open, ft_text a, ft_text b) {
	if (open->len == open->cap) {
		size_t cap = open->cap ? 2 * open->cap : 16;
		struct pair *larger = allocate(cap * sizeof *larger);
		if (open->len > 0)
			memcpy(larger, open->list, open->len * sizeof *larger);
		open->list = larger, open->cap = cap;
	}
	open->list[open->len++] = (struct pair){a, b};
}

// same compares two values, or puts them off.
static bool same(struct pairs *open, ft_text a, ft_text b) {
	enum json_kind kind = json_kind(a);
	if (kind == json_kind(b)) {
		if (kind == JSON_ARRAY || kind == JSON_OBJECT)
			return push(open, a, b), true;
		if (kind != JSON_NUMBER && kind != JSON_STRING)
			return true;
	}
	int result;
	return order(a, b, &result) && result == 0;
}

static bool same_elements(struct pairs *open, ft_text a, ft_text b) {
	json_cursor c = json_elements(a), d = json_elements(b);
	ft_text v, w;
	while (json_element(&c, &v))
		if (!json_element(&d, &w) || !same(open, v, w))
			return false;
	return !json_element(&d, &w);
}

struct member {
	ft_text key, value; // the key with its quotes
};

// members is what is left at a cursor.
static struct member *members(json_cursor c, size_t *len) {
	json_cursor again = c;
	ft_text key, value;
	for (*len = 0; json_member(&c, &key, &value);)
		++*len;
	struct member *list = allocate(*len * sizeof *list);
	for (size_t i = 0; json_member(&again, &key, &value); i++)
		list[i] = (struct member){{key.ptr - 1, key.len + 2}, value};
	return list;
}

// sift moves the member at i down to its place in a heap whose greatest key is first.
static void sift(struct member *list, size_t i, size_t len) {
	struct member moving = list[i];
	for (size_t child; (child = 2 * i + 1) < len; i = child) {
		if (child + 1 < len && json_compare(list[child].key, list[child + 1].key) < 0)
			child++;
		if (json_compare(moving.key, list[child].key) >= 0)
			break;
		list[i] = list[child];
	}
	list[i] = moving;
}

static void sort(struct member *list, size_t len) {
	for (size_t i = len / 2; i-- > 0;)
		sift(list, i, len);
	for (size_t end = len; end-- > 1;) {
		struct member greatest = list[0];
		list[0] = list[end], list[end] = greatest;
		sift(list, 0, end);
	}
}

// same_members compares members in their order as long as they have the same keys, and sorts the rest.
static bool same_members(struct pairs *open, ft_text a, ft_text b) {
	json_cursor c = json_members(a), d = json_members(b);
	for (;;) {
		json_cursor from_c = c, from_d = d;
		ft_text key, value, other_key, other_value;
		bool more = json_member(&c, &key, &value);
		if (more != json_member(&d, &other_key, &other_value))
			return false;
		if (!more)
			return true;
		if (json_compare((ft_text){key.ptr - 1, key.len + 2}, (ft_text){other_key.ptr - 1, other_key.len + 2}) != 0) {
			c = from_c, d = from_d;
			break;
		}
		if (!same(open, value, other_value))
			return false;
	}
	size_t len, other_len;
	struct member *list = members(c, &len), *others = members(d, &other_len);
	if (len != other_len)
		return false;
	sort(list, len);
	sort(others, len);
	for (size_t i = 0; i < len; i++)
		if (json_compare(list[i].key, others[i].key) != 0 || !same(open, list[i].value, others[i].value))
			return false;
	return true;
}

bool equal(ft_text a, ft_text b) {
	uintptr_t scratch = scratch_begin();
	struct pairs open = {0};
	bool result = same(&open, a, b);
	if (open.len > 0 && a.len == b.len && begins_with(a, b)) // written in the same way, as most that are the same
		open.len = 0;
	while (result && open.len > 0) {
		struct pair next = open.list[--open.len];
		result = json_kind(next.a) == JSON_ARRAY ? same_elements(&open, next.a, next.b) : same_members(&open, next.a, next.b);
	}
	scratch_end(scratch);
	return result;
}

// least_text is least_length of a string: of a key, or else of a value, which can be the same as a number.
static size_t least_text(ft_text v, bool is_key) {
	uintptr_t scratch = scratch_begin();
	ft_text number;
	size_t n = !is_key && holds_number(number = json_text(v)) ? number_least_length(number) : json_exact(v).len + 2;
	scratch_end(scratch);
	return n;
}

size_t least_length(ft_text v) {
	size_t n = 0;
	for (const char *p = json_space(v.ptr, v.ptr + v.len), *end = v.ptr + v.len; p < end; p = json_space(p, end)) {
		const char *start = p;
		if (*p == '"') {
			p = json_skip_string(p, end);
			n += least_text((ft_text){start, (size_t)(p - start)}, p < end && *p == ':');
		} else if (*p == '-' || is_digit(*p)) {
			p = json_skip(p, end);
			n += number_least_length((ft_text){start, (size_t)(p - start)});
		} else { // a byte of a literal, or one between values
			p++, n++;
		}
	}
	return n;
}
