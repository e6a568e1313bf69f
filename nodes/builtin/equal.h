#ifndef EQUAL_H
#define EQUAL_H

#include "json.h"

// equal tells whether two values are the same: numbers by value, also one with a string that holds one; objects in any order of their keys.
// Values have no key twice. It does not recurse, and sorts the members of objects at most once. The memory that it takes is given back.
bool equal(ft_text a, ft_text b);

// least_length is how many bytes a value that is the same as v has at least: v may be longer only by zeros and signs
// of its numbers, and by escapes.
size_t least_length(ft_text v);

// order compares values that have an order: numbers, and strings. false = these two have none.
bool order(ft_text a, ft_text b, int *result);

#endif
