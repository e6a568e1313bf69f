package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/runtime/journal"
)

// journalMeters count what executors do on journals. They are safe for concurrent use.
type journalMeters struct {
	accepted prometheus.Counter
	claimed  prometheus.Counter
	finished *prometheus.CounterVec
	retried  prometheus.Counter
	writes   *prometheus.HistogramVec
}

func newJournalMeters() journalMeters {
	return journalMeters{
		accepted: counter("journal_accepted_total", "Executions that the journal has promised to keep until they end.").WithLabelValues(),
		claimed:  counter("journal_claimed_total", "Executions that were taken from the journal to be run, again ones included.").WithLabelValues(),
		finished: counter("journal_finished_total", "Executions in the journal that have run and ended, by how they ended.", "status"),
		retried:  counter("journal_retried_total", "Executions that were given back to the journal to be run again.").WithLabelValues(),
		writes:   seconds("journal_write_seconds", "Time from handing something to the journal until it is kept.", "operation", "result"),
	}
}

func (m journalMeters) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.accepted, m.claimed, m.finished, m.retried, m.writes}
}

// observe takes down a write that began at began.
func (m journalMeters) observe(operation string, began time.Time, err error) {
	var duplicate *journal.DuplicateError
	result := "ok"
	switch {
	// an answer, and nothing was written
	case errors.As(err, &duplicate) || errors.Is(err, journal.ErrKeyReused):
		return
	case err != nil && !errors.Is(err, journal.ErrCancelled): // which comes with what is kept
		result = "error"
	}
	m.writes.WithLabelValues(operation, result).Observe(time.Since(began).Seconds())
}

// meteredJournal counts what an executor does on a journal.
type meteredJournal struct {
	journal.Journal
	meters journalMeters
}

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

// meteredLease counts what becomes of a lease.
type meteredLease struct {
	journal.Lease
	meters journalMeters
}

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

// journalState collects what a journal holds, all of it at the same moment.
type journalState struct{ journal journal.Journal }

// journalGauges are the gauges of journalState, with their values.
var journalGauges = []struct {
	desc  *prometheus.Desc
	value func(journal.Stats) float64
}{
	{describe("journal_pending", "Accepted executions that wait to be run."), func(s journal.Stats) float64 { return float64(s.Pending) }},
	{describe("journal_running", "Accepted executions that run."), func(s journal.Stats) float64 { return float64(s.Running) }},
	{describe("journal_oldest_pending_seconds", "Age of the oldest accepted execution that waits; 0 = none does."), oldest},
	{describe("journal_bytes", "Bytes that what the journal holds takes."), func(s journal.Stats) float64 { return float64(s.Bytes) }},
	{describe("journal_max_bytes", "Bytes that it may take; 0 = no bound."), func(s journal.Stats) float64 { return float64(s.MaxBytes) }},
	{describe("journal_up", "1 while the journal can be written, 0 while it cannot."), func(s journal.Stats) float64 {
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

// Collect implements prometheus.Collector. A journal that does not tell is not up, and the rest is
// not known.
func (s journalState) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	stats, err := s.journal.Stats(ctx)
	if err != nil {
		metrics <- prometheus.MustNewConstMetric(journalGauges[len(journalGauges)-1].desc, prometheus.GaugeValue, 0)
		return
	}
	for _, g := range journalGauges {
		metrics <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(stats))
	}
}
