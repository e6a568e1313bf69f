package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/storetest"
)

// open makes an open engine.
func open(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Open(t.Context()); err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return e
}

// quiet fails the test when there is anything in a log.
func quiet(t *testing.T, logs *observer.ObservedLogs) {
	t.Helper()
	for _, l := range logs.All() {
		t.Errorf("logged %s: %s %v", l.Level, l.Message, l.ContextMap())
	}
}

// A socket that is closed because it has to be is no error.
func TestNormalEndWithASocketIsQuiet(t *testing.T) {
	dir, err := os.MkdirTemp("", "edge") // t.TempDir is too deep for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "etcd.sock")
	core, logs := observer.New(zapcore.DebugLevel)
	e := open(t, Options{Servers: new(Servers), Dir: filepath.Join(dir, "store"), Listen: socket, Logger: zap.New(core)})
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix:" + socket}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Put(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	quiet(t, logs)
}

func TestNormalStartAndEndAreQuiet(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	dir := filepath.Join(t.TempDir(), "a", "store")
	for range 2 { // a new directory, then one with data
		e := open(t, Options{Servers: new(Servers), Dir: dir, Logger: zap.New(core)})
		f := storetest.Follow(t, e)
		f.WaitState(store.Live)
		if listening := e.server.etcd; len(listening.Clients)+len(listening.Peers) != 0 {
			t.Error("something is listened on")
		}
		f.Stop()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	quiet(t, logs)
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o700 {
		t.Errorf("the directory has mode %o", mode)
	}
	var size int64
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > 32<<20 { // most of it allocated in advance, or sparse
		t.Errorf("an empty store takes %d bytes", size)
	}
}

// What raft says when it has no time to apply its first entry before it votes is no warning: it
// votes again. It takes a busy machine to see it.
func TestAVoteThatComesTooSoonIsQuiet(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	log := serverLog(zap.New(core), &server{failed: t.Context()})
	log.Warn("8e9e05c52164694d cannot campaign at term 1 since there are still pending configuration changes to apply")
	quiet(t, logs)
	if log.Warn("slow fdatasync"); logs.Len() != 1 {
		t.Errorf("%d entries, want what is a warning", logs.Len())
	}
}

func TestEnginesOfADirectoryShareItsServer(t *testing.T) {
	servers, dir := new(Servers), t.TempDir()
	a := open(t, Options{Servers: servers, Dir: dir, Prefix: "/a/"})
	b := open(t, Options{Servers: servers, Dir: dir + "/.", Prefix: "/b/"})
	other := open(t, Options{Servers: servers, Dir: t.TempDir()})
	if a.server != b.server || a.server == other.server {
		t.Fatal("servers are not shared by directory")
	}
	if a.Identity() == b.Identity() || a.Identity() == other.Identity() {
		t.Errorf("identities %q, %q and %q", a.Identity(), b.Identity(), other.Identity())
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.Follow(t, b).WaitState(store.Live) // the server is still there
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	// as another process has
	taken, err := fileutil.TryLockFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Servers: new(Servers), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := e.Open(ctx); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opening: %v, want %v with the directory", err, ErrInUse)
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Open(t.Context()); err != nil {
		t.Fatalf("opening when it is free: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADirectoryThatCannotBeMadeIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Servers: new(Servers), Dir: filepath.Join(file, "store")})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Open(t.Context()); err == nil {
		t.Error("a directory below a file was opened")
	}
}

// damagedDir names a directory for openDamaged.
const damagedDir = "EMBEDDED_TEST_DAMAGED_DIR"

// openDamaged is what a process of its own does for TestDamagedDataIsAnError: etcd leaves
// goroutines behind there.
func openDamaged(dir string) (status int) {
	servers := new(Servers)
	e, err := New(Options{Servers: servers, Dir: dir})
	if err != nil {
		return 2
	}
	err = e.Open(context.Background())
	fmt.Println(err)
	if err == nil || len(servers.byDir) != 0 {
		return 2
	}
	return 0
}

// etcd panics or ends the process when its files are damaged.
func TestDamagedDataIsAnError(t *testing.T) {
	for _, c := range []struct {
		name, files string
		damage      []byte
	}{
		{"log overwritten", "wal/*.wal", []byte(strings.Repeat("damaged!", 512))},
		{"log empty", "wal/*.wal", nil},
		{"database overwritten", "snap/db", []byte(strings.Repeat("damaged!", 8192))},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			e := open(t, Options{Servers: new(Servers), Dir: dir})
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "member", filepath.FromSlash(c.files)))
			if err != nil || len(files) == 0 {
				t.Fatalf("files %v, %v", files, err)
			}
			for _, name := range files {
				if err := os.WriteFile(name, c.damage, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), damagedDir+"="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), dir) {
				t.Errorf("the process ended with %v and said %q", err, out)
			}
			t.Logf("%s", out)
		})
	}
}

func TestAServerThatGivesUpIsToldOf(t *testing.T) {
	for name, giveUp := range map[string]func(*server){
		"fatal": func(s *server) { s.etcd.GetLogger().Fatal("failed to save", zap.Error(errors.New("disk full"))) },
		"panic": func(s *server) { s.etcd.GetLogger().Panic("failed to save", zap.Error(errors.New("disk full"))) },
		"stop":  func(s *server) { s.etcd.Server.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			servers, dir := new(Servers), t.TempDir()
			e := open(t, Options{Servers: servers, Dir: dir})
			f := storetest.Follow(t, e)
			f.WaitState(store.Live)
			go giveUp(e.server)
			v := f.WaitState(store.Failed)
			if text := v.Err().Error(); !strings.Contains(text, "embedded store has") || name != "stop" && !strings.Contains(text, "disk full") {
				t.Errorf("reported %q", text)
			}
			if len(v.Content) != 0 || v.Resets() != 1 {
				t.Errorf("content %v after %d resets", v.Content, v.Resets())
			}
			second, err := New(Options{Servers: servers, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "embedded store has") {
				t.Errorf("opening the failed store: %v", err)
			}
		})
	}
}

func TestASocketWhosePathIsTooLongIsRefused(t *testing.T) {
	if _, err := New(Options{Dir: "/d", Listen: "/" + strings.Repeat("s", maxSocket)}); err == nil {
		t.Error("an engine was made")
	}
}

func TestSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "edge") // t.TempDir is too deep for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "etcd.sock")
	core, logs := observer.New(zapcore.WarnLevel)
	servers := new(Servers)
	e := open(t, Options{Servers: servers, Dir: filepath.Join(dir, "store"), Listen: socket, Logger: zap.New(core)})
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the socket has mode %o", mode)
	}
	f := storetest.Follow(t, e)
	f.WaitState(store.Live)

	c, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix:" + socket}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Put(t.Context(), "/flowtrux/k", "from outside"); err != nil {
		t.Fatalf("putting over the socket: %v", err)
	}
	f.WaitContent(map[string]string{"k": "from outside"})

	if n := logs.Len(); n != 0 {
		t.Errorf("%d warnings: %v", n, logs.All())
	}
	open(t, Options{Servers: servers, Dir: filepath.Join(dir, "store"), Logger: zap.New(core)})
	if logs.FilterMessageSnippet("starts anew").Len() != 1 {
		t.Errorf("no warning that the socket stays: %v", logs.All())
	}
}

// TestSocketOfTheServerThatFollows: a reload to another directory starts the new server, at the
// same socket, before the old one ends.
func TestSocketOfTheServerThatFollows(t *testing.T) {
	dir, err := os.MkdirTemp("", "edge") // t.TempDir is too deep for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "etcd.sock")
	servers := new(Servers)
	before := open(t, Options{Servers: servers, Dir: filepath.Join(dir, "before"), Listen: socket})
	after := open(t, Options{Servers: servers, Dir: filepath.Join(dir, "after"), Listen: socket})
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	f := storetest.Follow(t, after)
	f.WaitState(store.Live)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix:" + socket}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := c.Put(ctx, "/flowtrux/k", "to the one that follows"); err != nil {
		t.Fatalf("putting over the socket: %v", err)
	}
	f.WaitContent(map[string]string{"k": "to the one that follows"})
	if err := after.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(socket + "*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestAFullStoreHasRoomAfterARestart(t *testing.T) {
	o := Options{Servers: new(Servers), Dir: t.TempDir(), quota: 24 << 20}
	e := open(t, o)
	f := storetest.Follow(t, e)
	f.WaitState(store.Live)
	value := make([]byte, 1<<20)
	for n := 0; ; n++ {
		_, err := e.Write(t.Context(), []store.Entry{{Key: "k", Value: value}}, nil)
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil || n > 100 {
			t.Fatalf("write %d: %v, want %v at last", n, err, store.ErrFull)
		}
	}
	f.Stop()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, o)
	f = storetest.Follow(t, e)
	f.WaitState(store.Live)
	if _, err := e.Write(t.Context(), []store.Entry{{Key: "k", Value: []byte("small")}}, nil); err != nil {
		t.Fatalf("writing after a restart: %v", err)
	}
	f.WaitContent(map[string]string{"k": "small"})
}
