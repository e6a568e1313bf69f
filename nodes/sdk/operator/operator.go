// Package operator compares JSON values as the nodes condition and switch do: numbers by value and
// digits, other kinds only with their own kind. The only errors are unknown operators and invalid
// patterns.
package operator

import (
	"bytes"
	"regexp"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// Eval applies an operator, by its name, to two raw JSON values. Operators of one value ignore
// right, which may be nil. A missing value is null. The error, for an unknown operator or an
// invalid regular expression, is not retried.
//
// Numbers, and a number and a string that holds one, compare by value, exactly, whatever their
// length; an exponent beyond 10^15 or -10^15 counts as this one. Two strings compare byte for byte;
// half of a surrogate pair is equal to itself alone, but for matches it is U+FFFD, as a pattern can
// name nothing else. All other pairs of different kinds are unequal and neither less nor greater.
// contains looks for a part of a string, an element of an array or a key of an object; in is
// contains with the sides swapped.
func Eval(name, left, right []byte) (bool, error) {
	left, right = orNull(left), orNull(right)
	switch string(name) {
	case "equals":
		return Equal(left, right), nil
	case "notEquals":
		return !Equal(left, right), nil
	case "greaterThan":
		c, ok := order(left, right)
		return ok && c > 0, nil
	case "greaterOrEqual":
		c, ok := order(left, right)
		return ok && c >= 0, nil
	case "lessThan":
		c, ok := order(left, right)
		return ok && c < 0, nil
	case "lessOrEqual":
		c, ok := order(left, right)
		return ok && c <= 0, nil
	case "contains":
		return contains(left, right), nil
	case "notContains":
		return !contains(left, right), nil
	case "in":
		return contains(right, left), nil
	case "startsWith":
		l, r, ok := texts(left, right)
		return ok && bytes.HasPrefix(l, r), nil
	case "endsWith":
		l, r, ok := texts(left, right)
		return ok && bytes.HasSuffix(l, r), nil
	case "matches":
		return matches(left, right)
	case "exists":
		return rawjson.KindOf(left) != rawjson.Null, nil
	case "notExists":
		return rawjson.KindOf(left) == rawjson.Null, nil
	case "isEmpty":
		return isEmpty(left), nil
	case "isNotEmpty":
		return !isEmpty(left), nil
	case "isTrue":
		return is(left, "true"), nil
	case "isFalse":
		return is(left, "false"), nil
	}
	return false, sdk.Fatal("unknown_operator", "the operator is unknown")
}

// Name returns the operator in a config. A value other than a string, which a template may have put
// there, is no operator.
func Name(v []byte) []byte { return rawjson.Text(v) }

var null = []byte("null")

func orNull(v []byte) []byte {
	if v == nil {
		return null
	}
	return v
}

// Equal reports whether two raw JSON values are the same: numbers by value, objects in any order of
// their keys.
func Equal(a, b []byte) bool {
	ka, kb := rawjson.KindOf(a), rawjson.KindOf(b)
	if ka != kb {
		c, ok := order(a, b)
		return ok && c == 0
	}
	switch ka {
	case rawjson.Number, rawjson.String:
		c, ok := order(a, b)
		return ok && c == 0
	case rawjson.Array:
		return equalElements(a, b)
	case rawjson.Object:
		return equalMembers(a, b)
	}
	return true // null, true, false
}

func equalElements(a, b []byte) bool {
	var rest [][]byte
	rawjson.Elements(b, func(v []byte) bool { rest = append(rest, v); return true })
	same := true
	rawjson.Elements(a, func(v []byte) bool {
		same = len(rest) > 0 && Equal(v, rest[0])
		if same {
			rest = rest[1:]
		}
		return same
	})
	return same && len(rest) == 0
}

func equalMembers(a, b []byte) bool {
	other := make(map[string][]byte)
	rawjson.Members(b, func(k, v []byte) bool { other[string(rawjson.AppendExact(nil, k))] = v; return true })
	same := true
	rawjson.Members(a, func(k, v []byte) bool {
		key := string(rawjson.AppendExact(nil, k))
		w, ok := other[key]
		same = ok && Equal(v, w)
		delete(other, key)
		return same
	})
	return same && len(other) == 0
}

// order compares values that have an order: numbers, and strings.
func order(a, b []byte) (c int, ok bool) {
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b), true
	}
	if l, r, ok := texts(a, b); ok {
		return bytes.Compare(l, r), true
	}
	na, nb := number(a), number(b)
	if na == nil || nb == nil {
		return 0, false
	}
	return compareNumbers(na, nb), true
}

// isNumber is rawjson.KindOf for one kind, small enough to be inlined.
func isNumber(v []byte) bool { return len(v) > 0 && (v[0] == '-' || v[0]-'0' <= 9) }

// number returns the text of a number, or of a string that holds one.
func number(v []byte) []byte {
	switch rawjson.KindOf(v) {
	case rawjson.Number:
		return v
	case rawjson.String:
		if t := rawjson.Text(v); rawjson.KindOf(t) == rawjson.Number && rawjson.Check(t, 0) == nil && t[len(t)-1] > ' ' {
			return t
		}
	}
	return nil
}

func texts(a, b []byte) (l, r []byte, ok bool) {
	if rawjson.KindOf(a) != rawjson.String || rawjson.KindOf(b) != rawjson.String {
		return nil, nil, false
	}
	return rawjson.Exact(a), rawjson.Exact(b), true
}

// contains reports whether whole has part, as a part of its text, an element or a key.
func contains(whole, part []byte) bool {
	found := false
	switch rawjson.KindOf(whole) {
	case rawjson.String:
		w, p, ok := texts(whole, part)
		return ok && bytes.Contains(w, p)
	case rawjson.Array:
		rawjson.Elements(whole, func(v []byte) bool { found = Equal(v, part); return !found })
	case rawjson.Object:
		if rawjson.KindOf(part) == rawjson.String {
			found = rawjson.Get(whole, string(rawjson.Exact(part))) != nil
		}
	}
	return found
}

// matches applies an RE2 pattern (https://github.com/google/re2/wiki/Syntax) to a string.
func matches(left, pattern []byte) (bool, error) {
	if rawjson.KindOf(left) != rawjson.String || rawjson.KindOf(pattern) != rawjson.String {
		return false, nil
	}
	re, err := regexp.Compile(string(rawjson.Text(pattern)))
	if err != nil {
		return false, sdk.Fatal("bad_pattern", "the pattern is no regular expression (RE2)")
	}
	return re.Match(rawjson.Text(left)), nil
}

func isEmpty(v []byte) bool {
	switch rawjson.KindOf(v) {
	case rawjson.Null:
		return true
	case rawjson.String:
		return len(v) == len(`""`)
	case rawjson.Array, rawjson.Object:
		empty := true
		rawjson.Elements(v, func([]byte) bool { empty = false; return false })
		rawjson.Members(v, func(_, _ []byte) bool { empty = false; return false })
		return empty
	}
	return false
}

// is compares v with a boolean. Forms and query parameters send booleans as text.
func is(v []byte, boolean string) bool {
	return string(v) == boolean || string(v) == `"`+boolean+`"`
}
