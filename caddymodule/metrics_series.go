package caddymodule

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// series are the two metrics in which one kind of event is counted.
type series struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

func (s series) count(d time.Duration) {
	s.total.Inc()
	s.seconds.Observe(d.Seconds())
}

// known caches series by their labels. Looking them up in their vectors takes several times as
// long, and happens for each node and execution. It is safe for concurrent use.
type known[K comparable, S any] struct {
	mu     sync.RWMutex
	series map[K]S
}

func (k *known[K, S]) get(labels K) (S, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.series[labels]
	return s, ok
}

func (k *known[K, S]) add(labels K, s S) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.series == nil {
		k.series = make(map[K]S)
	}
	k.series[labels] = s
}

type nodeLabels struct {
	typ    string
	failed bool
}

type executionLabels struct {
	workflow string
	mode     flow.Mode
	status   engine.Status
}

// node returns the series of nodes by their type and result.
func (m *meters) node(typ string, failed bool) series {
	labels := nodeLabels{typ, failed}
	s, ok := m.ofNodes.get(labels)
	if ok {
		return s
	}
	result := "ok"
	if failed {
		result = "error"
	}
	s = series{m.nodeCalls.WithLabelValues(typ, result), m.nodeDuration.WithLabelValues(typ)}
	m.ofNodes.add(labels, s)
	return s
}

// executionSeries are the series of executions with a status.
type executionSeries struct {
	series
	status engine.Status
}

// execution returns the series of executions of a program by their status. The program keeps those
// asked for last: with thousands of workflows, looking them up takes longer than counting.
func (m *meters) execution(p *engine.Program, status engine.Status) series {
	if s, ok := p.Observed.Load().(*executionSeries); ok && s.status == status {
		return s.series
	}
	s := m.findExecution(p.Plan, status)
	p.Observed.Store(s)
	return s.series
}

// findExecution looks the series of executions up by their labels.
func (m *meters) findExecution(p *flow.Plan, status engine.Status) *executionSeries {
	// the number of other workflows has no bound
	labels := executionLabels{m.workflow(p.ID), mode(p), status}
	if s, ok := m.ofExecutions.get(labels); ok {
		return s
	}
	s := &executionSeries{status: status, series: series{
		m.executions.WithLabelValues(labels.workflow, string(labels.mode), string(status)),
		m.duration.WithLabelValues(labels.workflow, string(labels.mode)),
	}}
	m.ofExecutions.add(labels, s)
	return s
}

// workflow returns the label value of a workflow in the store.
func (m *meters) workflow(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.workflows[id] {
		if len(m.workflows) >= maxWorkflowLabels {
			return otherWorkflows
		}
		m.workflows[id] = true
	}
	return id
}

// duplicate counts a request that got the response of an earlier one.
func (m *meters) duplicate(workflow string) {
	m.duplicates.WithLabelValues(m.workflow(workflow)).Inc()
}

// mode returns the label value of how the sender of an execution gets its response.
func mode(p *flow.Plan) flow.Mode {
	if p.Webhook == nil {
		return noWebhook
	}
	return p.Webhook.Mode
}
