package hostapi

import (
	"strings"
	"testing"
	"time"
)

func TestTheEndOfStandardErrorIsRetained(t *testing.T) {
	long := strings.Repeat("x", maxStderr)
	for _, c := range []struct {
		writes []string
		want   string
	}{
		{nil, ""},
		{[]string{"panic: ", "no\n\tmain.go:7\x1b[31m\x00\n"}, "panic: no\n\tmain.go:7[31m\n"},
		{[]string{"gone", long}, long},
		{[]string{"gone" + long}, long},
		{[]string{long, "b", long, "c", long[3:], "end"}, long[3:] + "end"},
		{[]string{"é" + long[1:]}, long[1:]}, // its second byte is no text
	} {
		s := new(Session)
		s.write(0, []byte("not this"))
		for _, w := range c.writes {
			s.write(1, []byte(w))
		}
		if got := s.Stderr(); got != c.want {
			t.Errorf("%.20q…: got %d bytes %.20q…, want %d", c.writes, len(got), got, len(c.want))
		}
		if len(s.stderr) > 2*maxStderr {
			t.Errorf("%d bytes are kept", len(s.stderr))
		}
	}
}

func TestClockWithoutAStart(t *testing.T) {
	g := newGuest(t, new(Session))
	g.returns(errnoSuccess, "clock_time_get", 0, 0, 0)
	if got := time.Unix(0, int64(g.get64(0))); !got.Equal(Epoch) {
		t.Errorf("the clock shows %v, want %v", got, Epoch)
	}
}
