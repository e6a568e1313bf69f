// regex.h matches regular expressions as package regexp of Go does (RE2 syntax, https://github.com/google/re2/wiki/Syntax): the same
// patterns are valid, and the same texts match.
#ifndef REGEX_H
#define REGEX_H

#include "../../sdk/languages/c/flowtrux.h"

enum regex_result { REGEX_NO, REGEX_YES, REGEX_BAD_PATTERN };

// regex_match tells whether a pattern matches anywhere in a text. A byte of the text that is not part of valid UTF-8 counts as U+FFFD.
//
// The time is bounded by the length of the text times the size of the pattern, whose counted repetitions are written out. It takes memory
// for a pattern, none for a text, and gives it back.
enum regex_result regex_match(ft_text pattern, ft_text text);

#endif
