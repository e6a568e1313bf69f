#include "number.h"

static inline int order(int64_t a, int64_t b) { return (a > b) - (a < b); }

static inline bool is_digit(char c) { return (unsigned char)(c - '0') <= 9; }

// ---- short numbers: nearly all are ----

// A short number is the value n / 10^fraction.
struct small {
	int64_t n;
	uint32_t fraction, digits;
};

enum { SMALL_DIGITS = 18, SCALED_DIGITS = 9 }; // with as many zeros behind them, SCALED_DIGITS fit an int64

static const int64_t powers[SCALED_DIGITS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

static inline bool read_small(ft_text t, struct small *s) {
	const char *p = t.ptr, *end = t.ptr + t.len, *point = NULL;
	bool negative = *p == '-';
	p += negative;
	if (end - p > SMALL_DIGITS)
		return false;
	const char *first = p;
	int64_t n = 0;
	for (; p < end; p++) {
		if (is_digit(*p))
			n = n * 10 + (*p - '0');
		else if (*p == '.')
			point = p;
		else
			return false;
	}
	s->n = negative ? -n : n;
	s->fraction = point ? (uint32_t)(end - point - 1) : 0;
	s->digits = (uint32_t)(end - first) - (point != NULL);
	return true;
}

// ---- all others: digit by digit ----

// A decimal is the value 0.digits * 10^exponent. There is a point among the digits, or none.
struct decimal {
	const char *digits, *end; // without zeros at the beginning and the end; none = the value is 0
	int64_t exponent;
	bool negative;
};

// MAX_EXPONENT is what a greater exponent counts as, and -MAX_EXPONENT a smaller one.
static const int64_t MAX_EXPONENT = 1000000000000000;

static struct decimal read_decimal(ft_text t) {
	const char *p = t.ptr, *end = t.ptr + t.len;
	struct decimal d = {.negative = *p == '-'};
	p += d.negative;
	int64_t whole = 0;
	bool point = false;
	for (; p < end && (is_digit(*p) || *p == '.'); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		whole += !point;
		if (!d.digits && *p != '0')
			d.digits = p;
		if (!d.digits)
			d.exponent--;
	}
	d.end = p;
	d.exponent += whole;
	if (!d.digits)
		d.digits = p;
	while (d.end > d.digits && (d.end[-1] == '0' || d.end[-1] == '.'))
		d.end--;
	if (p < end) { // an exponent
		bool minus = *++p == '-';
		if (*p == '-' || *p == '+')
			p++;
		int64_t exponent = 0;
		for (; p < end && exponent < MAX_EXPONENT; p++)
			exponent = exponent * 10 + (*p - '0');
		if (exponent > MAX_EXPONENT)
			exponent = MAX_EXPONENT;
		d.exponent += minus ? -exponent : exponent;
	}
	return d;
}

static inline int sign(const struct decimal *d) { return d->digits == d->end ? 0 : d->negative ? -1 : 1; }

static int compare(const struct decimal *a, const struct decimal *b) {
	int of = sign(a);
	if (of != sign(b) || of == 0)
		return order(of, sign(b));
	if (a->exponent != b->exponent)
		return of * order(a->exponent, b->exponent);
	const char *p = a->digits, *q = b->digits;
	for (; p < a->end && q < b->end; p++, q++) {
		p += *p == '.', q += *q == '.'; // no point is the last
		if (*p != *q)
			return of * order(*p, *q);
	}
	return of * order(p < a->end, q < b->end); // as neither ends with a zero, the one with more digits is greater
}

int number_compare(ft_text a, ft_text b) {
	struct small s, t;
	if (read_small(a, &s) && read_small(b, &t)) {
		if (s.fraction == t.fraction)
			return order(s.n, t.n);
		if (s.digits <= SCALED_DIGITS && t.digits <= SCALED_DIGITS) {
			uint32_t most = s.fraction > t.fraction ? s.fraction : t.fraction;
			return order(s.n * powers[most - s.fraction], t.n * powers[most - t.fraction]);
		}
	}
	struct decimal x = read_decimal(a), y = read_decimal(b);
	return compare(&x, &y);
}

size_t number_least_length(ft_text n) {
	struct decimal d = read_decimal(n);
	size_t len = (size_t)(d.end - d.digits);
	return len > 1 ? len - 1 : 1; // there may be a point
}
