// path.h reads paths such as a.b[0]["any key"], as rawjson.ParsePath does in Go.
#ifndef PATH_H
#define PATH_H

#include "json.h"

// path_step leads into the member key of an object, an exact text, or into an element of an array.
typedef struct {
	bool is_index;
	ft_text key;
	size_t index;
} path_step;

// path is what is left of a path. It is read step by step, and a copy of it can be read again.
typedef struct {
	const char *at, *end;
	bool begun;
	bool keys_only; // steps into arrays are left out
} path;

// path_parse reads the text of a path. false = it is none.
bool path_parse(ft_text text, path *p);

// path_next takes the next step of a path that was parsed. false = there is none.
bool path_next(path *p, path_step *step);

// path_found is where a step leads in a value: the member from its key on, or the element, and its value. Without a value, count is how
// many others there are.
typedef struct {
	const char *start;
	ft_text value;
	size_t count;
} path_found;

// path_find follows a step into a value.
path_found path_find(ft_text v, const path_step *step);

#endif
