// Several nodes in one module: a counter of its own calls, which always says 1; the length of a text; and a global, which only that
// node may read.
#include "../c/flowtrux.h"

static int64_t calls;

static ft_answer count(ft_text config) {
	(void)config;
	ft_out out = {0};
	ft_put_int(&out, ++calls);
	return ft_output(&out);
}

static ft_answer length(ft_text config) {
	ft_text text;
	calls++;
	if (!ft_string(ft_get(config, "text"), &text)) return ft_fatal("bad_config", "text must be a string");
	ft_out out = {0};
	ft_put_int(&out, (int64_t)text.len);
	return text.len > 0 ? ft_route(FT("some"), &out) : ft_route(FT("none"), &out);
}

static ft_answer read(ft_text config) {
	ft_text key;
	calls++;
	if (!ft_string(ft_get(config, "key"), &key)) return ft_fatal("bad_config", "key must be a string");
	ft_reply value = ft_global(key);
	if (!value.ok) return ft_failed(value);
	ft_out out = {0};
	ft_put(&out, ft_null(value.value) ? FT("null") : value.value);
	return ft_output(&out);
}

static const ft_node nodes[] = {
	{"{\"abi\":1,\"type\":\"count\",\"version\":\"1.0.0\"}", count},
	{"{\"abi\":1,\"type\":\"length\",\"version\":\"1.0.0\",\"handles\":[\"some\",\"none\"]}", length},
	{"{\"abi\":1,\"type\":\"read\",\"version\":\"1.0.0\",\"capabilities\":[\"globals\"]}", read},
};
FT_NODES(nodes)
