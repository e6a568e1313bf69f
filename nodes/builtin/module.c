// The built-in nodes transform, condition, switch and http-request: one WebAssembly module, a family of nodes (nodes/abi). Each has a folder
// here with its documentation, its manifest, its code and its cases.
//
// Nothing is freed, as the host puts an instance back after each call.
#include "nodes.h"

// The nodes in the order of the manifests.
static ft_answer (*const nodes[])(ft_text) = {transform, condition, switch_, http_request};

static const char manifests[] = {
	'[',
#embed "transform/manifest.json"
	, ',',
#embed "condition/manifest.json"
	, ',',
#embed "switch/manifest.json"
	, ',',
#embed "http-request/manifest.json"
	, ']',
};

FT_EXPORT_("alloc") void *module_alloc(size_t n) { return ft_alloc(n); }

FT_EXPORT_("describe") ft_answer module_describe(void) { return output((ft_text){manifests, sizeof manifests}); }

FT_EXPORT_("run_type") ft_answer module_run(uint32_t type, const char *ptr, size_t len) {
	if (type >= sizeof nodes / sizeof *nodes)
		__builtin_trap();
	return nodes[type]((ft_text){ptr, len});
}

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
