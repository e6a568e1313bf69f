package move_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

// TestRoundTrip: whatever a journal has arrives in another one.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 3))
		numbers := r.Perm(60)
		a := r.IntN(41)
		b := a + r.IntN(61-a)
		want := content{keys: numbers[:r.IntN(61)], records: numbers[:a], pending: numbers[a:b]}.items()
		dir := t.TempDir()
		source, target, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db"), filepath.Join(dir, "file")
		fill(t, source, want)
		_, err := export(source, file, quiet)
		must(t, err)
		got, err := importInto(target, file, quiet)
		must(t, err)
		counts := move.Counts{Keys: got.Taken.Keys.Stored, Records: got.Taken.Records.Stored, Pending: got.Taken.Pending.Stored}
		if counts != got.Counts || counts.All() != len(want) {
			t.Fatalf("taken %+v of %+v, want %d", got.Taken, got.Counts, len(want))
		}
		if diff := cmp.Diff(want, contentOf(t, target), same); diff != "" {
			t.Fatalf("content (-source +target):\n%s", diff)
		}
	}
}

// TestAnyContent: a file keeps whatever bytes, texts and numbers an item has.
func TestAnyContent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	rapid.Check(t, func(t *rapid.T) {
		raw := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, name) }
		text := func(name string) string { return rapid.String().Draw(t, name) }
		at := func(name string) time.Time {
			ns := rapid.Int64Range(0, 1<<62).Draw(t, name)
			return time.Unix(0, ns).UTC()
		}
		draw := func(n int) *journal.Entry {
			e := entry(n)
			e.Workflow, e.ReplayOf, e.Source, e.Method, e.ClientIP = text("workflow"), text("replay of"), text("source"), text("method"), text("IP")
			e.Revision, e.Deaths = rapid.Int64().Draw(t, "revision"), rapid.IntRange(0, 255).Draw(t, "deaths")
			e.Document, e.Data, e.Query, e.Headers = raw("document"), raw("data"), raw("query"), raw("headers")
			e.AcceptedAt, e.ReceivedAt = at("accepted"), at("received")
			for range rapid.IntRange(0, 3).Draw(t, "steps") {
				e.Steps = append(e.Steps, journal.Step{Node: text("node"), Output: raw("output"), Handle: text("handle")})
			}
			return e
		}
		var items []journal.Item
		for n := range rapid.IntRange(0, 4).Draw(t, "records") {
			ended := &journal.Ended{Record: recordOf(entry(n))}
			ended.Record.Message, ended.Record.EndedAt = text("message"), at("ended")
			if rapid.Bool().Draw(t, "has a source") {
				ended.Source = draw(n)
			}
			items = append(items, journal.Item{Record: ended})
		}
		for n := range rapid.IntRange(0, 4).Draw(t, "pending") {
			items = append(items, journal.Item{Pending: draw(100 + n)})
		}
		if rapid.Bool().Draw(t, "has a key") {
			items = slices.Insert(items, 0, journal.Item{Key: &journal.MovedKey{
				Workflow: text("workflow"), ID: text("id"), Until: at("until"), Response: raw("response"), Digest: journal.KeyName(text("body"), ""),
			}})
		}
		g := &generated{items: len(items), make: func(n int) journal.Item { return items[n] }}
		_, err := move.Export(context.Background(), sealedOf{g}, file, text("from"), quiet)
		must(t, err)
		_, err = move.Import(context.Background(), g, file, quiet)
		must(t, err)
		must(t, os.Remove(file))
		if len(g.taken) != len(items) {
			t.Fatalf("%d items of %d", len(g.taken), len(items))
		}
	})
}

// TestEveryField: what is added to an entry, a step or a key is moved too.
func TestEveryField(t *testing.T) {
	e, k := new(journal.Entry), new(journal.MovedKey)
	set(t, reflect.ValueOf(e).Elem())
	set(t, reflect.ValueOf(k).Elem())
	e.ID, e.Key = entry(1).ID, nil
	items := []journal.Item{{Key: k}, {Pending: e}}
	g := &generated{items: 2, make: func(n int) journal.Item { return items[n] }}
	file := filepath.Join(t.TempDir(), "file")
	_, err := move.Export(t.Context(), sealedOf{g}, file, "", quiet)
	must(t, err)
	_, err = move.Import(t.Context(), g, file, quiet)
	must(t, err)
	if len(g.taken) != 2 {
		t.Errorf("%d items", len(g.taken))
	}
}

// set gives all fields of a value other values than zero.
func set(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		set(t, v.Index(0))
	case reflect.Array:
		for n := range v.Len() {
			set(t, v.Index(n))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(t, v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(start))
			return
		}
		for _, field := range v.Fields() {
			set(t, field)
		}
	default:
		t.Fatalf("a field of kind %s: teach this test to set it", v.Kind())
	}
}

// TestExportGoesOn: wherever an export was cut off, the next one completes it to the same file.
func TestExportGoesOn(t *testing.T) {
	dir := t.TempDir()
	source, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "file")
	fill(t, source, some(25).items())
	_, err := export(source, file, quiet)
	must(t, err)
	want := readFile(t, file)
	again, err := export(source, file, quiet)
	must(t, err)
	if !again.Already || again.All() != 75 {
		t.Errorf("exported again: %+v", again)
	}
	for n := 0; n < len(want); n += 1 + len(want)/150 {
		must(t, os.Remove(file))
		part := bytes.Clone(want[:n])
		if n%3 == 0 { // the disk had more than was written
			part = append(part, "\x00\x00\x00\n\x00"...)
		}
		if n == 0 {
			part = nil
		}
		writeFile(t, file+move.PartSuffix, part)
		x, err := export(source, file, quiet)
		switch first := bytes.IndexByte(want, '\n'); {
		case n > 0 && n <= first && n%3 == 0: // it does not begin as an export does
			if !errors.Is(err, move.ErrNotExport) {
				t.Fatalf("after %d bytes: %v", n, err)
			}
			must(t, os.Remove(file+move.PartSuffix))
			_, err = export(source, file, quiet)
			must(t, err)
		case err != nil:
			t.Fatalf("after %d bytes: %v", n, err)
		default:
			if x.Kept > 75 || n > len(want)-200 && x.Kept < 70 {
				t.Errorf("after %d of %d bytes %d items are kept", n, len(want), x.Kept)
			}
		}
		if got := readFile(t, file); !bytes.Equal(got, want) {
			t.Fatalf("after %d bytes the file is another one", n)
		}
		if _, err := os.Lstat(file + move.PartSuffix); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("a part is left: %v", err)
		}
	}
	info, err := os.Stat(file)
	must(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// generated is a journal whose items are made while they are read, and what has imported them.
type generated struct {
	journal.Portable
	items int
	make  func(n int) journal.Item
	fail  int // the read that fails; 0 = none
	reads int
	taken []string // places
}

func (g *generated) Read(_ context.Context, after string) (items []journal.Item, err error) {
	if g.reads++; g.reads == g.fail {
		return nil, errors.New("the disk has gone")
	}
	first := sort.Search(g.items, func(n int) bool {
		i := g.make(n)
		return i.Place() > after
	})
	for n := first; n < min(first+50, g.items); n++ {
		items = append(items, g.make(n))
	}
	return items, nil
}

func (g *generated) Import(_ context.Context, _ string, items []journal.Item) (p journal.Progress, err error) {
	for n := range items {
		if diff := cmp.Diff(g.make(len(g.taken)), items[n], same); diff != "" {
			return p, fmt.Errorf("item %d (-exported +imported):\n%s", len(g.taken), diff)
		}
		g.taken = append(g.taken, items[n].Place())
	}
	if len(g.taken) > 0 {
		p.Place = g.taken[len(g.taken)-1]
	}
	return p, nil
}

// same compares items, large ones fast.
var same = cmp.Options{
	cmp.Comparer(bytes.Equal),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() != reflect.TypeFor[[]byte]() }, cmpopts.EquateEmpty()),
}

// TestManyDocuments: writer and reader forget the same documents.
func TestManyDocuments(t *testing.T) {
	g := &generated{items: 3000, make: func(n int) journal.Item {
		e := entry(n)
		e.Document = fmt.Appendf(nil, "%d", n%1100) // more than are remembered
		if n%50 == 7 {
			e.Document = nil
		}
		return journal.Item{Pending: e}
	}}
	file := filepath.Join(t.TempDir(), "file")
	_, err := move.Export(t.Context(), sealedOf{g}, file, "", quiet)
	must(t, err)
	_, err = move.Import(t.Context(), g, file, quiet)
	must(t, err)
	if len(g.taken) != g.items {
		t.Errorf("%d items", len(g.taken))
	}
}

// sealedOf is a generated journal as a source.
type sealedOf struct{ *generated }

func (s sealedOf) Seal() journal.Seal           { return journal.Seal{Move: "generated", At: start} }
func (s sealedOf) Unseal(context.Context) error { return nil }
func (s sealedOf) Close() error                 { return nil }

// TestMemory: neither side has more than a few items in memory.
func TestMemory(t *testing.T) {
	const size = 64 << 10
	g := &generated{items: 1000, make: func(n int) journal.Item {
		e := entry(n)
		e.Data = bytes.Repeat([]byte{'x'}, size)
		return journal.Item{Pending: e}
	}}
	file := filepath.Join(t.TempDir(), "file")
	calls, most := 0, uint64(0)
	look := func(move.State) {
		if calls++; calls%7 != 0 {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	x, err := move.Export(t.Context(), sealedOf{g}, file, "", look)
	must(t, err)
	_, err = move.Import(t.Context(), g, file, look)
	must(t, err)
	if calls < 20 || x.Bytes < 1000*size || most > uint64(x.Bytes)/5 {
		t.Errorf("%d bytes of heap for a file of %d, %d calls", most, x.Bytes, calls)
	}
	t.Logf("%d MiB of heap for a file of %d MiB", most>>20, x.Bytes>>20)
}

// TestFailingJournal: what was written before stays, and the next call goes on.
func TestFailingJournal(t *testing.T) {
	g := &generated{items: 500, fail: 5, make: func(n int) journal.Item { return journal.Item{Pending: entry(n)} }}
	file := filepath.Join(t.TempDir(), "file")
	_, err := move.Export(t.Context(), sealedOf{g}, file, "", quiet)
	if err == nil || !strings.Contains(err.Error(), "the disk has gone") {
		t.Fatalf("got %v", err)
	}
	if _, err := move.Check(file + move.PartSuffix); !errors.Is(err, move.ErrIncomplete) {
		t.Errorf("the part: %v", err)
	}
	x, err := move.Export(t.Context(), sealedOf{g}, file, "", quiet)
	must(t, err)
	if x.Kept != 200 || x.Pending != 500 {
		t.Errorf("%d kept of %d, want 200 of 500", x.Kept, x.Pending)
	}
}
