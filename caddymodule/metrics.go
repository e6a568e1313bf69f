package caddymodule

import (
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/internal/version"
	"github.com/flowtrux/edge/runtime/store"
)

const (
	metricNamespace = "caddy"
	metricSubsystem = "flowtrux"

	// maxWorkflowLabels bounds the values of the label workflow: over time, a store may have any
	// number of workflows. Further ones are counted as otherWorkflows.
	maxWorkflowLabels = 1000
	otherWorkflows    = "_other"

	noWebhook = "manual" // the label mode of executions that no webhook started
)

// meters are the metrics of the process. They are pooled, so that reloads do not reset them, and
// are registered with each config's registry. They are safe for concurrent use.
type meters struct {
	executions     *prometheus.CounterVec
	duration       *prometheus.HistogramVec
	nodeCalls      *prometheus.CounterVec
	nodeDuration   *prometheus.HistogramVec
	verifyFailures *prometheus.CounterVec
	refused        *prometheus.CounterVec
	duplicates     *prometheus.CounterVec
	journal        journalMeters

	mu        sync.Mutex
	workflows map[string]bool // the values of the label workflow

	ofNodes      known[nodeLabels, series]
	ofExecutions known[executionLabels, *executionSeries]
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help,
	}, labels)
}

func seconds(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help,
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	}, labels)
}

func newMeters() *meters {
	return &meters{
		executions:     counter("executions_total", "Number of executions that ended, by status.", "workflow", "mode", "status"),
		duration:       seconds("execution_duration_seconds", "Duration of executions, from start to end.", "workflow", "mode"),
		nodeCalls:      counter("node_calls_total", "Number of nodes that ran, by type and result.", "type", "result"),
		nodeDuration:   seconds("node_duration_seconds", "Duration of nodes, over all attempts and items.", "type"),
		verifyFailures: counter("verify_failures_total", "Number of rejected signatures, by reason.", "reason"),
		refused:        counter("requests_refused_total", "Number of requests that were rejected without an execution, by error code.", "code"),
		duplicates:     counter("duplicates_total", "Number of duplicate requests that got the response of an earlier request.", "workflow"),
		journal:        newJournalMeters(),
		workflows:      make(map[string]bool),
	}
}

// buildInfo is a constant 1 whose label is the module's version.
func buildInfo() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: metricNamespace, Subsystem: metricSubsystem, Name: "build_info",
		Help:        "Always 1. The label version is the version of FlowTrux Edge.",
		ConstLabels: prometheus.Labels{"version": version.Version()},
	})
	g.Set(1)
	return g
}

// Destruct implements caddy.Destructor; there is nothing to release.
func (m *meters) Destruct() error { return nil }

// register registers the metrics, and gauges of what a uses, with the registry of a's config.
func (m *meters) register(reg prometheus.Registerer, a *App) error {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help,
		}, value)
	}
	for _, c := range append(m.journal.collectors(),
		m.executions, m.duration, m.nodeCalls, m.nodeDuration, m.verifyFailures, m.refused, m.duplicates,
		buildInfo(),
		gauge("store_up", "1 while the store is being watched, 0 while it is unreachable.", func() float64 {
			if a.mirror.Status().State == store.Live {
				return 1
			}
			return 0
		}),
		gauge("store_revision", "Revision of the store's content that is served.", func() float64 {
			return float64(a.mirror.Status().Revision)
		}),
		gauge("workflows_rejected", "Number of workflows whose newest document is invalid, whether or not an older one serves.", func() float64 {
			rejected := 0
			for _, w := range a.catalog.List() {
				if w.Problems != nil {
					rejected++
				}
			}
			return float64(rejected)
		}),
		gauge("workflows_preparing", "Number of workflows whose newest document is being prepared, whether or not an older one serves.", func() float64 {
			preparing := 0
			for _, w := range a.catalog.List() {
				if w.Preparing != nil {
					preparing++
				}
			}
			return float64(preparing)
		}),
		gauge("executions_in_use", "Number of execution slots in use.", func() float64 {
			return float64(a.engine.InUse())
		}),
		gauge("executions_limit", "Number of execution slots (limits.executions).", func() float64 {
			return float64(a.Limits.Executions)
		}),
		gauge("body_bytes", "Bytes of request bodies that count towards limits.body_memory.", func() float64 {
			return float64(a.bodies.memory.used.Load())
		}),
		gauge("body_limit_bytes", "Limit of the bytes of request bodies (limits.body_memory).", func() float64 {
			return float64(a.Limits.BodyMemory)
		}),
		gauge("sandbox_memory_bytes", "Memory of all sandboxes: instances with their memories, stacks and tables, and snapshots.", func() float64 {
			return float64(a.budget.Usage().Used)
		}),
		gauge("sandbox_memory_limit_bytes", "Limit of the memory of all sandboxes (limits.sandbox_memory).", func() float64 {
			return float64(a.budget.Usage().Limit)
		}),
		gauge("sandbox_memory_waiting", "Number of node calls that wait for memory.", func() float64 {
			return float64(a.budget.Usage().Waiting)
		}),
		gauge("duplicates_waiting", "Number of duplicate requests that wait for the execution of an earlier request.", func() float64 {
			return float64(a.executor.WaitingDuplicates())
		}),
		journalState{a.journal},
		fleetState{a.journal},
	) {
		if err := register(reg, c); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// register registers c unless it is registered already. Another collector of the same name is an
// error: it would hide what c counts.
func register(reg prometheus.Registerer, c prometheus.Collector) error {
	err := reg.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) && there.ExistingCollector == c {
		return nil
	}
	return err
}
