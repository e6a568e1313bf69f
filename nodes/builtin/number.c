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

// ---- numbers within the bounds: exactly ----

enum { MAX_DIGITS = 400, MAX_EXPONENT = 400 };

// A decimal is the value 0.digits * 10^exponent. There is a point among the digits, or none.
struct decimal {
	const char *digits, *end; // without zeros at the beginning; none = the value is 0
	int64_t exponent;
	bool negative, exact;
};

// EXPONENT_STOP is what strconv.ParseFloat reads of an exponent: no more digits once it is as large.
enum { EXPONENT_STOP = 10000 };

static struct decimal read_decimal(ft_text t) {
	const char *p = t.ptr, *end = t.ptr + t.len;
	struct decimal d = {.negative = *p == '-', .exact = true};
	p += d.negative;
	int64_t whole = 0, digits = 0;
	bool point = false;
	for (; p < end && (is_digit(*p) || *p == '.'); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		digits++;
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
	if (p < end) { // an exponent
		bool minus = *++p == '-';
		if (*p == '-' || *p == '+')
			p++;
		int64_t exponent = 0;
		for (; p < end; p++)
			if (exponent < EXPONENT_STOP)
				exponent = exponent * 10 + (*p - '0');
		d.exponent += minus ? -exponent : exponent;
		d.exact = exponent <= MAX_EXPONENT;
	}
	d.exact &= digits <= MAX_DIGITS;
	return d;
}

static inline int sign(const struct decimal *d) { return d->digits == d->end ? 0 : d->negative ? -1 : 1; }

// digit takes the next digit at *p. Behind the last there are zeros.
static inline char digit(const char **p, const char *end) {
	if (*p < end && **p == '.')
		++*p;
	return *p < end ? *(*p)++ : '0';
}

static int compare_exactly(const struct decimal *a, const struct decimal *b) {
	int of = sign(a);
	if (of != sign(b) || of == 0)
		return order(of, sign(b));
	if (a->exponent != b->exponent)
		return of * order(a->exponent, b->exponent);
	for (const char *p = a->digits, *q = b->digits; p < a->end || q < b->end;) {
		char c = digit(&p, a->end), d = digit(&q, b->end);
		if (c != d)
			return of * order(c, d);
	}
	return 0;
}

// ---- all others: as float64 ----

// A natural number has 32 bits a word, the lowest first. The largest here is less than 10^1131 * 2.
struct natural {
	uint32_t words[120], len;
};

// multiply_add makes n * factor + more of n.
static void multiply_add(struct natural *n, uint32_t factor, uint32_t more) {
	uint64_t carry = more;
	for (uint32_t i = 0; i < n->len; i++) {
		carry += (uint64_t)n->words[i] * factor;
		n->words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		n->words[n->len++] = (uint32_t)carry;
}

static void multiply_power_of_ten(struct natural *n, int64_t power) {
	for (; power >= 9; power -= 9)
		multiply_add(n, 1000000000, 0);
	multiply_add(n, (uint32_t)powers[power], 0);
}

static int bits(const struct natural *n) { return (int)(32 * n->len) - __builtin_clz(n->words[n->len - 1]); }

static void shift(struct natural *n, int by) {
	for (; by >= 31; by -= 31)
		multiply_add(n, 1u << 31, 0);
	multiply_add(n, 1u << by, 0);
}

static bool less(const struct natural *a, const struct natural *b) {
	if (a->len != b->len)
		return a->len < b->len;
	for (uint32_t i = a->len; i-- > 0;)
		if (a->words[i] != b->words[i])
			return a->words[i] < b->words[i];
	return false;
}

// subtract takes b, which is not greater, from a.
static void subtract(struct natural *a, const struct natural *b) {
	int64_t borrow = 0;
	for (uint32_t i = 0; i < a->len; i++) {
		borrow += (int64_t)a->words[i] - (i < b->len ? b->words[i] : 0);
		a->words[i] = (uint32_t)borrow;
		borrow >>= 32;
	}
	while (a->len > 0 && a->words[a->len - 1] == 0)
		a->len--;
}

enum {
	KEPT_DIGITS = 800, // more cannot matter, but that there are some
	MANTISSA_BITS = 53,
	EXPONENT_MAX = 1023,
	EXPONENT_MIN = -1022,
};

// nearest is the float64 that is next to a value that is not 0, without its sign. Of two that are as near, it is the even one.
static double nearest(const struct decimal *d) {
	if (d->exponent > 310)
		return __builtin_inf();
	if (d->exponent < -330)
		return 0;
	struct natural value = {0}, unit = {.words = {1}, .len = 1};
	int64_t kept = 0;
	bool more = false;
	for (const char *p = d->digits; p < d->end; p++) {
		if (*p == '.')
			continue;
		if (kept < KEPT_DIGITS) {
			multiply_add(&value, 10, (uint32_t)(*p - '0'));
			kept++;
		} else {
			more |= *p != '0';
		}
	}
	// The value is value / unit * 10^power; then value / unit * 2^exponent, with a quotient from 1 up to 2.
	int64_t power = d->exponent - kept;
	multiply_power_of_ten(power > 0 ? &value : &unit, power > 0 ? power : -power);
	int exponent = bits(&value) - bits(&unit);
	shift(exponent > 0 ? &unit : &value, exponent > 0 ? exponent : -exponent);
	if (less(&value, &unit)) {
		shift(&value, 1);
		exponent--;
	}
	if (exponent > EXPONENT_MAX)
		return __builtin_inf();
	int wanted = exponent >= EXPONENT_MIN ? MANTISSA_BITS : MANTISSA_BITS - (EXPONENT_MIN - exponent);
	if (wanted < 0)
		return 0;
	uint64_t mantissa = 0;
	for (int i = 0; i < wanted; i++) {
		bool bit = !less(&value, &unit);
		if (bit)
			subtract(&value, &unit);
		mantissa = mantissa << 1 | bit;
		shift(&value, 1);
	}
	if (!less(&value, &unit)) { // half of the last bit, or more
		subtract(&value, &unit);
		mantissa += value.len > 0 || more || (mantissa & 1);
	}
	// Where rounding has given one bit more, the exponent becomes greater by one, up to that of infinity.
	if (wanted == MANTISSA_BITS)
		mantissa += (uint64_t)(exponent - EXPONENT_MIN) << (MANTISSA_BITS - 1);
	double result;
	__builtin_memcpy(&result, &mantissa, sizeof result);
	return result;
}

static double approximate(const struct decimal *d) {
	if (d->digits == d->end)
		return 0;
	return d->negative ? -nearest(d) : nearest(d);
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
	if (x.exact && y.exact)
		return compare_exactly(&x, &y);
	double f = approximate(&x), g = approximate(&y);
	return (f > g) - (f < g);
}
