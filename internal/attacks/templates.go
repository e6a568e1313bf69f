package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// eachItem uses two members of the body beside the items of its forEach.
func eachItem() string {
	return chain(object{"timeout": "60s"},
		step{"each", "transform", object{"output": "{{trigger.data.order}} for {{trigger.data.name}}: {{item}}"}, object{"forEach": "{{trigger.data.items}}"}},
		step{id: "n", of: "transform", config: object{"output": 1}})
}

// fieldsBehindItems has a forEach use members of the body that stand before or behind its 10,000
// items.
func fieldsBehindItems(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{"w": eachItem()}); err != nil {
		return err
	}
	items := make([]string, 10_000)
	for k := range items {
		items[k] = fmt.Sprintf(`"item %070d"`, k)
	}
	list, ends := `"items":[`+strings.Join(items, ",")+`]`, `"order":7,"name":"Lin"`
	before, behind := time.Hour, time.Hour
	for range 5 {
		for _, c := range []struct {
			body string
			took *time.Duration
		}{{"{" + ends + "," + list + "}", &before}, {"{" + list + "," + ends + "}", &behind}} {
			a := v.send(ctx, request{id: "w", body: c.body})
			if a.status != 200 {
				return fmt.Errorf("answered %d %s", a.status, a.body)
			}
			*c.took = min(*c.took, a.took)
		}
	}
	s.atMost(fmt.Sprintf("behind the items, of the %.2f s before them", before.Seconds()), behind.Seconds()/before.Seconds(), 1.5, " times")
	return nil
}

// manyTemplates has a node with a thousand templates, each of which looks for a member of a large
// body.
func manyTemplates(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	const timeout = time.Second
	same, others := strings.Repeat("{{trigger.data.last}}", 1000), new(strings.Builder)
	for k := range 1000 {
		fmt.Fprintf(others, "{{trigger.data.last%d}}", k)
	}
	if err := v.put(ctx, map[string]string{
		"same": reading(timeout, same), "others": reading(timeout, others.String()),
	}); err != nil {
		return err
	}
	for _, id := range []string{"same", "others"} {
		for _, c := range []struct{ name, member string }{
			{"numbers", `"k%d":1`}, {"empty lists", `"k%d":[]`}, {"keys with escapes", `"\u006b%d":1`}, {"one long list", ""},
		} {
			a := v.send(ctx, request{id: id, body: full(c.member)})
			s.seconds(fmt.Sprintf("%s of 1 MiB of %s, timeout 1 s: answered (%d)", id, c.name, a.status), a.took, timeout+500*time.Millisecond)
		}
	}
	return nil
}

// reading resolves templates within a time.
func reading(timeout time.Duration, output string) string {
	return chain(object{"timeout": timeout.String()}, step{id: "o", of: "transform", config: object{"output": output}})
}

// full is a body of almost 1 MiB of members of that form, with the member last behind them.
func full(member string) string {
	var b strings.Builder
	b.WriteString("{")
	if member == "" {
		return `{"list":[` + strings.Repeat("[],", 340_000) + `0],"last":1}`
	}
	for k := 0; b.Len() < 950_000; k++ {
		fmt.Fprintf(&b, member+",", k)
	}
	return b.String() + `"last":1}`
}

// heavyItems resolves 900 templates for each item.
func heavyItems() string {
	return chain(object{"timeout": "2s"},
		step{"each", "transform", object{"output": strings.Repeat("{{trigger.data.last}}", 900)}, object{"forEach": "{{trigger.data.items}}"}})
}

// heavyRecord has an execution that resolves much more than it has time for; others' records, and
// the end of the process, follow it.
func heavyRecord(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{}) // with a grace period of 5 s
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{
		"heavy": heavyItems(),
		"fails": calling(nil, "127.0.0.1:9"), // which egress refuses
	}); err != nil {
		return err
	}
	body := `{"items":[` + strings.Repeat("0,", 999) + `0],"pad":[` + strings.Repeat("[],", 280_000) + `0],"last":1}`
	heavy := v.send(ctx, request{id: "heavy", body: body})
	s.seconds(fmt.Sprintf("the heavy request, timeout 2 s: answered (%d)", heavy.status), heavy.took, 2500*time.Millisecond)
	failed, began := v.send(ctx, request{id: "fails", body: "{}"}), time.Now()
	err = v.wait(ctx, 20*time.Second, "a record", func() bool {
		e, err := v.execution(ctx, failed.execution())
		return err == nil && e.Status == "failed"
	})
	if err != nil {
		return err
	}
	s.seconds("another workflow's failed execution is recorded", time.Since(began), time.Second)
	for range 8 {
		v.send(ctx, request{id: "heavy", body: body})
	}
	began = time.Now()
	if err := v.Stop(); err != nil {
		return err
	}
	s.seconds("SIGTERM behind 8 more, grace period 5 s: the process ends", time.Since(began), 6*time.Second)
	return nil
}
