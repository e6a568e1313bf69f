/* The node slugify: Turns a text into a URL slug. */
#include "flowtrux.h"

static bool is_word(char b) { return (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9'); }

static ft_answer run(ft_text config) {
	ft_text text, limit = ft_get(config, "max");
	int64_t max = 0; /* no limit */
	if (!ft_string(ft_get(config, "text"), &text)) return ft_fatal("bad_config", "text must be a string");
	if (!ft_null(limit) && !ft_int(limit, &max)) return ft_fatal("bad_config", "max must be a whole number");

	char *slug = ft_alloc(text.len + 1);
	if (!slug) return ft_fatal("no_memory", "the memory limit was reached");
	size_t n = 0;
	bool gap = false;
	for (size_t i = 0; i < text.len; i++) {
		char b = text.ptr[i];
		if (b >= 'A' && b <= 'Z') b += 'a' - 'A';
		if (!is_word(b)) {
			gap = n > 0;
			continue;
		}
		if (gap) slug[n++] = '-';
		slug[n++] = b;
		gap = false;
	}
	if (max > 0 && n > (uint64_t)max) n = (size_t)max;
	while (n > 0 && slug[n - 1] == '-') n--;
	if (n == 0) return ft_fatal("empty_slug", "the text has no letters or digits");

	ft_out out = {0};
	ft_put(&out, FT("{\"slug\":"));
	ft_put_string(&out, (ft_text){slug, n});
	ft_put(&out, FT("}"));
	return ft_output(&out);
}

FT_NODE("{\"abi\":1,\"type\":\"slugify\",\"version\":\"1.0.0\",\"summary\":\"Turns a text into a URL slug.\","
        "\"config\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"},\"max\":{\"type\":\"integer\",\"minimum\":1}},"
        "\"required\":[\"text\"],\"additionalProperties\":false}}",
        run)
