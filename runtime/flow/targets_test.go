package flow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// workMeter counts work and ends it after most; 0 = no limit.
type workMeter struct{ done, most int }

var errEnough = errors.New("enough")

func (m *workMeter) Work(n int) error {
	if m.done += n; m.most > 0 && m.done > m.most {
		return errEnough
	}
	return nil
}

// fill returns about size bytes of members or elements. format creates each from its number.
func fill(format string, size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, format, i)
		b.WriteByte(',')
	}
	return b.String()
}

// eachNode compiles a node "n" after a node "up", with forEach and the given config.
func eachNode(t *testing.T, config string) *Plan {
	t.Helper()
	p, err := Compile("w", 0, []byte(document(
		`{"id":"up","type":"any"},{"id":"n","type":"any","forEach":"{{trigger.data.items}}","config":{"a":`+config+`}}`,
		`{"source":"t","target":"up"},{"source":"up","target":"n"}`)), builtins(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWorkDoesNotDependOnPlaces resolves many templates over large values, once per item. The
// members come before or after many others. Each value is traversed once. After that, a template
// costs only what it copies.
func TestWorkDoesNotDependOnPlaces(t *testing.T) {
	const size, items = 128 << 10, 20
	deep := func(inner string) string { // 400 levels, each with members to skip
		return strings.Repeat(`{"pad":[`+strings.Repeat("0,", 100)+`0],"a":`, 400) + inner + strings.Repeat("}", 400)
	}
	repeat := func(s string, n int) string { return `"` + strings.Repeat(s, n) + `"` }
	numbered := func(format string, n int) string {
		return `"` + strings.ReplaceAll(strings.TrimSuffix(fill(format, n*len(format)), ","), ",", "") + `"`
	}
	tests := map[string]struct{ config, value string }{
		"numbers":       {repeat("{{ROOT.x}}", 800), `{` + fill(`"k%d":1`, size) + `"x":7}`},
		"before":        {repeat("{{ROOT.x}}", 800), `{"x":7,` + fill(`"k%d":1`, size) + `"y":1}`},
		"missing":       {repeat("{{ROOT.z}}", 800), `{` + fill(`"k%d":1`, size) + `"x":7}`},
		"lists":         {repeat("{{ROOT.x}}", 800), `{` + fill(`"k%d":[]`, size) + `"x":7}`},
		"escaped keys":  {repeat("{{ROOT.x}}", 800), `{` + fill(`"\u006b%d":1`, size) + `"\u0078":7}`},
		"one long text": {repeat("{{ROOT.x}}", 800), `{"k":"` + strings.Repeat("x", size) + `","x":7}`},
		"nested list":   {repeat("{{ROOT.x.y}}", 800), `{"k":[[` + fill(`{"n":%d}`, size) + `0]],"x":{"y":7}}`},
		"elements":      {numbered("{{ROOT[%d].x}}", 900), `[` + fill(`{"n":0,"x":%d}`, size) + `0]`},
		"many members":  {numbered("{{ROOT.k%d}}", 900), `{` + fill(`"j%d":1`, size) + fill(`"k%d":1`, size/10) + `"x":7}`},
		"same prefix":   {numbered("{{ROOT.a.b.c%d}}", 900), `{` + fill(`"j%d":1`, size) + `"a":{` + fill(`"k%d":1`, size/10) + `"b":{"c5":1}}}`},
		"deep":          {repeat("{{ROOT"+strings.Repeat(".a", 400)+".x}}", 800), deep(`{"y":1,"x":7}`)},
		"deep, missing": {repeat("{{ROOT"+strings.Repeat(".a", 401)+"}}", 800), deep(`{"y":1,"x":7}`)},
	}
	for name, tt := range tests {
		for _, root := range []string{"trigger.data", "trigger.headers", "steps.up.output", "global.g", "item"} {
			t.Run(name+" "+root, func(t *testing.T) {
				p := eachNode(t, strings.ReplaceAll(tt.config, "ROOT", root))
				value, m := []byte(tt.value), new(workMeter)
				s := &Scope{
					Plan: p, Event: &Event{Data: value, Headers: value, Query: emptyObject}, Outputs: [][]byte{nil, value, nil}, Item: value,
					Global: func(string) ([]byte, bool) { return value, true }, Cache: new(Cache), Meter: m,
				}
				templates, copied := len(p.Nodes[2].Config.segments), 0
				for range items {
					got, err := p.Nodes[2].Config.Append(nil, s, 4<<20)
					if err != nil {
						t.Fatal(err)
					}
					copied += len(got)
				}
				if most := 2*len(value) + 2*copied + 2*items*templates*segmentWork; m.done > most {
					t.Errorf("%d bytes of work, at most %d for %d bytes, of which %d were copied", m.done, most, len(value), copied)
				}
			})
		}
	}
}

// TestWorkOfItems checks that each item is traversed once, however many templates refer to it.
func TestWorkOfItems(t *testing.T) {
	p := eachNode(t, `"`+strings.Repeat("{{item.x}}", 500)+`"`)
	for _, size := range []int{20, 2 << 10, 100 << 10} {
		m, total, copied := new(workMeter), 0, 0
		s := &Scope{Plan: p, Cache: new(Cache), Meter: m}
		for i := range 20 {
			s.Item, s.Index = []byte(`{`+fill(`"k%d":1`, size)+`"x":`+strconv.Itoa(i)+`}`), i
			total += len(s.Item)
			got, err := p.Nodes[2].Config.Append(nil, s, 1<<20)
			if err != nil || !strings.HasPrefix(string(got), fmt.Sprintf(`{"a":"%d%d`, i, i)) {
				t.Fatalf("item %d: %.60s, %v", i, got, err)
			}
			copied += len(got)
		}
		if most := 2*total + 20*(directItem+500*2*segmentWork) + 2*copied; m.done > most {
			t.Errorf("items of %d bytes: %d bytes of work, at most %d", size, m.done, most)
		}
	}
}

// TestMeterEndsResolving checks that the meter is asked often enough, and that an ended resolution
// leaves nothing of the result.
func TestMeterEndsResolving(t *testing.T) {
	long := `{"list":[` + fill("%d", 1<<20) + `0],"text":"` + strings.Repeat("é\\n", 1<<18) + `"}`
	for name, config := range map[string]string{
		"walking":          `"{{trigger.data.none}}"`,
		"walking in items": `"{{item.none}}"`,
		"walking globals":  `"{{global.g.none}}"`,
		"copying":          `["{{trigger.data.text}}","{{trigger.data.text}}"]`,
		"escaping":         `"-{{trigger.data.list}}-{{trigger.data.list}}"`,
		"secrets":          `["{{global.__secret_a}}","{{global.__secret_b.list}}"]`,
		"small ones":       `"` + strings.Repeat("{{trigger.method}}{{index}}", 499) + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			p := eachNode(t, config)
			value, m := []byte(long), &workMeter{most: 1 << 18}
			s := &Scope{
				Plan: p, Event: &Event{Data: value, Method: "POST"}, Outputs: make([][]byte, 3), Item: value, Cache: new(Cache), Meter: m,
				Global: func(string) ([]byte, bool) { return value, true },
			}
			var err error
			for range 1000 {
				var got []byte
				if got, err = p.Nodes[2].Config.Append([]byte("kept"), s, 64<<20); err != nil {
					if string(got) != "kept" {
						t.Errorf("%.100s is left", got)
					}
					break
				}
			}
			if !errors.Is(err, errEnough) {
				t.Fatalf("resolving ended with %v after %d", err, m.done)
			}
			if m.done > m.most+len(value)+2*lookEvery { // a value is copied in one piece
				t.Errorf("the meter was asked only after %d", m.done)
			}
		})
	}
}

// TestCacheFollowsChangedValues checks that the current value of a global counts. For a key that
// has had several values, the scope notes none.
func TestCacheFollowsChangedValues(t *testing.T) {
	p := eachNode(t, `["{{global.g.x}}","{{global.h.x}}"]`)
	pad := fill(`"k%d":1`, direct)
	changing := []byte(`{` + pad + `"x":1}`)
	other := []byte(`{` + pad + `"x":2}`)
	fixed := []byte(`{"x":3}`)
	s := &Scope{Plan: p, Cache: new(Cache), Global: func(key string) ([]byte, bool) {
		if key == "h" {
			return fixed, true
		}
		changing, other = other, changing
		return changing, true
	}}
	for range 3 {
		for _, want := range []string{`{"a":[2,3]}`, `{"a":[1,3]}`} {
			if got, err := p.Nodes[2].Config.Append(nil, s, 1<<20); string(got) != want || err != nil {
				t.Fatalf("%.60s, %v, want %s", got, err, want)
			}
		}
	}
	if g := s.Globals; len(g) != 2 || g[0].Key != "g" || !g[0].Changed || g[0].Value != nil || g[1].Changed || string(g[1].Value) != string(fixed) {
		t.Errorf("noted %+v", g)
	}
}

// TestManyGlobalsAreNotedOnce checks that each global is noted once. The time to find one does not
// grow with their number.
func TestManyGlobalsAreNotedOnce(t *testing.T) {
	s := new(Scope)
	for range 3 {
		for _, key := range numberedWords(5_000) {
			s.addGlobal(key, []byte(key))
		}
	}
	if len(s.Globals) != 5_000 {
		t.Errorf("%d", len(s.Globals))
	}
	for i, g := range s.Globals {
		if g.Key != "w"+strconv.Itoa(i) || g.Changed {
			t.Fatalf("%d is %+v", i, g)
		}
	}
}

// TestCacheTakesNothingForSmallValues checks that small values do not pay for the cache, which few
// executions need. Only the scope's state for the item is allocated.
func TestCacheTakesNothingForSmallValues(t *testing.T) {
	p := eachNode(t, `["{{trigger.data.x}}","{{item.x}}","{{steps.up.output.x}}"]`)
	value := []byte(`{"a":[1,2,3],"b":"` + strings.Repeat("b", 500) + `","x":1}`)
	event, outputs, cache := &Event{Data: value}, [][]byte{nil, value, nil}, new(Cache)
	dst := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() {
		s := Scope{Plan: p, Event: event, Outputs: outputs, Item: value, Cache: cache}
		if _, err := p.Nodes[2].Config.Append(dst, &s, 1<<10); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
	if cache.roots.Load() != nil {
		t.Error("the cache is not empty")
	}
}

// FuzzTargets checks that one pass finds the same as separate lookups. Invalid JSON, which does not
// occur, does no harm.
func FuzzTargets(f *testing.F) {
	for _, v := range []string{
		`{"a":{"b":[1,{"c":2}]},"\u0061":3,"x":"y"}`, `[[],{"a":1}]`, `{"a`, `{"a"`, `{"a":`, `[`, `[,`, `{"a":}`, `{"\`, `{"a": 1 }`, ` `,
		`{"\ud800":1,"\ufffd":2}`,
	} {
		f.Add(v)
	}
	paths := []rawjson.Path{}
	for _, text := range []string{"a", "a.b", "a.b[1].c", "a.b[3]", "x", "z", "[0]", "[1].a", `["\ud800"]`, `["\ufffd"]`} {
		steps, err := parsePath(text)
		if err != nil {
			f.Fatal(err)
		}
		paths = append(paths, steps)
	}
	slices.SortFunc(paths, comparePaths)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := rawjson.AppendCanonical(nil, []byte(text), MaxDepth)
		if err != nil {
			v = []byte(text)
		}
		found := make([][]byte, len(paths))
		if err := (&targets{paths: paths}).find(v, found, new(work)); err != nil {
			t.Fatal(err)
		}
		for i, path := range paths {
			if want, _ := follow(v, path); err == nil && string(found[i]) != string(want) {
				t.Errorf("%v in %s is %q, want %q", path, v, found[i], want)
			}
		}
	})
}
