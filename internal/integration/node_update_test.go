package integration

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/wasmbuild"
)

// versions are two builds of a node, with the Caddyfile lines that name them.
type versions struct {
	file string // contains the newest build
	wasm map[string][]byte
}

func newVersions(t *testing.T) versions {
	t.Helper()
	return versions{
		file: filepath.Join(t.TempDir(), "mine.wasm"),
		wasm: map[string][]byte{`"one"`: wasmbuild.StubModule(`"one"`), `"two"`: wasmbuild.StubModule(`"two"`)},
	}
}

// write replaces the file with a build as a deployment does: it writes another file and renames it.
func (v versions) write(t *testing.T, answer string) {
	t.Helper()
	if err := os.WriteFile(v.file+".new", v.wasm[answer], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(v.file+".new", v.file); err != nil {
		t.Fatal(err)
	}
}

// pinned returns a config that accepts only the given build.
func (v versions) pinned(s *server, answer string) string {
	return s.caddyfile(fmt.Sprintf("node mine %s {\n sha256 %x\n }\n egress {\n allow 127.0.0.0/8\n }", v.file, sha256.Sum256(v.wasm[answer])), "")
}

const mine = `{"nodes":[
	{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
	{"id":"mine","type":"mine","config":{}}],
	"edges":[{"source":"t","target":"mine"}]}`

// TestNewBuildUnderLoad repeatedly replaces a build of a node while senders never stop. One of the
// two builds serves each request, and the new one serves those after a reload. Nothing of an old
// build is left.
func TestNewBuildUnderLoad(t *testing.T) {
	s := start(t)
	s.keepSocket()
	v := newVersions(t)
	swap := func(answer string) {
		v.write(t, answer)
		s.load(v.pinned(s, answer))
	}
	swap(`"one"`)
	eventually(t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
	s.put("mine", mine)
	for _, answer := range []string{`"two"`, `"one"`} { // warm up before counting goroutines
		swap(answer)
	}
	before := runtime.NumGoroutine()

	var answered [2]atomic.Int64
	var senders sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 3 {
		senders.Go(func() {
			for ctx.Err() == nil {
				a, err := s.tryPost("/api/webhooks/mine", `{}`)
				switch {
				case unanswered(err):
				case err != nil || a.status != http.StatusOK || v.wasm[a.body] == nil:
					t.Errorf("%v %d %s", err, a.status, a.body)
					return
				case a.body == `"one"`:
					answered[0].Add(1)
				default:
					answered[1].Add(1)
				}
				time.Sleep(pace / 5)
			}
		})
	}
	for i := range 10 {
		answer := []string{`"two"`, `"one"`}[i%2]
		swap(answer)
		a, err := s.tryPost("/api/webhooks/mine", `{}`)
		for unanswered(err) {
			a, err = s.tryPost("/api/webhooks/mine", `{}`)
		}
		if err != nil || a.body != answer {
			t.Errorf("reload %d: after it %v %s, want %s", i, err, a.body, answer)
		}
		// Each build also serves the senders before the next one comes.
		n := &answered[(i+1)%2]
		had := n.Load()
		eventually(t, "the new build serves a sender", func() bool { return n.Load() > had })
	}
	stop()
	senders.Wait()
	eventually(t, fmt.Sprintf("goroutines are back at about %d", before), func() bool {
		return runtime.NumGoroutine() <= before+5
	})
	t.Logf("%d requests over 10 builds", answered[0].Load()+answered[1].Load())
}

// TestExecutionKeepsItsBuild checks that an execution uses the build with which it began, whatever
// the file contains by then. The new build serves other requests meanwhile.
func TestExecutionKeepsItsBuild(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer slow.Close()
	s := start(t)
	v := newVersions(t)
	v.write(t, `"one"`)
	s.load(v.pinned(s, `"one"`))
	eventually(t, "the store has loaded", func() bool {
		return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
	})
	s.put("mine", mine)
	s.put("slow", fmt.Sprintf(`{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"wait","type":"http-request","config":{"url":%q}},
		{"id":"mine","type":"mine","config":{}}],
		"edges":[{"source":"t","target":"wait"},{"source":"wait","target":"mine"}]}`, slow.URL))
	old := make(chan answer, 1)
	go func() {
		a, err := s.tryPost("/api/webhooks/slow", `{}`)
		if err != nil {
			t.Error(err)
		}
		old <- a
	}()
	<-arrived
	v.write(t, `"two"`)
	s.load(v.pinned(s, `"two"`))
	if a := s.post("/api/webhooks/mine", `{}`); a.body != `"two"` {
		t.Errorf("after the reload: %d %s", a.status, a.body)
	}
	close(release)
	if a := <-old; a.body != `"one"` {
		t.Errorf("the execution that began before: %d %s", a.status, a.body)
	}
}

// TestReloadOfAnUnpinnedFile checks that, without sha256, a reload of the same config loads the
// file's current content.
func TestReloadOfAnUnpinnedFile(t *testing.T) {
	s := start(t)
	v := newVersions(t)
	config := s.caddyfile("node mine "+v.file, "")
	for _, answer := range []string{`"one"`, `"two"`} {
		v.write(t, answer)
		s.load(config)
		eventually(t, "the store has loaded", func() bool {
			return s.ask(http.MethodGet, "workflows", "").status == http.StatusOK
		})
		s.put("mine", mine)
		if a := s.post("/api/webhooks/mine", `{}`); a.body != answer {
			t.Errorf("%d %s, want %s", a.status, a.body, answer)
		}
	}
}
