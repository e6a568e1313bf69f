// A WASI command without a library: standard input becomes standard output.
#include <stddef.h>

typedef struct {
	const void *ptr;
	size_t len;
} view;
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
WASI("fd_read") int fd_read(int fd, const view *to, size_t count, size_t *n);
WASI("fd_write") int fd_write(int fd, const view *from, size_t count, size_t *n);
WASI("proc_exit") _Noreturn void proc_exit(int status);

static char input[1 << 20];
static int calls;

static void say(int fd, const void *p, size_t len) {
	while (len > 0) {
		size_t n;
		view v = {p, len};
		if (fd_write(fd, &v, 1, &n) != 0) proc_exit(70);
		p = (const char *)p + n, len -= n;
	}
}

__attribute__((export_name("_start"))) void start(void) {
	size_t len = 0, n;
	do {
		view v[] = {{input + len, 3}, {input + len + 3, 1000}};
		if (fd_read(0, v, 2, &n) != 0) proc_exit(71);
		len += n;
	} while (n > 0);
	calls++;
	switch (len > 1 ? input[1] : 0) {
	case 'e': // it fails
		say(2, "no such order\n", 14);
		proc_exit(3);
	case 'l': // and says a lot
		for (;;) say(1, input, sizeof input);
	case 'o':
		for (int i = 0; i < 100; i++) say(1, input, len);
		return;
	case 'k': { // keeps something, and leaves in the moment after
		volatile char *p = input + len + 500000;
		char seen = (char)('0' + *p);
		say(1, "[", 1), say(1, &seen, 1), say(1, "]", 1);
		*p = 9;
		proc_exit(0);
	}
	case 't':
		__builtin_trap();
	case 'n': // nothing
		return;
	}
	char count = (char)('0' + calls);
	say(1, "[", 1), say(1, input, len), say(1, ",", 1), say(1, &count, 1), say(1, "]\n", 2);
	if (len > 1 && input[1] == 'x') proc_exit(0);
}
