// A node that reads a global, adds to it and reads it again, and says what it saw.
#include "../c/flowtrux.h"

static void put_value(ft_out *out, ft_text json) { ft_put(out, ft_null(json) ? FT("null") : json); }

static ft_answer run(ft_text config) {
	ft_text key;
	int64_t by, sum;
	if (!ft_string(ft_get(config, "key"), &key)) return ft_fatal("bad_config", "key must be a string");
	if (!ft_int(ft_get(config, "by"), &by)) return ft_fatal("bad_config", "by must be a whole number");
	ft_reply before = ft_global(key);
	if (!before.ok) return ft_failed(before);
	ft_reply added = ft_add_global(key, by);
	if (!added.ok) return ft_failed(added);
	if (!ft_int(added.value, &sum)) return ft_fatal("bad_sum", "the sum is no integer");
	ft_reply after = ft_global(key);
	if (!after.ok) return ft_failed(after);

	ft_out out = {0};
	ft_put(&out, FT("{\"before\":"));
	put_value(&out, before.value);
	ft_put(&out, FT(",\"sum\":"));
	ft_put_int(&out, sum);
	ft_put(&out, FT(",\"after\":"));
	put_value(&out, after.value);
	ft_put(&out, FT("}"));
	return ft_output(&out);
}

FT_NODE("{\"abi\":1,\"type\":\"counter\",\"version\":\"1.0.0\",\"capabilities\":[\"globals\"]}", run)
