// A node that reads its config in every way the SDK has, and says what it saw.
#include "../c/flowtrux.h"

static void put_text(ft_out *out, const char *key, ft_text json) {
	ft_text text;
	ft_put_string(out, ft_text_of(key));
	ft_put(out, FT(":"));
	if (ft_string(json, &text)) ft_put_string(out, text);
	else ft_put(out, FT("null"));
	ft_put(out, FT(","));
}

static ft_answer run(ft_text config) {
	ft_out out = {0};
	ft_text value = ft_get(config, "value"), element, key;
	int64_t n;
	bool b;
	ft_put(&out, FT("{"));
	put_text(&out, "text", value);
	ft_put(&out, FT("\"int\":"));
	if (ft_int(value, &n)) ft_put_int(&out, n);
	else ft_put(&out, FT("null"));
	ft_put(&out, FT(",\"bool\":"));
	ft_put(&out, ft_bool(value, &b) ? b ? FT("true") : FT("false") : FT("null"));
	ft_put(&out, FT(",\"null\":"));
	ft_put(&out, ft_null(value) ? FT("true") : FT("false"));
	ft_put(&out, FT(",\"elements\":["));
	for (size_t at = 0, i = 0; ft_next(value, &at, &element); i++) {
		if (i > 0) ft_put(&out, FT(","));
		ft_put(&out, element);
	}
	ft_put(&out, FT("],\"members\":["));
	for (size_t at = 0, i = 0; ft_next_member(value, &at, &key, &element); i++) {
		if (i > 0) ft_put(&out, FT(","));
		ft_put_string(&out, key);
		ft_put(&out, FT(","));
		ft_put(&out, element);
	}
	ft_put(&out, FT("]}"));
	return ft_output(&out);
}

FT_NODE("{\"abi\":1,\"type\":\"reader\",\"version\":\"1.0.0\"}", run)
