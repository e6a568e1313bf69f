package caddymodule

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// series are what one kind of event is counted in.
type series struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

func (s series) count(d time.Duration) {
	s.total.Inc()
	s.seconds.Observe(d.Seconds())
}

// known are series by their labels. Finding them in their vectors takes several times as long, for
// each node and execution. It is safe for concurrent use.
type known[K comparable] struct {
	mu     sync.RWMutex
	series map[K]series
}

func (k *known[K]) get(labels K) (series, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.series[labels]
	return s, ok
}

func (k *known[K]) add(labels K, s series) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.series == nil {
		k.series = make(map[K]series)
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

// node is what a node that has ended counts in.
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

// execution is what an execution that has ended counts in.
func (m *meters) execution(p *flow.Plan, status engine.Status) series {
	labels := executionLabels{p.ID, mode(p), status}
	s, ok := m.ofExecutions.get(labels)
	if ok {
		return s
	}
	workflow := m.workflow(p.ID)
	s = series{
		m.executions.WithLabelValues(workflow, string(labels.mode), string(status)),
		m.duration.WithLabelValues(workflow, string(labels.mode)),
	}
	if workflow == p.ID { // of the others there is no end
		m.ofExecutions.add(labels, s)
	}
	return s
}

// workflow is the label value of a workflow that is in the store.
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

// duplicate counts a request that was answered with an earlier one's execution.
func (m *meters) duplicate(workflow string) {
	m.duplicates.WithLabelValues(m.workflow(workflow)).Inc()
}

// mode is the label value of how an execution's sender is answered.
func mode(p *flow.Plan) flow.Mode {
	if p.Webhook == nil {
		return noWebhook
	}
	return p.Webhook.Mode
}
