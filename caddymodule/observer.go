package caddymodule

import (
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// observer counts and logs the executions of one config, and emits the events of those that fail.
type observer struct {
	engine.NopObserver
	app *App
}

// NodeEnded implements engine.Observer.
func (o observer) NodeEnded(_ *flow.Plan, _ string, _ int, typ string, d time.Duration, err *engine.NodeError) {
	o.app.meters.node(typ, err != nil).count(d)
}

// ExecutionEnded implements engine.Observer.
func (o observer) ExecutionEnded(program *engine.Program, r *engine.Result) {
	p := program.Plan
	if r.Interrupted && o.app.journal.Durability() != journal.Memory { // it is counted when it ends
		o.app.logger.Info("execution interrupted, it goes on from the journal", zap.String("execution_id", r.ID),
			zap.String("workflow", p.ID), zap.Int64("revision", p.Revision), zap.Duration("duration", r.Duration))
		return
	}
	o.app.meters.execution(program, r.Status).count(r.Duration)
	if r.Status == engine.Failed || r.Status == engine.TimedOut {
		o.app.events.executionFailed(p, r)
	}
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
