package flow

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCompileHostileDocuments compiles documents of nearly the maximum size in shapes that invite
// quadratic work. With quadratic work it would run for minutes.
func TestCompileHostileDocuments(t *testing.T) {
	numbers, err := ParseType([]byte(`{"abi":1,"type":"numbers","version":"1","config":{"additionalProperties":{"items":{"type":"number"}}},"handlesFrom":"h[]"}`))
	if err != nil {
		t.Fatal(err)
	}
	types := testTypes{"numbers": numbers}
	config := func(c string) string { return oneNode(`"type":"numbers","config":` + c) }
	numbered := func(format string, size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	const size = MaxDocument - 1000
	nodes := numbered(`{"id":"node-with-a-long-name-%d","type":"numbers"},`, 10_000)
	tests := map[string]struct {
		doc      string
		problems int
	}{
		"wrong elements":    {config(`{"a":[` + strings.Repeat(`"",`, size/3) + `1]}`), MaxProblems},
		"excused elements":  {config(`{"a":[` + strings.Repeat(`"\\{{",`, size/7) + `1]}`), 0},
		"templates":         {config(`{"a":["` + strings.Repeat(`{{trigger.data}}`, size/16) + `"]}`), 1},
		"broken templates":  {config(`{"a":[` + strings.Repeat(`"{{",`, size/5) + `1]}`), MaxProblems},
		"unknown roots":     {config(`{"a":["` + strings.Repeat(`{{x}}`, size/5) + `"]}`), MaxProblems},
		"steps of a path":   {config(`{"a":["{{trigger.data` + strings.Repeat(`[0]`, size/3) + `}}"]}`), 0},
		"handles":           {config(`{"h":[` + numbered(`"h%d",`, size) + `]}`), MaxProblems},
		"unknown keys":      {`{` + numbered(`"kei%d":1,`, size) + `}`, MaxProblems},
		"repeated keys":     {`{` + strings.Repeat(`"nodes":1,`, size/10) + `"nodes":1}`, 1},
		"dangling edges":    {document(nodes, numbered(`{"source":"t","target":"node-with-a-long-nome-%d"},`, size-20_000)), MaxProblems},
		"duplicate edges":   {document(nodes, strings.Repeat(`{"source":"t","target":"node-with-a-long-name-0"},`, size/50-500)+`{}`), MaxProblems},
		"nodes":             {document(strings.Repeat(`{},`, size/3-100)+`{}`, ``), MaxProblems},
		"deep":              {config(strings.Repeat(`{"a":`, MaxDepth-4) + `1` + strings.Repeat(`}`, MaxDepth-4)), 0},
		"deep and repeated": {config(strings.Repeat(`{"a":0,"a":`, MaxDepth-4) + `1` + strings.Repeat(`}`, MaxDepth-4)), MaxProblems},
		"long key":          {config(`{"` + strings.Repeat(`\\`, size/2) + `":["{{"]}`), 1},
		"headers":           {webhook(`{"headers":{` + numbered(`"H%d":"x",`, size) + `}}`), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if len(tt.doc) > MaxDocument {
				t.Fatalf("%d bytes", len(tt.doc))
			}
			_, err := Compile("w", 0, []byte(tt.doc), types, nil)
			if got := len(problems(t, err)); got != tt.problems {
				t.Errorf("%d problems, want %d: %.2000v", got, tt.problems, err)
			}
		})
	}
}

// TestCompileDeepDocuments checks that deep nesting does not increase the work per byte of a
// document, whatever is wrong with it. Otherwise the factor would be some hundreds.
func TestCompileDeepDocuments(t *testing.T) {
	const size = 100_000
	types := builtins(t)
	compile := func(format string, depth int, inside string) time.Duration {
		begin, end, _ := strings.Cut(format, "%s")
		doc := oneNode(`"type":"any","config":{"a":` + strings.Repeat(begin, depth) + inside + strings.Repeat(end, depth) + `}`)
		fastest := time.Duration(math.MaxInt64)
		for range 3 {
			start := time.Now()
			_, _ = Compile("w", 0, []byte(doc), types, nil)
			Masked([]byte(doc))
			fastest = min(fastest, time.Since(start))
		}
		return fastest
	}
	nearly := `{"` + strings.Repeat("sexrxt_", 8) + `":%s}`
	long := `{"` + strings.Repeat("k", 60) + `":%s}`
	for name, tt := range map[string]struct{ around, inside string }{
		"arrays":        {`[%s]`, `[` + strings.Repeat(`1,`, size/2) + `1]`},
		"objects":       {`{"a":%s}`, `[` + strings.Repeat(`"x",`, size/4) + `1]`},
		"late problems": {`[%s]`, `[` + strings.Repeat(`1,`, size/2) + strings.Repeat(`"{{",`, MaxProblems) + `1]`},
		"repeated keys": {`[%s]`, `{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`},
		"long paths":    {long, `{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`},
		"nearly secret": {nearly, `{` + strings.Repeat(`"sexrxt":1,"a_secixd":"{{",`, size/30) + `"a":1}`},
		"templates":     {`[%s]`, `[` + strings.Repeat(`"{{trigger.data}}",`, maxTemplates) + strings.Repeat(`1,`, size/2) + `1]`},
	} {
		t.Run(name, func(t *testing.T) {
			shallow, deep := compile(tt.around, 1, tt.inside), compile(tt.around, MaxDepth-10, tt.inside)
			if deep > 10*shallow {
				t.Errorf("%v, %v when it nests deep", shallow, deep)
			}
		})
	}
}

// TestSecretsAreReadOnce checks that a value whose strings were collected is not traversed again.
func TestSecretsAreReadOnce(t *testing.T) {
	m := new(workMeter)
	s := Scope{work: work{meter: m}}
	value := []byte(`["` + strings.Repeat("x", 2*lookEvery) + `"]`)
	for range 10 {
		if err := s.tell(value); err != nil {
			t.Fatal(err)
		}
	}
	if m.done != len(value) || len(s.Secrets) != 1 {
		t.Errorf("%d bytes of work for %d, %d secrets", m.done, len(value), len(s.Secrets))
	}
}

// TestManySecrets collects the secrets of a large global, with the same requirement.
func TestManySecrets(t *testing.T) {
	const many = 200_000
	list := []byte{'['}
	for i := range many {
		list = append(strconv.AppendInt(list, int64(i), 10), ',')
	}
	var s Scope
	if s.addSecrets(append(list, "0]"...)); len(s.Secrets) != many {
		t.Errorf("%d secrets, want %d", len(s.Secrets), many)
	}
}
