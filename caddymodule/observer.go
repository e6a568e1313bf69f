package caddymodule

import (
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// observer counts and logs the executions of one config, and keeps what they use until they have ended.
type observer struct{ app *App }

// ExecutionStarted implements engine.Observer.
func (o observer) ExecutionStarted(*flow.Plan, string) { o.app.life.enter() }

// NodeEnded implements engine.Observer.
func (o observer) NodeEnded(p *flow.Plan, id string, node int, typ string, d time.Duration, err *engine.NodeError) {
	m, result := o.app.meters, "ok"
	if err != nil {
		result = "error"
		if c := o.app.logger.Check(zap.InfoLevel, "node failed"); c != nil {
			c.Write(
				zap.String("execution_id", id), zap.String("workflow", p.ID), zap.String("node", p.Nodes[node].ID),
				zap.String("type", typ), zap.String("code", err.Code), zap.String("reason", err.Message), zap.Error(err.Detail))
		}
	}
	m.nodeCalls.WithLabelValues(typ, result).Inc()
	m.nodeDuration.WithLabelValues(typ).Observe(d.Seconds())
}

// ExecutionEnded implements engine.Observer.
func (o observer) ExecutionEnded(p *flow.Plan, r *engine.Result) {
	defer o.app.life.leave()
	m, workflow := o.app.meters, o.app.meters.workflow(p.ID)
	m.executions.WithLabelValues(workflow, mode(p), string(r.Status)).Inc()
	m.duration.WithLabelValues(workflow, mode(p)).Observe(r.Duration.Seconds())
	level := zap.DebugLevel
	if r.Status != engine.Succeeded {
		level = zap.InfoLevel
	}
	if c := o.app.logger.Check(level, "execution ended"); c != nil {
		c.Write(
			zap.String("execution_id", r.ID), zap.String("workflow", p.ID), zap.Int64("revision", p.Revision),
			zap.String("status", string(r.Status)), zap.Duration("duration", r.Duration))
	}
}

// Interface guards
var _ engine.Observer = observer{}
