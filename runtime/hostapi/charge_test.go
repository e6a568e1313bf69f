package hostapi

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// burnt is a meter that only counts.
type burnt int64

func (b *burnt) Burn(units int32) { *b += burnt(units) }
func (b *burnt) Wait()            {}

// Every call of a host function costs fuel, whatever its arguments. The host checks the time after
// a limited number of calls, and fuel has been burnt by then.
func TestEveryFunctionIsCharged(t *testing.T) {
	const most = chargeEvery/costCall + 1
	for _, f := range Offered() {
		for what, n := range map[string]uint64{
			"zero": 0, "one": 1, "the last byte": end - 1,
			"the end": end, "everything": 1<<32 - 1,
		} {
			t.Run(fmt.Sprintf("%s of %s", f.Name, what), func(t *testing.T) {
				var fuel burnt
				g := newGuest(t, &Session{
					Grants: GrantsOf("http", "log", "random",
						"globals"), Deadline: time.Now().Add(-time.Second), Meter: &fuel,
				})
				params := make([]uint64, len(f.Params))
				for i := range params {
					params[i] = n
				}
				calls := 0
				for ; calls < most; calls++ {
					_, err := g.try(f.Name, params...)
					switch {
					case errors.As(err, new(TimeoutError)):
						if fuel < chargeEvery/bytesPerFuel {
							t.Errorf("%d units of fuel", fuel)
						}
						return
					case errors.As(err, new(ExitError)), errors.As(err,
						new(MisuseError)): // which end a guest's call
						return
					}
				}
				t.Errorf("%d calls, and nobody has looked at the time", calls)
			})
		}
	}
}

// Lists cost by their number of entries, even if those are empty.
func TestListsAreCharged(t *testing.T) {
	for _, c := range []struct {
		function string
		params   []uint64
		most     int // calls before the host looks at the time
	}{
		{"fd_write", []uint64{1, 0, maxVectors, end - 4}, chargeEvery/(costVector*maxVectors) + 1},
		{"fd_read", []uint64{0, 0, maxVectors, end - 4}, chargeEvery/(costVector*maxVectors) + 1},
		{
			"poll_oneoff",
			[]uint64{0, end - 64, maxSubscriptions, end - 4},
			chargeEvery/(costSubscription*maxSubscriptions) + 1,
		},
	} {
		t.Run(c.function, func(t *testing.T) {
			s := &Session{Deadline: time.Now().Add(-time.Second)}
			g := newGuest(t, s) // whose memory is zero: buffers of no length, clocks that are due
			s.Pipe([]byte("input that nobody takes"), 100)
			for calls := range c.most {
				if _, err := g.try(c.function, c.params...); errors.As(err, new(TimeoutError)) {
					return
				} else if err != nil {
					t.Fatalf("call %d: %v", calls, err)
				}
			}
			t.Errorf("%d calls, and nobody has looked at the time", c.most)
		})
	}
}
