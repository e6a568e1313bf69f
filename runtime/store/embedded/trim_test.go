package embedded

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

// A restart cuts off what the database has allocated and not used, and the content is still there.
func TestRestartTrimsTheDatabase(t *testing.T) {
	o := Options{Servers: new(Servers), Dir: t.TempDir()}
	path := filepath.Join(o.Dir, "member", "snap", "db")
	size := func() int64 {
		file, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return file.Size()
	}
	want := make(map[string]string)
	value := make([]byte, 100_000)
	for i := range 4 {
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if allocated := size(); allocated > 4<<20 {
				t.Errorf("start %d: the database has %d bytes", i, allocated)
			}
		}
		f := storetest.Follow(t, e)
		f.WaitState(store.Live)
		key := "workflows/" + string(rune('a'+i))
		if _, err := e.Write(t.Context(), []store.Entry{{Key: key, Value: value}}, nil); err != nil {
			t.Fatal(err)
		}
		want[key] = string(value)
		f.WaitContent(want)
		f.Stop()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if allocated := size(); i == 0 && allocated < 8<<20 {
			t.Fatalf("the database has %d bytes: there is nothing to trim", allocated)
		}
	}
}

// What is wrong with a database is for etcd to report.
func TestTrimLeavesOtherFilesAlone(t *testing.T) {
	dir := t.TempDir()
	if err := trim(dir); err != nil {
		t.Errorf("without a database: %v", err)
	}
	path := filepath.Join(dir, "member", "snap", "db")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := trim(dir); err == nil {
		t.Error("a file of zeros is a database")
	}
	if file, err := os.Stat(path); err != nil || file.Size() != 2<<20 {
		t.Errorf("it was changed: %v %v", file.Size(), err)
	}
}
