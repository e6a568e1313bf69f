package nodetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// ways gives how to load testdata/ways.c, built to go a way.
func ways(t *testing.T, way byte, flags ...string) func(noSnapshot bool) (*sandbox.Module, error) {
	t.Helper()
	wasm, err := wasmbuild.C(t.Context(), "testdata/ways.c", append(flags, fmt.Sprintf("-DWAY='%c'", way), "-Wl,--stack-first")...)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return func(noSnapshot bool) (*sandbox.Module, error) {
		return host.Load(t.Context(), sandbox.ModuleConfig{
			Type: "ways", Source: "ways.wasm", Wasm: wasm, Grants: hostapi.Grants{HTTP: true, Log: true, Globals: true},
			Limits: sandbox.Limits{NoSnapshot: noSnapshot, Timeout: 10 * time.Second},
		})
	}
}

func TestRules(t *testing.T) {
	list, err := cases.Parse([]byte(`[{"name":"one","config":{"value":"x"},"output":{"got":"x"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		way    byte
		flags  []string
		rule   string // that is broken, "" = none
		broken string // a part of how
	}{
		{'k', nil, "", ""},
		{'w', nil, "needs neither its warm-up", "one: warmed up it answers  1, then  0"},
		{'t', nil, "accepts any values", `{"value":null}: trap: the module trapped: unreachable`},
		{'b', nil, "accepts a long config", "bad_answer: the result lies outside of the memory"},
		{'d', nil, "accepts a deep config", "trap: "},
		{'l', nil, "chooses only declared handles", `one: it leads to "elsewhere", and its manifest has no handles`},
		{'l', []string{`-DMANIFEST="{\"abi\":1,\"type\":\"ways\",\"version\":\"1\",\"handles\":[\"a\"]}"`}, "chooses only declared handles", `it leads to "elsewhere", and its manifest has ["a"]`},
		{'k', []string{`-DMANIFEST="{\"abi\":1,\"type\":\"ways\",\"version\":\"1\",\"handles\":[\"a\"]}"`}, "chooses only declared handles", "its manifest has handles, and it leads to none"},
		{'k', []string{`-DMANIFEST="{\"abi\":1,\"type\":\"ways\",\"version\":\"1\",\"color\":1}"`}, "describes itself correctly", "color"},
	} {
		t.Run(fmt.Sprintf("%c %s", c.way, c.rule), func(t *testing.T) {
			rules, err := Rules(t.Context(), ways(t, c.way, c.flags...), list)
			if err != nil || len(rules) != 7 {
				t.Fatalf("%d rules, %v", len(rules), err)
			}
			for _, r := range rules {
				want := c.rule != "" && strings.HasPrefix(r.Name, c.rule)
				if (r.Broken != "") != want || want && !strings.Contains(r.Broken, c.broken) {
					t.Errorf("it %s: %q", r.Name, r.Broken)
				}
			}
		})
	}
}

func TestRulesNeedNoCases(t *testing.T) {
	rules, err := Rules(t.Context(), ways(t, 'k'), nil)
	if err != nil || slices.ContainsFunc(rules, func(r Rule) bool { return r.Broken != "" }) {
		t.Errorf("%v, %v", rules, err)
	}
}

func TestRulesOfAModuleThatCannotBeLoaded(t *testing.T) {
	if _, err := Rules(t.Context(), ways(t, 'k', `-DMANIFEST="{\"abi\":2}"`), nil); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Error(err)
	}
}

// The outside of a call is what its case says.
func TestCall(t *testing.T) {
	m, err := ways(t, 'h')(false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	for name, c := range map[string]struct {
		http, failure string // of the case
		answer        string
	}{
		"response":     {`"http":{"status":200}`, "", `{"status":200}`},
		"failure":      {`"httpError":{"code":"http_timeout","message":"too slow"}`, "http_timeout: too slow (fatal: false)", ""},
		"not expected": {`"handle":""`, "http_not_expected: the case says nothing of http (fatal: true)", ""},
	} {
		list, err := cases.Parse([]byte(`[{"name":"x","config":{"value":{"url":"a"}},"output":1,` + c.http + `}]`))
		if err != nil {
			t.Fatal(err)
		}
		o := Call(t.Context(), m, &list[0])
		if string(o.Answer.Output) != c.answer || string(o.Answer.Request) != `{"url":"a"}` || o.Fuel == 0 || o.Memory == 0 || o.Failure != nil {
			t.Errorf("%s: %s, request %s, %+v", name, o.Answer.Output, o.Answer.Request, o)
		}
		if e := o.Answer.Error; c.failure != "" && (e == nil || e.Error() != c.failure) {
			t.Errorf("%s: %v", name, e)
		}
		if c.failure == "" && (string(o.Answer.Globals["last"]) != `{"url":"a"}` || !slices.Equal(o.Logged, []string{"asked"})) {
			t.Errorf("%s: globals %s, logged %q", name, o.Answer.Globals, o.Logged)
		}
	}
}

// Globals are those of the case, and what the module has made of them.
func TestGlobalsOfACall(t *testing.T) {
	list, err := cases.Parse([]byte(`[{"name":"x","config":1,"output":1,"given":{"n":41,"text":"a"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	h := &fakeHost{globals: list[0].Workspace()}
	if sum, err := h.AddGlobal(t.Context(), "n", 1); string(sum) != "42" || err != nil {
		t.Errorf("%s, %v", sum, err)
	}
	for key, want := range map[string]string{"n": "42", "text": `"a"`, "none": ""} {
		if v, err := h.GetGlobal(key); string(v) != want || err != nil {
			t.Errorf("%s: %s, %v", key, v, err)
		}
	}
	var failure *hostapi.Failure
	if _, err := h.AddGlobal(t.Context(), "text", 1); !errors.As(err, &failure) || failure.Code != hostapi.ErrGlobalNotInteger.Code || failure.Message != hostapi.ErrGlobalNotInteger.Message || !failure.Fatal {
		t.Errorf("adding to a text: %v", err)
	}
	if _, err := h.GetGlobal("__secret_key"); !errors.As(err, &failure) || failure.Code != hostapi.ErrGlobalSecret.Code || failure.Message != hostapi.ErrGlobalSecret.Message || !failure.Fatal {
		t.Errorf("reading a secret: %v", err)
	}
}
