package reference

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// operate applies the operations to input, in order. Values that they do not touch keep their key
// order and digits.
func operate(ctx *sdk.Context, input, operations []byte) ([]byte, error) {
	if input == nil {
		input = []byte("null")
	}
	if rawjson.KindOf(operations) != rawjson.Array {
		return nil, sdk.Fatal("bad_config", "operations is not an array")
	}
	value := input
	var err error
	i := 0
	rawjson.Elements(operations, func(op []byte) bool {
		value, err = apply(ctx, value, op)
		err = placed("operations", i, err)
		i++
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

var errNoValue = sdk.Fatal("bad_config", "the operation has no value")

func apply(ctx *sdk.Context, value, op []byte) ([]byte, error) {
	switch string(rawjson.Get(op, "op")) {
	case `"set"`:
		at, err := pathOf(op, "path")
		if err != nil {
			return nil, err
		}
		v := rawjson.Get(op, "value")
		if v == nil {
			return nil, errNoValue
		}
		return set(value, at, v)
	case `"delete"`:
		at, err := pathOf(op, "path")
		if err != nil {
			return nil, err
		}
		return remove(value, at), nil
	case `"rename"`:
		return rename(value, op)
	case `"pick"`:
		return pick(value, rawjson.Get(op, "paths"))
	case `"setGlobal"`:
		key, v := rawjson.Get(op, "key"), rawjson.Get(op, "value")
		switch {
		case rawjson.KindOf(key) != rawjson.String:
			return nil, sdk.Fatal("bad_config", "the key is not a string")
		case v == nil:
			return nil, errNoValue
		}
		return value, sdk.SetGlobal(ctx, string(rawjson.AppendString(nil, key)), v)
	}
	return nil, sdk.Fatal("bad_config", "the op is not one of set, delete, rename, pick, setGlobal")
}

func pathOf(op []byte, key string) (rawjson.Path, error) {
	v := rawjson.Get(op, key)
	if rawjson.KindOf(v) != rawjson.String {
		return nil, errPath
	}
	return parsePath(string(rawjson.Exact(v)))
}

// set puts v at a path. Missing objects on the way are created, and so is an element just behind
// the end of an array. A scalar in the way, or an array where the path needs an object, is an
// error: it would be lost.
func set(value []byte, at rawjson.Path, v []byte) ([]byte, error) {
	if len(at) == 0 {
		return v, nil
	}
	kind := rawjson.KindOf(value)
	if missing := value == nil || kind == rawjson.Null; missing {
		if value = []byte("{}"); at[0].IsIndex() {
			value = []byte("[]")
		}
		kind = rawjson.KindOf(value)
	}
	if at[0].IsIndex() != (kind == rawjson.Array) || at[0].IsIndex() == (kind == rawjson.Object) {
		return nil, sdk.Fatal("bad_path", "a value of another kind stands in the way of the path")
	}
	inner, err := set(at[0].Of(value), at[1:], v)
	if err != nil {
		return nil, err
	}
	b := builder{open: value[0]}
	replaced := false
	each(value, func(s rawjson.Step, raw, member []byte) bool {
		if s == at[0] {
			b.add(raw, inner)
			replaced = true
		} else {
			b.add(raw, member)
		}
		return true
	})
	if !replaced {
		if at[0].IsIndex() && at[0].Index != b.n {
			return nil, sdk.Fatal("bad_path", "an index is beyond the end of the array")
		}
		b.add(rawKey(&at[0]), inner)
	}
	return b.close(), nil
}

// remove removes the value at a path. If there is none, nothing changes.
func remove(value []byte, at rawjson.Path) []byte {
	if len(at) == 0 {
		return []byte("null")
	}
	old := at[0].Of(value)
	if old == nil {
		return value
	}
	b := builder{open: value[0]}
	each(value, func(s rawjson.Step, raw, member []byte) bool {
		switch {
		case s != at[0]:
			b.add(raw, member)
		case len(at) > 1:
			b.add(raw, remove(member, at[1:]))
		}
		return true
	})
	return b.close()
}

// rename gives the member at a path another key, in its place. A member that already has that key
// is removed. If there is nothing at the path, nothing changes.
func rename(value, op []byte) ([]byte, error) {
	at, err := pathOf(op, "path")
	if err != nil {
		return nil, err
	}
	to := rawjson.Get(op, "to")
	if rawjson.KindOf(to) != rawjson.String {
		return nil, sdk.Fatal("bad_config", "the new name is not a string")
	}
	if len(at) == 0 || at[len(at)-1].IsIndex() {
		return nil, sdk.Fatal("bad_path", "the path does not end with a key")
	}
	return renameAt(value, at, rawjson.Step{Key: string(rawjson.Exact(to)), Index: -1}), nil
}

func renameAt(value []byte, at rawjson.Path, to rawjson.Step) []byte {
	if at[0].Of(value) == nil || (len(at) == 1 && at[0] == to) {
		return value
	}
	b := builder{open: value[0]}
	each(value, func(s rawjson.Step, raw, member []byte) bool {
		switch {
		case s != at[0]:
			if len(at) > 1 || s != to {
				b.add(raw, member)
			}
		case len(at) > 1:
			b.add(raw, renameAt(member, at[1:], to))
		default:
			b.add(rawKey(&to), member)
		}
		return true
	})
	return b.close()
}

// pick builds an object of the values at paths, each where it stood (a.b stays a.b; indexes are
// left out). Missing values are left out.
func pick(value, paths []byte) ([]byte, error) {
	if rawjson.KindOf(paths) != rawjson.Array {
		return nil, sdk.Fatal("bad_config", "paths is not an array")
	}
	out := []byte("{}")
	var err error
	i := 0
	rawjson.Elements(paths, func(p []byte) bool {
		out, err = pickOne(out, value, p)
		err = placed("paths", i, err)
		i++
		return err == nil
	})
	return out, err
}

// pickOne adds the value at path, a JSON string, to out.
func pickOne(out, value, path []byte) ([]byte, error) {
	if rawjson.KindOf(path) != rawjson.String {
		return nil, errPath
	}
	at, err := parsePath(string(rawjson.Exact(path)))
	if err != nil {
		return nil, err
	}
	v := value
	for _, s := range at {
		if v = s.Of(v); v == nil {
			return out, nil
		}
	}
	return set(out, keysOf(at), v)
}

// keysOf returns a path without its indexes: the place of a picked value in the new object.
func keysOf(at rawjson.Path) rawjson.Path {
	keys := make(rawjson.Path, 0, len(at))
	for _, s := range at {
		if !s.IsIndex() {
			keys = append(keys, s)
		}
	}
	return keys
}
