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

ft_answer operator_failed(enum operator_result r) {
	if (r == OPERATOR_BAD_PATTERN)
		return ft_fatal("bad_pattern", "the pattern is no regular expression (RE2)");
	return ft_fatal("unknown_operator", "the operator is unknown");
}
