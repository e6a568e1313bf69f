package rawjson

// Get returns the value of key in the object v, a view, or nil when v is not an object or lacks the
// key. key is an exact text, see [KeyIs]. Of repeated keys it finds the first; a canonical value
// has none.
func Get(v []byte, key string) []byte {
	for i := open(v, '{'); i < len(v); {
		var k, value []byte
		if k, value, i = memberAt(v, i); KeyIs(k, key) && value != nil {
			return value
		}
	}
	return nil
}

// Fields is [Get] for several keys in one pass: it sets values[i] to the value of keys[i], or nil.
// values must be at least as long as keys.
func Fields(v []byte, values [][]byte, keys ...string) {
	clear(values)
	for i := open(v, '{'); i < len(v); {
		var k, value []byte
		k, value, i = memberAt(v, i)
		if value == nil {
			return
		}
		for n, key := range keys {
			if values[n] == nil && KeyIs(k, key) {
				values[n] = value
				break
			}
		}
	}
}

// First splits text, which begins with a value, behind that value.
func First(text []byte) (value, rest []byte) {
	end := skipValue(text, 0)
	return text[:end], text[end:]
}

// Index returns element i of the array v, a view, or nil when v is not an array or has no such
// element.
func Index(v []byte, i int) []byte {
	if i < 0 {
		return nil
	}
	var found []byte
	Elements(v, func(value []byte) bool {
		if i == 0 {
			found = value
		}
		i--
		return i >= 0
	})
	return found
}

// Members calls fn for each member of the object v in order until fn returns false. When v is not
// an object, fn is not called. key is the text between the quotes as written (see [KeyIs]), value
// the raw value; both are views into v.
func Members(v []byte, fn func(key, value []byte) bool) {
	for i := open(v, '{'); i < len(v); {
		var key, value []byte
		if key, value, i = memberAt(v, i); value == nil || !fn(key, value) {
			return
		}
	}
}

// open returns the index behind the opening bracket of v and the white space that follows, or
// len(v) when v begins with anything else.
func open(v []byte, bracket byte) int {
	i := skipSpace(v, 0)
	if i == len(v) || v[i] != bracket {
		return len(v)
	}
	return skipSpace(v, i+1)
}

// memberAt reads the member at i and returns the index of the next one, or len(v) behind the last.
// value is nil when there is no member at i.
func memberAt(v []byte, i int) (key, value []byte, next int) {
	if v[i] != '"' {
		return nil, nil, len(v)
	}
	keyEnd := skipString(v, i)
	if keyEnd < i+2 {
		return nil, nil, len(v)
	}
	key = v[i+1 : keyEnd-1]
	i = skipSpace(v, keyEnd)
	if i == len(v) || v[i] != ':' {
		return nil, nil, len(v)
	}
	i = skipSpace(v, i+1)
	end := skipValue(v, i)
	value = v[i:end]
	i = skipSpace(v, end)
	if i == len(v) || v[i] != ',' {
		return key, value, len(v)
	}
	return key, value, skipSpace(v, i+1)
}

// Elements calls fn for each element of the array v in order until fn returns false. When v is not
// an array, fn is not called. value is a view into v.
func Elements(v []byte, fn func(value []byte) bool) {
	for i := open(v, '['); i < len(v) && v[i] != ']'; {
		end := skipValue(v, i)
		if !fn(v[i:end]) {
			return
		}
		i = skipSpace(v, end)
		if i == len(v) || v[i] != ',' {
			return
		}
		i = skipSpace(v, i+1)
	}
}

// KeyIs reports whether a raw key, as [Members] passes it, stands for key, an exact text as [Exact]
// returns it.
func KeyIs(raw []byte, key string) bool {
	switch { // no escape is shorter than what it stands for
	case len(raw) < len(key):
		return false
	case len(raw) == len(key):
		return string(raw) == key && !hasEscape(raw)
	default:
		return hasEscape(raw) && string(AppendExact(nil, raw)) == key
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// skipString returns the index behind the string whose opening quote is at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); {
		switch c := b[i]; {
		case plain[c]:
			i = skipPlain(b, i+1)
		case c == '"':
			return i + 1
		case c == '\\':
			i += 2
		default:
			i++
		}
	}
	return len(b)
}

// ends reports which bytes end a literal or number.
var ends = [256]bool{' ': true, '\t': true, '\n': true, '\r': true, ',': true, ']': true, '}': true}

// skipValue returns the index behind the valid value at i. Brackets are not matched by kind: valid
// text has matched them.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
	default: // a literal or number ends where something else begins
		for i < len(b) && !ends[b[i]] {
			i++
		}
		return i
	}
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(b)
}
