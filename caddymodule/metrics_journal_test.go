package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
)

// gathered returns the values of a registry by name and label values. Of a histogram it is the
// count.
func gathered(t *testing.T, reg prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			name := strings.TrimPrefix(f.GetName(), "caddy_flowtrux_")
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			values[name] = value(m)
		}
	}
	return values
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	default:
		return float64(m.Histogram.GetSampleCount())
	}
}

// TestJournalMetrics checks that the results of executions in the journal are counted, and that its
// size is reported.
func TestJournalMetrics(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"node_timeout":"1m"}`), `{}`)
	reg := prometheus.NewPedanticRegistry()
	if err := s.app.meters.register(reg, s.app); err != nil {
		t.Fatal(err)
	}
	s.putWorkflow("order", u.workflow(`{`+byHeader+`}`))
	s.putWorkflow("wait", trigger(`{"responseMode":"lastNode",`+byHeader+`}`))
	id := s.do(keyed("order", "k", `1`)).header.Get("X-Execution-Id")
	<-u.arrived
	s.do(keyed("order", "k", `1`))
	s.do(keyed("wait", "k", `1`))
	during := gathered(t, reg)
	u.CloseClientConnections() // the node fails
	s.ended(id, journal.Failed)
	var after map[string]float64
	eventually(t, "the end is counted", func() bool {
		after = gathered(t, reg)
		return after["journal_finished_total failed"] > 0
	})
	for _, c := range []struct {
		when   string
		values map[string]float64
		want   map[string]float64
	}{
		{"while it runs", during, map[string]float64{
			"journal_accepted_total": 1, "journal_claimed_total": 1, "journal_retried_total": 0, "journal_running": 1, "journal_pending": 0,
			"journal_oldest_pending_seconds": 0, "journal_up": 1, "journal_max_bytes": 4 << 30, "duplicates_total order": 1,
			"duplicates_waiting": 0, "journal_write_seconds accept ok": 1, "journal_write_seconds reserve ok": 1, "journal_write_seconds settle ok": 1,
		}},
		{"when it has failed", after, map[string]float64{
			"journal_finished_total failed": 1, "journal_running": 0, "journal_write_seconds finish ok": 1,
		}},
	} {
		for name, want := range c.want {
			if got, ok := c.values[name]; !ok || got != want {
				t.Errorf("%s: %s is %v, %v; want %v", c.when, name, got, ok, want)
			}
		}
	}
	for _, name := range []string{"journal_bytes", "journal_disk_free_bytes", "executions_limit", "body_limit_bytes"} {
		if during[name] <= 0 {
			t.Errorf("%s is %v", name, during[name])
		}
	}
	s.app.drain()
	s.app.closeExecutor()
	closed := gathered(t, reg)
	if _, known := closed["journal_bytes"]; known || closed["journal_up"] != 0 {
		t.Errorf("a closed journal reports: %v", closed)
	}
}

// A journal without a disk has no metric of what is free: zero would raise an alert.
func TestJournalMetricsWithoutADisk(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(journalState{memory.New(memory.Options{})})
	got := gathered(t, reg)
	if v, known := got["journal_disk_free_bytes"]; known || got["journal_up"] != 1 {
		t.Errorf("journal_disk_free_bytes is %v; all: %v", v, got)
	}
}

// sharedJournal is a journal that several machines share.
type sharedJournal struct {
	journal.Journal
	journal.Sharing
	machines int // -1 = the database is away
	found    journal.Durability
}

func (sharedJournal) Durability() journal.Durability          { return journal.Replicated }
func (j sharedJournal) CheckedDurability() journal.Durability { return j.found }
func (sharedJournal) TakenOver() uint64                       { return 3 }

func (j sharedJournal) Machines(context.Context) ([]journal.Machine, error) {
	if j.machines < 0 {
		return nil, journal.ErrUnavailable
	}
	return make([]journal.Machine, j.machines), nil
}

// TestFleetMetrics checks what is told of a journal that is shared, of one whose database is away,
// and of one that is not shared.
func TestFleetMetrics(t *testing.T) {
	own := memory.New(memory.Options{})
	for _, c := range []struct {
		name    string
		journal journal.Journal
		want    map[string]float64
	}{
		{"shared", meteredJournal{Journal: sharedJournal{Journal: own, machines: 3, found: journal.Disk}}, map[string]float64{
			"journal_durability": 1, "journal_required_durability": 2, "journal_takeovers_total": 3, "journal_machines": 3,
		}},
		{"the database is away", sharedJournal{Journal: own, machines: -1, found: journal.Replicated}, map[string]float64{
			"journal_durability": 2, "journal_required_durability": 2, "journal_takeovers_total": 3,
		}},
		{"not shared", own, map[string]float64{"journal_durability": 0, "journal_required_durability": 0}},
	} {
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(fleetState{c.journal})
		if got := gathered(t, reg); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// An execution that is interrupted and goes on from the journal is counted when it ends.
func TestInterruptedIsNotCounted(t *testing.T) {
	own := memory.New(memory.Options{})
	for _, c := range []struct {
		journal journal.Journal
		want    int
	}{{own, 1}, {sharedJournal{Journal: own}, 0}} {
		a := &App{journal: c.journal, meters: newMeters(), logger: zap.NewNop()}
		observer{app: a}.ExecutionEnded(&engine.Program{Plan: &flow.Plan{ID: "order"}}, &engine.Result{Status: engine.Cancelled, Interrupted: true})
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(a.meters.executions)
		if got := gathered(t, reg); len(got) != c.want {
			t.Errorf("%s: counted %v", c.journal.Durability(), got)
		}
	}
}

func TestJournalWrites(t *testing.T) {
	m := newJournalMeters()
	for _, err := range []error{nil, journal.ErrCancelled, journal.ErrKeyReused, &journal.DuplicateError{}, fmt.Errorf("%w: why", journal.ErrUnavailable), errors.New("x")} {
		m.observe("accept", time.Now(), err)
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(m.writes)
	if got := gathered(t, reg); got["journal_write_seconds accept ok"] != 2 || got["journal_write_seconds accept error"] != 2 {
		t.Errorf("counted %v", got)
	}
}

func TestOldestPending(t *testing.T) {
	if got := oldest(journal.Stats{}); got != 0 {
		t.Errorf("%v with none waiting", got)
	}
	if got := oldest(journal.Stats{Oldest: time.Now().Add(-time.Hour)}); got < 3600 {
		t.Errorf("%v after an hour", got)
	}
	if got := oldest(journal.Stats{Oldest: time.Now().Add(time.Hour)}); got != 0 {
		t.Errorf("%v when the clock was set back", got)
	}
}
