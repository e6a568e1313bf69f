package reference

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/nodes/conformance"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
)

// types are the nodes, in the order in which the module has them.
var types = []struct {
	name string
	run  sdk.Func
}{
	{"transform", Transform},
	{"condition", Condition},
	{"switch", Switch},
	{"http-request", HTTPRequest},
}

// The numbers of the types.
const (
	transformType = iota
	conditionType
	switchType
	httpRequestType
)

// result is what a call gives and does.
type result struct {
	kind    abi.Kind
	payload string
	request string // the last one
	global  string // that was set last: its key, a zero, and its value
}

// acceptable reports whether the host takes the result of a call: with JSON that is not too deep,
// and a handle that has a name.
func (r result) acceptable() bool {
	out := []byte(r.payload)
	if r.kind == abi.Routed {
		label, rest, _ := abi.SplitLabel(out)
		if len(label) == 0 || !utf8.Valid(label) {
			return false
		}
		out = rest
	}
	return r.kind >= abi.Error || rawjson.Check(out, maxDepth) == nil
}

func (r result) String() string {
	return fmt.Sprintf("%d %q, request %q, global %q", r.kind, r.payload, r.request, r.global)
}

// host answers requests and notes what a call does.
type host struct {
	result
	reply []byte // as the host function gives it
}

func (h *host) HTTP(request []byte) ([]byte, error) {
	h.request = string(request)
	if err := h.failure(); err != nil {
		return nil, err
	}
	return h.reply[1:], nil
}

// failure returns the error that the reply is, if it is one.
func (h *host) failure() error {
	kind := abi.Kind(h.reply[0])
	if kind == abi.Output {
		return nil
	}
	code, message, _ := abi.SplitLabel(h.reply[1:])
	return &sdk.Error{Code: string(code), Message: string(message), Fatal: kind == abi.Fatal}
}

func (h *host) Log(int, string) {}

func (h *host) SetGlobal(key string, value []byte) error {
	h.global = key + "\x00" + string(value)
	return h.failure()
}

// reference runs one call of the node in Go.
func reference(run sdk.Func, config, reply []byte) result {
	h := &host{reply: reply}
	ctx := new(sdk.Context).WithHost(h)
	out, err := run(ctx, config)
	var failed *sdk.Error
	switch handle, routed := ctx.Routed(); {
	case errors.As(err, &failed):
		h.kind = abi.Error
		if failed.Fatal {
			h.kind = abi.Fatal
		}
		h.payload = string(append(abi.AppendLabel(nil, failed.Code), failed.Message...))
	case routed:
		h.kind, h.payload = abi.Routed, string(append(abi.AppendLabel(nil, handle), out...))
	default:
		h.payload = string(out)
	}
	return h.result
}

// compare runs a call of the node in Go, of the one in C with sanitizers, and of the one that is
// shipped, and compares all that they give and do. A config that the host would not give is none.
func compare(t fataler, typ int, config string, reply []byte) {
	t.Helper()
	canonical, err := rawjson.AppendCanonical(nil, []byte(config), maxDepth)
	if err != nil {
		return
	}
	want := reference(types[typ].run, canonical, reply)
	for name, call := range subjects(t) {
		got, ok := call(t, typ, canonical, reply)
		if ok && got != want {
			t.Fatalf("%s, %s with %s\n got %v\nwant %v", types[typ].name, name, canonical, got, want)
		}
		if !ok && want.acceptable() {
			t.Fatalf("%s, %s with %s: the host refused %v", types[typ].name, name, canonical, want)
		}
	}
}

// subject runs one call of a type. ok is false where the host has refused its output.
type subject func(t fataler, typ int, config, reply []byte) (r result, ok bool)

// subjects returns what is compared with the reference, by its name.
func subjects(t fataler) map[string]subject {
	t.Helper()
	all := map[string]subject{"in the sandbox": startModules(t).call}
	if nativeRuns {
		all["with sanitizers"] = startNative(t).call
	}
	return all
}

// maxDepth is how deep the host lets a config be.
const maxDepth = 512

var okReply = append([]byte{byte(abi.Output)}, `{"status":200,"headers":{},"body":null}`...)

// refusal is a reply with an error.
func refusal(kind abi.Kind) []byte {
	return append(abi.AppendLabel([]byte{byte(kind)}, "refused"), "it was refused"...)
}

// TestCases runs the cases of each node on both.
func TestCases(t *testing.T) {
	for i, typ := range types {
		t.Run(typ.name, func(t *testing.T) {
			file, err := os.ReadFile("../builtin/" + typ.name + "/testdata/cases.json")
			if err != nil {
				t.Fatal(err)
			}
			list, err := cases.Parse(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				reply := append([]byte{byte(abi.Output)}, c.HTTP...)
				if e := c.HTTPError; e != nil {
					kind := abi.Error
					if e.Fatal {
						kind = abi.Fatal
					}
					reply = append(abi.AppendLabel([]byte{byte(kind)}, e.Code), e.Message...)
				}
				compare(t, i, string(c.Config), reply)
			}
			t.Chdir("../builtin/" + typ.name)
			conformance.Native(t, typ.run)
		})
	}
}

func TestTransform(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		operations := odd(rapid.Map(rapid.SliceOfN(odd(operation), 0, 5), list)).Draw(t, "operations")
		reply := rapid.SampledFrom([][]byte{okReply, okReply, refusal(abi.Error), refusal(abi.Fatal)}).Draw(t, "reply")
		compare(t, transformType, `{"input":`+value(4).Draw(t, "input")+`,"operations":`+operations+`}`, reply)
		compare(t, transformType, `{"output":`+value(4).Draw(t, "output")+`}`, okReply)
	})
}

func TestConditionAndSwitch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var conditions, choices []string
		left := value(2).Draw(t, "value")
		for range rapid.IntRange(0, 4).Draw(t, "conditions") {
			op, right := odd(operators).Draw(t, "operator"), rapid.OneOf(rapid.Just(left), value(2)).Draw(t, "right")
			conditions = append(conditions, `{"left":`+left+`,"operator":`+op+`,"right":`+right+`}`)
			choices = append(choices, `{"name":`+odd(text(4)).Draw(t, "name")+`,"operator":`+op+`,"value":`+right+`}`, `{"name":"x","value":`+right+`}`)
			left = rapid.OneOf(rapid.Just(left), value(2)).Draw(t, "left")
		}
		match := rapid.SampledFrom([]string{``, `,"match":"all"`, `,"match":"any"`, `,"match":"any"`, `,"match":1`}).Draw(t, "match")
		compare(t, conditionType, `{"conditions":`+odd(rapid.Just(list(conditions))).Draw(t, "list")+match+`}`, okReply)
		compare(t, switchType, `{"value":`+left+`,"cases":`+odd(rapid.Just(list(choices))).Draw(t, "cases")+`}`, okReply)
	})
}

func TestHTTPRequest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fail := rapid.SampledFrom([]string{``, `,"failOnStatus":true`, `,"failOnStatus":false`, `,"failOnStatus":null`, `,"failOnStatus":"false"`, `,"failOnStatus":[]`}).Draw(t, "fail")
		status := rapid.SampledFrom([]string{"100", "200", "399", "400", "404", "408", "425", "429", "499", "500", "503", "599", "99", "4000"}).Draw(t, "status")
		response := `{"status":` + status + `,"headers":{},"body":` + value(2).Draw(t, "body") + `}`
		reply, err := rawjson.AppendCanonical([]byte{byte(abi.Output)}, []byte(response), maxDepth)
		if err != nil {
			t.Fatalf("%s: %v", response, err)
		}
		if rapid.Bool().Draw(t, "refused") {
			reply = refusal(rapid.SampledFrom([]abi.Kind{abi.Error, abi.Fatal}).Draw(t, "kind"))
		}
		compare(t, httpRequestType, `{"url":"https://example.com"`+fail+`}`, reply)
	})
}
