/* flowtrux.h is the SDK for nodes of FlowTrux Edge in C: version 1 of their ABI, JSON in and out. It needs no library; with wasi-libc it
   takes its memory from malloc.

   A node is a function from its config, compact JSON, to an answer, and says what it is:

       #include "flowtrux.h"

       static ft_answer run(ft_text config) {
           ft_text name;
           if (!ft_string(ft_get(config, "name"), &name)) return ft_fatal("bad_config", "name must be a string");
           ft_out out = {0};
           ft_put(&out, FT("{\"hello\":"));
           ft_put_string(&out, name);
           ft_put(&out, FT("}"));
           return ft_output(&out);
       }

       FT_NODE("{\"abi\":1,\"type\":\"hello\",\"version\":\"1.0.0\"}", run)

   Each call begins with the state that the module had when it was loaded, so nothing is ever freed: what a call has taken is gone with
   it. Calls are made one at a time. Everything whose name ends in _ is the header's own. */
#ifndef FLOWTRUX_H
#define FLOWTRUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- texts ---- */

/* ft_text is a view of text in UTF-8, or of raw JSON; it does not end with a zero. {0} = there is none. */
typedef struct {
	const char *ptr;
	size_t len;
} ft_text;

/* FT makes a text of a string literal. */
#define FT(literal) ((ft_text){(literal), sizeof(literal) - 1})

#ifdef __wasi__
#include <stdlib.h>
#include <string.h>
static inline void *ft_alloc(size_t n) { return malloc(n); }
#else
/* What compilers call where there is no library. */
#define FT_LIBRARY_ __attribute__((weak, no_builtin))
FT_LIBRARY_ void *memcpy(void *to, const void *from, size_t n) {
	for (size_t i = 0; i < n; i++) ((char *)to)[i] = ((const char *)from)[i];
	return to;
}
FT_LIBRARY_ void *memmove(void *to, const void *from, size_t n) {
	if (to < from) return memcpy(to, from, n);
	while (n-- > 0) ((char *)to)[n] = ((const char *)from)[n];
	return to;
}
FT_LIBRARY_ void *memset(void *to, int byte, size_t n) {
	for (size_t i = 0; i < n; i++) ((char *)to)[i] = (char)byte;
	return to;
}
FT_LIBRARY_ int memcmp(const void *a, const void *b, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (((const unsigned char *)a)[i] != ((const unsigned char *)b)[i]) return ((const unsigned char *)a)[i] < ((const unsigned char *)b)[i] ? -1 : 1;
	return 0;
}

extern unsigned char __heap_base; /* of the linker: where the memory is free */
__attribute__((weak)) uintptr_t ft_heap_;

/* ft_alloc gives n bytes, or NULL when the memory limit is reached. */
static inline void *ft_alloc(size_t n) {
	const size_t page = 65536;
	if (ft_heap_ == 0) ft_heap_ = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
	size_t has = __builtin_wasm_memory_size(0) * page - ft_heap_;
	if (n > SIZE_MAX - 15) return NULL;
	n = (n + 15) & ~(size_t)15;
	if (n > has && __builtin_wasm_memory_grow(0, (n - has + page - 1) / page) == SIZE_MAX) return NULL;
	void *p = (void *)ft_heap_;
	ft_heap_ += n;
	return p;
}
#endif

/* ft_equal tells whether two texts are the same. */
static inline bool ft_equal(ft_text a, ft_text b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }

/* ft_text_of makes a text of a string that ends with a zero. */
static inline ft_text ft_text_of(const char *s) {
	size_t n = 0;
	while (s[n]) n++;
	return (ft_text){s, n};
}

/* ---- writing ---- */

/* ft_out is text that grows; it begins as {0}. failed = there was no memory, which the answer then says. */
typedef struct {
	char *ptr;
	size_t len, cap;
	bool failed;
} ft_out;

/* ft_put appends text as it is. */
static inline void ft_put(ft_out *out, ft_text text) {
	if (out->failed || text.len == 0) return;
	if (text.len > out->cap - out->len) {
		size_t need = out->len + text.len, cap = need <= SIZE_MAX / 2 ? need * 2 : 0;
		char *larger = need >= text.len && cap > 0 ? ft_alloc(cap) : NULL;
		if (!larger) {
			out->failed = true;
			return;
		}
		if (out->len > 0) memcpy(larger, out->ptr, out->len);
		out->ptr = larger, out->cap = cap;
	}
	memcpy(out->ptr + out->len, text.ptr, text.len);
	out->len += text.len;
}

/* ft_put_string appends text as a string of JSON, in quotes. */
static inline void ft_put_string(ft_out *out, ft_text text) {
	ft_put(out, FT("\""));
	size_t done = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char b = (unsigned char)text.ptr[i];
		if (b >= 0x20 && b != '"' && b != '\\') continue;
		char escape[] = {'\\', (char)b, '0', '0', "0123456789abcdef"[b >> 4], "0123456789abcdef"[b & 15]};
		if (b < 0x20) escape[1] = 'u';
		ft_put(out, (ft_text){text.ptr + done, i - done});
		ft_put(out, (ft_text){escape, b < 0x20 ? 6 : 2});
		done = i + 1;
	}
	ft_put(out, (ft_text){text.ptr + done, text.len - done});
	ft_put(out, FT("\""));
}

/* ft_put_int appends a number. */
static inline void ft_put_int(ft_out *out, int64_t n) {
	char digits[20];
	size_t at = sizeof digits;
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
	do digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (n < 0) ft_put(out, FT("-"));
	ft_put(out, (ft_text){digits + at, sizeof digits - at});
}

/* ---- reading JSON; what the host gives is valid and compact ---- */

/* ft_end_ is where the value that begins at a place ends. It does not recurse: a config may be 512 levels deep. */
static inline size_t ft_end_(ft_text json, size_t at) {
	size_t depth = 0;
	do {
		if (at >= json.len) return json.len;
		char b = json.ptr[at];
		if (b == '"') {
			for (at++; at < json.len && json.ptr[at] != '"'; at++)
				if (json.ptr[at] == '\\') at++;
			at++;
		} else if (b == '{' || b == '[') {
			depth++, at++;
		} else if (b == '}' || b == ']') {
			depth--, at++;
		} else if (b == ',' || b == ':') {
			at++;
		} else {
			while (at < json.len && json.ptr[at] != ',' && json.ptr[at] != '}' && json.ptr[at] != ']') at++;
		}
	} while (depth > 0);
	return at < json.len ? at : json.len;
}

static inline uint32_t ft_hex_(const char *p) {
	uint32_t n = 0;
	for (int i = 0; i < 4; i++) n = n << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return n;
}

static inline size_t ft_utf8_(char *to, uint32_t r) {
	if (r < 0x80) return to[0] = (char)r, 1;
	if (r < 0x800) return to[0] = (char)(0xc0 | r >> 6), to[1] = (char)(0x80 | (r & 63)), 2;
	if (r < 0x10000) return to[0] = (char)(0xe0 | r >> 12), to[1] = (char)(0x80 | (r >> 6 & 63)), to[2] = (char)(0x80 | (r & 63)), 3;
	return to[0] = (char)(0xf0 | r >> 18), to[1] = (char)(0x80 | (r >> 12 & 63)), to[2] = (char)(0x80 | (r >> 6 & 63)), to[3] = (char)(0x80 | (r & 63)), 4;
}

/* ft_string decodes a string. false = json is none, or there is no memory. Half of a surrogate pair becomes U+FFFD. */
static inline bool ft_string(ft_text json, ft_text *text) {
	if (json.len < 2 || json.ptr[0] != '"') return false;
	const char *from = json.ptr + 1, *end = json.ptr + json.len - 1;
	size_t i = 0, n = (size_t)(end - from);
	while (i < n && from[i] != '\\') i++;
	if (i == n) {
		*text = (ft_text){from, n};
		return true;
	}
	char *to = ft_alloc(n), *at = to; /* an escape is never shorter than what it stands for */
	if (!to) return false;
	while (from < end) {
		if (*from != '\\') {
			*at++ = *from++;
			continue;
		}
		char b = from[1];
		from += 2;
		if (b != 'u') {
			*at++ = b == 'n' ? '\n' : b == 't' ? '\t' : b == 'r' ? '\r' : b == 'b' ? '\b' : b == 'f' ? '\f' : b;
			continue;
		}
		uint32_t r = ft_hex_(from);
		from += 4;
		if (r >= 0xd800 && r < 0xe000) {
			uint32_t low = r < 0xdc00 && end - from >= 6 && from[0] == '\\' && from[1] == 'u' ? ft_hex_(from + 2) : 0;
			bool pair = low >= 0xdc00 && low < 0xe000;
			r = pair ? 0x10000 + ((r - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
			from += pair ? 6 : 0;
		}
		at += ft_utf8_(at, r);
	}
	*text = (ft_text){to, (size_t)(at - to)};
	return true;
}

/* ft_int reads a whole number that fits. false = json is none. Other numbers are best handed on as the text that they are. */
static inline bool ft_int(ft_text json, int64_t *n) {
	bool minus = json.len > 0 && json.ptr[0] == '-';
	uint64_t value = 0, most = minus ? (uint64_t)1 << 63 : INT64_MAX;
	if (json.len == (size_t)minus) return false;
	for (size_t i = minus; i < json.len; i++) {
		uint64_t digit = (uint64_t)(json.ptr[i] - '0');
		if (digit > 9 || value > (most - digit) / 10) return false;
		value = value * 10 + digit;
	}
	*n = (int64_t)(minus ? -value : value);
	return true;
}

/* ft_bool reads true or false. false = json is neither. */
static inline bool ft_bool(ft_text json, bool *b) {
	*b = ft_equal(json, FT("true"));
	return *b || ft_equal(json, FT("false"));
}

/* ft_null tells whether json is null, or not there. */
static inline bool ft_null(ft_text json) { return json.len == 0 || ft_equal(json, FT("null")); }

/* ft_next gives the elements of an array one after the other; *at begins with 0. false = there are no more, or json is no array. */
static inline bool ft_next(ft_text json, size_t *at, ft_text *element) {
	if (json.len < 2 || json.ptr[0] != '[' || *at >= json.len - 1) return false;
	if (*at == 0) *at = 1;
	if (json.ptr[*at] == ']') return false;
	size_t end = ft_end_(json, *at);
	*element = (ft_text){json.ptr + *at, end - *at};
	*at = end + 1;
	return true;
}

/* ft_next_member gives the members of an object one after the other, keys decoded; *at begins with 0. false = there are no more, or
   json is no object. */
static inline bool ft_next_member(ft_text json, size_t *at, ft_text *key, ft_text *value) {
	if (json.len < 2 || json.ptr[0] != '{' || *at >= json.len - 1) return false;
	if (*at == 0) *at = 1;
	if (json.ptr[*at] == '}') return false;
	size_t colon = ft_end_(json, *at);
	if (!ft_string((ft_text){json.ptr + *at, colon - *at}, key)) return false;
	size_t end = ft_end_(json, colon + 1);
	*value = (ft_text){json.ptr + colon + 1, end - colon - 1};
	*at = end + 1;
	return true;
}

/* ft_get is the value of a key; {0} = it is not there, or json is no object. */
static inline ft_text ft_get(ft_text json, const char *name) {
	ft_text want = ft_text_of(name), key, value;
	for (size_t at = 0; ft_next_member(json, &at, &key, &value);)
		if (ft_equal(key, want)) return value;
	return (ft_text){0};
}

/* ---- answers ---- */

/* ft_answer is what a node returns: one of the four below. */
typedef uint64_t ft_answer;

static inline ft_answer ft_pack_(unsigned kind, const char *ptr, size_t len) { return (uint64_t)(uintptr_t)ptr << 32 | (uint64_t)kind << 30 | len; }

static inline ft_answer ft_labelled_(unsigned kind, ft_text label, ft_text rest) {
	ft_out out = {0};
	unsigned char n = (unsigned char)(label.len < 255 ? label.len : 255);
	ft_put(&out, (ft_text){(const char *)&n, 1});
	ft_put(&out, (ft_text){label.ptr, n});
	ft_put(&out, rest);
	return out.failed ? ft_pack_(3, "", 1) : ft_pack_(kind, out.ptr, out.len);
}

/* ft_fail is an error that the node's retry applies to. The first line of the message can reach senders: no secrets in it. */
static inline ft_answer ft_fail(const char *code, const char *message) { return ft_labelled_(2, ft_text_of(code), ft_text_of(message)); }

/* ft_fatal is an error that another attempt cannot mend. */
static inline ft_answer ft_fatal(const char *code, const char *message) { return ft_labelled_(3, ft_text_of(code), ft_text_of(message)); }

/* ft_output is the output: what was put must be one JSON value. */
static inline ft_answer ft_output(const ft_out *out) {
	if (out->failed) return ft_fatal("no_memory", "the memory limit was reached");
	return ft_pack_(0, out->ptr, out->len);
}

/* ft_route is the output of a node with handles, and the handle to follow. */
static inline ft_answer ft_route(ft_text handle, const ft_out *out) {
	if (out->failed) return ft_fatal("no_memory", "the memory limit was reached");
	return ft_labelled_(1, handle, (ft_text){out->ptr, out->len});
}

/* ---- the host; a node imports what it uses of this, and its manifest has to ask for the capability ---- */

#define FT_HOST_(name) __attribute__((import_module("flowtrux_v1"), import_name(name)))
FT_HOST_("log") void ft_import_log_(int32_t level, const char *ptr, size_t len);
FT_HOST_("http") size_t ft_import_http_(const char *ptr, size_t len);
FT_HOST_("global_set") size_t ft_import_global_set_(const char *key, size_t key_len, const char *value, size_t value_len);
FT_HOST_("global_get") size_t ft_import_global_get_(const char *key, size_t key_len);
FT_HOST_("global_add") size_t ft_import_global_add_(const char *key, size_t key_len, int64_t by);
FT_HOST_("take") void ft_import_take_(char *to);

enum { FT_DEBUG, FT_INFO, FT_WARN, FT_ERROR };

/* ft_log writes a line to the node's log: capability log. */
static inline void ft_log(int level, ft_text message) { ft_import_log_(level, message.ptr, message.len); }

/* ft_reply is what the host answers: a value, or an error. */
typedef struct {
	bool ok, fatal;
	ft_text value, code, message;
} ft_reply;

static inline ft_reply ft_take_(size_t n) {
	char *p = ft_alloc(n);
	if (!p) return (ft_reply){.fatal = true, .code = FT("no_memory"), .message = FT("the memory limit was reached")};
	ft_import_take_(p);
	if (p[0] == 0) return (ft_reply){.ok = true, .value = {p + 1, n - 1}};
	size_t label = (unsigned char)p[1];
	return (ft_reply){.fatal = p[0] == 3, .code = {p + 2, label}, .message = {p + 2 + label, n - 2 - label}};
}

/* ft_http does a request, JSON like the config of the node http-request: capability http. */
static inline ft_reply ft_http(ft_text request) { return ft_take_(ft_import_http_(request.ptr, request.len)); }

/* ft_set_global writes a global value, raw JSON: capability globals. */
static inline ft_reply ft_set_global(ft_text key, ft_text json) { return ft_take_(ft_import_global_set_(key.ptr, key.len, json.ptr, json.len)); }

/* ft_global reads a global value, raw JSON, which is empty when there is none: capability globals. Secret ones, whose keys begin with
   __secret, are refused. The value is as it is now: for a value that a workflow names, a template in the config is the better way. */
static inline ft_reply ft_global(ft_text key) { return ft_take_(ft_import_global_get_(key.ptr, key.len)); }

/* ft_add_global adds to a global value that is an integer, 0 when there is none, and gives the sum, for ft_int: capability globals. Additions
   that are made at the same time, here or on other servers, are all counted. A call that is made again adds again. */
static inline ft_reply ft_add_global(ft_text key, int64_t by) { return ft_take_(ft_import_global_add_(key.ptr, key.len, by)); }

/* ft_failed hands an error of the host on as the node's. */
static inline ft_answer ft_failed(ft_reply r) { return ft_labelled_(r.fatal ? 3 : 2, r.code, r.message); }

/* ---- the node ---- */

#define FT_EXPORT_(name) __attribute__((export_name(name)))

/* FT_NODE makes a function the module's node, of which there is one. manifest is a string literal: the page on the ABI has its keys. */
#define FT_NODE(manifest, function)                                                                                   \
	FT_EXPORT_("alloc") void *ft_export_alloc_(size_t n) { return ft_alloc(n); }                                  \
	FT_EXPORT_("run") ft_answer ft_export_run_(const char *ptr, size_t len) { return function((ft_text){ptr, len}); } \
	FT_EXPORT_("describe") ft_answer ft_export_describe_(void) { return ft_pack_(0, (manifest), sizeof(manifest) - 1); }

/* ft_node is one of several nodes of a module. */
typedef struct {
	const char *manifest; /* with a type of its own */
	ft_answer (*run)(ft_text config);
} ft_node;

static inline ft_answer ft_describe_(const ft_node *nodes, size_t n) {
	ft_out out = {0};
	for (size_t i = 0; i < n; i++) {
		ft_put(&out, i == 0 ? FT("[") : FT(","));
		ft_put(&out, ft_text_of(nodes[i].manifest));
	}
	ft_put(&out, FT("]"));
	return ft_output(&out);
}

/* FT_NODES makes the elements of an array of ft_node the module's nodes, 32 at most, instead of FT_NODE. */
#define FT_NODES(nodes)                                                                                               \
	FT_EXPORT_("alloc") void *ft_export_alloc_(size_t n) { return ft_alloc(n); }                                  \
	FT_EXPORT_("run_type") ft_answer ft_export_run_type_(size_t type, const char *ptr, size_t len) {              \
		return (nodes)[type].run((ft_text){ptr, len});                                                        \
	}                                                                                                             \
	FT_EXPORT_("describe") ft_answer ft_export_describe_(void) { return ft_describe_((nodes), sizeof(nodes) / sizeof((nodes)[0])); }

#endif
