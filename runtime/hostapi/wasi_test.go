package hostapi

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/flowtrux/edge/nodes/abi"
)

// Imports need the types that all other hosts use. wazero's own WASI is the reference.
func TestWASIHasTheKnownSignatures(t *testing.T) {
	r := wazero.NewRuntime(t.Context())
	defer r.Close(t.Context())
	b := r.NewHostModuleBuilder(WASI)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	theirs, err := b.Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known := theirs.ExportedFunctions()
	for _, f := range Offered() {
		if f.Module != WASI {
			continue
		}
		want, ok := known[f.Name]
		if !ok {
			t.Errorf("%s is not in WASI", f.Name)
			continue
		}
		if !slices.Equal(f.Params, want.ParamTypes()) || !slices.Equal(f.Results, want.ResultTypes()) {
			t.Errorf("%s: %v -> %v, want %v -> %v", f.Name, f.Params, f.Results, want.ParamTypes(), want.ResultTypes())
		}
		delete(known, f.Name)
	}
	for name := range known {
		t.Errorf("%s is missing", name)
	}
}

func TestWASIIsEmpty(t *testing.T) {
	g := newGuest(t, new(Session))
	g.put(0, bytes.Repeat([]byte{0xff}, 64))
	g.returns(errnoSuccess, "args_sizes_get", 0, 4)
	g.returns(errnoSuccess, "environ_sizes_get", 8, 12)
	if got := g.get(0, 16); !bytes.Equal(got, make([]byte, 16)) {
		t.Errorf("counts and sizes %v", got)
	}
	g.returns(errnoSuccess, "args_get", 0, 4)
	g.returns(errnoSuccess, "environ_get", 0, 4)
	g.returns(errnoSuccess, "sched_yield")
	g.returns(errnoSuccess, "fd_read", 0, 0, 0, 16)
	if n := g.get32(16); n != 0 {
		t.Errorf("%d bytes of standard input", n)
	}
	g.returns(errnoBadf, "fd_read", 3, 0, 0, 16)
	g.returns(errnoBadf, "fd_prestat_get", 3, 0)
	g.returns(errnoBadf, "path_open", 3, 0, 0, 4, 0, 0, 0, 0, 0)
	g.returns(errnoBadf, "sock_accept", 3, 0, 0)
	g.returns(errnoBadf, "fd_close", 1)
	g.returns(errnoNosys, "proc_raise", 9)
	g.returns(errnoSpipe, "fd_seek", 1, 0, 0, 0)
	g.returns(errnoBadf, "fd_seek", 3, 0, 0, 0)
	g.returns(errnoBadf, "fd_fdstat_get", 3, 0)
	for fd, rights := range []uint64{1 << 1, 1 << 6, 1 << 6} {
		g.returns(errnoSuccess, "fd_fdstat_get", uint64(fd), 0)
		if kind, got := g.get(0, 1)[0], g.get64(8); kind != 2 || got != rights {
			t.Errorf("descriptor %d: kind %d, rights %b", fd, kind, got)
		}
	}
}

func TestWASIRejectsPointersOutside(t *testing.T) {
	g := newGuest(t, new(Session))
	g.put32(128, end-1, 2) // an iovec, where none of the calls writes
	for name, params := range map[string][]uint64{
		"args_sizes_get": {end - 3, 0}, "environ_sizes_get": {0, end - 3}, "clock_res_get": {0, end - 7},
		"clock_time_get": {0, 0, end - 7}, "random_get": {end - 1, 2}, "fd_read": {0, 0, 0, end - 3},
		"fd_fdstat_get": {1, end - 23}, "fd_write": {1, 128, 1, 8}, "poll_oneoff": {end - 47, 0, 1, 64},
	} {
		g.returns(errnoFault, name, params...)
	}
	g.returns(errnoFault, "fd_write", 1, end-7, 1, 8)
	g.returns(errnoFault, "fd_write", 1, 16, 0, end-3)
	g.returns(errnoFault, "poll_oneoff", 0, end-31, 1, 64)
	g.returns(errnoFault, "poll_oneoff", 0, 64, 1, end-3)
	g.returns(errnoInval, "fd_write", 1, 0, maxVectors+1, 8)
	g.returns(errnoBadf, "fd_write", 0, 0, 0, 8)
	if _, ok := g.module.Memory().Grow(maxRandom >> 16); !ok {
		t.Fatal("the memory does not grow")
	}
	g.returns(errnoInval, "random_get", 0, maxRandom+1)
	g.returns(errnoSuccess, "random_get", 0, maxRandom)
}

func TestExitEndsTheGuest(t *testing.T) {
	g := newGuest(t, new(Session))
	for name, params := range map[string][]uint64{"proc_exit": {255}, "abort": {0, 0, 0, 0}} {
		_, err := g.try(name, params...)
		var exit ExitError
		if !errors.As(err, &exit) || exit.Code != 255 || exit.Error() != "the module exited with status 255" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := g.try("proc_exit", 0)
	if !errors.As(err, new(ExitError)) {
		t.Error("status 0:", err)
	}
}

// subscription writes one of poll_oneoff at 0.
func (g *guest) subscription(at uint32, userdata uint64, kind byte, timeout uint64, flags uint16) {
	b := binary.LittleEndian.AppendUint64(nil, userdata)
	b = append(b, kind, 0, 0, 0, 0, 0, 0, 0) // tag
	b = append(b, make([]byte, 8)...)        // clock
	b = binary.LittleEndian.AppendUint64(b, timeout)
	b = append(b, make([]byte, 8)...) // precision
	b = binary.LittleEndian.AppendUint16(b, flags)
	g.put(at, append(b, make([]byte, 6)...))
}

func TestOnlySleepAdvancesTheClock(t *testing.T) {
	start := time.Date(2026, 3, 29, 1, 59, 59, 123456789, time.UTC)
	g := newGuest(t, &Session{Start: start})
	shows := func(want time.Time) {
		t.Helper()
		for _, clock := range []uint64{clockRealtime, clockMonotonic} {
			g.returns(errnoSuccess, "clock_time_get", clock, 0, 4096)
			if got := time.Unix(0, int64(g.get64(4096))); !got.Equal(want) {
				t.Errorf("clock %d shows %v, want %v", clock, got.UTC(), want)
			}
		}
	}
	const events, count = 1024, 2048
	sleeps := func(wantUser uint64, n uint64) {
		t.Helper()
		g.returns(errnoSuccess, "poll_oneoff", 0, events, n, count)
		if g.get32(count) != 1 || g.get64(events) != wantUser {
			t.Errorf("%d events, the first of %d, want one of %d", g.get32(count), g.get64(events), wantUser)
		}
	}
	shows(start)
	shows(start)
	g.subscription(0, 7, subClock, uint64(time.Hour), 0)
	g.subscription(48, 8, subClock, uint64(time.Minute), 0)
	sleeps(8, 2)
	shows(start.Add(time.Minute))
	g.subscription(0, 9, subClock, uint64(start.Add(time.Hour).UnixNano()), absTime)
	sleeps(9, 1)
	shows(start.Add(time.Hour))
	sleeps(9, 1) // already over
	shows(start.Add(time.Hour))
	g.subscription(48, 10, 2, 0, 0) // writing to a descriptor is possible at once
	g.subscription(0, 9, subClock, uint64(time.Hour), 0)
	sleeps(10, 2)
	shows(start.Add(time.Hour))
	g.subscription(0, 11, subClock, 1<<64-1, 0)
	sleeps(11, 1)
	shows(start.Add(maxSlept)) // not a time before
	sleeps(11, 1)
	shows(start.Add(maxSlept))

	g.returns(errnoInval, "clock_time_get", 2, 0, 0)
	g.returns(errnoInval, "clock_res_get", 2, 0)
	g.returns(errnoSuccess, "clock_res_get", 0, 0)
	if r := g.get64(0); r == 0 {
		t.Error("no resolution")
	}
	g.returns(errnoInval, "poll_oneoff", 0, events, 0, count)
	g.returns(errnoInval, "poll_oneoff", 0, events, maxSubscriptions+1, count)
}

func TestClockIsRealWithTheGrant(t *testing.T) {
	g := newGuest(t, &Session{Start: time.Unix(0, 0), Grants: Grants{Clock: true}})
	before := time.Now().UnixNano()
	g.subscription(0, 1, subClock, uint64(time.Millisecond), 0)
	g.returns(errnoSuccess, "poll_oneoff", 0, 1024, 1, 2048)
	g.returns(errnoSuccess, "clock_time_get", 0, 0, 0)
	if got := int64(g.get64(0)); got < before+int64(time.Millisecond) {
		t.Errorf("the clock shows %d, %d ns before sleeping", got, before-got)
	}
}

func TestSleepEndsWithTheCall(t *testing.T) {
	g := newGuest(t, &Session{Grants: Grants{Clock: true}})
	g.subscription(0, 1, subClock, 1<<64-1, 0)
	sleeps := func(ctx context.Context) {
		t.Helper()
		_, err := g.module.ExportedFunction("poll_oneoff").Call(g.session.Context(ctx), 0, 1024, 1, 2048)
		if !errors.As(err, new(TimeoutError)) {
			t.Errorf("%v, want a guest that does not go on", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sleeps(ctx)
	g.session.Deadline = time.Now().Add(20 * time.Millisecond)
	sleeps(t.Context())
}

func seed(b byte) func() [32]byte { return func() [32]byte { return [32]byte{b} } }

func TestRandomStream(t *testing.T) {
	stream := func(s *Session) string {
		g := newGuest(t, s)
		g.returns(errnoSuccess, "random_get", 0, 100)
		first := g.get(0, 100)
		g.returns(errnoSuccess, "random_get", 0, 100)
		if bytes.Equal(first, g.get(0, 100)) {
			t.Error("the stream stands still")
		}
		return string(first)
	}
	a, again, b := stream(&Session{Seed: seed(1)}), stream(&Session{Seed: seed(1)}), stream(&Session{Seed: seed(2)})
	if a != again {
		t.Error("a replay differs")
	}
	if a == b {
		t.Error("two seeds give the same")
	}
	granted := &Session{Seed: seed(1), Grants: Grants{Random: true}}
	if c := stream(granted); c == a || c == stream(granted) {
		t.Error("with the grant it is not random")
	}
}

func TestOutputBecomesLines(t *testing.T) {
	type line struct {
		level int
		text  string
	}
	for name, c := range map[string]struct {
		granted bool
		fd      uint64
		writes  []string
		want    []line
	}{
		"stdout":             {true, 1, []string{"a\tb", "c\nd\n\ne"}, []line{{abi.LogInfo, "a bc"}, {abi.LogInfo, "d"}, {abi.LogInfo, "e"}}},
		"stderr":             {true, 2, []string{"panic: x\n"}, []line{{abi.LogWarn, "panic: x"}}},
		"stdout not granted": {false, 1, []string{"a\n"}, nil},
		"stderr not granted": {false, 2, []string{"a\n"}, []line{{abi.LogWarn, "a"}}},
		"long":               {true, 1, []string{strings.Repeat("x", 20_000) + "\ny"}, []line{{abi.LogInfo, strings.Repeat("x", maxLogLine)}, {abi.LogInfo, "y"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []line
			g := newGuest(t, &Session{Grants: Grants{Log: c.granted}, Log: func(level int, s string) { got = append(got, line{level, s}) }})
			for _, w := range c.writes {
				// Two vectors for each write.
				g.put(64, []byte(w))
				half := uint32(len(w) / 2)
				g.put32(0, 64, half, 64+half, uint32(len(w))-half)
				g.returns(errnoSuccess, "fd_write", c.fd, 0, 2, 32)
				if n := g.get32(32); int(n) != len(w) {
					t.Errorf("%d bytes of %d written", n, len(w))
				}
			}
			g.session.Flush()
			g.session.Flush()
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// The same bytes named a thousand times would keep the host busy beyond any time limit.
func TestWriteIsLimited(t *testing.T) {
	g := newGuest(t, new(Session))
	for i := range uint32(100) {
		g.put32(8*i, 0, end-1)
	}
	g.returns(errnoSuccess, "fd_write", 2, 0, 100, 1024)
	if n := g.get32(1024); n != maxWrite {
		t.Errorf("%d bytes written, want %d", n, maxWrite)
	}
}
