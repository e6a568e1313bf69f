// number.h compares JSON numbers by value, as package nodes/sdk/operator does in Go.
#ifndef NUMBER_H
#define NUMBER_H

#include "../sdk/languages/c/flowtrux.h"

// number_compare is less than, equal to or greater than 0 as a is to b. Both must be JSON numbers. They compare exactly, but that an exponent
// beyond 10^15 or -10^15 counts as this one. It needs no memory.
int number_compare(ft_text a, ft_text b);

// number_least_length is how many bytes a JSON number with the value of n has at least: it has the same digits between its zeros.
size_t number_least_length(ft_text n);

#endif
