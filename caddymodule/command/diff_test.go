package command

import (
	"slices"
	"testing"
)

func TestDiffJSON(t *testing.T) {
	for _, tc := range []struct {
		name, want, got string
		diff            []string
	}{
		{"same, other key order and white space", `{"a":1,"b":[true,null]}`, "{ \"b\": [true, null], \"a\": 1 }\n", nil},
		{"number text counts", `{"a":1.0}`, `{"a":1}`, []string{"a: want 1.0, got 1"}},
		{"missing and unexpected", `{"a":1,"b":2}`, `{"b":2,"c":3}`, []string{"a: missing, want 1", "c: unexpected 3"}},
		{"nested", `{"a":[{"b":"x"}]}`, `{"a":[{"b":"y"},4]}`, []string{`a[0].b: want "x", got "y"`, "a[1]: unexpected 4"}},
		{"short array", `[1,2]`, `[1]`, []string{"[1]: missing, want 2"}},
		{"kinds", `{"a":{}}`, `{"a":[]}`, []string{"a: want {}, got []"}},
		{"whole value", `1`, `null`, []string{"the value: want 1, got null"}},
		{"text", "hello\n", "hello", nil},
		{"text differs", "hello", "bye", []string{"want hello, got bye"}},
		{"two values are text", "1 2", "1", []string{"want 1 2, got 1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := diffJSON([]byte(tc.want), []byte(tc.got)); !slices.Equal(diff, tc.diff) {
				t.Errorf("got  %q\nwant %q", diff, tc.diff)
			}
		})
	}
}
