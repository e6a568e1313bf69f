package fairqueue

import (
	"fmt"
	"slices"
	"testing"
)

func take(q *Queue[string], except ...string) string {
	v, _ := q.Next(except)
	return v
}

func TestGroupsAreServedInTurn(t *testing.T) {
	var q Queue[string]
	for n := range 3 {
		q.Add("a", uint64(n), fmt.Sprint("a", n))
	}
	q.Add("b", 3, "b3")
	q.Add("c", 5, "c5")
	q.Add("c", 4, "c4")
	var got []string
	for range 7 {
		got = append(got, take(&q))
	}
	if want := []string{"a0", "b3", "c4", "a1", "c5", "a2", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestExceptedGroupsKeepTheirPlace(t *testing.T) {
	var q Queue[string]
	q.Add("a", 1, "a1")
	q.Add("b", 2, "b2")
	q.Add("b", 3, "b3")
	if got := take(&q, "a"); got != "b2" {
		t.Errorf("without a: %q", got)
	}
	if got := take(&q, "a", "b"); got != "" {
		t.Errorf("without any: %q", got)
	}
	if got := take(&q); got != "a1" {
		t.Errorf("with all: %q, want a1, which was passed over", got)
	}
}

func TestRemove(t *testing.T) {
	var q Queue[string]
	elements := make([]*Element[string], 6)
	for n := range elements {
		elements[n] = q.Add("a", uint64(n), fmt.Sprint(n))
	}
	for _, n := range []int{0, 3, 5} {
		q.Remove(elements[n])
	}
	q.Add("a", 3, "3 again")
	for _, want := range []string{"1", "2", "3 again", "4", ""} {
		if got := take(&q); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if len(q.groups) != 0 || q.ring.Len() != 0 {
		t.Errorf("%d groups are left", len(q.groups))
	}
}

// BenchmarkQueue is one Next and one Add beside 100,000 entries of 10,000 groups.
func BenchmarkQueue(b *testing.B) {
	var q Queue[int]
	var names []string
	for n := range 10_000 {
		names = append(names, fmt.Sprint("workflow-", n))
	}
	for n := range 100_000 {
		q.Add(names[n%len(names)], uint64(n), n)
	}
	for n := 100_000; b.Loop(); n++ {
		q.Next(nil)
		q.Add(names[n%len(names)], uint64(n), n)
	}
}
