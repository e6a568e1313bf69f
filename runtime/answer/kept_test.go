package answer

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/flow"
)

func TestKept(t *testing.T) {
	plain := webhook(flow.LastNode)
	plain.StatusCode, plain.Header = 201, []flow.HeaderField{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Flow", Value: "ok"}}
	empty := webhook(flow.LastNode)
	empty.StatusCode = 204
	result := succeeded(completed(`1`), completed(`2`), completed(`"text\u0000"`))
	failed := Error(ExecutionFailed, "exec-1")
	for name, a := range map[string]Answer{
		"text":      Of(plan(plain), "", result, event()),
		"all nodes": Of(plan(webhook(flow.AllNodes)), "", result, event()),
		"accepted":  Accepted(plan(plain), "exec-1"),
		"no body":   Of(plan(empty), "", result, event()),
		"failed":    failed,
		"largest":   {Status: 200, Header: http.Header{headerID: {"exec-1"}, "X": {"a", "b"}}, Body: []byte(strings.Repeat("x", MaxKept))},
	} {
		got, err := Replay(Keep(plan(plain), "exec-1", a))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: not marked: %v", name, got.Header)
		}
		got.Header.Del("Idempotency-Replayed")
		if !reflect.DeepEqual(got, a) {
			t.Errorf("%s: %+v, want %+v", name, got, a)
		}
	}
}

// TestKeptWithoutExecution: what was refused is no replay.
func TestKeptWithoutExecution(t *testing.T) {
	a := Error(TooManyExecutions, "")
	if got, err := Replay(Keep(plan(nil), "exec-1", a)); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
}

func TestLargeAnswersAreNotKept(t *testing.T) {
	p := plan(webhook(flow.LastNode))
	got, err := Replay(Keep(p, "exec-1", Answer{Status: 200, Body: make([]byte, MaxKept+1)}))
	if want := Repeated(p, "exec-1"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestStillRuns(t *testing.T) {
	a := StillRuns("exec-1")
	if a.Status != http.StatusGatewayTimeout || a.Header.Get("X-Execution-Id") != "exec-1" || a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%+v", a)
	}
}

// FuzzReplay: what is damaged is refused, and what is not is the same when it is kept again.
func FuzzReplay(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{keptFormat, 200, 1})
	f.Add([]byte{keptFormat, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1})
	f.Add(Keep(plan(nil), "exec-1", Accepted(plan(nil), "exec-1")))
	f.Add(Keep(plan(nil), "exec-1", Error(Overloaded, "")))
	f.Fuzz(func(t *testing.T, kept []byte) {
		a, err := Replay(kept)
		if err != nil || len(a.Body) > MaxKept {
			return
		}
		again, err := Replay(Keep(plan(nil), "exec-1", a))
		if err != nil || !reflect.DeepEqual(again, a) {
			t.Errorf("%+v, %v, want %+v", again, err, a)
		}
	})
}
