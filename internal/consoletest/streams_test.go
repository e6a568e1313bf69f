package consoletest

import (
	"net/http"
	"testing"

	"github.com/flowtrux/edge/internal/crash"
)

// TestStreamsGoOnOverReloads reloads a server whose streams are open while executions end. No event
// is lost, and none comes twice.
func TestStreamsGoOnOverReloads(t *testing.T) {
	s := Start(t, caddy, Options{})
	if err := s.Put(t.Context(), "echo", Document("Echo", []string{Transform("echo", `"{{trigger.data}}"`)}, []string{"trigger>echo"})); err != nil {
		t.Fatal(err)
	}
	streams, err := s.OpenStreams(t.Context(), 10, false)
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Close()
	var ids []string
	send := func(n int) {
		t.Helper()
		for range n {
			a, err := s.Send(t.Context(), crash.Request{Workflow: "echo", Body: `{}`})
			if err != nil || a.Status != http.StatusOK {
				t.Fatal(a, err)
			}
			ids = append(ids, a.Header.Get("X-Execution-Id"))
		}
	}
	for reload := range 3 {
		send(4)
		if _, err := s.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		send(4)
		if _, err := streams.WaitConnected(t.Context(), reload+2); err != nil {
			t.Fatal(err)
		}
	}
	if err := streams.WaitEnded(t.Context(), ids); err != nil {
		t.Error(err)
	}
}
