// A node that keeps the rules, or breaks the one that WAY names.
#include "../../../nodes/sdk/languages/c/flowtrux.h"

static int warm;
__attribute__((export_name("warmup"))) void node_warmup(void) { warm = 1; }

// deep goes down as far as a value does.
static volatile char touched;
static void deep(ft_text json) {
	volatile char frame[1024];
	frame[json.len % sizeof frame] = json.ptr[0];
	ft_text element;
	for (size_t at = 0; ft_next(json, &at, &element);) deep(element);
	touched = frame[json.len % sizeof frame];
}

static ft_answer run(ft_text config) {
	ft_out out = {0};
	ft_text value = ft_get(config, "value");
	switch (WAY) {
	case 'w': // what it says depends on its warm-up
		ft_put_int(&out, warm);
		return ft_output(&out);
	case 't': // it cannot bear every value
		if (ft_equal(value, FT("null"))) __builtin_trap();
		break;
	case 'b': // nor every length
		if (config.len > 65536) return ft_pack_(0, (const char *)-1, 1);
		break;
	case 'd': // nor every depth
		deep(value);
		break;
	case 'l': // it leads to where it does not say
		ft_put(&out, FT("1"));
		return ft_route(FT("elsewhere"), &out);
	case 'h': // it asks for http, and hands on what it gets
		{
			ft_reply r = ft_http(value);
			if (!r.ok) return ft_failed(r);
			ft_put(&out, r.value);
			ft_set_global(FT("last"), value);
			ft_log(FT_WARN, FT("asked"));
			return ft_output(&out);
		}
	}
	ft_put(&out, FT("{\"got\":"));
	ft_put(&out, ft_null(value) ? FT("null") : value);
	ft_put(&out, FT("}"));
	return ft_output(&out);
}

#ifndef MANIFEST
#define MANIFEST "{\"abi\":1,\"type\":\"ways\",\"version\":\"1.0.0\",\"capabilities\":[\"http\",\"globals\",\"log\"]}"
#endif
FT_NODE(MANIFEST, run)
