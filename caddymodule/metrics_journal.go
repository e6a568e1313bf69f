package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/runtime/journal"
)

// journalMeters are the metrics of what executors do with journals. They are safe for concurrent
// use.
type journalMeters struct {
	accepted prometheus.Counter
	claimed  prometheus.Counter
	finished *prometheus.CounterVec
	retried  prometheus.Counter
	writes   *prometheus.HistogramVec
}

func newJournalMeters() journalMeters {
	return journalMeters{
		accepted: counter("journal_accepted_total", "Number of executions that the journal accepted.").WithLabelValues(),
		claimed:  counter("journal_claimed_total", "Number of executions claimed from the journal, including retries.").WithLabelValues(),
		finished: counter("journal_finished_total", "Number of claimed executions that ended, by status.", "status"),
		retried:  counter("journal_retried_total", "Number of executions that were returned to the journal to be run again.").WithLabelValues(),
		writes:   seconds("journal_write_seconds", "Duration of writes to the journal, until they are stored.", "operation", "result"),
	}
}

func (m journalMeters) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.accepted, m.claimed, m.finished, m.retried, m.writes}
}

// observe counts a write that began at the time given.
func (m journalMeters) observe(operation string, began time.Time, err error) {
	var duplicate *journal.DuplicateError
	result := "ok"
	switch {
	// the key is in use, and nothing was written
	case errors.As(err, &duplicate) || errors.Is(err, journal.ErrKeyReused):
		return
	case err != nil && !errors.Is(err, journal.ErrCancelled): // the write was stored
		result = "error"
	}
	m.writes.WithLabelValues(operation, result).Observe(time.Since(began).Seconds())
}

// meteredJournal counts what an executor does on a journal.
type meteredJournal struct {
	journal.Journal
	meters journalMeters
}

// Unwrap returns the journal that is counted: see journal.CountingOf.
func (j meteredJournal) Unwrap() journal.Journal { return j.Journal }

// Accept implements journal.Journal.
func (j meteredJournal) Accept(ctx context.Context, e *journal.Entry) error {
	began := time.Now()
	err := j.Journal.Accept(ctx, e)
	j.meters.observe("accept", began, err)
	if err == nil {
		j.meters.accepted.Inc()
	}
	return err
}

// Adopt implements journal.Journal.
func (j meteredJournal) Adopt(ctx context.Context, e *journal.Entry) (journal.Lease, error) {
	began := time.Now()
	l, err := j.Journal.Adopt(ctx, e)
	j.meters.observe("accept", began, err)
	if err != nil {
		return nil, err
	}
	j.meters.accepted.Inc()
	return meteredLease{l, j.meters}, nil
}

// Claim implements journal.Journal.
func (j meteredJournal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	l, err := j.Journal.Claim(ctx, except...)
	if err != nil {
		return nil, err
	}
	j.meters.claimed.Inc()
	return meteredLease{l, j.meters}, nil
}

// Reserve implements journal.Keys.
func (j meteredJournal) Reserve(ctx context.Context, r journal.Reservation) error {
	began := time.Now()
	err := j.Journal.Reserve(ctx, r)
	j.meters.observe("reserve", began, err)
	return err
}

// Settle implements journal.Keys.
func (j meteredJournal) Settle(ctx context.Context, r journal.Reservation, response []byte) error {
	began := time.Now()
	err := j.Journal.Settle(ctx, r, response)
	j.meters.observe("settle", began, err)
	return err
}

// Free implements journal.Keys.
func (j meteredJournal) Free(ctx context.Context, r journal.Reservation) error {
	began := time.Now()
	err := j.Journal.Free(ctx, r)
	j.meters.observe("settle", began, err)
	return err
}

// Put implements journal.Records.
func (j meteredJournal) Put(ctx context.Context, ended ...journal.Ended) error {
	began := time.Now()
	err := j.Journal.Put(ctx, ended...)
	j.meters.observe("record", began, err)
	return err
}

// meteredLease counts how leases end.
type meteredLease struct {
	journal.Lease
	meters journalMeters
}

// Unwrap returns the lease itself.
func (l meteredLease) Unwrap() journal.Lease { return l.Lease }

// Checkpoint implements journal.Lease.
func (l meteredLease) Checkpoint(ctx context.Context, s journal.Step) error {
	began := time.Now()
	err := l.Lease.Checkpoint(ctx, s)
	l.meters.observe("checkpoint", began, err)
	return err
}

// Finish implements journal.Lease.
func (l meteredLease) Finish(ctx context.Context, r *journal.Record) error {
	began := time.Now()
	err := l.Lease.Finish(ctx, r)
	l.meters.observe("finish", began, err)
	if err == nil {
		l.meters.finished.WithLabelValues(r.Status).Inc()
	}
	return err
}

// Release implements journal.Lease.
func (l meteredLease) Release(ctx context.Context, after time.Duration) error {
	err := l.Lease.Release(ctx, after)
	if err == nil {
		l.meters.retried.Inc()
	}
	return err
}

// journalState collects the state of a journal, all gauges from the same moment.
type journalState struct{ journal journal.Journal }

// journalGauges are the gauges of journalState.
var journalGauges = []struct {
	desc  *prometheus.Desc
	value func(journal.Stats) float64
}{
	{describe("journal_pending", "Number of accepted executions that wait to be run."), func(s journal.Stats) float64 { return float64(s.Pending) }},
	{describe("journal_running", "Number of accepted executions that are running."), func(s journal.Stats) float64 { return float64(s.Running) }},
	{describe("journal_oldest_pending_seconds", "Age of the oldest accepted execution that waits to be run. 0 if none waits."), oldest},
	{describe("journal_bytes", "Bytes used by the journal."), func(s journal.Stats) float64 { return float64(s.Bytes) }},
	{describe("journal_max_bytes", "Maximum of caddy_flowtrux_journal_bytes. 0 if there is none."), func(s journal.Stats) float64 { return float64(s.MaxBytes) }},
	{describe("journal_disk_free_bytes", "Bytes that are free on the journal's disk. Left out if it has none."), func(s journal.Stats) float64 { return float64(s.DiskFree) }},
	{describe("journal_up", "1 while the journal can be written to, 0 otherwise."), func(s journal.Stats) float64 {
		if s.Fault != "" {
			return 0
		}
		return 1
	}},
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricNamespace, metricSubsystem, name), help, nil, nil)
}

func oldest(s journal.Stats) float64 {
	if s.Oldest.IsZero() {
		return 0
	}
	return max(time.Since(s.Oldest).Seconds(), 0)
}

// Describe implements prometheus.Collector.
func (journalState) Describe(descriptions chan<- *prometheus.Desc) {
	for _, g := range journalGauges {
		descriptions <- g.desc
	}
}

// Collect implements prometheus.Collector. A journal that does not report its state is not up, and
// its other gauges are left out.
func (s journalState) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	stats, err := s.journal.Stats(ctx)
	if err != nil {
		metrics <- prometheus.MustNewConstMetric(journalGauges[len(journalGauges)-1].desc, prometheus.GaugeValue, 0)
		return
	}
	for _, g := range journalGauges {
		if v := g.value(stats); v >= 0 { // less stands for not known
			metrics <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
		}
	}
}
