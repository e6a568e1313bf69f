package journal

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"pgregory.net/rapid"
)

// idAt returns an id of a time with random bits.
func idAt(ms uint64) string {
	return idPrefix + strings.ToLower(ulid.MustNew(ms, rand.Reader).String())
}

// TestRange checks that the range of a query has exactly the ids that its times and its prefix
// select.
func TestRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.Uint64Range(0, 1<<48-1)
		at := times.Draw(t, "time")
		id := idAt(at)
		q := Query{}
		want := true
		if rapid.Bool().Draw(t, "from") {
			ms := times.Draw(t, "the first millisecond")
			q.From = time.UnixMilli(int64(ms))
			want = want && at >= ms
		}
		if rapid.Bool().Draw(t, "to") {
			ms := times.Draw(t, "the last millisecond")
			q.To = time.UnixMilli(int64(ms))
			want = want && at < ms
		}
		if rapid.Bool().Draw(t, "with a prefix") {
			other := id
			if rapid.Bool().Draw(t, "of another id") {
				other = idAt(times.Draw(t, "the time of the other id"))
			}
			q.IDPrefix = other[:rapid.IntRange(1, len(other)).Draw(t, "its length")]
			want = want && strings.HasPrefix(id, q.IDPrefix)
		}
		first, end, err := q.Range()
		if err != nil {
			t.Fatal(err)
		}
		for _, bound := range []string{first, end} {
			if _, err := IDTime(bound); bound != "" && err != nil {
				t.Fatalf("%q is not an id", bound)
			}
		}
		if got := id >= first && (end == "" || id < end); got != want {
			t.Fatalf("%+v has %s: %v, want %v; from %q to %q", q, id, got, want, first, end)
		}
		if got := q.Has(&Summary{ID: id}); got != want {
			t.Fatalf("Has says %v of %s, want %v", got, id, want)
		}
	})
}
