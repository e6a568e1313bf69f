package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/runtime/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Documents of workflows with only a trigger.
const (
	plain    = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook"}}]}`
	withKey  = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"secret":"from the document"}}}]}`
	github   = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"signature":{"scheme":"github"}}}}]}`
	inactive = `{"active":false,"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook"}}]}`
	manual   = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"manual"}}]}`

	broken         = `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook"}}],"edges":7}`
	brokenInactive = `{"active":false,"edges":7}`
	brokenWithKey  = `{"edges":7,"nodes":[{"id":"trigger","type":"trigger","config":{"webhook":{"secret":"from the document","signature":{"scheme":"github"}}}}]}`
	badScheme      = `{"nodes":[{"id":"a","type":"nothing"},{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"signature":{"scheme":"gitlab"}}}}]}`
)

func TestWorkflow(t *testing.T) {
	kept := reset(9, entry(7, "workflows/w", broken))
	kept.LastValid = []store.Entry{entry(3, "workflows/w", github)}
	cached := reset(9, entry(7, "workflows/w", broken))
	cached.Before = []store.Entry{entry(5, "workflows/w", manual), entry(6, "secrets/w", "s")}
	both := cached
	both.LastValid = kept.LastValid
	cachedInvalid := both
	cachedInvalid.Before = []store.Entry{entry(5, "workflows/w", broken)}
	mended := cached
	mended.Put = []store.Entry{entry(7, "workflows/w", plain)}
	uselessKept := reset(9, entry(7, "workflows/w", broken))
	uselessKept.LastValid = []store.Entry{entry(3, "workflows/w", broken)}

	for _, c := range []struct {
		name    string
		batches []store.Batch
		want    string
	}{
		{"no content", []store.Batch{reset(1)}, "none"},
		{"valid", []store.Batch{reset(5, entry(4, "workflows/w", plain))}, "4/4 flowtrux"},
		{"put later", []store.Batch{reset(1), put(2, "workflows/w", github)}, "2/2 github"},
		{"before the first content", []store.Batch{put(2, "workflows/w", plain)}, "2/2 flowtrux"},
		{"manual", []store.Batch{put(2, "workflows/w", manual)}, "2/2 manual flowtrux"},
		{"inactive", []store.Batch{put(2, "workflows/w", inactive)}, "2/2 inactive flowtrux"},
		{"changed", []store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", github)}, "3/3 github"},
		{"deleted", []store.Batch{put(2, "workflows/w", plain), del(3, "workflows/w")}, "none"},
		{"gone in a reset", []store.Batch{put(2, "workflows/w", plain), reset(3)}, "none"},
		{
			"back after deletion",
			[]store.Batch{put(2, "workflows/w", plain), del(3, "workflows/w"), put(4, "workflows/w", broken)},
			"4/0 flowtrux invalid",
		},

		{"never valid", []store.Batch{put(2, "workflows/w", broken)}, "2/0 flowtrux invalid"},
		{"never valid, inactive", []store.Batch{put(2, "workflows/w", brokenInactive)}, "2/0 inactive flowtrux invalid"},
		{
			"never valid, with scheme and secret",
			[]store.Batch{put(2, "workflows/w", brokenWithKey)},
			"2/0 github [from the document] invalid",
		},
		{"never valid, unknown scheme", []store.Batch{put(2, "workflows/w", badScheme)}, "2/0 flowtrux invalid"},
		{"no JSON", []store.Batch{put(2, "workflows/w", "{")}, "2/0 flowtrux invalid"},
		{
			"invalid after valid",
			[]store.Batch{put(2, "workflows/w", github), put(3, "workflows/w", brokenInactive)},
			"3/2 github invalid",
		},
		{
			"invalid twice",
			[]store.Batch{put(2, "workflows/w", github), put(3, "workflows/w", broken), put(4, "workflows/w", broken)},
			"4/2 github invalid",
		},
		{
			"valid again",
			[]store.Batch{put(2, "workflows/w", github), put(3, "workflows/w", broken), put(4, "workflows/w", plain)},
			"4/4 flowtrux",
		},
		{
			"invalid in a reset",
			[]store.Batch{put(2, "workflows/w", github), reset(3, entry(3, "workflows/w", broken))},
			"3/2 github invalid",
		},
		{"kept", []store.Batch{kept}, "7/3 github invalid"},
		{"what is known is newer than what was kept", []store.Batch{put(5, "workflows/w", plain), kept}, "7/5 flowtrux invalid"},
		{"kept and invalid too", []store.Batch{uselessKept}, "7/0 flowtrux invalid"},
		{"cached", []store.Batch{cached}, "7/5 manual flowtrux invalid"},
		{"cached, after a version that was kept", []store.Batch{both}, "7/5 manual flowtrux invalid"},
		{"cached and invalid, after a version that was kept", []store.Batch{cachedInvalid}, "7/3 github invalid"},
		{"cached, and the stored one is valid", []store.Batch{mended}, "7/7 flowtrux"},
		{"what is known is newer than the cache", []store.Batch{put(6, "workflows/w", plain), cached}, "7/6 flowtrux invalid"},
		{"cached, then gone", []store.Batch{cached, reset(10)}, "none"},
		{"id that cannot be", []store.Batch{put(2, "workflows/", plain), put(2, "secrets/", "x")}, "none"},

		{"stored secret", []store.Batch{reset(5, entry(3, "secrets/w", "s\n"), entry(4, "workflows/w", plain))}, "4/4 flowtrux [s]"},
		{"secret first", []store.Batch{put(2, "secrets/w", "s"), put(3, "workflows/w", plain)}, "3/3 flowtrux [s]"},
		{"workflow first", []store.Batch{put(2, "workflows/w", plain), put(3, "secrets/w", "s")}, "2/2 flowtrux [s]"},
		{"the document's", []store.Batch{put(2, "workflows/w", withKey)}, "2/2 flowtrux [from the document]"},
		{"the stored one wins", []store.Batch{put(2, "workflows/w", withKey), put(3, "secrets/w", "s")}, "2/2 flowtrux [s]"},
		{"a new document does not bring its own back", []store.Batch{
			put(2, "secrets/w", "s"), put(3, "workflows/w", plain),
			put(4, "workflows/w", withKey),
		}, "4/4 flowtrux [s]"},
		{
			"until the stored one goes",
			[]store.Batch{put(2, "workflows/w", withKey), put(3, "secrets/w", "s"), del(4, "secrets/w")},
			"2/2 flowtrux [from the document]",
		},
		{"goes in a reset", []store.Batch{
			reset(3, entry(2, "workflows/w", withKey), entry(3, "secrets/w", "s")),
			reset(4, entry(2, "workflows/w", withKey)),
		}, "2/2 flowtrux [from the document]"},
		{"stays in a reset", []store.Batch{
			reset(3, entry(2, "workflows/w", withKey), entry(3, "secrets/w", "s")),
			reset(4, entry(2, "workflows/w", withKey), entry(3, "secrets/w", "s")),
		}, "2/2 flowtrux [s]"},
		{"other in a reset, same revision", []store.Batch{
			reset(3, entry(2, "workflows/w", plain), entry(3, "secrets/w", "s")),
			reset(4, entry(2, "workflows/w", plain), entry(3, "secrets/w", "t")),
		}, "2/2 flowtrux [t]"},
		{
			"several",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "secrets/w", `{"secrets":[{"value":"a"},{"value":"b"}]}`)},
			"2/2 flowtrux [a] [b]",
		},
		{
			"one that is none",
			[]store.Batch{put(2, "workflows/w", withKey), put(3, "secrets/w", `{"secrets":"a"}`)},
			"2/2 flowtrux secret secrets: must be an array",
		},
		{
			"one that is too long",
			[]store.Batch{put(2, "workflows/w", withKey), put(3, "secrets/w", strings.Repeat("x", 100_000))},
			"2/2 flowtrux secret is longer than 65536 bytes",
		},
		{
			"mended",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "secrets/w", `{"secrets":"a"}`), put(4, "secrets/w", "s")},
			"2/2 flowtrux [s]",
		},
		{"empty", []store.Batch{put(2, "workflows/w", withKey), put(3, "secrets/w", "\n")}, "2/2 flowtrux secret is empty"},
		{"outlives the workflow", []store.Batch{
			put(2, "workflows/w", plain), put(3, "secrets/w", "s"), del(4, "workflows/w"),
			put(5, "workflows/w", plain),
		}, "5/5 flowtrux [s]"},
		{
			"of an invalid document that serves",
			[]store.Batch{put(2, "workflows/w", withKey), put(3, "workflows/w", broken)},
			"3/2 flowtrux [from the document] invalid",
		},
		{"both in one batch", []store.Batch{reset(1), {Revision: 2, Put: []store.Entry{
			entry(2, "workflows/w", plain), entry(2, "secrets/w", "s"),
		}}}, "2/2 flowtrux [s]"},
		{"workflow goes, secret comes", []store.Batch{put(2, "workflows/w", plain), {
			Revision: 3,
			Put:      []store.Entry{entry(3, "secrets/w", "s")}, Delete: []string{"workflows/w"},
		}}, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			for _, b := range c.batches {
				f.Apply(b)
			}
			if got := show(f.Workflow("w")); got != c.want {
				t.Errorf("workflow is %q, want %q", got, c.want)
			}
			for _, line := range f.logs.All() {
				if s := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(s, "from the document") {
					t.Errorf("secret in the log: %s", s)
				}
			}
		})
	}
}

func TestOneWorkflowDisturbsNoOther(t *testing.T) {
	f := newFixture(t)
	f.Apply(reset(5, entry(2, "workflows/b", broken), entry(3, "workflows/a", plain), entry(4, "workflows/c", github)))
	a := f.Workflow("a")
	f.Apply(put(6, "workflows/c", broken))
	if f.Workflow("a") != a {
		t.Error("a was made anew")
	}
	var got []string
	for _, w := range f.List() {
		got = append(got, w.ID+" "+show(w))
	}
	want := []string{"a 3/3 flowtrux", "b 2/0 flowtrux invalid", "c 6/4 github invalid"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestResetCompilesOnlyWhatHasChanged(t *testing.T) {
	f := newFixture(t)
	f.Apply(reset(5, entry(2, "workflows/a", plain), entry(3, "workflows/b", plain)))
	a, b := f.Workflow("a").Program, f.Workflow("b").Program
	f.Apply(reset(9, entry(2, "workflows/a", plain), entry(8, "workflows/b", plain)))
	if f.Workflow("a").Program != a {
		t.Error("a was compiled again")
	}
	if f.Workflow("b").Program == b {
		t.Error("b was not compiled again")
	}
}

func TestProblemPaths(t *testing.T) {
	for _, c := range []struct{ document, want string }{
		{broken, "edges"},
		{
			`{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"signature":{"scheme":"gitlab"}}}}]}`,
			"nodes[0].config.webhook.signature.scheme",
		},
		{
			`{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":{"signature":7}}}]}`,
			"nodes[0].config.webhook.signature",
		},
	} {
		f := newFixture(t)
		f.Apply(put(1, "workflows/w", c.document))
		p := f.Workflow("w").Problems
		if len(p) != 1 || p[0].Path != c.want {
			t.Errorf("%s: problems %v, want one at %s", c.document, p, c.want)
		}
	}
	f := newFixture(t)
	f.Apply(put(1, "workflows/no id", plain))
	if w := f.Workflow("no id"); w == nil || len(w.Problems) == 0 {
		t.Error("a workflow stored under an impossible id has no problem")
	}
}

func TestKeep(t *testing.T) {
	withKept := func(b store.Batch, kept ...store.Entry) store.Batch {
		b.LastValid = kept
		return b
	}
	withBefore := func(b store.Batch, before ...store.Entry) store.Batch {
		b.Before = before
		return b
	}
	for _, c := range []struct {
		name    string
		batches []store.Batch
		want    []string
	}{
		{
			"cached",
			[]store.Batch{withBefore(reset(4, entry(3, "workflows/w", broken)), entry(2, "workflows/w", plain))},
			[]string{"workflows/w@2 " + plain},
		},
		{"cached, newer than what is kept", []store.Batch{withKept(withBefore(reset(4, entry(3, "workflows/w", broken)),
			entry(2, "workflows/w", plain)), entry(1, "workflows/w", github))}, []string{"workflows/w@2 " + plain}},
		{"cached, of no use", []store.Batch{withBefore(reset(4, entry(3, "workflows/w", broken)), entry(2, "workflows/w", broken))}, nil},
		{"valid", []store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", github)}, nil},
		{"never valid", []store.Batch{put(2, "workflows/w", broken)}, nil},
		{
			"turned invalid",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", broken)},
			[]string{"workflows/w@2 " + plain},
		},
		{
			"once",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", broken), put(4, "workflows/w", broken)},
			[]string{"workflows/w@2 " + plain},
		},
		{
			"with its secret",
			[]store.Batch{put(2, "workflows/w", withKey), put(3, "workflows/w", broken)},
			[]string{"workflows/w@2 " + withKey},
		},
		{
			"valid again",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", broken), put(4, "workflows/w", plain)},
			[]string{"workflows/w@2 " + plain, "workflows/w@0 "},
		},
		{
			"deleted",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", broken), del(4, "workflows/w")},
			[]string{"workflows/w@2 " + plain, "workflows/w@0 "},
		},
		{
			"gone in a reset",
			[]store.Batch{put(2, "workflows/w", plain), put(3, "workflows/w", broken), reset(4)},
			[]string{"workflows/w@2 " + plain, "workflows/w@0 "},
		},
		{"kept already", []store.Batch{withKept(reset(4, entry(3, "workflows/w", broken)), entry(2, "workflows/w", plain))}, nil},
		{
			"kept for nothing",
			[]store.Batch{withKept(reset(4, entry(3, "workflows/w", plain)), entry(2, "workflows/w", plain))},
			[]string{"workflows/w@0 "},
		},
		{"kept for what is gone", []store.Batch{withKept(reset(4), entry(2, "workflows/w", plain))}, []string{"workflows/w@0 "}},
		{"kept, of no use here", []store.Batch{withKept(reset(4, entry(3, "workflows/w", broken)), entry(2, "workflows/w", badScheme))}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			for _, b := range c.batches {
				f.Apply(b)
			}
			if diff := cmp.Diff(c.want, f.kept); diff != "" {
				t.Errorf("calls of Keep (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGlobals(t *testing.T) {
	f := newFixture(t)
	f.Apply(reset(9,
		entry(1, "globals/text", "plain text, \"quoted\"\n"),
		entry(2, "globals/url", "https://crm.example"),
		entry(3, "globals/number", " 1.50 "),
		entry(4, "globals/object", `{"b": 1, "a": 2, "b": 3}`),
		entry(5, "globals/empty", ""),
		entry(6, "globals/bytes", "\xff"),
		entry(7, "globals/__secret_key", `"s"`),
		entry(8, "globals/a/b", "true"),
	))
	want := []Global{
		{"__secret_key", []byte(`"s"`), 7},
		{"a/b", []byte(`true`), 8},
		{"bytes", []byte(`"` + "\uFFFD" + `"`), 6},
		{"empty", []byte(`""`), 5},
		{"number", []byte(`1.50`), 3},
		{"object", []byte(`{"a":2,"b":3}`), 4},
		{"text", []byte(`"plain text, \"quoted\"\n"`), 1},
		{"url", []byte(`"https://crm.example"`), 2},
	}
	if diff := cmp.Diff(want, f.Globals()); diff != "" {
		t.Errorf("globals (-want +got):\n%s", diff)
	}
	f.Apply(put(10, "globals/url", `"https://other.example"`))
	f.Apply(del(11, "globals/text"))
	if v, ok := f.Global("url"); !ok || string(v) != `"https://other.example"` {
		t.Errorf("changed global is %s, %v", v, ok)
	}
	if g, ok := f.GlobalEntry("url"); !ok || g.Key != "url" || g.Revision != 10 {
		t.Errorf("changed global is %+v, %v", g, ok)
	}
	if _, ok := f.Global("text"); ok {
		t.Error("deleted global is there")
	}
	f.Apply(reset(12))
	if g := f.Globals(); len(g) != 0 {
		t.Errorf("globals after an empty reset: %v", g)
	}
}

func TestReady(t *testing.T) {
	f := newFixture(t)
	isReady := func() bool {
		select {
		case <-f.Ready():
			return true
		default:
			return false
		}
	}
	f.Apply(put(1, "workflows/w", plain))
	if isReady() {
		t.Error("ready after a change without the whole content")
	}
	for range 2 {
		f.Apply(reset(2))
		if !isReady() {
			t.Error("not ready after the whole content")
		}
	}
}

func TestLog(t *testing.T) {
	f := newFixture(t)
	take := func() (lines []string) {
		for _, e := range f.logs.TakeAll() {
			if e.Level > zapcore.DebugLevel {
				lines = append(lines, e.Message)
			}
		}
		return lines
	}
	want := func(when string, lines ...string) {
		t.Helper()
		if got := take(); !slices.Equal(got, lines) {
			t.Errorf("%s: log %q, want %q", when, got, lines)
		}
	}
	content := reset(5, entry(2, "workflows/w", broken), entry(3, "workflows/v", plain),
		entry(4, "secrets/v", "{"), entry(5, "elsewhere/x", "1"))
	f.Apply(content)
	want("first content", "secret rejected", "workflow rejected", "store content loaded")
	f.Apply(content)
	want("the same again", "store content loaded")
	f.Apply(put(6, "workflows/w", broken))
	want("invalid in a new revision", "workflow rejected")
	f.Apply(put(7, "workflows/w", plain))
	want("valid", "workflow loaded")
	f.Apply(del(8, "workflows/w"))
	want("deleted", "workflow removed")
	f.Apply(del(9, "workflows/w", "secrets/w", "globals/w", "x"))
	want("deleted again")
}

// TestReadersSeeWholeSteps reads while content changes: a workflow is never seen without the secret
// that came with it.
func TestReadersSeeWholeSteps(t *testing.T) {
	f := newFixture(t)
	f.Apply(reset(1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := int64(2); r < 200; r += 2 {
			f.Apply(store.Batch{Revision: r, Put: []store.Entry{entry(r, "workflows/w", plain), entry(r, "secrets/w", "s")}})
			f.Apply(del(r+1, "workflows/w", "secrets/w"))
		}
	}()
	for {
		if w := f.Workflow("w"); w != nil && len(w.Keys) != 1 {
			t.Error("a workflow without its secret")
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func BenchmarkReset(b *testing.B) {
	entries := make([]store.Entry, 10_000)
	for i := range entries {
		entries[i] = entry(int64(i+1), fmt.Sprintf("workflows/w%d", i), github)
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			newFixture(b).Apply(reset(10_000, entries...))
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		f := newFixture(b)
		f.Apply(reset(10_000, entries...))
		for b.Loop() {
			f.Apply(reset(10_000, entries...))
		}
	})
	b.Run("one change", func(b *testing.B) {
		f := newFixture(b)
		f.Apply(reset(10_000, entries...))
		for b.Loop() {
			f.Apply(put(time.Now().UnixNano(), "workflows/w7", github))
		}
	})
}
