package counts

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/flowtrux/edge/runtime/journal"
)

var epoch = time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)

// disk is what a journal saves of a table.
type disk map[string][]byte

func (d disk) save(c Changes) {
	for _, key := range c.Delete {
		delete(d, string(key))
	}
	for _, kv := range c.Put {
		d[string(kv.Key)] = kv.Value
	}
}

// load returns a table with what was saved.
func (d disk) load(now func() time.Time) *Table {
	t := New(now, true)
	for _, key := range slices.Sorted(maps.Keys(d)) {
		t.Load([]byte(key), d[key])
	}
	return t
}

// TestTable compares a table, which is saved and loaded from time to time, with all that was
// counted.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := epoch
		now := func() time.Time { return clock }
		table, saved := New(now, true), make(disk)
		kept := map[string]*journal.KeptCounts{"a": {}, "b": {}} // c has none
		var ended []journal.EndedCount
		type rejection struct {
			code string
			at   time.Time
		}
		var rejected []rejection
		t.Repeat(map[string]func(*rapid.T){
			"end": func(t *rapid.T) {
				e := journal.EndedCount{
					Workflow: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "workflow"), ID: fmt.Sprint("exec-", len(ended)),
					Status: rapid.SampledFrom(statuses[:]).Draw(t, "status"), EndedAt: clock,
					Duration: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "duration")),
				}
				e.Kept = kept[e.Workflow]
				table.Ended(e)
				ended = append(ended, e)
			},
			"reject": func(t *rapid.T) {
				r := rejection{rapid.SampledFrom([]string{"overloaded", "not_ready"}).Draw(t, "code"), clock}
				table.Rejected(r.code, r.at)
				rejected = append(rejected, r)
			},
			"wait": func(t *rapid.T) {
				clock = clock.Add(rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 71 * time.Hour}).Draw(t, "wait"))
			},
			"save": func(*rapid.T) { saved.save(table.Changes(math.MaxInt)) },
			"restart": func(*rapid.T) {
				saved.save(table.Changes(math.MaxInt))
				table = saved.load(now)
			},
			"query": func(t *rapid.T) {
				hours := rapid.IntRange(1, journal.MaxCountedHours).Draw(t, "hours")
				q := journal.CountsQuery{Workflow: rapid.SampledFrom([]string{"", "a", "d"}).Draw(t, "query"), Hours: hours}
				want := journal.Counts{From: clock.Truncate(time.Hour).Add(-time.Duration(hours-1) * time.Hour)}
				byWorkflow := make(map[string]*journal.WorkflowCounts)
				durations := make(map[string][]time.Duration)
				for _, e := range ended {
					if q.Workflow != "" && q.Workflow != e.Workflow {
						continue
					}
					w := byWorkflow[e.Workflow]
					if w == nil {
						w = &journal.WorkflowCounts{Workflow: e.Workflow, Ended: make(map[string][]int)}
						byWorkflow[e.Workflow] = w
					}
					w.Last = journal.LastEnd{ID: e.ID, Status: e.Status, EndedAt: e.EndedAt}
					if e.EndedAt.Before(want.From) {
						continue
					}
					if w.Ended[e.Status] == nil {
						w.Ended[e.Status] = make([]int, hours)
					}
					w.Ended[e.Status][int(e.EndedAt.Sub(want.From)/time.Hour)]++
					if e.Duration > 0 {
						durations[e.Workflow] = append(durations[e.Workflow], e.Duration)
					}
				}
				for _, w := range byWorkflow {
					want.Workflows = append(want.Workflows, *w)
				}
				byCode := make(map[string][]int)
				for _, r := range rejected {
					if r.at.Before(want.From) {
						continue
					}
					if byCode[r.code] == nil {
						byCode[r.code] = make([]int, hours)
					}
					byCode[r.code][int(r.at.Sub(want.From)/time.Hour)]++
				}
				for code, counts := range byCode {
					want.Rejections = append(want.Rejections, journal.RejectionCounts{Code: code, Counts: counts})
				}
				got := table.Counts(q)
				for i := range got.Workflows {
					w := &got.Workflows[i]
					if d := slices.Sorted(slices.Values(durations[w.Workflow])); len(d) > 0 {
						middle := d[(len(d)-1)/2]
						if low, high := middle*3/4-unit, middle*4/3+unit; w.Median < low || w.Median > high {
							t.Fatalf("median %s of %v", w.Median, d)
						}
					} else if w.Median != 0 {
						t.Fatalf("median %s of nothing", w.Median)
					}
					w.Median = 0
				}
				if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(),
					cmpopts.SortSlices(func(a, b journal.WorkflowCounts) int { return cmp.Compare(a.Workflow, b.Workflow) }),
					cmpopts.SortSlices(func(a, b journal.RejectionCounts) int { return cmp.Compare(a.Code, b.Code) })); diff != "" {
					t.Fatalf("counts (-want +got):\n%s", diff)
				}
			},
		})
	})
}

func TestSlots(t *testing.T) {
	for slot := range slots {
		start := startOf(slot)
		if got := slotOf(start); got != slot {
			t.Errorf("slot %d begins at %s, which is in slot %d", slot, start, got)
		}
		if got := slotOf(startOf(slot+1) - 1); got != slot {
			t.Errorf("slot %d ends before %s, which is in slot %d", slot, startOf(slot+1), got)
		}
	}
	for d, want := range map[time.Duration]int{-1: 0, 0: 0, 1: 0, math.MaxInt64: slots - 1} {
		if got := slotOf(d); got != want {
			t.Errorf("%s is in slot %d, want %d", d, got, want)
		}
	}
}

// TestWorkflowsAreBounded: the workflows that ran least recently are forgotten, on the disk too.
func TestWorkflowsAreBounded(t *testing.T) {
	clock := epoch
	table, saved := New(func() time.Time { return clock }, true), make(disk)
	end := func(i int) {
		table.Ended(journal.EndedCount{Workflow: fmt.Sprint("w", i), ID: "exec-1", Status: journal.Failed, EndedAt: clock, Duration: 1})
	}
	for i := range journal.MaxCountedWorkflows + 1 {
		clock = clock.Add(time.Millisecond)
		end(i)
		if i == 5 {
			saved.save(table.Changes(math.MaxInt))
		}
	}
	saved.save(table.Changes(math.MaxInt))
	n := len(table.Counts(journal.CountsQuery{Hours: 72}).Workflows)
	if n > journal.MaxCountedWorkflows || n < journal.MaxCountedWorkflows*9/10 || len(saved) != 2*n {
		t.Errorf("%d workflows are counted, %d values saved", n, len(saved))
	}
	if len(table.Counts(journal.CountsQuery{Workflow: "w0", Hours: 72}).Workflows) > 0 {
		t.Error("the oldest is not forgotten")
	}
	// a smaller limit
	saved.save(table.Changes(100))
	if got := table.Counts(journal.CountsQuery{Hours: 72}).Workflows; len(got) != 100 || len(saved) != 200 {
		t.Errorf("%d workflows are counted, %d values saved; want 100", len(got), len(saved))
	}
	for i := range 1000 {
		end(i)
	}
	if n := len(table.Counts(journal.CountsQuery{Hours: 72}).Workflows); n > 100 {
		t.Errorf("%d workflows are counted, want 100", n)
	}
}

// Counters that were kept count as long as they are those of the table, and no longer.
func TestKeptCounts(t *testing.T) {
	now := func() time.Time { return epoch }
	table, other := New(now, false), New(now, false)
	table.max = 1
	var kept journal.KeptCounts
	count := func(in *Table, workflow string, kept *journal.KeptCounts) {
		in.Ended(journal.EndedCount{Workflow: workflow, Kept: kept, Status: journal.Succeeded, EndedAt: epoch})
	}
	succeeded := func(in *Table) int {
		sum := 0
		for _, w := range in.Counts(journal.CountsQuery{Workflow: "a", Hours: 1}).Workflows {
			sum += w.Ended[journal.Succeeded][0]
		}
		return sum
	}
	count(table, "a", &kept)
	count(table, "a", nil)
	count(table, "a", &kept)
	if n := succeeded(table); n != 3 {
		t.Errorf("%d executions, want 3", n)
	}
	count(table, "b", nil) // which evicts a
	count(table, "a", &kept)
	if n := succeeded(table); n != 1 {
		t.Errorf("%d executions after an eviction, want 1", n)
	}
	count(other, "a", &kept)
	if of, n := succeeded(other), succeeded(table); of != 1 || n != 1 {
		t.Errorf("%d and %d executions, want one in each table", of, n)
	}
}

// Executions that end while the counters of their workflows are evicted count in the table.
func TestKeptCountsMeetEvictions(t *testing.T) {
	table := New(func() time.Time { return epoch }, true)
	table.max = 2
	var kept [4]journal.KeptCounts
	end := func(i int) {
		table.Ended(journal.EndedCount{Workflow: fmt.Sprint(i), Kept: &kept[i], Status: journal.Failed, EndedAt: epoch})
	}
	var ending sync.WaitGroup
	for range 4 {
		ending.Go(func() {
			for n := range 2000 {
				end(n % len(kept))
			}
		})
	}
	ending.Wait()
	for i := range kept {
		end(i)
		if w := kept[i].Load(); w != table.workflows[fmt.Sprint(i)] {
			t.Errorf("workflow %d counts elsewhere", i)
		}
	}
}

// TestOldIsForgotten: what is too old is gone from memory and disk.
func TestOldIsForgotten(t *testing.T) {
	clock := epoch
	table, saved := New(func() time.Time { return clock }, true), make(disk)
	for range 200 {
		table.Ended(journal.EndedCount{Workflow: "busy", ID: "exec-1", Status: journal.Failed, EndedAt: clock, Duration: time.Second})
		table.Rejected("overloaded", clock)
		saved.save(table.Changes(math.MaxInt))
		clock = clock.Add(time.Hour)
	}
	if len(saved) != 72+1+72 { // the cells, the last one, and the rejections
		t.Errorf("%d values are saved", len(saved))
	}
	clock = clock.Add(keepLast - time.Hour)
	saved.save(table.Changes(math.MaxInt))
	rows := table.Counts(journal.CountsQuery{Hours: 72}).Workflows
	if len(rows) != 1 || rows[0].Last.ID != "exec-1" || rows[0].Ended != nil {
		t.Errorf("after some days: %+v", rows)
	}
	clock = clock.Add(2 * time.Hour)
	saved.save(table.Changes(math.MaxInt))
	if rows := table.Counts(journal.CountsQuery{Hours: 72}).Workflows; len(rows) > 0 || len(saved) > 0 {
		t.Errorf("after 30 days: %+v, %d values", rows, len(saved))
	}
}

// TestClockIsSetBack: hours that are still to come are not shown when they come, and what is
// counted from now on is.
func TestClockIsSetBack(t *testing.T) {
	clock := epoch.Add(1000 * time.Hour)
	table := New(func() time.Time { return clock }, true)
	count := func() {
		table.Ended(journal.EndedCount{Workflow: "a", ID: "exec-1", Status: journal.Succeeded, EndedAt: clock})
		table.Rejected("overloaded", clock)
	}
	count()
	clock = epoch
	count()
	clock = epoch.Add(time.Hour)
	count()
	clock = clock.Add(-time.Hour) // a little: it counts in the hour that has begun
	count()
	clock = clock.Add(time.Hour)
	got := table.Counts(journal.CountsQuery{Hours: 2})
	if n := got.Workflows[0].Ended[journal.Succeeded]; !slices.Equal(n, []int{1, 2}) {
		t.Errorf("executions %v", n)
	}
	if n := got.Rejections[0].Counts; !slices.Equal(n, []int{2, 1}) {
		t.Errorf("rejections %v", n)
	}
}

// TestUnsavedIsBounded: a journal that cannot be written does not fill the memory.
func TestUnsavedIsBounded(t *testing.T) {
	clock := epoch
	table := New(func() time.Time { return clock }, true)
	for range 200 {
		for w := range 2000 {
			table.Ended(journal.EndedCount{Workflow: fmt.Sprint(w), ID: "exec-1", Status: journal.Failed, EndedAt: clock})
		}
		clock = clock.Add(time.Hour)
	}
	if n := len(table.left); n > maxUnsaved+1 || n < maxUnsaved {
		t.Errorf("%d changes wait", n)
	}
}

// TestNotCounted: statuses that are not final, and names that no workflow has.
func TestNotCounted(t *testing.T) {
	table := New(func() time.Time { return epoch }, false)
	table.Ended(journal.EndedCount{Workflow: "a", Status: journal.Running, EndedAt: epoch})
	table.Ended(journal.EndedCount{Workflow: string(make([]byte, maxID+1)), Status: journal.Failed, EndedAt: epoch})
	for i := range 2 * journal.MaxCountedCodes {
		table.Rejected(fmt.Sprint("code", i), epoch)
	}
	got := table.Counts(journal.CountsQuery{Hours: 1})
	if len(got.Workflows) > 0 || len(got.Rejections) != journal.MaxCountedCodes {
		t.Errorf("%d workflows, %d codes", len(got.Workflows), len(got.Rejections))
	}
	if c := table.Changes(math.MaxInt); !c.Empty() || table.dirty != nil {
		t.Errorf("a table that is not saved has changes: %+v", c)
	}
}

func FuzzLoad(f *testing.F) {
	table := New(func() time.Time { return epoch }, true)
	table.Ended(journal.EndedCount{Workflow: "a", ID: "exec-1", Status: journal.Failed, EndedAt: epoch, Duration: time.Second})
	table.Rejected("overloaded", epoch)
	for _, kv := range table.Changes(math.MaxInt).Put {
		f.Add(kv.Key, kv.Value)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		table := New(func() time.Time { return epoch }, true)
		table.Load(key, value)
		table.Ended(journal.EndedCount{Workflow: "a", ID: "exec-2", Status: journal.Failed, EndedAt: epoch, Duration: time.Second})
		table.Counts(journal.CountsQuery{Hours: 72})
		table.Changes(math.MaxInt)
		var c, again cell
		rest, err := c.read(value)
		if err != nil {
			return
		}
		if after, err := again.read(c.append(nil)); err != nil || len(after) > 0 || again != c || len(rest) > len(value) {
			t.Errorf("%x became %+v, and that %+v", value, c, again)
		}
		if codes, err := readCodes(value); err == nil {
			if got, err := readCodes(appendCodes(nil, codes)); err != nil || !maps.Equal(got, codes) {
				t.Errorf("%x became %v, and that %v", value, codes, got)
			}
		}
		if l, err := readLast(value); err == nil {
			if got, err := readLast(l.append(nil)); err != nil || got != l {
				t.Errorf("%x became %+v, and that %+v", value, l, got)
			}
		}
	})
}

func BenchmarkEnded(b *testing.B) {
	table := New(time.Now, true)
	e := journal.EndedCount{Workflow: "order-intake", ID: "exec-1", Status: journal.Succeeded, EndedAt: time.Now(), Duration: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		table.Ended(e)
	}
}

// BenchmarkCounts reads all hours of 1,000 busy workflows.
func BenchmarkCounts(b *testing.B) {
	clock := epoch
	table := New(func() time.Time { return clock }, false)
	for range journal.MaxCountedHours {
		for w := range 1000 {
			for n := range 20 {
				table.Ended(journal.EndedCount{
					Workflow: fmt.Sprint("w", w), ID: "exec-1", Status: statuses[n%4], EndedAt: clock, Duration: time.Duration(n) * time.Millisecond,
				})
			}
		}
		clock = clock.Add(time.Hour)
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(table.Counts(journal.CountsQuery{Hours: 72}).Workflows); n != 1000 {
			b.Fatal(n)
		}
	}
}

// TestNothingIsSaved: a table that is not saved does not remember what would be.
func TestNothingIsSaved(t *testing.T) {
	clock := epoch
	table := New(func() time.Time { return clock }, false)
	for range 200 {
		table.Ended(journal.EndedCount{Workflow: "a", ID: "exec-1", Status: journal.Failed, EndedAt: clock})
		table.Rejected("overloaded", clock)
		clock = clock.Add(time.Hour)
	}
	if n := len(table.left) + len(table.dirty) + len(table.rejected.dirty); n > 0 {
		t.Errorf("%d changes wait", n)
	}
}

// TestForgottenIsNotSaved: of a workflow that is forgotten before its counters are saved, nothing
// comes to the disk.
func TestForgottenIsNotSaved(t *testing.T) {
	clock := epoch
	table, saved := New(func() time.Time { return clock }, true), make(disk)
	end := func(workflow string) {
		table.Ended(journal.EndedCount{Workflow: workflow, ID: "exec-1", Status: journal.Failed, EndedAt: clock, Duration: 1})
	}
	end("old")
	clock = clock.Add(time.Hour)
	end("old") // in another hour: the one before is to be saved
	clock = clock.Add(time.Second)
	end("new")
	saved.save(table.Changes(1))
	if keys := slices.Sorted(maps.Keys(saved)); len(keys) != 2 {
		t.Errorf("saved %q", keys)
	}
}
