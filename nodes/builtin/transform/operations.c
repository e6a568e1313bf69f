#include "operations.h"

#include "../path.h"
#include "draft.h"

// failure is why an operation fails.
typedef const ft_reply *failure;

// none is that nothing failed.
static const failure none = NULL;

#define FAILURE(name, code_, message_) static const ft_reply name = {.fatal = true, .code = FT(code_), .message = FT(message_)}

FAILURE(no_op, "bad_config", "the op is not one of set, delete, rename, pick, setGlobal");
FAILURE(no_value, "bad_config", "the operation has no value");
FAILURE(no_name, "bad_config", "the new name is not a string");
FAILURE(no_key, "bad_config", "the key is not a string");
FAILURE(no_paths, "bad_config", "paths is not an array");
FAILURE(no_path, "bad_path", "the path is not one like a.b[0][\"any key\"]");
FAILURE(no_place, "bad_path", "a value of another kind stands in the way of the path");
FAILURE(beyond, "bad_path", "an index is beyond the end of the array");
FAILURE(no_member, "bad_path", "the path does not end with a key");

// keep makes a failure of an error.
static failure keep(ft_reply r) {
	ft_reply *kept = allocate(sizeof *kept);
	*kept = r;
	return kept;
}

static bool parsed(ft_text v, path *at) { return json_kind(v) == JSON_STRING && path_parse(json_exact(v), at); }

// follow follows a path into a value. container is where its last step leads from, and step that step.
static path_found follow(ft_text v, path at, ft_text *container, path_step *step) {
	path_found f = {.value = v};
	while (f.value.ptr && path_next(&at, step)) {
		*container = f.value;
		f = path_find(f.value, step);
	}
	return f;
}

// nest opens the objects and arrays that a path leads through, and gives what closes them. false = an index is not 0.
static bool nest(path at, ft_out *open, ft_text *close) {
	size_t n = 0;
	path_step step;
	for (path p = at; path_next(&p, &step);)
		n++;
	if (n == 0)
		return true;
	char *closing = allocate(n);
	*close = (ft_text){closing, n};
	while (path_next(&at, &step)) {
		if (step.is_index && step.index > 0)
			return false;
		closing[--n] = step.is_index ? ']' : '}';
		ft_put(open, step.is_index ? FT("[") : FT("{"));
		if (step.is_index)
			continue;
		json_put_exact(open, step.key);
		ft_put(open, FT(":"));
	}
	return true;
}

// replace puts v in the place of a part of the draft: behind what is before, and within what is missing of a path.
static failure replace(draft *d, ft_text part, ft_out *before, path missing, ft_text v) {
	ft_text close = {0};
	if (!nest(missing, before, &close))
		return &beyond;
	if (before->failed)
		__builtin_trap();
	draft_replace(d, part, (ft_text){before->ptr, before->len}, v, close);
	return none;
}

// set puts v at a path. Missing objects on the way are created, and so is an element just behind the end of an array. A scalar in the way,
// or an array where the path needs an object, is an error: it would be lost.
static failure set(draft *d, path at, ft_text v) {
	ft_text place = d->text;
	ft_out before = {0};
	path_step step;
	for (path rest = at; path_next(&at, &step); rest = at) {
		enum json_kind kind = json_kind(place);
		if (kind == JSON_NULL)
			return replace(d, place, &before, rest, v);
		if (kind != (step.is_index ? JSON_ARRAY : JSON_OBJECT))
			return &no_place;
		path_found f = path_find(place, &step);
		if (f.value.ptr) {
			place = f.value;
			continue;
		}
		if (step.is_index && step.index != f.count)
			return &beyond;
		if (f.count > 0)
			ft_put(&before, FT(","));
		if (!step.is_index) {
			json_put_exact(&before, step.key);
			ft_put(&before, FT(":"));
		}
		return replace(d, (ft_text){place.ptr + place.len - 1, 0}, &before, at, v);
	}
	return replace(d, place, &before, at, v);
}

// with_comma is a member or element with a comma that goes with it, if there is one.
static ft_text with_comma(const path_found *f) {
	const char *start = f->start, *end = f->value.ptr + f->value.len;
	if (*end == ',')
		end++;
	else if (start[-1] == ',')
		start--;
	return (ft_text){start, (size_t)(end - start)};
}

// cut takes a part out of the draft.
static void cut(draft *d, ft_text part) { draft_replace(d, part, (ft_text){0}, (ft_text){0}, (ft_text){0}); }

// delete removes the value at a path. If there is none, nothing changes.
static void delete(draft *d, path at) {
	ft_text container;
	path_step step;
	path_found f = follow(d->text, at, &container, &step);
	if (f.value.ptr)
		cut(d, with_comma(&f));
}

// rename gives the member at a path another key, in its place. A member that already has that key is removed. If there is nothing at the
// path, nothing changes.
static failure rename(draft *d, path at, ft_text to) {
	if (json_kind(to) != JSON_STRING)
		return &no_name;
	path_step step;
	for (path p = at; path_next(&p, &step);) {
	}
	if (step.is_index)
		return &no_member;
	ft_text container, name = json_exact(to);
	path_found f = follow(d->text, at, &container, &step);
	if (!f.value.ptr || ft_equal(step.key, name))
		return none;
	path_found other = path_find(container, &(path_step){.key = name});
	ft_text key = {f.start, (size_t)(f.value.ptr - f.start)};
	size_t key_at = (size_t)(key.ptr - d->text.ptr);
	if (other.value.ptr) {
		ft_text part = with_comma(&other);
		if (part.ptr < key.ptr)
			key_at -= part.len;
		cut(d, part);
	}
	ft_out put = {0};
	json_put_exact(&put, name);
	ft_put(&put, FT(":"));
	return replace(d, (ft_text){d->text.ptr + key_at, key.len}, &put, (path){.begun = true}, (ft_text){0});
}

// pick builds an object of the values at paths, each where it stood: a.b stays a.b, and indexes are left out. Missing values are left out.
static failure pick(draft *d, draft *spare, ft_text paths) {
	if (json_kind(paths) != JSON_ARRAY)
		return &no_paths;
	draft picked = {FT("{}"), spare->room, spare->size};
	json_cursor c = json_elements(paths);
	size_t i = 0;
	for (ft_text p; json_element(&c, &p); i++) {
		path at;
		ft_text container;
		path_step step;
		failure bad = &no_path;
		if (parsed(p, &at)) {
			ft_text v = follow(d->text, at, &container, &step).value;
			at.keys_only = true;
			bad = v.ptr ? set(&picked, at, v) : none;
		}
		if (bad)
			return keep(placed(FT("paths"), i, *bad));
	}
	*spare = *d;
	*d = picked;
	return none;
}

static failure set_global(ft_text key, ft_text v) {
	if (json_kind(key) != JSON_STRING)
		return &no_key;
	if (!v.ptr)
		return &no_value;
	ft_reply r = ft_set_global(json_text(key), v);
	return r.ok ? none : keep(r);
}

// apply applies one operation. spare has the room of another draft.
static failure apply(draft *d, draft *spare, ft_text operation) {
	enum { OP, PATH, VALUE, TO, PATHS, KEY, KEYS };
	static const ft_text keys[KEYS] = {FT("op"), FT("path"), FT("value"), FT("to"), FT("paths"), FT("key")};
	ft_text v[KEYS], op;
	json_fields(operation, KEYS, keys, v);
	op = v[OP];
	if (ft_equal(op, FT("\"pick\"")))
		return pick(d, spare, v[PATHS]);
	if (ft_equal(op, FT("\"setGlobal\"")))
		return set_global(v[KEY], v[VALUE]);
	bool sets = ft_equal(op, FT("\"set\"")), deletes = ft_equal(op, FT("\"delete\""));
	if (!sets && !deletes && !ft_equal(op, FT("\"rename\"")))
		return &no_op;
	path at;
	if (!parsed(v[PATH], &at))
		return &no_path;
	if (deletes)
		return delete(d, at), none;
	if (!sets)
		return rename(d, at, v[TO]);
	return v[VALUE].ptr ? set(d, at, v[VALUE]) : &no_value;
}

ft_answer operate(ft_text input, ft_text operations) {
	if (json_kind(operations) != JSON_ARRAY)
		return bad_config("operations is not an array");
	draft d = {.text = input.ptr ? input : FT("null")}, spare = {0};
	json_cursor c = json_elements(operations);
	size_t i = 0;
	for (ft_text operation; json_element(&c, &operation); i++) {
		failure bad = apply(&d, &spare, operation);
		if (bad)
			return failed(placed(FT("operations"), i, *bad));
	}
	return output(d.text);
}
