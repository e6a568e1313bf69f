// Node types that all try the same: which one is allowed to is the host's decision. The first letter of the config, a JSON string, says
// what to try. The answer is what came of it, and a count that only the first call of an instance finds at 1.

#include "../../../../nodes/sdk/languages/c/flowtrux.h"

typedef unsigned long long u64;

__attribute__((import_module("wasi_snapshot_preview1"), import_name("clock_time_get"))) int clock_time_get(int, u64, u64 *);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("random_get"))) int random_get(void *, size_t);

static unsigned count;
static volatile unsigned zeros[20000];

static void put_reply(ft_out *out, ft_reply r) { ft_put_string(out, r.ok ? r.value : r.code); }

static ft_answer attempt(ft_text config, const char *type) {
	ft_out out = {0};
	char what = config.len > 1 ? config.ptr[1] : 0;
	char *all = (char *)(__builtin_wasm_memory_size(0) * 65536);
	count++;
	for (unsigned i = 0; i < 20000; i += 997) zeros[i] += count;
	ft_put(&out, FT("["));
	ft_put_string(&out, ft_text_of(type));
	ft_put(&out, FT(","));
	ft_put_int(&out, count);
	ft_put(&out, FT(","));
	ft_put_int(&out, zeros[997]);
	ft_put(&out, FT(","));
	switch (what) {
	case 'h':
		put_reply(&out, ft_http(FT("{\"url\":\"https://api.example.com\"}")));
		break;
	case 'g':
		put_reply(&out, ft_global(FT("rate")));
		break;
	case 's':
		put_reply(&out, ft_set_global(FT("rate"), FT("1")));
		break;
	case 'a':
		put_reply(&out, ft_add_global(FT("n"), 2));
		break;
	case 'l':
		ft_log(FT_INFO, ft_text_of(type));
		ft_put(&out, FT("null"));
		break;
	case 'c': {
		u64 now = 0;
		clock_time_get(0, 0, &now);
		ft_put_int(&out, (int64_t)(now / 1000000000));
		break;
	}
	case 'r': {
		unsigned n = 0;
		random_get(&n, sizeof n);
		ft_put_int(&out, n);
		break;
	}
	case 'f': // overwrites all that it has
		for (volatile char *p = (char *)&count; p < all; p++)
			if (p < out.ptr || p >= out.ptr + out.cap) *p = (char)0xab;
		ft_put(&out, FT("0"));
		break;
	case 'm': // as much memory as it gets
		for (count = 0; __builtin_wasm_memory_grow(0, 1) != (size_t)-1; count++)
			*(volatile char *)(all + (size_t)count * 65536) = 1;
		ft_put_int(&out, count);
		break;
	case 'o': // an output of 2,000 bytes
		for (int i = 0; i < 200; i++) ft_put(&out, i == 0 ? FT("\"123456789") : FT("1234567890"));
		ft_put(&out, FT("\""));
		break;
	case 'b': // burns fuel
		for (unsigned i = 0; i < 1000000; i++) zeros[i % 20000]++;
		ft_put(&out, FT("1"));
		break;
	case 'e':
		for (;;) zeros[count++ % 20000]++;
	case 't':
		__builtin_trap();
	default:
		ft_put(&out, FT("0"));
	}
	ft_put(&out, FT("]"));
	return ft_output(&out);
}

static ft_answer plain(ft_text config) { return attempt(config, "plain"); }
static ft_answer online(ft_text config) { return attempt(config, "online"); }
static ft_answer values(ft_text config) { return attempt(config, "values"); }
static ft_answer timed(ft_text config) { return attempt(config, "timed"); }

static const ft_node nodes[] = {
	{"{\"abi\":1,\"type\":\"plain\",\"version\":\"1.0.0\"}", plain},
	{"{\"abi\":1,\"type\":\"online\",\"version\":\"1.0.0\",\"capabilities\":[\"http\"],\"secrets\":\"handles\"}", online},
	{"{\"abi\":1,\"type\":\"values\",\"version\":\"1.0.0\",\"capabilities\":[\"globals\",\"log\"]}", values},
	{"{\"abi\":1,\"type\":\"timed\",\"version\":\"1.0.0\",\"capabilities\":[\"clock\",\"random\"]}", timed},
};
FT_NODES(nodes)
