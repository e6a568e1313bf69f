// The built-in nodes transform, condition, switch and http-request: one WebAssembly module, a family of nodes (nodes/abi). Each has a folder
// here with its documentation, its manifest, its code and its cases.
//
// Nothing is freed, as the host puts an instance back after each call.
#include "nodes.h"

#define MANIFEST(name) static const char name##_manifest[]

MANIFEST(transform) = {
#embed "transform/manifest.json" suffix(, 0)
};
MANIFEST(condition) = {
#embed "condition/manifest.json" suffix(, 0)
};
MANIFEST(switch) = {
#embed "switch/manifest.json" suffix(, 0)
};
MANIFEST(http_request) = {
#embed "http-request/manifest.json" suffix(, 0)
};

static const ft_node nodes[] = {
	{transform_manifest, transform},
	{condition_manifest, condition},
	{switch_manifest, switch_},
	{http_request_manifest, http_request},
};

FT_NODES(nodes)

ft_answer failed(ft_reply r) {
	if (ft_equal(r.code, FT("no_memory")))
		__builtin_trap();
	return ft_failed(r);
}

ft_reply placed(ft_text list, size_t index, ft_reply r) {
	ft_out message = {0};
	ft_put(&message, list);
	ft_put(&message, FT("["));
	ft_put_int(&message, (int64_t)index);
	ft_put(&message, FT("]: "));
	ft_put(&message, r.message);
	if (message.failed)
		__builtin_trap();
	r.message = (ft_text){message.ptr, message.len};
	return r;
}

static ft_answer fatal_at(ft_text list, size_t index, ft_text code, ft_text message) {
	return failed(placed(list, index, (ft_reply){.fatal = true, .code = code, .message = message}));
}

ft_answer bad_element(ft_text list, size_t index, ft_text message) { return fatal_at(list, index, FT("bad_config"), message); }

ft_answer operator_failed(ft_text list, size_t index, enum operator_result r) {
	if (r == OPERATOR_BAD_PATTERN)
		return fatal_at(list, index, FT("bad_pattern"), FT("the pattern is no regular expression (RE2)"));
	return fatal_at(list, index, FT("unknown_operator"), FT("the operator is unknown"));
}
