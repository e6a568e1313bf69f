// Small things that call much, loop much, or go wrong.

__attribute__((export_name("fib"))) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

// A loop of nothing but itself.
__attribute__((export_name("spin"))) unsigned spin(unsigned n) {
	unsigned x = n;
	for (unsigned i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

__attribute__((export_name("deep"))) int deep(int n) {
	volatile char frame[64];
	frame[0] = (char)n;
	return n == 0 ? 0 : deep(n - 1) + frame[0];
}

__attribute__((export_name("divide"))) int divide(int a, int b) { return a / b; }

static int table[64];

__attribute__((export_name("sort"))) int sort(int n) {
	n &= 63;
	for (int i = 0; i < n; i++)
		table[i] = (i * 7919 + n) % 101;
	for (int i = 1; i < n; i++) {
		int v = table[i], k = i;
		for (; k > 0 && table[k - 1] > v; k--)
			table[k] = table[k - 1];
		table[k] = v;
	}
	int check = 0;
	for (int i = 0; i < n; i++)
		check = check * 31 + table[i];
	return check;
}

__attribute__((export_name("load"))) int load(unsigned at) { return *(volatile int *)at; }

typedef int operation(int, int);
static int add(int a, int b) { return a + b; }
static int mul(int a, int b) { return a * b; }
static int minus(int a, int b) { return a - b; }
static operation *const operations[] = {add, mul, minus, divide};

__attribute__((export_name("apply"))) int apply(unsigned which, int a, int b) {
	return operations[which & 7](a, b);
}

__attribute__((export_name("grow"))) int grow(int pages) { return __builtin_wasm_memory_grow(0, pages); }
