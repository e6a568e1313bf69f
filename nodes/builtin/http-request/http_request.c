// The node http-request sends one request through the host's guarded client.
#include "../nodes.h"

static bool is(ft_text status, const char *other) { return ft_equal(status, ft_text_of(other)); }

// http_request passes the config to the host as it is: it is in the host's request format, and the response is the node's output.
ft_answer http_request(ft_text config) {
	ft_text fail = json_get(config, FT("failOnStatus"));
	enum json_kind kind = json_kind(fail);
	if (kind > JSON_TRUE) // a template resolved to it
		return ft_fatal("http_bad_request", "failOnStatus must be true or false");
	ft_reply r = ft_http(config);
	if (!r.ok)
		return failed(r);
	ft_text status = json_get(r.value, FT("status"));
	if (kind == JSON_FALSE || status.len != 3 || *status.ptr < '4')
		return output(r.value);
	char message[] = "the server answered 000";
	memcpy(message + sizeof message - 4, status.ptr, 3);
	bool again = *status.ptr >= '5' || is(status, "408") || is(status, "425") || is(status, "429");
	return again ? ft_fail("http_status", message) : ft_fatal("http_status", message);
}
