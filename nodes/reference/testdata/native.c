// native.c runs the nodes of nodes/builtin as a process: it reads calls and writes what they gave, until its input ends.
//
// A call is a type, a config, and what the host answers to a request of the call. A result is a packed answer of the node, the last request,
// and the global that was set last, as its key, a zero and its value. All are texts with their lengths before them.
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../../builtin/nodes.h"

ft_answer ft_export_run_type_(size_t type, const char *ptr, size_t len);

enum { arena_size = 256 << 20, gap = 32 };

static char *arena, *used;
uintptr_t ft_heap_;
static ft_text reply, request, global;

void *native_alloc(size_t n) {
	uintptr_t p = (ft_heap_ + 15) & ~(uintptr_t)15, end = p + n + gap;
	if (end > (uintptr_t)arena + arena_size)
		return NULL;
	ft_heap_ = end;
	ASAN_POISON_MEMORY_REGION((void *)p, n + gap);
	ASAN_UNPOISON_MEMORY_REGION((void *)p, n);
	if ((char *)end > used)
		used = (char *)end;
	return (void *)p;
}

static char *copied(ft_text t) {
	char *p = native_alloc(t.len);
	if (t.len > 0)
		memcpy(p, t.ptr, t.len);
	return p;
}

size_t ft_import_http_(const char *ptr, size_t len) {
	request = (ft_text){copied((ft_text){ptr, len}), len};
	return reply.len;
}

size_t ft_import_global_set_(const char *key, size_t key_len, const char *value, size_t value_len) {
	char *p = native_alloc(key_len + 1 + value_len);
	memcpy(p, key, key_len);
	p[key_len] = 0;
	memcpy(p + key_len + 1, value, value_len);
	global = (ft_text){p, key_len + 1 + value_len};
	if (*reply.ptr == 0) // what it answers to a request is no answer here, but an error is
		reply = (ft_text){"", 1};
	return reply.len;
}

void ft_import_take_(char *to) { memcpy(to, reply.ptr, reply.len); }

static bool read_text(ft_text *t) {
	uint32_t n;
	if (fread(&n, sizeof n, 1, stdin) != 1)
		return false;
	char *p = native_alloc(n);
	*t = (ft_text){p, n};
	return n == 0 || fread(p, n, 1, stdin) == 1;
}

static void write_text(ft_text t) {
	uint32_t n = (uint32_t)t.len;
	fwrite(&n, sizeof n, 1, stdout);
	fwrite(t.ptr, 1, t.len, stdout);
}

int main(void) {
	arena = mmap(NULL, arena_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		return 1;
	used = arena;
	for (;;) {
		ft_heap_ = (uintptr_t)arena;
		ASAN_POISON_MEMORY_REGION(arena, (size_t)(used - arena));
		used = arena;
		uint32_t type;
		ft_text config;
		if (fread(&type, sizeof type, 1, stdin) != 1)
			return 0;
		if (!read_text(&config) || !read_text(&reply))
			return 1;
		request = global = (ft_text){0};
		ft_answer a = ft_export_run_type_(type, config.ptr, config.len);
		char kind = (char)(a >> 30 & 3);
		fwrite(&kind, 1, 1, stdout);
		write_text((ft_text){(const char *)(uintptr_t)(a >> 32), a & 0x3fffffff});
		write_text(request);
		write_text(global);
		fflush(stdout);
	}
}
