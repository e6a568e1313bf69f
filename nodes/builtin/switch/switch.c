// The node switch compares a value with cases and follows the name of the first that fits.
#include "../nodes.h"

static ft_answer follow(ft_text name, size_t index) {
	if (!name.ptr) {
		static const char none[] = "\7default{\"case\":null}"; // the handle with its length before it, and the output
		return ft_pack_(1, none, sizeof none - 1);
	}
	if (json_kind(name) != JSON_STRING)
		return bad_element(FT("cases"), index, FT("the name is not a string"));
	ft_out out = {0};
	ft_put(&out, FT("{\"case\":"));
	ft_put(&out, name);
	ft_put(&out, FT("}"));
	return ft_route(json_text(name), &out);
}

ft_answer switch_(ft_text config) {
	static const ft_text keys[] = {FT("cases"), FT("value")}, parts[] = {FT("name"), FT("value"), FT("operator")};
	ft_text values[2], part[3];
	json_fields(config, 2, keys, values);
	ft_text cases = values[0], value = values[1];
	if (json_kind(cases) != JSON_ARRAY)
		return bad_config("cases is not an array");
	json_cursor c = json_elements(cases);
	size_t i = 0;
	for (ft_text one; json_element(&c, &one); i++) {
		json_fields(one, 3, parts, part);
		ft_text name = part[2].ptr ? operator_name(part[2]) : FT("equals");
		enum operator_result r = operator_eval(name, value, part[1]);
		if (r > OPERATOR_TRUE)
			return operator_failed(FT("cases"), i, r);
		if (r == OPERATOR_TRUE)
			return follow(part[0], i);
	}
	return follow((ft_text){0}, i);
}
