package flow

import (
	"bytes"
	"slices"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Scope is everything that the templates of one execution can see. It is used by one goroutine at a
// time. Templates only read from it, except for Secrets and Globals, and retain nothing.
//
// All raw JSON in it must be canonical, as rawjson.AppendCanonical returns it: templates copy it as
// it is.
type Scope struct {
	Plan        *Plan
	ExecutionID string
	Event       *Event
	// by index in Plan.Nodes: raw JSON, nil = no output; the trigger's is not read
	Outputs [][]byte
	Global  func(key string) (value []byte, ok bool) // raw JSON
	Item    []byte                                   // inside forEach, else nil
	Index   int                                      // inside forEach
	// of the execution, with the Plan that it was made for; nil = nothing is cached
	Cache *Cache
	// measures the work of Append; nil = none
	Meter Meter

	// Secrets collects everything that must be masked wherever the execution shows: the texts
	// (unescaped) and digits found in the resolved __secret globals, each once, even if the reader
	// empties the list. Append adds to it.
	Secrets [][]byte
	known   map[string]bool // the texts that were collected
	told    map[view]bool   // the values whose texts were

	// Hide, unless nil, returns the replacement of a value found in a __secret global, both raw
	// JSON. Booleans and null reveal nothing and stay. Secrets and Globals collect the value
	// itself.
	Hide func(value []byte) []byte

	// Globals collects the resolved global values, each key once, as Global returned them: with
	// them a template can be resolved again exactly. Append adds to it.
	Globals []Global
	noted   map[string]int // where a key is in Globals, when there are many

	item   *foundItem // nil = none was looked into
	walked int        // bytes, for references that were followed one by one
	work   work
}

// Global is a global value that a template has read; Value is nil when there was none.
type Global struct {
	Key     string
	Value   []byte
	Changed bool // it was not the same each time, and Value is nil
}

// Same reports whether other is known to be the same value of the same key.
func (g Global) Same(other Global) bool {
	return g.Key == other.Key && !g.Changed && !other.Changed &&
		(g.Value == nil) == (other.Value == nil) && bytes.Equal(g.Value, other.Value)
}

// view identifies a slice by its memory, not by its content.
type view struct {
	first *byte
	size  int
}

// viewOf returns the view of a value that is not empty.
func viewOf(v []byte) view { return view{&v[0], len(v)} }

// manyGlobals is the number of globals from which on a map is faster than comparing keys.
const manyGlobals = 16

// addGlobal records a read of a global.
func (s *Scope) addGlobal(key string, value []byte) {
	i := s.globalAt(key)
	if i < 0 {
		s.Globals = append(s.Globals, Global{Key: key, Value: value})
		return
	}
	if g := &s.Globals[i]; !g.Same(Global{Key: key, Value: value}) {
		g.Value, g.Changed = nil, true
	}
}

// globalAt returns the index of a key in Globals, or -1.
func (s *Scope) globalAt(key string) int {
	if len(s.Globals) < manyGlobals {
		return slices.IndexFunc(s.Globals, func(g Global) bool { return g.Key == key })
	}
	if s.noted == nil {
		s.noted = make(map[string]int)
	}
	for i := len(s.noted); i < len(s.Globals); i++ {
		s.noted[s.Globals[i].Key] = i
	}
	if i, ok := s.noted[key]; ok {
		return i
	}
	return -1
}

// maxTold limits the values that are remembered as collected.
const maxTold = 1000

// tell collects each string and number in v, a value found in a __secret global, once.
func (s *Scope) tell(v []byte) error {
	if !reveals(v) || s.told[viewOf(v)] {
		return nil
	}
	if err := s.work.add(len(v)); err != nil {
		return err
	}
	s.addSecrets(v)
	if s.told == nil || len(s.told) == maxTold {
		s.told = make(map[view]bool)
	}
	s.told[viewOf(v)] = true
	return nil
}

// addSecrets collects each string and number in the value that text begins with, at any depth, and
// returns the text behind it. Booleans and null reveal nothing.
func (s *Scope) addSecrets(text []byte) (rest []byte) {
	switch rawjson.KindOf(text) {
	case rawjson.Object:
		return eachMember(text, func(_, text []byte) []byte { return s.addSecrets(text) })
	case rawjson.Array:
		return eachElement(text, s.addSecrets)
	}
	v, rest := rawjson.First(text)
	switch rawjson.KindOf(v) {
	case rawjson.String:
		s.addSecret(rawjson.AppendString(nil, v))
	case rawjson.Number:
		s.addSecret(bytes.Clone(v))
	}
	return rest
}

func (s *Scope) addSecret(text []byte) {
	if len(text) == 0 || s.known[string(text)] {
		return
	}
	if s.known == nil {
		s.known = map[string]bool{}
	}
	s.known[string(text)] = true
	s.Secrets = append(s.Secrets, text)
}
