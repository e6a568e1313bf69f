package counts

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestMerge: what several tables save into one place is what one table would have counted.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := func() time.Time { return epoch }
		one, shared := New(now, true), make(disk)
		parts := []*Table{New(now, true), New(now, true)}
		for n := range rapid.IntRange(0, 30).Draw(t, "counted") {
			part := parts[rapid.IntRange(0, 1).Draw(t, "by")]
			at := epoch.Add(-time.Duration(30-n) * time.Minute)
			for _, table := range []*Table{part, one} {
				table.Ended(journal.EndedCount{
					Workflow: string(rune('a' + n%3)), ID: string(rune('A' + n)), Status: statuses[n%4], EndedAt: at, Duration: time.Duration(n) * time.Second,
				})
				table.Rejected(string(rune('x'+n%2)), at)
			}
			if n%7 == 0 {
				shared.merge(part.Changes(math.MaxInt))
				parts[slices.Index(parts, part)] = New(now, true)
			}
		}
		for _, part := range parts {
			shared.merge(part.Changes(math.MaxInt))
		}
		q := journal.CountsQuery{Hours: 3}
		if diff := gocmp.Diff(one.Counts(q), shared.load(now).Counts(q)); diff != "" {
			t.Fatalf("counts (-one +merged):\n%s", diff)
		}
		for key, value := range shared {
			if hour := KeyHour([]byte(key), value); hour < hourOf(epoch) {
				t.Fatalf("%q is of no use since hour %d", key, hour)
			}
		}
	})
}

func (d disk) merge(c Changes) {
	for _, kv := range c.Put {
		if saved, ok := d[string(kv.Key)]; ok {
			d[string(kv.Key)] = Merge(kv.Key, saved, kv.Value)
		} else {
			d[string(kv.Key)] = kv.Value
		}
	}
}

// TestMergeOfDamagedValues: what is damaged counts as none.
func TestMergeOfDamagedValues(t *testing.T) {
	table := New(func() time.Time { return epoch }, true)
	table.Ended(journal.EndedCount{Workflow: "a", ID: "1", Status: journal.Failed, EndedAt: epoch, Duration: time.Second})
	table.Rejected("overloaded", epoch)
	saved := make(disk)
	saved.merge(table.Changes(math.MaxInt))
	for _, key := range slices.Sorted(maps.Keys(saved)) {
		value := saved[key]
		damaged := append(slices.Clone(value), 0xff)
		if got := Merge([]byte(key), damaged, value); !slices.Equal(got, value) {
			t.Errorf("%q: %x", key, got)
		}
		if got := Merge([]byte(key), value, damaged); !slices.Equal(got, value) {
			t.Errorf("%q: %x", key, got)
		}
	}
}
