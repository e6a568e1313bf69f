// The node transform builds a value: from templates alone, or by operations on one.
#include "operations.h"

// transform returns a resolved output without reading it: the schema allows no other key beside it.
ft_answer transform(ft_text config) {
	const ft_text before = FT("{\"output\":");
	if (begins_with(config, before))
		return output((ft_text){config.ptr + before.len, config.len - before.len - 1});
	static const ft_text keys[] = {FT("input"), FT("operations")};
	ft_text values[2];
	json_fields(config, 2, keys, values);
	return operate(values[0], values[1]);
}
