#include "../json.h"
#include "unicode.h"

void set_add(set *to, rune first, rune last) {
	// Most ranges come in order. Case folding adds to two alphabets in turn.
	for (uint32_t i = to->len; i > 0 && i + 2 > to->len; i--) {
		struct range *r = &to->ranges[i - 1];
		if (first <= r->last + 1 && r->first <= last + 1) {
			r->first = first < r->first ? first : r->first;
			r->last = last > r->last ? last : r->last;
			return;
		}
	}
	if (to->len == to->cap) {
		uint32_t cap = to->cap ? 2 * to->cap : 8;
		struct range *larger = allocate(cap * sizeof *larger);
		if (to->len > 0)
			memcpy(larger, to->ranges, to->len * sizeof *larger);
		to->ranges = larger, to->cap = cap;
	}
	to->ranges[to->len++] = (struct range){first, last};
}

set set_copy(const set *s) {
	set copy = {.len = s->len, .cap = s->len};
	if (s->len > 0) {
		copy.ranges = allocate(s->len * sizeof *copy.ranges);
		memcpy(copy.ranges, s->ranges, s->len * sizeof *copy.ranges);
	}
	return copy;
}

void set_add_all(set *to, const set *from) {
	for (uint32_t i = 0; i < from->len; i++)
		set_add(to, from->ranges[i].first, from->ranges[i].last);
}

void set_add_others(set *to, const set *from) {
	rune next = 0;
	for (uint32_t i = 0; i < from->len; i++) {
		if (next < from->ranges[i].first)
			set_add(to, next, from->ranges[i].first - 1);
		next = from->ranges[i].last + 1;
	}
	if (next <= RUNE_MAX)
		set_add(to, next, RUNE_MAX);
}

static inline bool before(struct range a, struct range b) { return a.first < b.first || (a.first == b.first && a.last < b.last); }

// sift moves the range at i down to its place in a heap whose largest is first.
static void sift(struct range *ranges, uint32_t i, uint32_t len) {
	struct range moving = ranges[i];
	for (uint32_t child; (child = 2 * i + 1) < len; i = child) {
		if (child + 1 < len && before(ranges[child], ranges[child + 1]))
			child++;
		if (!before(moving, ranges[child]))
			break;
		ranges[i] = ranges[child];
	}
	ranges[i] = moving;
}

// sort is a heapsort: a pattern cannot make it slow.
static void sort(struct range *ranges, uint32_t len) {
	for (uint32_t i = len / 2; i-- > 0;)
		sift(ranges, i, len);
	for (uint32_t end = len; end-- > 1;) {
		struct range largest = ranges[0];
		ranges[0] = ranges[end], ranges[end] = largest;
		sift(ranges, 0, end);
	}
}

void set_clean(set *s) {
	if (s->len == 0)
		return;
	for (uint32_t i = 1; i < s->len; i++)
		if (before(s->ranges[i], s->ranges[i - 1])) {
			sort(s->ranges, s->len);
			break;
		}
	uint32_t n = 1;
	for (uint32_t i = 1; i < s->len; i++) {
		struct range *last = &s->ranges[n - 1], r = s->ranges[i];
		if (r.first > last->last + 1)
			s->ranges[n++] = r;
		else if (r.last > last->last)
			last->last = r.last;
	}
	s->len = n;
}

bool set_has(const struct range *ranges, uint32_t len, rune r) {
	while (len > 0) {
		uint32_t half = len / 2;
		if (r < ranges[half].first)
			len = half;
		else if (r <= ranges[half].last)
			return true;
		else
			ranges += half + 1, len -= half + 1;
	}
	return false;
}
