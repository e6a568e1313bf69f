// The node condition evaluates conditions and follows the handle true or false.
#include "../nodes.h"

// The two answers: the handle with its length before it, and the output.
static const char holds[] = "\4true{\"result\":true}", fails[] = "\5false{\"result\":false}";

static ft_answer result(bool b) { return b ? ft_pack_(1, holds, sizeof holds - 1) : ft_pack_(1, fails, sizeof fails - 1); }

// take takes what a text begins with. false = it begins with something else.
static inline bool take(ft_text *text, ft_text with) {
	if (!begins_with(*text, with))
		return false;
	*text = (ft_text){text->ptr + with.len, text->len - with.len};
	return true;
}

static inline ft_text take_value(ft_text *text) {
	const char *value = text->ptr, *end = value + text->len, *behind = json_skip(value, end);
	*text = (ft_text){behind, (size_t)(end - behind)};
	return (ft_text){value, (size_t)(behind - value)};
}

// read_single splits a config with one condition in its usual form, and reads each byte of it once. false = it is another config.
static inline bool read_single(ft_text config, ft_text *left, ft_text *operator, ft_text *right) {
	if (!take(&config, FT("{\"conditions\":[{\"left\":")))
		return false;
	*left = take_value(&config);
	if (!take(&config, FT(",\"operator\":")))
		return false;
	*operator = take_value(&config);
	*right = take(&config, FT(",\"right\":")) ? take_value(&config) : (ft_text){0};
	return take(&config, FT("}]}")) && config.len == 0;
}

// read_any evaluates the conditions of any config, in order, and stops as soon as the result is known.
static ft_answer read_any(ft_text config) {
	static const ft_text keys[] = {FT("conditions"), FT("match")}, sides[] = {FT("left"), FT("operator"), FT("right")};
	ft_text values[2], side[3];
	json_fields(config, 2, keys, values);
	ft_text conditions = values[0], match = values[1];
	if (json_kind(conditions) != JSON_ARRAY)
		return bad_config("conditions is not an array");
	bool any = ft_equal(match, FT("\"any\""));
	if (match.ptr && !any && !ft_equal(match, FT("\"all\"")))
		return bad_config("match is neither all nor any");
	json_cursor c = json_elements(conditions);
	size_t i = 0;
	for (ft_text one; json_element(&c, &one); i++) {
		json_fields(one, 3, sides, side);
		enum operator_result r = operator_eval(operator_name(side[1]), side[0], side[2]);
		if (r > OPERATOR_TRUE)
			return operator_failed(FT("conditions"), i, r);
		if ((r == OPERATOR_TRUE) == any) // the others do not matter
			return result(any);
	}
	return result(!any);
}

ft_answer condition(ft_text config) {
	ft_text left, operator, right;
	if (!read_single(config, &left, &operator, &right))
		return read_any(config);
	enum operator_result r = operator_eval(operator_name(operator), left, right);
	return r > OPERATOR_TRUE ? operator_failed(FT("conditions"), 0, r) : result(r == OPERATOR_TRUE);
}
