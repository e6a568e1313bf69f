package rawjson

// Get returns the value of key in the object v, a view, or nil when v has no such key or is no object. key is compared
// with unescaped keys. Of repeated keys it finds the first; a canonical value has none.
func Get(v []byte, key string) []byte {
	var found []byte
	Members(v, func(k, value []byte) bool {
		if !KeyIs(k, key) {
			return true
		}
		found = value
		return false
	})
	return found
}

// Index returns element i of the array v, a view, or nil when there is none or v is no array.
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

// Members calls fn for each member of the object v in order until fn returns false; not at all when v is no object. key
// is the text between the quotes as it is written (see [KeyIs]), value the raw value; both are views into v.
func Members(v []byte, fn func(key, value []byte) bool) {
	i := skipSpace(v, 0)
	if i == len(v) || v[i] != '{' {
		return
	}
	for i = skipSpace(v, i+1); i < len(v) && v[i] == '"'; {
		keyEnd := skipString(v, i)
		if keyEnd < i+2 {
			return
		}
		key := v[i+1 : keyEnd-1]
		i = skipSpace(v, keyEnd)
		if i == len(v) || v[i] != ':' {
			return
		}
		i = skipSpace(v, i+1)
		end := skipValue(v, i)
		if !fn(key, v[i:end]) {
			return
		}
		i = skipSpace(v, end)
		if i == len(v) || v[i] != ',' {
			return
		}
		i = skipSpace(v, i+1)
	}
}

// Elements calls fn for each element of the array v in order until fn returns false; not at all when v is no array.
// value is a view into v.
func Elements(v []byte, fn func(value []byte) bool) {
	i := skipSpace(v, 0)
	if i == len(v) || v[i] != '[' {
		return
	}
	for i = skipSpace(v, i+1); i < len(v) && v[i] != ']'; {
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

// KeyIs tells whether the raw key that [Members] gave stands for the text key.
func KeyIs(raw []byte, key string) bool {
	if !hasEscape(raw) {
		return string(raw) == key
	}
	return string(AppendUnescaped(nil, raw)) == key
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// skipString returns the index behind the string whose opening quote is at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(b)
}

// skipValue returns the index behind the valid value at i. Brackets need no matching by kind: in valid text they match.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
	default: // a literal or number ends where something else begins
		for i < len(b) && !isSpace(b[i]) && b[i] != ',' && b[i] != ']' && b[i] != '}' {
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
