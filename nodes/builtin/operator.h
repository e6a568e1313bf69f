// operator.h compares JSON values as package nodes/sdk/operator does in Go, which says what each operator does.
#ifndef OPERATOR_H
#define OPERATOR_H

#include "../sdk/languages/c/flowtrux.h"

enum operator_result { OPERATOR_FALSE, OPERATOR_TRUE, OPERATOR_UNKNOWN, OPERATOR_BAD_PATTERN };

// operator_eval applies an operator, by its name, to two values, which have no key twice. One that is not there is null. The memory that it
// takes is given back.
enum operator_result operator_eval(ft_text name, ft_text left, ft_text right);

#endif
