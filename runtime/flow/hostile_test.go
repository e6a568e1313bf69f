package flow

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/signature"
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

// schemes are the Signatures that servers use.
type schemes struct{}

func (schemes) Parse(settings []byte) (any, []Problem) {
	scheme, err := signature.ParseScheme(settings)
	var errs signature.Errors
	errors.As(err, &errs)
	var problems []Problem
	for _, e := range errs {
		problems = append(problems, Problem{Path: e.Place(), Reason: e.Reason})
	}
	return scheme, problems
}

func (schemes) CheckSecret(any, Secret) string { return "" }

func (schemes) CheckHeader(string) string { return "" }

// compileTime is the least time that compiling a document takes, which must have the most problems.
func compileTime(t *testing.T, doc string, types Types) time.Duration {
	t.Helper()
	if len(doc) > MaxDocument {
		t.Fatalf("%d bytes", len(doc))
	}
	fastest := time.Duration(math.MaxInt64)
	for range 2 {
		start := time.Now()
		_, err := Compile("w", 0, []byte(doc), types, schemes{})
		fastest = min(fastest, time.Since(start))
		if got := len(problems(t, err)); got != MaxProblems {
			t.Fatalf("%d problems, want %d: %.2000v", got, MaxProblems, err)
		}
	}
	return fastest
}

// TestCompileGrowsWithTheDocument wants four times the document to take about four times as long,
// whatever keys it is full of. With quadratic work it would be sixteen times.
func TestCompileGrowsWithTheDocument(t *testing.T) {
	types := builtins(t)
	keys := func(size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, `"%05x":0,`, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	const size = MaxDocument - 1000
	for name, around := range map[string]string{
		"document":      `{%s}`,
		"node":          document(`{%s}`, ``),
		"edge":          document(``, `{%s}`),
		"config":        oneNode(`"type":"transform","config":{%s}`),
		"webhook":       webhook(`{%s}`),
		"signature":     webhook(`{"signature":{%s}}`),
		"custom scheme": webhook(`{"signature":{"scheme":"custom","header":"X-A",%s}}`),
	} {
		t.Run(name, func(t *testing.T) {
			// The least of some rounds: other processes only make it longer.
			small, large := time.Hour, time.Hour
			for range 5 {
				small = min(small, compileTime(t, strings.Replace(around, "%s", keys(size/4), 1), types))
				large = min(large, compileTime(t, strings.Replace(around, "%s", keys(size), 1), types))
				if large <= 10*small || large <= time.Second {
					return
				}
			}
			t.Errorf("%v, and %v for four times the document", small, large)
		})
	}
}

// TestCompileWithANodeWithoutID wants it to take no longer than with an id: any id may then be that
// of the node, so most are not reported, and the report does not fill with them.
func TestCompileWithANodeWithoutID(t *testing.T) {
	types := builtins(t)
	pad, other := strings.Repeat("ab", 28), strings.Repeat("cd", 28) // ids of 64 bytes, far apart
	var nodes, edges, templates []string
	for i := range MaxNodes - 3 {
		nodes = append(nodes, fmt.Sprintf(`{"id":"n%03d%s","type":"any"}`, i, pad))
	}
	for i := range 9000 {
		edges = append(edges, fmt.Sprintf(`{"source":"t","target":"z%05d%s"}`, i, other))
		templates = append(templates, fmt.Sprintf(`{{steps.z%05d%s.output}}`, i, other))
	}
	for name, format := range map[string]string{
		"edges": document(`{"id":%s,"type":"any"},`+strings.Join(nodes, ","), strings.Join(edges, ",")),
		// with an edge that cannot be read, no node counts as unreachable
		"templates": document(`{"id":%s,"type":"any","config":{"a":"`+strings.Join(templates, "")+`"}},`+strings.Join(nodes, ","), `{"source":5,"target":"t"}`),
	} {
		t.Run(name, func(t *testing.T) {
			if len(format) > MaxDocument {
				t.Fatalf("%d bytes", len(format))
			}
			took := map[string]time.Duration{`"fine"`: time.Hour, `5`: time.Hour}
			for range 5 {
				for id, least := range took {
					start := time.Now()
					_, err := Compile("w", 0, []byte(strings.Replace(format, "%s", id, 1)), types, schemes{})
					took[id] = min(least, time.Since(start))
					problems(t, err)
				}
				if took[`5`] <= 5*took[`"fine"`] || took[`5`] <= 2*time.Second {
					return
				}
			}
			t.Errorf("%v", took)
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
