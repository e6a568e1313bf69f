package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// plainCode returns a workflow with a code node that is prepared quickly.
func plainCode() string {
	return chain(nil, step{id: "o", of: "code", config: object{"source": "return 1"}})
}

// slowNodes returns a workflow with 120 code nodes that count to some millions while they are
// prepared.
func slowNodes() string {
	steps := make([]step, 120)
	for k := range steps {
		steps[k] = step{id: fmt.Sprintf("n%d", k), of: "code", config: object{
			"source": fmt.Sprintf("let i = %d; while (i < 2500000) i++;\nexport default () => i", k),
		}}
	}
	return fan(nil, steps...)
}

// slowDocument stores a document whose nodes are slow to prepare, bypassing the admin API. It then
// starts a server that has the document.
func slowDocument(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	if err := v.put(ctx, map[string]string{"other": one(nil), "js": plainCode()}); err != nil {
		return err
	}
	start := func() (time.Duration, error) {
		v.Kill()
		began := time.Now()
		if err := v.Start(ctx); err != nil {
			return 0, err
		}
		err := v.until(ctx, "other", time.Minute, func(status int) bool { return status == 200 || status == 401 })
		return time.Since(began), err
	}
	without, err := start()
	if err != nil {
		return err
	}
	if err := v.store(ctx, "secrets/slow", crash.Secret); err != nil {
		return err
	}
	if err := v.store(ctx, "workflows/slow", slowNodes()); err != nil {
		return err
	}
	began := time.Now()
	for key, value := range map[string]string{"secrets/other": "rotated", "globals/color": `"red"`, "workflows/new": one(nil), "secrets/new": crash.Secret} {
		if err := v.store(ctx, key, value); err != nil {
			return err
		}
	}
	err = v.wait(ctx, time.Minute, "the new secret", func() bool { return v.send(ctx, request{id: "other", body: "{}", secret: "rotated"}).status == 200 })
	if err != nil {
		return err
	}
	s.seconds("with a document of 120 slow nodes: another workflow's new secret is live", time.Since(began), time.Second)
	if err := v.until(ctx, "new", time.Minute, func(status int) bool { return status == 200 }); err != nil {
		return err
	}
	s.seconds("another document is live", time.Since(began), time.Second)
	with, err := start()
	if err != nil {
		return err
	}
	s.seconds(fmt.Sprintf("a start with it, %.2f s without: another workflow responds", without.Seconds()), with, without+2*time.Second)
	return nil
}

// misplaced returns documents with a secret in a wrong place. None of them is valid.
func misplaced() map[string]string {
	trigger := func(config string) string {
		return `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook",` + config + `}}],"edges":[]}`
	}
	return map[string]string{
		"another-fault":  trigger(`"nonsense":1,"webhook":{"secret":"hush-1"}`),
		"wrong-case":     trigger(`"webhook":{"SECRET":"hush-2"}`),
		"one-level-up":   trigger(`"secret":"hush-3","webhook":{}`),
		"whole-document": `{"webhook":{"secret":"hush-4"},` + trigger(`"webhook":{}`)[1:],
		"in-an-object":   trigger(`"webhook":{"signingSecret":{"current":["hush-5"]}}`),
		"with-escapes":   trigger(`"webhook":{"s\u0065cret ":"hush-6"}`),
		"no-json":        `{"webhook":{"secret":"hush-7"`,
		"twice":          trigger(`"webhook":{"secret":1,"secret":"hush-8"}`),
	}
}

// misplacedSecret stores documents with secrets in wrong places, bypassing the admin API.
func misplacedSecret(ctx context.Context, s *scene) error {
	v, err := s.serve(ctx, crash.Config{})
	if err != nil {
		return err
	}
	documents := misplaced()
	for id, d := range documents {
		if err := v.store(ctx, "workflows/"+id, d); err != nil {
			return err
		}
	}
	if err := v.put(ctx, map[string]string{"other": one(nil)}); err != nil { // applied after them
		return err
	}
	var shown []string
	for _, path := range append(keys(documents), "") {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.Admin()+"/flowtrux/workflows/"+path, http.NoBody)
		if err != nil {
			return err
		}
		a, err := read(r)
		if err != nil {
			return err
		}
		if strings.Contains(a, "hush-") {
			shown = append(shown, path)
		}
	}
	s.is("invalid documents whose secret the admin API shows "+strings.Join(shown, " "), fmt.Sprintf("%d of %d", len(shown), len(documents)), "none", len(shown) == 0)
	n := strings.Count(v.Log(), "hush-")
	s.is("their secrets in the log", fmt.Sprint(n), "none", n == 0)
	return nil
}
