// The functions that are compared with Go, as exports of a module.
#include "../../json.h"
#include "../../operator.h"
#include "../../regex/regex.h"

#define EXPORT(name) __attribute__((export_name(name)))

// input gives room for what is called next with, and all other memory back.
EXPORT("input") void *input(size_t n) {
	ft_heap_ = 0;
	return allocate(n);
}

// used tells how much memory is taken.
EXPORT("used") uintptr_t used(void) { return ft_heap_; }

EXPORT("match") int match(const char *pattern, size_t pattern_len, const char *text, size_t text_len) {
	return regex_match((ft_text){pattern, pattern_len}, (ft_text){text, text_len});
}

EXPORT("eval") int eval(const char *name, size_t name_len, const char *left, size_t left_len, const char *right, size_t right_len) {
	return operator_eval((ft_text){name, name_len}, (ft_text){left, left_len}, (ft_text){right, right_len});
}
