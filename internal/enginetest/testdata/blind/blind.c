// A node that makes the request of its config and then searches all of its memory for a text. The
// config has the text in hexadecimal, so that the search itself does not put it into memory. It is
// there twice: "blind" asks for secret references, "sees" does not.
#include "../../../../nodes/sdk/languages/c/flowtrux.h"

static int half(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// count returns the number of times that the text occurs between two addresses.
static int64_t count(ft_text hex, const volatile char *at, const volatile char *end) {
	int64_t found = 0;
	for (size_t n = hex.len / 2; at + n <= end; at++) {
		size_t same = 0;
		while (same < n && at[same] == (char)(half(hex.ptr[2 * same]) << 4 | half(hex.ptr[2 * same + 1]))) same++;
		found += same == n;
	}
	return found;
}

static ft_answer run(ft_text config) {
	ft_text hex, request = ft_get(config, "request");
	if (!ft_string(ft_get(config, "find"), &hex)) return ft_fatal("bad_config", "find must be a string");
	ft_reply r = ft_http(request);
	if (!r.ok) return ft_failed(r);
	uintptr_t size = (uintptr_t)__builtin_wasm_memory_size(0) << 16;
	ft_out out = {0};
	ft_put(&out, FT("{\"found\":"));
	ft_put_int(&out, count(hex, (const char *)16, (const char *)size));
	ft_put(&out, FT(",\"request\":"));
	ft_put(&out, request);
	ft_put(&out, FT("}"));
	return ft_output(&out);
}

static const ft_node nodes[] = {
	{"{\"abi\":1,\"type\":\"blind\",\"version\":\"1.0.0\",\"capabilities\":[\"http\"],\"secrets\":\"handles\"}", run},
	{"{\"abi\":1,\"type\":\"sees\",\"version\":\"1.0.0\",\"capabilities\":[\"http\"]}", run},
};
FT_NODES(nodes)
