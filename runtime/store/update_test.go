package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/flowtrux/edge/runtime/store"
)

// rival is an engine whose keys others change right before a conditional write, the given number of
// times.
type rival struct {
	store.Engine
	times int
}

func (r *rival) WriteIf(
	ctx context.Context, conditions []store.Condition, put []store.Entry, del []string,
) (int64, []store.Entry, error) {
	if r.times > 0 {
		r.times--
		theirs := []store.Entry{{Key: conditions[0].Key, Value: []byte("theirs")}}
		if _, err := r.Write(ctx, theirs, nil); err != nil {
			return 0, nil, err
		}
	}
	return r.Engine.WriteIf(ctx, conditions, put, del)
}

func TestUpdate(t *testing.T) {
	engine := &rival{Engine: local(t, t.TempDir())}
	m, r, _ := mirror(t, store.MirrorOptions{Engine: engine})
	r.waitLive()
	var saw []string
	appending := func(value []byte) ([]byte, error) {
		if value == nil {
			saw = append(saw, "nothing")
		} else {
			saw = append(saw, string(value))
		}
		return append(slices.Clip(value), '+'), nil
	}
	for _, c := range []struct {
		rivals int
		want   string
		saw    int
	}{{0, "+", 1}, {0, "++", 1}, {2, "theirs+", 3}} {
		saw = nil
		engine.times = c.rivals
		revision, err := m.Update(t.Context(), "k", appending)
		e, _ := m.Get("k")
		if err != nil || string(e.Value) != c.want || e.Revision != revision || len(saw) != c.saw {
			t.Errorf("with %d rivals: %+v at %d, %v, after it saw %q", c.rivals, e, revision, err, saw)
		}
	}

	write(t, m, "empty", "")
	saw = nil
	if _, err := m.Update(t.Context(), "empty", appending); err != nil || len(saw) != 1 || saw[0] != "" {
		t.Errorf("an empty value: %v, saw %q", err, saw)
	}
	before := m.Status().Revision
	no := errors.New("no")
	if _, err := m.Update(t.Context(), "k", func([]byte) ([]byte, error) { return nil, no }); !errors.Is(err, no) {
		t.Error("refused by change:", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Update(gone, "k", appending); !errors.Is(err, context.Canceled) {
		t.Error("without time:", err)
	}
	if now := m.Status().Revision; now != before {
		t.Errorf("something was written: revision %d, %d before", now, before)
	}
	engine.times = 1 << 30
	if _, err := m.Update(t.Context(), "k", appending); !errors.Is(err, store.ErrContended) {
		t.Error("with rivals without end:", err)
	}
	closeMirror(t, m)
	if _, err := m.Update(t.Context(), "k", appending); !errors.Is(err, store.ErrClosed) {
		t.Error("after Close:", err)
	}
}
