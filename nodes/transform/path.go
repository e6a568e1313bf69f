package main

import (
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// path leads to a value within a value. As text it is written like in templates: a.b[0]["any key"].
type path []step

// step leads into an array when index >= 0, else into an object.
type step struct {
	key   string // exact, see rawjson.Exact
	index int
}

const maxIndex = 1 << 24

var errPath = sdk.Fatal("bad_path", `the path is not one like a.b[0]["any key"]`)

func (s step) isIndex() bool { return s.index >= 0 }

// of follows the step; nil when there is nothing.
func (s step) of(v []byte) []byte {
	if s.isIndex() {
		return rawjson.Index(v, s.index)
	}
	return rawjson.Get(v, s.key)
}

// raw is the key as JSON text without quotes; an element has none.
func (s step) raw() []byte {
	if s.isIndex() {
		return nil
	}
	return rawjson.AppendExactEscaped(nil, []byte(s.key))
}

// parsePath reads a path; the empty text is no path.
func parsePath(text string) (path, error) {
	var p path
	for i := 0; i < len(text); {
		var s step
		var ok bool
		switch {
		case text[i] == '[':
			s, i, ok = bracket(text, i+1)
		case i == 0:
			s, i, ok = name(text, i)
		case text[i] == '.':
			s, i, ok = name(text, i+1)
		}
		if !ok {
			return nil, errPath
		}
		p = append(p, s)
	}
	if len(p) == 0 {
		return nil, errPath
	}
	return p, nil
}

// name reads a key up to the next dot or bracket.
func name(text string, i int) (s step, end int, ok bool) {
	end = i
	for end < len(text) && text[end] != '.' && text[end] != '[' && text[end] != ']' {
		end++
	}
	return step{key: text[i:end], index: -1}, end, end > i
}

// bracket reads 0] or "any key"].
func bracket(text string, i int) (s step, end int, ok bool) {
	end = i
	if end < len(text) && text[end] == '"' {
		for end++; end < len(text) && text[end] != '"'; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		if end++; end > len(text) || rawjson.Check([]byte(text[i:end]), 0) != nil {
			return s, end, false
		}
		s = step{key: string(rawjson.AppendExact(nil, []byte(text[i+1:end-1]))), index: -1}
	} else {
		for ; end < len(text) && '0' <= text[end] && text[end] <= '9'; end++ {
			if s.index = 10*s.index + int(text[end]-'0'); s.index > maxIndex {
				return s, end, false
			}
		}
		if end == i {
			return s, end, false
		}
	}
	return s, end + 1, end < len(text) && text[end] == ']'
}

// each calls fn with each member or element of v: its step, its raw key (nil in an array), its value.
func each(v []byte, fn func(s step, raw, value []byte) bool) {
	rawjson.Members(v, func(key, value []byte) bool {
		return fn(step{key: string(rawjson.AppendExact(nil, key)), index: -1}, key, value)
	})
	i := 0
	rawjson.Elements(v, func(value []byte) bool {
		i++
		return fn(step{index: i - 1}, nil, value)
	})
}

// builder writes an object or array of raw members.
type builder struct {
	out  []byte
	open byte // { or [
	n    int
}

func (b *builder) add(rawKey, value []byte) {
	sep := byte(',')
	if b.n == 0 {
		sep = b.open
	}
	b.out = append(b.out, sep)
	if b.open == '{' {
		b.out = append(append(append(b.out, '"'), rawKey...), `":`...)
	}
	b.out = append(b.out, value...)
	b.n++
}

func (b *builder) close() []byte {
	if b.n == 0 {
		b.out = append(b.out, b.open)
	}
	return append(b.out, b.open+2) // in ASCII } is { + 2 and ] is [ + 2
}
