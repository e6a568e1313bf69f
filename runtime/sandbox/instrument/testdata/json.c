// A scanner of JSON text: it counts values and adds up whole numbers, and copies what it reads without spaces.

static char in[1 << 16], out[1 << 16];

__attribute__((export_name("buffer"))) char *buffer(void) { return in; }

static const char *p, *end;
static char *w;
static long long sum;
static int values, depth;

static void put(char c) { *w++ = c; }
static void space(void) {
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
}

static int string(void) {
	put(*p++);
	while (p < end && *p != '"') {
		if (*p == '\\' && p + 1 < end)
			put(*p++);
		put(*p++);
	}
	if (p == end)
		return 0;
	put(*p++);
	return 1;
}

static int value(void);

static int list(char close) {
	put(*p++);
	if (++depth > 100)
		__builtin_trap();
	for (space(); p < end && *p != close; space()) {
		if (close == '}') {
			if (*p != '"' || !string())
				return 0;
			space();
			if (p == end || *p != ':')
				return 0;
			put(*p++);
		}
		if (!value())
			return 0;
		space();
		if (p < end && *p == ',')
			put(*p++);
	}
	depth--;
	if (p == end)
		return 0;
	put(*p++);
	return 1;
}

static int value(void) {
	space();
	values++;
	if (p == end)
		return 0;
	switch (*p) {
	case '{':
		return list('}');
	case '[':
		return list(']');
	case '"':
		return string();
	}
	long long n = 0;
	const char *from = p;
	while (p < end && (*p == '-' || *p == '.' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z'))) {
		if (*p >= '0' && *p <= '9')
			n = n * 10 + (*p - '0');
		put(*p++);
	}
	sum += n;
	return p > from;
}

__attribute__((export_name("run"))) long long run(int n) {
	p = in, end = in + n, w = out, sum = 0, values = 0, depth = 0;
	if (!value())
		return -1;
	return sum * 1000003 + values * 31 + (w - out);
}
