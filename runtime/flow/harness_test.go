package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// testTypes holds node types with the shapes of the built-in ones.
type testTypes map[string]*Type

func (t testTypes) Type(name string) (*Type, error) {
	if typ, ok := t[name]; ok {
		return typ, nil
	}
	return nil, ErrNoType
}

func (t testTypes) Names() []string { return slices.Collect(maps.Keys(t)) }

var manifests = []string{
	`{"abi":1,"type":"transform","version":"1.0.0","summary":"Builds a value","config":{
		"type":"object","additionalProperties":false,
		"properties":{
			"output":{},
			"input":{},
			"operations":{"type":"array","minItems":1,"items":{"oneOf":[
				{"type":"object","properties":{"op":{"const":"set"},"path":{"type":"string"},"value":{}},
				 "required":["op","path","value"],"additionalProperties":false},
				{"type":"object","properties":{"op":{"const":"delete"},"path":{"type":"string"}},
				 "required":["op","path"],"additionalProperties":false}]}}},
		"oneOf":[{"required":["output"]},{"required":["operations"]}]},
	 "defaults":[{"with":"operations","key":"input","value":"{{trigger.data}}"}]}`,
	`{"abi":1,"type":"condition","version":"1.0.0","config":{
		"type":"object","additionalProperties":false,"required":["conditions"],
		"properties":{
			"match":{"enum":["all","any"]},
			"conditions":{"type":"array","minItems":1,"items":{
				"type":"object","additionalProperties":false,"required":["left","operator"],
				"properties":{"left":{},"operator":{"enum":["equals","greaterThan","exists"]},"right":{}}}}}},
	 "handles":["true","false"]}`,
	`{"abi":1,"type":"switch","version":"1.0.0","config":{
		"type":"object","additionalProperties":false,"required":["value","cases"],
		"properties":{"value":{},"cases":{"type":"array","items":{
			"type":"object","additionalProperties":false,"required":["name","value"],
			"properties":{"name":{"type":"string"},"operator":{"type":"string"},"value":{}}}}}},
	 "handles":["default"],"handlesFrom":"cases[].name"}`,
	`{"abi":1,"type":"http-request","version":"1.0.0","config":{
		"type":"object","additionalProperties":false,"required":["url"],
		"properties":{
			"method":{"enum":["GET","POST"]},"url":{"type":"string","minLength":1},"headers":{"type":"object"},"body":{},
			"retries":{"type":"integer","minimum":0,"maximum":5},"failOnStatus":{"type":"boolean"}}},
	 "defaults":[{"key":"method","value":"GET"}],"capabilities":["http"]}`,
	`{"abi":1,"type":"any","version":"1.0.0"}`,
}

func builtins(t testing.TB) testTypes {
	t.Helper()
	types := testTypes{}
	for _, m := range manifests {
		typ, err := ParseType([]byte(m))
		if err != nil {
			t.Fatal(err)
		}
		types[typ.Name] = typ
	}
	return types
}

// problems returns the problems of a DocumentError, one per line.
func problems(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var bad *DocumentError
	if !errors.As(err, &bad) {
		t.Fatalf("got %v, want a DocumentError", err)
	}
	if len(bad.Problems) == 0 {
		t.Fatal("a DocumentError without problems")
	}
	var lines []string
	for _, p := range bad.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

var received = time.Date(2026, 3, 1, 13, 30, 0, 123456789, time.FixedZone("", 3600))

// decoded returns the JSON value as encoding/json decodes it. Numbers keep their digits.
func decoded(t testing.TB, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("decoding %q: %v", raw, err)
	}
	return v
}

// numberedWords returns n different words.
func numberedWords(n int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", i)
	}
	return words
}
