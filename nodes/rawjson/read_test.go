package rawjson

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	for in, want := range map[string]Kind{
		``: Invalid, `x`: Invalid, ` 1`: Invalid,
		`null`: Null, `false`: False, `true`: True, `-1`: Number, `0`: Number, `9`: Number, `""`: String, `{}`: Object, `[]`: Array,
	} {
		if got := KindOf([]byte(in)); got != want {
			t.Errorf("KindOf(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestGet(t *testing.T) {
	const v = ` { "a" : 1 , "b]" : "x\"}" , "c":{"a":[2,"}"]} , "\u00e9\n":null, "":-0.5 , "a":9 } `
	tests := []struct {
		key, want string
		found     bool
	}{
		{"a", `1`, true},
		{"b]", `"x\"}"`, true},
		{"c", `{"a":[2,"}"]}`, true},
		{"é\n", `null`, true},
		{"", `-0.5`, true},
		{`\u00e9\n`, ``, false},
		{"d", ``, false},
	}
	for _, tt := range tests {
		got := Get([]byte(v), tt.key)
		if (got != nil) != tt.found || string(got) != tt.want {
			t.Errorf("Get(%q) = %q", tt.key, got)
		}
	}
	for _, v := range []string{`[]`, `"a"`, `1`, ``, `{}`, `["a",1]`} {
		if got := Get([]byte(v), "a"); got != nil {
			t.Errorf("Get of %q = %q", v, got)
		}
	}
}

func TestIndex(t *testing.T) {
	const v = ` [ 1 , "a,]" ,[2,[3]], {"a":[4]} ,null] `
	for i, want := range []string{`1`, `"a,]"`, `[2,[3]]`, `{"a":[4]}`, `null`} {
		if got := Index([]byte(v), i); string(got) != want {
			t.Errorf("Index(%d) = %q, want %q", i, got, want)
		}
	}
	for _, i := range []int{-1, 5, 1 << 40} {
		if got := Index([]byte(v), i); got != nil {
			t.Errorf("Index(%d) = %q", i, got)
		}
	}
	for _, v := range []string{`[]`, `{"0":1}`, `"a"`, ``} {
		if got := Index([]byte(v), 0); got != nil {
			t.Errorf("Index of %q = %q", v, got)
		}
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	v := []byte(pushEvent)
	if n := testing.AllocsPerRun(100, func() {
		if Index(Get(Get(v, "repository"), "topics"), 0) != nil || Get(v, "score") == nil {
			t.Fatal("wrong value")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzRead compares with encoding/json on valid values, and only wants an end on others.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{pushEvent, `{"a":{"a":1}}`, `[1,[2],"]"]`, `{"a`, `[,`, `{"a":`, `["\`, `{"":,"":}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var values [][]byte
		Members(b, func(_, value []byte) bool { values = append(values, value); return true })
		Elements(b, func(value []byte) bool { values = append(values, value); return true })
		Get(b, "a")
		Index(b, 1)
		if Check(b, testDepth) != nil {
			return
		}
		var members map[string]json.RawMessage
		var elements []json.RawMessage
		if json.Unmarshal(b, &members) == nil && len(members) > len(values) {
			t.Fatalf("%d members, want %d", len(values), len(members))
		}
		if json.Unmarshal(b, &elements) == nil && len(elements) != len(values) {
			t.Fatalf("%d elements, want %d", len(values), len(elements))
		}
		for i, v := range values {
			if Check(v, testDepth) != nil || KindOf(v) == Invalid {
				t.Fatalf("value %d is %q", i, v)
			}
			if elements != nil && string(v) != string(elements[i]) {
				t.Fatalf("element %d is %q, want %q", i, v, elements[i])
			}
		}
		canonical, _ := AppendCanonical(nil, b, testDepth)
		for key, want := range members {
			if strings.Contains(key, "\uFFFD") {
				continue // encoding/json has one character for all halves of surrogate pairs
			}
			if got := Get(canonical, key); got == nil || decode(t, got) != decode(t, want) {
				t.Fatalf("Get(%q) = %q, want %q", key, got, want)
			}
		}
	})
}

// Fields gives what Get gives for each key.
func TestFields(t *testing.T) {
	keys := []string{"a", "b", "c d", "\u00e9", ""}
	for _, v := range []string{
		`{}`, `[]`, `1`, ``, `{"a":1}`, ` { "b" : [1,{"a":2}] , "a" : {"c d":3} } `, `{"a":1,"a":2,"c\u0020d":true,"\u00e9":null,"":"x"}`, `{"a":1,"b"`,
	} {
		got := make([][]byte, len(keys))
		got[0] = []byte("old")
		Fields([]byte(v), got, keys...)
		for i, key := range keys {
			if want := Get([]byte(v), key); string(got[i]) != string(want) || (got[i] == nil) != (want == nil) {
				t.Errorf("%s: %q is %q, want %q", v, key, got[i], want)
			}
		}
	}
}
