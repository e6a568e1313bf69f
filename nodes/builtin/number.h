// number.h compares JSON numbers by value, as package nodes/sdk/operator does in Go.
#ifndef NUMBER_H
#define NUMBER_H

#include "../sdk/languages/c/flowtrux.h"

// number_compare is less than, equal to or greater than 0 as a is to b. Both must be JSON numbers. With at most 400 digits, and exponents
// from -400 to 400, they compare exactly; others as the float64 that is next to them, which may be infinite. It needs no memory.
int number_compare(ft_text a, ft_text b);

#endif
