package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// buildFamily compiles the family in C once.
var buildFamily = sync.OnceValues(func() ([]byte, error) {
	return wasmbuild.C(context.Background(), "testdata/c/family.c", "-Wl,--stack-first")
})

// everythingFor grants each type all that there is: it gets what its manifest asks for.
func everythingFor(names ...string) (types []TypeConfig) {
	for _, name := range names {
		types = append(types, TypeConfig{Offered: name, Grants: hostapi.Grants{
			HTTP: true, HTTPHosts: []string{name + ".example.com"}, Log: true, Clock: true, Random: true, Globals: true,
		}})
	}
	return types
}

// loadFamily loads the family in C. Its modules are keyed by their types.
func loadFamily(t testing.TB, h *Host, l Limits, types ...TypeConfig) map[string]*Module {
	t.Helper()
	wasm, err := buildFamily()
	if err != nil {
		t.Fatal(err)
	}
	if types == nil {
		types = everythingFor("plain", "online", "values", "timed")
	}
	modules, err := h.LoadFamily(context.Background(), FamilyConfig{Source: "family.wasm", Wasm: wasm, Limits: l, Types: types})
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[string]*Module)
	for _, m := range modules {
		of[m.Type()] = m
		t.Cleanup(func() {
			if err := m.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	return of
}

// outsideOf is what the calls of a type have done outside.
type outsideOf struct {
	world
	hosts  []string
	logged []string
}

func (o *outsideOf) Do(ctx context.Context, req []byte, opts hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	o.requests, o.hosts = append(o.requests, string(req)), append(o.hosts, opts.Hosts...)
	return append(dst, "200"...), nil
}

func (o *outsideOf) SetGlobal(_ context.Context, key string, value []byte) error {
	o.globals = append(o.globals, key+"="+string(value))
	return nil
}

func (o *outsideOf) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	o.globals = append(o.globals, fmt.Sprintf("%s+%d", key, by))
	return fmt.Append(nil, by), nil
}

// familyLetters are what calls of the family in C try, without those that hit a limit.
const familyLetters = "hgsalcrf0"

// answer calls a type as the engine does: whatever its session offers, its grants decide.
func (o *outsideOf) answer(t testing.TB, m *Module, letter string) string {
	t.Helper()
	s := &hostapi.Session{
		Grants: m.Grants(), HTTP: o, Globals: o, Log: func(_ int, line string) { o.logged = append(o.logged, line) },
		Start: time.Unix(1_000_000_000, 0), Seed: func() [32]byte { return [32]byte{7} },
	}
	r, err := m.Call(context.Background(), s, fmt.Appendf(nil, "%q", letter), nil)
	if err != nil {
		return err.(*Error).Code
	}
	if s.Live != (m.Type() == "timed" && (letter == "c" || letter == "r")) {
		t.Errorf("%s %s: live %v", m.Type(), letter, s.Live)
	}
	return string(r.Output)
}

// A type can do what it was granted, and nothing that another type of its module was granted,
// whichever of them was called before in the same instance.
func TestFamilyHasGrantsPerType(t *testing.T) {
	everyReset(t, func(t *testing.T, h *Host) {
		modules := loadFamily(t, h, small)
		const epoch = "1000000000"
		may := map[string]map[string]string{ // what the letters of a type give instead of a refusal
			"plain":  {},
			"online": {"h": `"200"`},
			"values": {"g": `"1.25"`, "s": `""`, "a": `"2"`},
			"timed":  {"c": "", "r": ""},
		}
		refused := map[string]string{
			"h": `"http_not_allowed"`, "g": `"global_not_allowed"`, "s": `"global_not_allowed"`, "a": `"global_not_allowed"`,
			"l": "null", "c": epoch, "f": "0", "0": "0",
		}
		// the first random number of the stream of a call
		refused["r"] = last(new(outsideOf).answer(t, modules["plain"], "r"))
		for range 3 {
			for letter := range strings.SplitSeq(familyLetters, "") {
				for _, name := range []string{"online", "plain", "values", "plain", "timed", "plain"} {
					o := new(outsideOf)
					got := o.answer(t, modules[name], letter)
					want, allowed := may[name][letter]
					if !allowed {
						want = refused[letter]
					}
					switch {
					case want == "": // the real time, or a real random number
						if last(got) == refused[letter] {
							t.Errorf("%s %s: %s is not real", name, letter, got)
						}
					case got != fmt.Sprintf(`[%q,1,1,%s]`, name, want):
						t.Errorf("%s %s: got %s, want %s", name, letter, got, want)
					}
					if (len(o.requests) > 0) != (name == "online" && letter == "h") || (len(o.globals) > 0) != (name == "values" && (letter == "s" || letter == "a")) ||
						(len(o.logged) > 0) != (name == "values" && letter == "l") {
						t.Errorf("%s %s: requests %q, globals %q, logged %q", name, letter, o.requests, o.globals, o.logged)
					}
					if len(o.requests) > 0 && !slices.Equal(o.hosts, []string{"online.example.com"}) {
						t.Errorf("%s may reach %q", name, o.hosts)
					}
				}
			}
		}
	})
}

// last returns the last element of an answer of the family in C.
func last(answer string) string {
	return strings.TrimSuffix(answer[strings.LastIndex(answer, ",")+1:], "]")
}

// The limits of a type are those of its own calls, whichever type was called before.
func TestFamilyHasLimitsPerType(t *testing.T) {
	everyReset(t, func(t *testing.T, h *Host) {
		const page = 64 << 10
		modules := loadFamily(t, h, Limits{Memory: 64 * page, Output: 1 << 20, Timeout: time.Minute},
			TypeConfig{Offered: "plain", Limits: Limits{Memory: 16 * page, Output: 1000, Fuel: 1_000_000, Timeout: 20 * time.Millisecond}},
			TypeConfig{Offered: "online", Grants: hostapi.Grants{HTTP: true}, Limits: Limits{Memory: 32 * page}},
			TypeConfig{Offered: "values", Grants: hostapi.Grants{Globals: true, Log: true}},
			TypeConfig{Offered: "timed", Limits: Limits{Output: 5000, Fuel: 100_000_000}},
		)
		begins := modules["plain"].startSize / page
		grown := func(limit uint64) string { return fmt.Sprint(limit - begins) }
		for range 3 {
			for _, c := range []struct{ name, letter, want string }{
				{"values", "m", grown(64)},
				{"plain", "m", grown(16)},
				{"online", "m", grown(32)},
				{"plain", "m", grown(16)},
				{"timed", "m", grown(64)},
				{"values", "b", "1"},
				{"plain", "b", CodeFuel},
				{"timed", "b", "1"},
				{"plain", "e", CodeFuel},
				{"timed", "e", CodeFuel},
				{"plain", "o", CodeOutputTooLarge},
				{"timed", "o", ""},
				{"values", "o", ""},
			} {
				got := new(outsideOf).answer(t, modules[c.name], c.letter)
				if c.want != "" && last(got) != c.want || strings.HasPrefix(got, "[") != (c.want == "" || c.want[0] >= '0' && c.want[0] <= '9') {
					t.Errorf("%s %s: got %.60s, want %s", c.name, c.letter, got, c.want)
				}
			}
		}
		// time: plain has 20 ms and would have fuel for more
		modules["plain"].limits.Fuel = 0
		if got := new(outsideOf).answer(t, modules["plain"], "e"); got != CodeTimeout {
			t.Errorf("an endless call of plain: %s", got)
		}
	})
}

// Calls of several types in any order, one after the other and at the same time, give what each
// gives in an instance of its own.
func TestFamilyCallsAreIsolated(t *testing.T) {
	limits := Limits{Memory: 2 << 20, Timeout: time.Minute, Output: 1 << 16, Fuel: 5_000_000}
	names := []string{"plain", "online", "values"}
	letters := strings.Split("hgsalfmobet0", "")
	want := make(map[[2]string]string)
	alone := loadFamily(t, newHostWith(t, Options{Reset: ResetNever}), limits)
	for _, name := range names {
		for _, letter := range letters {
			want[[2]string{name, letter}] = new(outsideOf).answer(t, alone[name], letter)
		}
	}
	everyReset(t, func(t *testing.T, h *Host) {
		modules := loadFamily(t, h, limits)
		// without a snapshot there is no buffer for inputs in the memory
		for _, name := range names {
			want[[2]string{name, "m"}] = fmt.Sprintf(`[%q,1,1,%d]`, name, (limits.Memory-modules[name].startSize)>>16)
		}
		rapid.Check(t, func(rt *rapid.T) {
			var all sync.WaitGroup
			for range 2 {
				sequence := rapid.SliceOfN(rapid.SampledFrom(letters), 1, 8).Draw(rt, "letters")
				order := rapid.SliceOfN(rapid.SampledFrom(names), len(sequence), len(sequence)).Draw(rt, "types")
				all.Go(func() {
					for i, letter := range sequence {
						if got := new(outsideOf).answer(t, modules[order[i]], letter); got != want[[2]string{order[i], letter}] {
							t.Errorf("%s %s: got %.80s, want %.80s", order[i], letter, got, want[[2]string{order[i], letter}])
						}
					}
				})
			}
			all.Wait()
			if t.Failed() {
				rt.FailNow()
			}
		})
		if p, ok := modules["plain"].instances.(registeredPool); ok {
			if n := p.live.Load(); n > 2 {
				t.Errorf("%d instances for two calls at a time: the types do not share them", n)
			}
		}
	})
}
