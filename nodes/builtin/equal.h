#ifndef EQUAL_H
#define EQUAL_H

#include "json.h"

// equal tells whether two values are the same: numbers by value, also one with a string that holds one; objects in any order of their keys.
// It does not recurse, and the time for objects of n members is n log n.
bool equal(ft_text a, ft_text b);

// order compares values that have an order: numbers, and strings. false = these two have none.
bool order(ft_text a, ft_text b, int *result);

#endif
