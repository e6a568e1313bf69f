package caddymodule

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/runtime/journal"
)

// fleetState collects what is known of a journal that several machines may share. What is the same
// on all of them, such as their number, is told by each.
type fleetState struct{ journal journal.Journal }

var (
	durabilityDesc = describe("journal_durability",
		"What an accepted execution survives: 0 = nothing, 1 = loss of power, 2 = also the loss of the database server.")
	requiredDurabilityDesc = describe("journal_required_durability",
		"What caddy_flowtrux_journal_durability must be, according to the config.")
	takeoversDesc = describe("journal_takeovers_total",
		"Number of other machines that this one has taken for dead. Left out if the journal is not shared.")
	machinesDesc = describe("journal_machines",
		"Number of machines that share the journal, as this one sees it. Left out if it is not known.")
)

// levels are the values of journal_durability.
var levels = map[journal.Durability]float64{journal.Memory: 0, journal.Disk: 1, journal.Replicated: 2}

// machinesTime bounds the reading of the machines for a scrape.
const machinesTime = time.Second

// Describe implements prometheus.Collector.
func (fleetState) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{durabilityDesc, requiredDurabilityDesc, takeoversDesc, machinesDesc} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (s fleetState) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	sharing := journal.SharingOf(s.journal)
	durability := s.journal.Durability()
	gauge(requiredDurabilityDesc, levels[durability])
	if sharing == nil {
		gauge(durabilityDesc, levels[durability])
		return
	}
	gauge(durabilityDesc, levels[sharing.CheckedDurability()])
	metrics <- prometheus.MustNewConstMetric(takeoversDesc, prometheus.CounterValue, float64(sharing.TakenOver()))
	ctx, cancel := context.WithTimeout(context.Background(), machinesTime)
	defer cancel()
	if machines, err := sharing.Machines(ctx); err == nil {
		gauge(machinesDesc, float64(len(machines)))
	}
}
