// A node that does harm as the first letter of its config, a JSON string, tells it. It answers with the rest of the config and
// a count, which a call that is not the first one would see.

typedef unsigned char byte;
typedef unsigned long long u64;

static byte input[70000];
static byte output[70100];
static unsigned count = 1;
static volatile unsigned zeros[20000]; // in the memory, not in the file

__attribute__((export_name("alloc"))) void *node_alloc(unsigned n) { return n <= sizeof input ? input : 0; }

static unsigned append(unsigned at, const byte *b, unsigned n) {
	for (unsigned i = 0; i < n; i++) output[at + i] = b[i];
	return at + n;
}

static unsigned deep(unsigned n) {
	volatile byte frame[1000];
	frame[n % 1000] = (byte)n;
	return deep(n + 1) + frame[n % 7];
}

__attribute__((export_name("run"))) u64 node_run(const byte *in, unsigned n) {
	byte *all = (byte *)(__builtin_wasm_memory_size(0) * 65536);
	count++;
	for (unsigned i = 0; i < 20000; i += 997) zeros[i] += count;
	switch (n > 1 ? in[1] : 0) {
	case 'f': // everything but the stack
		for (byte *p = output + sizeof output; p < all; p++) *p = 0xab;
		break;
	case 'g': // more memory, and all of it used
		while (__builtin_wasm_memory_grow(0, 3) != (unsigned long)-1)
			for (byte *p = all; p < all + 3 * 65536; p += 100) *p = 0xcd;
		break;
	case 't':
		__builtin_trap();
	case 's':
		count += deep(1);
		break;
	case 'l':
		for (;;) zeros[count++ % 20000] = count;
	case 'm': { // overwrites where the input goes and the count itself
		for (unsigned i = 0; i < sizeof input; i++) input[i] = 0xee;
		count = 77;
		__builtin_trap();
	}
	}
	unsigned at = append(0, (const byte *)"[", 1);
	at = append(at, in, n);
	byte digits[] = {',', (byte)('0' + count % 10), (byte)('0' + zeros[997] % 10), ']'};
	if (count > 9) digits[1] = '9';
	// a number must not begin with a zero
	if (digits[1] == '0') digits[1] = '9';
	at = append(at, digits, 4);
	return (u64)(unsigned long)output << 32 | at;
}
