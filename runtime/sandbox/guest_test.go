package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// goGuest is testdata/guest, built and compiled once for all tests: that takes seconds.
var goGuest struct {
	sync.Once
	wasm   []byte
	host   *Host
	module *Module
	err    error
}

var (
	guestLimits = Limits{Memory: 32 << 20, Timeout: time.Minute}
	guestGrants = hostapi.Grants{HTTP: true, Globals: true, Log: true}
)

func loadGuest(t testing.TB) *Module {
	t.Helper()
	g := &goGuest
	g.Do(func() {
		if g.wasm, g.err = wasmbuild.Go(context.Background(), "testdata/guest"); g.err != nil {
			return
		}
		if g.host, g.err = New(Options{CacheDir: cacheDir}); g.err != nil {
			return
		}
		g.module, g.err = g.host.Load(context.Background(), ModuleConfig{
			Type: "guest", Source: "guest.wasm", Wasm: g.wasm, Limits: guestLimits, Grants: guestGrants,
		})
	})
	if g.err != nil {
		t.Fatal(g.err)
	}
	return g.module
}

// closeGuest closes the module that loadGuest has loaded.
func closeGuest() error {
	if goGuest.module == nil {
		return nil
	}
	ctx := context.Background()
	return errors.Join(goGuest.module.Close(ctx), goGuest.host.Close(ctx))
}

// world implements the effects of calls.
type world struct{ requests, globals []string }

func (w *world) Do(_ context.Context, req []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	w.requests = append(w.requests, string(req))
	return append(dst, `{"status":200,"body":"`+strings.Repeat("x", 5000)+`"}`...), nil
}

func (w *world) SetGlobal(_ context.Context, key string, value []byte) error {
	w.globals = append(w.globals, key+"="+string(value))
	return &hostapi.Failure{Code: "global_denied", Message: "not this one", Fatal: true}
}

func (w *world) GetGlobal(key string) ([]byte, error) {
	if key == "rate" {
		return []byte("1.25"), nil
	}
	return nil, nil
}

func (w *world) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	if key == "rate" {
		return nil, hostapi.ErrGlobalNotInteger
	}
	return strconv.AppendInt(nil, by, 10), nil
}

func TestGoGuest(t *testing.T) {
	loadGuest(t)
	everyReset(t, func(t *testing.T, h *Host) {
		m := load(t, h, goGuest.wasm, guestLimits, guestGrants)
		count := 5 // the first four were warming up
		if len(m.SnapshotObstacles()) > 0 {
			count = 1
		}
		goGuestReturns(t, m, fmt.Sprint(count))
	})
}

func goGuestReturns(t *testing.T, m *Module, count string) {
	if want := `{"abi":1,"type":"guest","version":"1.0.0","capabilities":["http","globals","log"]}`; string(m.Manifest()) != want {
		t.Errorf("manifest %s", m.Manifest())
	}
	start := time.Date(2026, 2, 28, 23, 59, 0, 5, time.UTC)
	for _, c := range []struct {
		way    string
		kind   abi.Kind
		label  string
		output string // or the message of an *Error
		code   string // of an *Error
		logged []string
	}{
		{"count", abi.Output, "", count, "", nil},
		{"count and panic", abi.Fatal, "panic", "the node panicked: call " + count, "", nil},
		{"count", abi.Output, "", count, "", nil},
		{"exit", 0, "", "the module exited with status 3", CodeExit, []string{"2 leaving"}},
		{"hoard", 0, "", "the memory limit of 33554432 bytes was reached", CodeMemory, nil},
		{"count", abi.Output, "", count, "", nil},
		{"clock", abi.Output, "", `["2026-02-28T23:59:00.000000005Z","1h0m0s"]`, "", nil},
		{"http", abi.Output, "", `{"status":200,"body":"` + strings.Repeat("x", 5000) + `"}`, "", nil},
		{"global", abi.Fatal, "global_denied", "not this one", "", nil},
		{"globals", abi.Output, "", `["1.25","",true]`, "", nil},
		{"add", abi.Output, "", "[-9223372036854775808,9223372036854775807,0,-70]", "", nil},
		{"add text", abi.Fatal, "global_not_integer", "the global is not an integer of 64 bits", "", nil},
		{"log", abi.Output, "", "null", "", []string{"2 hot", "1 printed"}},
		{"environment", abi.Output, "", "[0,0,true]", "", nil},
		{"route", abi.Routed, "high", `"route"`, "", nil},
		{"nonsense", abi.Fatal, "unknown_way", "no such way", "", nil},
	} {
		t.Run(c.way, func(t *testing.T) {
			var logged []string
			w := new(world)
			s := &hostapi.Session{
				Grants: m.Grants(), HTTP: w, Globals: w, Start: start,
				Log: func(level int, s string) { logged = append(logged, fmt.Sprint(level, " ", s)) },
			}
			r, err := m.Call(t.Context(), s, fmt.Appendf(nil, "%q", c.way), nil)
			if c.code != "" {
				if e := fails(t, err, c.code); e.Message != c.output {
					t.Errorf("message %q, want %q", e.Message, c.output)
				}
			} else if err != nil || r.Kind != c.kind || r.Label != c.label || string(r.Output) != c.output {
				t.Errorf("got %d %q %s, %v", r.Kind, r.Label, r.Output, err)
			}
			if c.code == CodeMemory {
				return // Go's runtime has much to say about it
			}
			if !slices.Equal(logged, c.logged) {
				t.Errorf("logged %q, want %q", logged, c.logged)
			}
		})
	}
}

// The SDK cannot recover panics in another goroutine, or when there is no memory for a larger
// stack.
func TestGoGuestPanicsWhereTheSDKIsNot(t *testing.T) {
	m := loadGuest(t)
	var logged []string
	s := &hostapi.Session{Log: func(_ int, line string) { logged = append(logged, line) }}
	_, err := m.Call(t.Context(), s, []byte("goroutine panic"), nil)
	fails(t, err, CodeTrap)
	if len(logged) == 0 || logged[0] != "panic: elsewhere" {
		t.Errorf("logged %q", logged)
	}
	_, err = m.Call(t.Context(), new(hostapi.Session), []byte("recurse"), nil)
	fails(t, err, CodeMemory)
}

func TestGoGuestIsStopped(t *testing.T) {
	m := loadGuest(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := m.Call(ctx, new(hostapi.Session), []byte("loop"), nil)
	fails(t, err, CodeTimeout)
}

func TestRandomnessOfAGoGuest(t *testing.T) {
	m := loadGuest(t)
	random := func(seed byte, g hostapi.Grants) string {
		r, err := m.Call(t.Context(), &hostapi.Session{Seed: func() [32]byte { return [32]byte{seed} }, Grants: g}, []byte("random"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Output)
	}
	a, again, b := random(1, hostapi.Grants{}), random(1, hostapi.Grants{}), random(2, hostapi.Grants{})
	if a != again || a == b {
		t.Errorf("seed 1: %s and %s, seed 2: %s", a, again, b)
	}
	if c := random(1, hostapi.Grants{Random: true}); c == a || c == random(1, hostapi.Grants{Random: true}) {
		t.Errorf("with the grant: %s", c)
	}
}
