package nodetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Rule is the result of checking a rule that every node must follow.
type Rule struct {
	Name   string `json:"rule"`
	Broken string `json:"broken,omitempty"` // how; "" = the node follows the rule
}

// subject is a module under test.
type subject struct {
	module *sandbox.Module
	fresh  *sandbox.Module // the same, with a new instance for each call
	own    []cases.Case    // its author's cases
}

// Rules checks whether a module follows the rules, with its author's cases, if there are any, and
// configs derived from them. It loads the module twice: as a server does, and with a new instance
// for each call. The limits of the module apply to each call.
func Rules(ctx context.Context, load func(noSnapshot bool) (*sandbox.Module, error), own []cases.Case) (rules []Rule, err error) {
	s := subject{own: own}
	if len(own) == 0 {
		s.own = []cases.Case{{Name: "{}", Config: []byte(`{}`)}}
	}
	for _, m := range []struct {
		to         **sandbox.Module
		noSnapshot bool
	}{{&s.module, false}, {&s.fresh, true}} {
		if *m.to, err = load(m.noSnapshot); err != nil {
			return nil, err
		}
		defer func() {
			if e := (*m.to).Close(context.WithoutCancel(ctx)); err == nil {
				err = e
			}
		}()
	}
	for _, r := range []struct {
		name  string
		check func(*subject, context.Context) string
	}{
		{"describes itself correctly", (*subject).describes},
		{"returns the same result and uses the same fuel each time", (*subject).repeats},
		{"needs neither its warm-up nor an earlier call", (*subject).needsNoWarmup},
		{"chooses only declared handles", (*subject).leads},
		{"accepts any values in its config", (*subject).anyValues},
		{"accepts a long config", (*subject).long},
		{"accepts a deep config", (*subject).deep},
	} {
		rules = append(rules, Rule{r.name, r.check(&s, ctx)})
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return rules, nil
}

func (s *subject) call(ctx context.Context, m *sandbox.Module, config []byte, like *cases.Case) Outcome {
	c := *like
	c.Config = config
	if c.HTTP == nil && c.HTTPError == nil {
		c.HTTP = []byte(`{"status":200,"headers":{},"body":null}`)
	}
	return Call(ctx, m, &c)
}

func (s *subject) describes(context.Context) string {
	if _, err := flow.ParseType(s.module.Manifest()); err != nil {
		return err.Error()
	}
	return ""
}

func (s *subject) repeats(ctx context.Context) string {
	if g := s.module.Grants(); g.Clock || g.Random {
		return "" // its results may differ between calls
	}
	for i := range s.own {
		c := &s.own[i]
		first := s.call(ctx, s.module, c.Config, c)
		for range 3 {
			again := s.call(ctx, s.module, c.Config, c)
			if d := differs(first, again); d != "" {
				return fmt.Sprintf("%s: first %s", c.Name, d)
			}
			if first.Fuel != again.Fuel && first.Failure == nil {
				return fmt.Sprintf("%s: first it burns %d, then %d", c.Name, first.Fuel, again.Fuel)
			}
		}
	}
	return ""
}

func (s *subject) needsNoWarmup(ctx context.Context) string {
	if g := s.module.Grants(); g.Clock || g.Random {
		return ""
	}
	for i := range s.own {
		c := &s.own[i]
		if d := differs(s.call(ctx, s.module, c.Config, c), s.call(ctx, s.fresh, c.Config, c)); d != "" {
			return fmt.Sprintf("%s: warmed up %s", c.Name, d)
		}
	}
	return ""
}

// differs describes how two results differ, or returns "".
func differs(a, b Outcome) string {
	x, y := summary(a), summary(b)
	if x == y {
		return ""
	}
	return fmt.Sprintf("it answers %s, then %s", cut(x), cut(y))
}

func summary(o Outcome) string {
	if e := o.Answer.Error; e != nil {
		return e.Error()
	}
	return o.Answer.Handle + " " + string(o.Answer.Output)
}

// cut shortens a result for messages.
func cut(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

func (s *subject) leads(ctx context.Context) string {
	t, err := flow.ParseType(s.module.Manifest())
	if err != nil {
		return ""
	}
	for i := range s.own {
		c := &s.own[i]
		o := s.call(ctx, s.module, c.Config, c)
		if o.Answer.Error != nil {
			continue
		}
		switch handle := o.Answer.Handle; {
		case handle != "" && !t.Routes():
			return fmt.Sprintf("%s: it leads to %q, and its manifest has no handles", c.Name, handle)
		case handle == "" && t.Routes():
			return fmt.Sprintf("%s: its manifest has handles, and it leads to none", c.Name)
		case t.Routes() && t.HandlesFrom == "" && !slices.Contains(t.Handles, handle):
			return fmt.Sprintf("%s: it leads to %q, and its manifest has %q", c.Name, handle, t.Handles)
		}
	}
	return ""
}

// answers returns the reason why the node itself gave no result for a config, or "". Running out of
// memory is allowed.
func (s *subject) answers(ctx context.Context, config []byte, c *cases.Case) string {
	o := s.call(ctx, s.module, config, c)
	if o.Failure == nil || o.Failure.Code == sandbox.CodeMemory {
		return ""
	}
	return fmt.Sprintf("%s: %s: %s", cut(string(config)), o.Failure.Code, o.Failure.Message)
}

func (s *subject) anyValues(ctx context.Context) string {
	for i := range s.own {
		c := &s.own[i]
		for _, config := range variants(c.Config) {
			if why := s.answers(ctx, config, c); why != "" {
				return why
			}
		}
	}
	return ""
}

func (s *subject) long(ctx context.Context) string {
	text := append(append([]byte{'"'}, bytes.Repeat([]byte("abcdefghij"), 10_000)...), '"')
	return s.extra(ctx, text)
}

func (s *subject) deep(ctx context.Context) string {
	const depth = flow.MaxDepth - 2
	return s.extra(ctx, append(bytes.Repeat([]byte{'['}, depth), bytes.Repeat([]byte{']'}, depth)...))
}

// extra calls the module with a value in an additional key, and in place of each value of the first
// case.
func (s *subject) extra(ctx context.Context, value []byte) string {
	c := &s.own[0]
	for _, config := range replaced(c.Config, value) {
		if why := s.answers(ctx, config, c); why != "" {
			return why
		}
	}
	return ""
}
