package hostapi

import (
	"errors"
	"testing"
	"time"
)

func TestPipes(t *testing.T) {
	s := &Session{Log: func(int, string) { t.Error("standard output went to the log") }}
	g := newGuest(t, s)
	s.Pipe([]byte("0123456789"), 12)
	g.put32(0, 100, 4, 200, 3) // two buffers
	for _, want := range []string{"0123456", "789", ""} {
		g.returns(errnoSuccess, "fd_read", 0, 0, 2, 16)
		n := g.get32(16)
		got := string(g.get(100, min(n, 4))) + string(g.get(200, n-min(n, 4)))
		if got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	g.put32(0, 100, 4)
	g.put(100, []byte("3210"))
	for range 3 {
		g.returns(errnoSuccess, "fd_write", 1, 0, 1, 16)
	}
	if out, over := s.Piped(); string(out) != "321032103210" || over {
		t.Errorf("%q, %v", out, over)
	}

	s.Pipe([]byte("x"), 3)
	g.returns(errnoSuccess, "fd_write", 1, 0, 1, 16)
	g.returns(errnoInval, "fd_read", 0, 0, maxVectors+1, 16)
	g.returns(errnoFault, "fd_read", 0, end-7, 1, 16)
	g.put32(0, end-3, 4)
	g.returns(errnoFault, "fd_read", 0, 0, 1, 16)
	if out, over := s.Piped(); string(out) != "321" || !over {
		t.Errorf("%q, %v", out, over)
	}
}

// A guest that makes the host work burns hardly any fuel, so the host has to check the time itself.
func TestTheHostChecksTheTime(t *testing.T) {
	s := &Session{Grants: Grants{Log: true}, Deadline: time.Now().Add(-time.Second)}
	g := newGuest(t, s)
	const size = 60_000
	for n := 0; n < chargeEvery-size; n += size {
		g.returns(errnoSuccess, "random_get", 0, size)
	}
	if _, err := g.try("random_get", 0, size); !errors.As(err, new(TimeoutError)) {
		t.Error(err)
	}
}
