package response

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/flow"
)

func TestStored(t *testing.T) {
	plain := webhook(flow.LastNode)
	plain.StatusCode, plain.Header = 201, []flow.HeaderField{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Flow", Value: "ok"}}
	empty := webhook(flow.LastNode)
	empty.StatusCode = 204
	result := succeeded(completed(`1`), completed(`2`), completed(`"text\u0000"`))
	failed := Error(ExecutionFailed, "exec-1")
	for name, a := range map[string]Response{
		"text":      Of(plan(plain), "", result, event()),
		"all nodes": Of(plan(webhook(flow.AllNodes)), "", result, event()),
		"accepted":  Accepted(plan(plain), "exec-1"),
		"no body":   Of(plan(empty), "", result, event()),
		"failed":    failed,
		"largest":   {Status: 200, Header: Header{{Name: headerID, Value: "exec-1"}, {Name: "X", Value: "a"}}, Body: []byte(strings.Repeat("x", MaxStored))},
	} {
		got, err := Decode(Encode(plan(plain), "exec-1", a))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: not marked: %v", name, got.Header)
		}
		got.Header = slices.DeleteFunc(got.Header, func(f flow.HeaderField) bool { return f.Name == headerReplayed })
		if !reflect.DeepEqual(got, a) {
			t.Errorf("%s: %+v, want %+v", name, got, a)
		}
	}
}

// TestStoredWithoutExecution: a rejected request is not marked as replayed.
func TestStoredWithoutExecution(t *testing.T) {
	a := Error(TooManyExecutions, "")
	if got, err := Decode(Encode(plan(nil), "exec-1", a)); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
}

func TestLargeResponsesAreNotStored(t *testing.T) {
	p := plan(webhook(flow.LastNode))
	got, err := Decode(Encode(p, "exec-1", Response{Status: 200, Body: make([]byte, MaxStored+1)}))
	if want := Unreadable(p, "exec-1"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestStillRunning(t *testing.T) {
	a := StillRunning("exec-1")
	if a.Status != http.StatusGatewayTimeout || a.Header.Get("X-Execution-Id") != "exec-1" || a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%+v", a)
	}
}

// FuzzDecode: damaged input is rejected; any other survives another Encode and Decode.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{storedFormat, 200, 1})
	f.Add([]byte{storedFormat, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1})
	f.Add(Encode(plan(nil), "exec-1", Accepted(plan(nil), "exec-1")))
	f.Add(Encode(plan(nil), "exec-1", Error(Overloaded, "")))
	f.Fuzz(func(t *testing.T, stored []byte) {
		a, err := Decode(stored)
		if err != nil || len(a.Body) > MaxStored {
			return
		}
		again, err := Decode(Encode(plan(nil), "exec-1", a))
		if err != nil || !reflect.DeepEqual(again, a) {
			t.Errorf("%+v, %v, want %+v", again, err, a)
		}
	})
}
