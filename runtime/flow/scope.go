package flow

import (
	"bytes"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Scope is what the templates of one execution can see. It is used by one goroutine at a time. Templates only read from
// it, Secrets and Globals excepted, and keep nothing.
//
// All raw JSON in it must be canonical, as rawjson.AppendCanonical makes it: templates copy it as it is.
type Scope struct {
	Plan        *Plan
	ExecutionID string
	Event       *Event
	Outputs     [][]byte                                 // by index in Plan.Nodes: raw JSON, nil = no output; the trigger's is not read
	Global      func(key string) (value []byte, ok bool) // raw JSON
	Item        []byte                                   // inside forEach, else nil
	Index       int                                      // inside forEach

	// Secrets collects what must be masked wherever the execution shows: the texts (unescaped) and digits found in
	// the __secret globals that were resolved, each once. Append adds to it.
	Secrets [][]byte
	known   map[string]bool // the texts in Secrets

	// Hide, unless nil, gives what stands for a value that was found in a __secret global, both raw JSON. Booleans and null, which tell
	// nothing, stand for themselves. Secrets and Globals collect the value itself.
	Hide func(value []byte) []byte

	// Globals collects the global values that were resolved, each value of a key once, as Global gave them: by them a
	// template can be resolved again exactly. Append adds to it.
	Globals []Global
}

// Global is a global value that a template has found; Value is nil when there was none.
type Global struct {
	Key   string
	Value []byte
}

// addGlobal notes what was found.
func (s *Scope) addGlobal(key string, value []byte) {
	for _, g := range s.Globals {
		if g.Key == key && bytes.Equal(g.Value, value) {
			return
		}
	}
	s.Globals = append(s.Globals, Global{key, value})
}

// addSecrets notes each string and number in v, at any depth. Booleans and null tell nothing.
func (s *Scope) addSecrets(v []byte) {
	switch rawjson.KindOf(v) {
	case rawjson.String:
		s.addSecret(rawjson.AppendString(nil, v))
	case rawjson.Number:
		s.addSecret(bytes.Clone(v))
	case rawjson.Object:
		rawjson.Members(v, func(_, value []byte) bool {
			s.addSecrets(value)
			return true
		})
	case rawjson.Array:
		rawjson.Elements(v, func(value []byte) bool {
			s.addSecrets(value)
			return true
		})
	}
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
