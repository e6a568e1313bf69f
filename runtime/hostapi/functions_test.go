package hostapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// outside implements the effects of a session.
type outside struct {
	response []byte
	err      error
	requests []string
	options  HTTPOptions
	deadline time.Time
	globals  map[string]string
}

func (o *outside) Do(ctx context.Context, req []byte, opts HTTPOptions, dst []byte) ([]byte, error) {
	o.requests, o.options = append(o.requests, string(req)), opts
	o.deadline, _ = ctx.Deadline()
	return append(dst, o.response...), o.err
}

// taken takes the result of n bytes and returns its kind, label and payload.
func (g *guest) taken(n uint64) (kind abi.Kind, label, payload string) {
	g.t.Helper()
	const at = 8192
	g.put(at, make([]byte, n+1))
	g.call(abi.ImportTake, at)
	b := g.get(at, uint32(n)+1)
	if b[n] != 0 {
		g.t.Error("take wrote more than it said")
	}
	kind, rest := abi.Kind(b[0]), b[1:n]
	if kind == abi.Output {
		return kind, "", string(rest)
	}
	l, rest, ok := abi.SplitLabel(rest)
	if !ok {
		g.t.Fatalf("the result %q is truncated", b)
	}
	return kind, string(l), string(rest)
}

func TestHTTP(t *testing.T) {
	granted := Grants{HTTP: true, HTTPHosts: []string{"api.example.com"}}
	refused := errors.New("dialing 10.0.0.1: s3cret")
	for name, c := range map[string]struct {
		grants  Grants
		host    *outside
		kind    abi.Kind
		code    string
		payload string
		detail  string // what is logged
	}{
		"answer":        {granted, &outside{response: []byte(`{"status":200}`)}, abi.Output, "", `{"status":200}`, ""},
		"nothing":       {granted, &outside{}, abi.Output, "", "", ""},
		"failure":       {granted, &outside{err: fmt.Errorf("asking: %w", &Failure{Code: "http_timeout", Message: "too late", Detail: refused})}, abi.Error, "http_timeout", "too late", refused.Error()},
		"fatal":         {granted, &outside{err: &Failure{Code: "http_denied", Message: "not there", Fatal: true}}, abi.Fatal, "http_denied", "not there", ""},
		"another error": {granted, &outside{response: []byte("half"), err: refused}, abi.Error, "host_error", "the host could not do this", refused.Error()},
		"not granted":   {Grants{Log: true}, &outside{}, abi.Fatal, "http_not_allowed", "this node may not use http", ""},
		"not there":     {granted, nil, abi.Fatal, "http_not_available", "http is not available here", ""},
		"too large":     {granted, &outside{response: make([]byte, MaxResult)}, abi.Fatal, "http_response_too_large", "the response is too large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var logged string
			s := &Session{Grants: c.grants, IdempotencyKey: "key", Deadline: time.Now().Add(time.Hour), Log: func(level int, m string) {
				if level == abi.LogDebug {
					logged += m
				}
			}}
			if c.host != nil {
				s.HTTP = c.host
			}
			g := newGuest(t, s)
			g.put(0, []byte(`{"url":"https://api.example.com"}`))
			kind, code, payload := g.taken(g.call(abi.ImportHTTP, 0, 33))
			if kind != c.kind || code != c.code || payload != c.payload {
				t.Errorf("got %d %q %q", kind, code, payload)
			}
			if logged != c.detail {
				t.Errorf("logged %q, want %q", logged, c.detail)
			}
			if c.host == nil || c.code == "http_not_allowed" {
				return
			}
			if !slices.Equal(c.host.requests, []string{`{"url":"https://api.example.com"}`}) {
				t.Errorf("requests %q", c.host.requests)
			}
			if o := c.host.options; o.IdempotencyKey != "key" || o.MaxResponse != defaultHTTP || !slices.Equal(o.Hosts, granted.HTTPHosts) {
				t.Errorf("options %+v", o)
			}
			if !c.host.deadline.Equal(s.Deadline) {
				t.Error("the request does not end with the call")
			}
		})
	}
}

func TestHTTPIsCounted(t *testing.T) {
	host := &outside{response: []byte("1")}
	g := newGuest(t, &Session{Grants: Grants{HTTP: true}, HTTP: host, MaxResponse: 5})
	for range MaxHTTPCalls {
		g.call(abi.ImportHTTP, 0, 0)
	}
	if kind, code, _ := g.taken(g.call(abi.ImportHTTP, 0, 0)); kind != abi.Fatal || code != "http_too_many" {
		t.Errorf("got %d %s", kind, code)
	}
	if len(host.requests) != MaxHTTPCalls || host.options.MaxResponse != 5 {
		t.Errorf("%d requests, options %+v", len(host.requests), host.options)
	}
	g.session.Reset()
	g.session.Grants, g.session.HTTP = Grants{HTTP: true}, host
	if kind, _, payload := g.taken(g.call(abi.ImportHTTP, 0, 0)); kind != abi.Output || payload != "1" {
		t.Errorf("after Reset: %d %s", kind, payload)
	}
}

func TestTakeReturnsTheLastResultOnce(t *testing.T) {
	host := &outside{response: []byte("first")}
	g := newGuest(t, &Session{Grants: Grants{HTTP: true}, HTTP: host})
	g.call(abi.ImportHTTP, 0, 0)
	host.response = []byte("2nd")
	if _, _, payload := g.taken(g.call(abi.ImportHTTP, 0, 0)); payload != "2nd" {
		t.Errorf("took %q", payload)
	}
	for _, again := range []string{"taken twice", "of a call before"} {
		var misuse MisuseError
		if _, err := g.try(abi.ImportTake, 0); !errors.As(err, &misuse) || misuse.Error() != "take: there is no result" {
			t.Errorf("%s: %v", again, err)
		}
		g.call(abi.ImportHTTP, 0, 0)
		g.session.Reset()
	}
}

func TestRangesOutsideOfTheMemoryTrap(t *testing.T) {
	g := newGuest(t, &Session{Grants: Grants{HTTP: true, Log: true, Globals: true}, HTTP: &outside{response: []byte("1")}, Globals: new(outside)})
	for _, c := range []struct {
		name   string
		params []uint64
	}{
		{abi.ImportLog, []uint64{0, end - 1, 2}},
		{abi.ImportLog, []uint64{0, 1<<32 - 1, 1<<32 - 1}},
		{abi.ImportHTTP, []uint64{end, 1}},
		{abi.ImportGlobalSet, []uint64{end, 1, 0, 1}},
		{abi.ImportGlobalSet, []uint64{0, 1, end - 1, 2}},
		{abi.ImportGlobalGet, []uint64{end, 1}},
		{abi.ImportGlobalAdd, []uint64{end - 1, 2, 1}},
	} {
		var misuse MisuseError
		if _, err := g.try(c.name, c.params...); !errors.As(err, &misuse) || misuse.Function != c.name {
			t.Errorf("%s%v: %v", c.name, c.params, err)
		}
	}
	g.call(abi.ImportHTTP, 0, 0)
	if _, err := g.try(abi.ImportTake, end-1); !errors.As(err, new(MisuseError)) {
		t.Error("take:", err)
	}
}

func TestLog(t *testing.T) {
	type line struct {
		level int
		text  string
	}
	var got []line
	record := func(level int, s string) { got = append(got, line{level, s}) }
	g := newGuest(t, &Session{Grants: Grants{Log: true}, Log: record})
	g.put(0, []byte("one\ttwo\nthree"))
	for _, level := range []int32{-5, 0, 1, 2, 3, 99} {
		g.call(abi.ImportLog, uint64(uint32(level)), 0, 13)
	}
	g.call(abi.ImportLog, 1, 7, 1) // a line of nothing
	want := []line{{0, "one two"}, {0, "one two"}, {1, "one two"}, {2, "one two"}, {3, "one two"}, {3, "one two"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}

	got = nil
	g.session.Grants.Log = false
	g.call(abi.ImportLog, 3, 0, 13)
	if got != nil {
		t.Errorf("without the grant: %v", got)
	}
	g.session.Grants.Log, g.session.Log = true, nil
	g.call(abi.ImportLog, 3, 0, 13)
}

func TestLogIsLimited(t *testing.T) {
	lines, bytes := 0, 0
	g := newGuest(t, &Session{Grants: Grants{Log: true}, Log: func(_ int, s string) { lines, bytes = lines+1, bytes+len(s) }})
	text := strings.Repeat("x", 1000)
	g.put(0, []byte(text+"\n"))
	g.put32(2048, 0, 1001)
	for range 40 {
		g.call(abi.ImportLog, 1, 0, 1000)
		g.returns(errnoSuccess, "fd_write", 2, 2048, 1, 4096)
	}
	if bytes > MaxLogBytes || bytes < MaxLogBytes-1000 {
		t.Errorf("%d bytes in %d lines, the budget is %d", bytes, lines, MaxLogBytes)
	}
}

func TestContextOfACall(t *testing.T) {
	type key struct{}
	caller, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, 1))
	s := &Session{Deadline: time.Now().Add(time.Hour)}
	ctx := s.Context(caller)
	if session(ctx) != s {
		t.Error("another session")
	}
	if ctx.Value(key{}) != nil {
		t.Error("guests' functions look for values in the caller's contexts")
	}
	limited, end := s.waitContext()
	defer end()
	if d, ok := limited.Deadline(); !ok || !d.Equal(s.Deadline) || limited.Value(key{}) != 1 {
		t.Errorf("the host's functions wait until %v in a context that is not the caller's", d)
	}
	gone := errors.New("gone")
	cancel(gone)
	if ctx.Err() == nil || context.Cause(limited) != gone {
		t.Error("the caller has gone and nobody notices")
	}
	if n := testing.AllocsPerRun(100, func() { s.Context(caller) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestResetReusesOnlySmallBuffers(t *testing.T) {
	s := new(Session)
	s.putResult(abi.Output, "", make([]byte, 100))
	s.Reset()
	if cap(s.result) == 0 || len(s.result) != 0 {
		t.Error("a small buffer is gone, or not empty")
	}
	s.putResult(abi.Output, "", make([]byte, 2*maxReusedResult))
	s.Reset()
	if s.result != nil {
		t.Error("a large buffer is kept")
	}
}
