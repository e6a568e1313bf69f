// Hashes over a buffer: byte by byte as FNV does, and by blocks of four numbers at a time.

typedef unsigned long long u64;

static unsigned char in[1 << 16];

__attribute__((export_name("buffer"))) unsigned char *buffer(void) { return in; }

__attribute__((export_name("run"))) u64 run(int n) {
	u64 h = 14695981039346656037ull;
	for (int i = 0; i < n; i++)
		h = (h ^ in[i]) * 1099511628211ull;
	return h;
}

static u64 rotate(u64 v, int by) { return v << by | v >> (64 - by); }

__attribute__((export_name("blocks"))) u64 blocks(int n) {
	u64 v[4] = {1, 2, 3, 4};
	for (int i = 0; i + 32 <= n; i += 32)
		for (int k = 0; k < 4; k++) {
			u64 x;
			__builtin_memcpy(&x, in + i + 8 * k, 8);
			v[k] = rotate(v[k] + x * 0xC2B2AE3D27D4EB4Full, 31) * 0x9E3779B185EBCA87ull;
		}
	return v[0] ^ rotate(v[1], 7) ^ rotate(v[2], 12) ^ rotate(v[3], 18);
}
