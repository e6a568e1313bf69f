package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// eachItem returns a workflow that, for each item of a forEach, also uses two other members of the
// body.
func eachItem() string {
	return chain(object{"timeout": "60s"},
		step{"each", "transform", object{"output": "{{trigger.data.order}} for {{trigger.data.name}}: {{item}}"}, object{"forEach": "{{trigger.data.items}}"}},
		step{id: "n", of: "transform", config: object{"output": 1}})
}

// fieldsBehindItems has a forEach use members of the body that come before or after its 10,000
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
				return fmt.Errorf("the response is %d %s", a.status, a.body)
			}
			*c.took = min(*c.took, a.took)
		}
	}
	s.atMost(fmt.Sprintf("members after the items, relative to %.2f s before them", before.Seconds()), behind.Seconds()/before.Seconds(), 1.5, " times")
	return nil
}

// manyTemplates runs a node with a thousand templates, each of which looks up a member of a large
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
			s.seconds(fmt.Sprintf("%s of 1 MiB of %s, timeout 1 s: response (%d)", id, c.name, a.status), a.took, timeout+500*time.Millisecond)
		}
	}
	return nil
}

// reading returns a workflow that resolves templates and has a timeout.
func reading(timeout time.Duration, output string) string {
	return chain(object{"timeout": timeout.String()}, step{id: "o", of: "transform", config: object{"output": output}})
}

// full returns a body of almost 1 MiB: many members of the given form, and then the member "last".
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

// heavyItems returns a workflow that resolves 900 templates for each item.
func heavyItems() string {
	return chain(object{"timeout": "2s"},
		step{"each", "transform", object{"output": strings.Repeat("{{trigger.data.last}}", 900)}, object{"forEach": "{{trigger.data.items}}"}})
}

// heavyRecord runs an execution that resolves far more than fits its timeout. It measures how late
// another record, and the end of the process, come after it.
func heavyRecord(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{}) // with a grace period of 5 s
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{
		"heavy": heavyItems(),
		"fails": calling(nil, "127.0.0.1:9"), // rejected by egress
	}); err != nil {
		return err
	}
	body := `{"items":[` + strings.Repeat("0,", 999) + `0],"pad":[` + strings.Repeat("[],", 280_000) + `0],"last":1}`
	heavy := v.send(ctx, request{id: "heavy", body: body})
	s.seconds(fmt.Sprintf("response to the heavy request, timeout 2 s (%d)", heavy.status), heavy.took, 2500*time.Millisecond)
	failed, began := v.send(ctx, request{id: "fails", body: "{}"}), time.Now()
	err = v.wait(ctx, 20*time.Second, "a record", func() bool {
		e, err := v.execution(ctx, failed.execution())
		return err == nil && e.Status == "failed"
	})
	if err != nil {
		return err
	}
	s.seconds("record of another workflow's failed execution", time.Since(began), time.Second)
	for range 8 {
		v.send(ctx, request{id: "heavy", body: body})
	}
	began = time.Now()
	if err := v.Stop(); err != nil {
		return err
	}
	s.seconds("SIGTERM after 8 more, grace period 5 s: the process ends", time.Since(began), 6*time.Second)
	return nil
}
