// A node that never returns, to measure its effect on other traffic.
//
//	clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -o loop.wasm loop.c

static unsigned char input[1 << 16];
static volatile unsigned rounds;

__attribute__((export_name("alloc"))) void *node_alloc(unsigned n) {
	return n <= sizeof input ? input : 0;
}

__attribute__((export_name("run"))) unsigned long long node_run(unsigned char *in, unsigned n) {
	for (;;)
		rounds++;
}
