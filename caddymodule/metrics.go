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

	// maxWorkflowLabels bounds the values of the label workflow. Workflows come and go in the store
	// without end; those that are first seen when there are so many already are counted as
	// otherWorkflows.
	maxWorkflowLabels = 1000
	otherWorkflows    = "_other"

	noWebhook = "manual" // the mode of executions that no webhook started
)

// meters are the counters of the process. They are pooled, so that they go on counting over
// reloads, and registered with each config's registry. They are safe for concurrent use.
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
	workflows map[string]bool // those that have a label value of their own

	ofNodes      known[nodeLabels]
	ofExecutions known[executionLabels]
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
		executions:     counter("executions_total", "Executions that ended, by how they ended.", "workflow", "mode", "status"),
		duration:       seconds("execution_duration_seconds", "Time from the start to the end of executions.", "workflow", "mode"),
		nodeCalls:      counter("node_calls_total", "Nodes that were run, by their type and whether they failed.", "type", "result"),
		nodeDuration:   seconds("node_duration_seconds", "Time nodes took, attempts and items together.", "type"),
		verifyFailures: counter("verify_failures_total", "Signatures that were refused, by reason.", "reason"),
		refused:        counter("requests_refused_total", "Requests that were answered without an execution, by error code.", "code"),
		duplicates:     counter("duplicates_total", "Requests that were answered with the execution of an earlier one.", "workflow"),
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

// Destruct implements caddy.Destructor; there is nothing to give back.
func (m *meters) Destruct() error { return nil }

// register puts the counters, and gauges of what a's config uses, into a config's registry.
func (m *meters) register(reg prometheus.Registerer, a *App) error {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help,
		}, value)
	}
	for _, c := range append(m.journal.collectors(),
		m.executions, m.duration, m.nodeCalls, m.nodeDuration, m.verifyFailures, m.refused, m.duplicates,
		buildInfo(),
		gauge("store_up", "1 while the store is connected, 0 while it is away.", func() float64 {
			if a.mirror.Status().State == store.Live {
				return 1
			}
			return 0
		}),
		gauge("store_revision", "Revision of the store that is served.", func() float64 {
			return float64(a.mirror.Status().Revision)
		}),
		gauge("workflows_rejected", "Workflows whose newest document is invalid, whether an older one serves or none.", func() float64 {
			rejected := 0
			for _, w := range a.catalog.List() {
				if w.Problems != nil {
					rejected++
				}
			}
			return float64(rejected)
		}),
		gauge("workflows_preparing", "Workflows whose newest document is being prepared, whether an older one serves or none.", func() float64 {
			preparing := 0
			for _, w := range a.catalog.List() {
				if w.Preparing != nil {
					preparing++
				}
			}
			return float64(preparing)
		}),
		gauge("executions_in_use", "Execution slots that are taken.", func() float64 {
			return float64(a.engine.InUse())
		}),
		gauge("body_bytes", "Bytes of bodies that count towards limits.body_memory.", func() float64 {
			return float64(a.bodies.memory.used.Load())
		}),
		gauge("sandbox_memory_bytes", "What all sandboxes take: instances with their memories, stacks and tables, and images.", func() float64 {
			return float64(a.budget.Usage().Used)
		}),
		gauge("sandbox_memory_limit_bytes", "What they may take together.", func() float64 {
			return float64(a.budget.Usage().Limit)
		}),
		gauge("sandbox_memory_waiting", "Calls of nodes that wait for memory before they begin.", func() float64 {
			return float64(a.budget.Usage().Waiting)
		}),
		gauge("duplicates_waiting", "Requests that wait for the execution of an earlier one.", func() float64 {
			return float64(a.executor.Waiting())
		}),
		journalState{a.journal},
	) {
		if err := register(reg, c); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// register accepts that c itself is there already; another collector of that name would swallow
// what c counts.
func register(reg prometheus.Registerer, c prometheus.Collector) error {
	err := reg.Register(c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) && there.ExistingCollector == c {
		return nil
	}
	return err
}
