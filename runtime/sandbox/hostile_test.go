package sandbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// hostile are guests that do harm when they have an input, each with its imports from function 0
// on. code is the code of the call's error, or "" if the guest may continue and returns 1.
var hostile = map[string]struct {
	imports []imported
	harm    []byte
	code    string
}{
	"log without end":              {own("log"), code(i32c(1), i32c(8), i32c(-1), call(0)), CodeTrap},
	"log from the end":             {own("log"), code(i32c(1), i32c(-1), i32c(2), call(0)), CodeTrap},
	"log of no level":              {own("log"), code(i32c(-1<<31), i32c(8), i32c(2), call(0)), ""},
	"request without end":          {own("http"), code(i32c(8), i32c(-1), call(0), drop), CodeTrap},
	"request of nothing":           {own("http"), code(i32c(8), i32c(0), call(0), drop), ""},
	"global without end":           {own("global_set"), code(i32c(8), i32c(1), i32c(8), i32c(-1), call(0), drop), CodeTrap},
	"read without end":             {own("global_get"), code(i32c(8), i32c(-1), call(0), drop), CodeTrap},
	"global in its own key":        {own("global_set"), code(i32c(8), i32c(9), i32c(9), i32c(3), call(0), drop), ""},
	"key of a megabyte":            {own("global_set"), code(i32c(16), grow, drop, i32c(0), i32c(1<<20), i32c(8), i32c(1), call(0), drop), ""},
	"take of nothing":              {own("take"), code(i32c(8), call(0)), CodeTrap},
	"take twice":                   {own("http", "take"), code(i32c(8), i32c(8), call(0), drop, i32c(8), call(1), i32c(8), call(1)), CodeTrap},
	"take over the request":        {own("http", "take"), code(i32c(bufAt), i32c(8), call(0), drop, i32c(bufAt), call(1)), ""},
	"take over the edge":           {own("http", "take"), code(i32c(8), i32c(8), call(0), drop, i32c(-1), call(1)), CodeTrap},
	"answers that are never taken": {own("http"), code(i32c(8), i32c(8), call(0), drop, i32c(8), i32c(8), call(0), drop), ""},
	"randomness without end":       {wasi("random_get"), code(i32c(8), i32c(-1), call(0), drop), ""},
	"writes without end":           {wasi("fd_write"), code(i32c(1), i32c(8), i32c(-1), i32c(8), call(0), drop), ""},
	"write of what is not there":   {wasi("fd_write"), code(i32c(8), i32c(-1), store32, i32c(12), i32c(-1), store32, i32c(1), i32c(8), i32c(1), i32c(8), call(0), drop), ""},
	"waits without end":            {wasi("poll_oneoff"), code(i32c(8), i32c(8), i32c(-1), i32c(8), call(0), drop), ""},
	"clock to nowhere":             {wasi("clock_time_get"), code(i32c(0), i64c(1), i32c(-1), call(0), drop), ""},
	"descriptor of nobody":         {wasi("fd_close"), code(i32c(-1), call(0), drop), ""},
	"exit as if all were well":     {wasi("proc_exit"), code(i32c(0), call(0)), CodeExit},

	"flood of log lines":  {own("log"), loop(i32c(1), i32c(0), i32c(60_000), call(0)), CodeTimeout},
	"flood of requests":   {own("http"), loop(i32c(0), i32c(60_000), call(0), drop), CodeTimeout},
	"flood of reads":      {own("global_get"), loop(i32c(0), i32c(9), call(0), drop), CodeTimeout},
	"flood of globals":    {own("global_set"), loop(i32c(0), i32c(9), i32c(0), i32c(60_000), call(0), drop), CodeTimeout},
	"flood of randomness": {wasi("random_get"), code(i32c(1000), grow, drop, loop(i32c(0), i32c(16<<20), call(0), drop)), CodeTimeout},
	"flood of writes":     {wasi("fd_write"), code(i32c(12), i32c(60_000), store32, loop(i32c(2), i32c(8), i32c(1), i32c(8), call(0), drop)), CodeTimeout},
	"flood of naps":       {wasi("poll_oneoff"), loop(i32c(8), i32c(100), i32c(1), i32c(90), call(0), drop), CodeTimeout},

	"calls itself for ever": {nil, code(local(0), local(1), call(1), drop), CodeTrap},
	"asks itself for room":  {nil, code(i32c(-1), call(0), drop), ""},
}

// own returns imports of host functions, wasi those of WASI.
func own(names ...string) []imported  { return offered(abi.HostModule, names) }
func wasi(names ...string) []imported { return offered(hostapi.WASI, names) }

func offered(module string, names []string) (list []imported) {
	all := offeredFunctions()
	for _, name := range names {
		f := all[[2]string{module, name}]
		list = append(list, imported{module: module, name: name, params: f.Params, results: f.Results})
	}
	return list
}

func loop(body ...[]byte) []byte {
	return code([]byte{0x03, 0x40}, code(body...), []byte{0x0c, 0x00, 0x0b})
}

// guestOf returns a guest that does harm when its input is not empty.
func guestOf(imports []imported, harm []byte) guest {
	g := node(local(1), []byte{0x04, 0x40}, harm, []byte{0x0b}, returnPacked(abi.Output, dataAt, 1))
	g.data, g.imports = "1", imports
	return g
}

// outside grants every request and stores nothing.
type outside struct{}

func (outside) Do(_ context.Context, _ []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	return append(dst, "answer"...), nil
}
func (outside) SetGlobal(context.Context, string, []byte) error          { return nil }
func (outside) GetGlobal(string) ([]byte, error)                         { return make([]byte, 60_000), nil }
func (outside) AddGlobal(context.Context, string, int64) ([]byte, error) { return []byte("1"), nil }

// A hostile guest causes an error of its call at most: the call ends in time, and the next one
// finds everything as before.
func TestHostileGuests(t *testing.T) { everyReset(t, hostileGuests) }

func hostileGuests(t *testing.T, h *Host) {
	grants := hostapi.Grants{HTTP: true, Log: true, Globals: true}
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			m := load(t, h, guestOf(c.imports, c.harm).bytes(), Limits{Memory: 64 << 20}, grants)
			good := func() uint64 {
				t.Helper()
				s := new(hostapi.Session)
				if r, err := m.Call(t.Context(), s, nil, nil); err != nil || string(r.Output) != "1" {
					t.Fatalf("a call that does no harm: %s, %v", r.Output, err)
				}
				return s.Fuel
			}
			before := good()
			for range 2 {
				logged := 0
				s := &hostapi.Session{
					Grants: grants, HTTP: outside{}, Globals: outside{},
					Log: func(_ int, line string) { logged += len(line) },
				}
				if c.code == CodeTimeout {
					s.Deadline = time.Now().Add(20 * time.Millisecond)
				}
				r, err := m.Call(t.Context(), s, []byte("x"), nil)
				if c.code != "" {
					fails(t, err, c.code)
				} else if err != nil || string(r.Output) != "1" {
					t.Errorf("%s, %v", r.Output, err)
				}
				if logged > hostapi.MaxLogBytes {
					t.Errorf("%d bytes were logged", logged)
				}
				if after := good(); after != before {
					t.Errorf("the next call burns %d, want %d", after, before)
				}
			}
		})
	}
}

// A module that lies about itself, or does at its start what only calls may do, is rejected or
// harmless.
func TestModulesThatLie(t *testing.T) {
	// calls run and describe, which are functions 1 and 2, before anybody else does
	selfish := func(name string) guest {
		return manifested(`{"abi":1,"type":"x","version":"1"}`).with(void(name, i32c(0), i32c(0), call(1), drop, call(2), drop))
	}
	long := manifested(asking(strings.Repeat(`"log",`, 200_000) + `"log"`))
	long.memory = []byte{0, 32}
	for name, c := range map[string]struct {
		guest guest
		want  string // in the error; "" = it is loaded
	}{
		"calls itself at its start":      {selfish("_initialize"), ""},
		"calls itself to warm up":        {selfish("warmup"), ""},
		"describes itself as a way":      {says(abi.Output, "1").with(describe(returnPacked(abi.Routed, dataAt, 1))), "describe: "},
		"describes itself as everything": {says(abi.Output, "1").with(describe(returnPacked(abi.Output, 0, 65536))), "describe: the output is not one JSON value"},
		"describes itself at length":     {long, "describe: the output of"},
		"describes another version":      {manifested(`{"abi":1.5}`), "describe: its manifest is invalid"},
		"wants what there is not":        {manifested(asking(`"root"`)), `capabilities: "root" is unknown`},
		"wants it twice":                 {manifested(asking(`"log","log"`)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			m, err := h.Load(t.Context(), ModuleConfig{
				Type: "test", Source: "test.wasm", Wasm: c.guest.bytes(), Limits: Limits{Memory: 4 << 20}, Grants: hostapi.Grants{Log: true},
			})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close(context.Background())
			if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "1" {
				t.Errorf("%s, %v", r.Output, err)
			}
		})
	}
}
