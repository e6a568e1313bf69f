package random

import "testing"

func TestGeneratorsDiffer(t *testing.T) {
	a, b := New(), New()
	for range 4 {
		if a.Uint64() != b.Uint64() {
			return
		}
	}
	t.Error("two generators draw the same numbers")
}
