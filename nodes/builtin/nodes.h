// nodes.h declares the nodes of the module.
#ifndef NODES_H
#define NODES_H

#include "json.h"
#include "operator.h"

ft_answer transform(ft_text config);
ft_answer condition(ft_text config);
ft_answer switch_(ft_text config);
ft_answer http_request(ft_text config);

// output answers with a value as it is, such as a part of the config.
static inline ft_answer output(ft_text v) { return ft_output(&(ft_out){.ptr = (char *)v.ptr, .len = v.len}); }

static inline ft_answer bad_config(const char *message) { return ft_fatal("bad_config", message); }

// failed answers with an error of the host. Where there was no memory for what the host has said, it traps as allocate does.
ft_answer failed(ft_reply r);

// operator_name is the operator that a config names. Other values than texts, which a template may have put there, name none.
static inline ft_text operator_name(ft_text v) { return json_kind(v) == JSON_STRING ? json_text(v) : (ft_text){0}; }

// placed is an error with its place before the message: with the element of a list in the config.
ft_reply placed(ft_text list, size_t index, ft_reply r);

// bad_element answers that an element of a list in the config is none.
ft_answer bad_element(ft_text list, size_t index, ft_text message);

// operator_failed answers with the error of an operator, a result that is neither true nor false, in an element of a list in the config.
ft_answer operator_failed(ft_text list, size_t index, enum operator_result r);

#endif
