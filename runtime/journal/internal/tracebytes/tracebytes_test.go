package tracebytes

import (
	"errors"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
)

func TestReadWhatWasAppended(t *testing.T) {
	for name, want := range map[string]journal.TraceContext{
		"none":       {},
		"no state":   {TraceID: [16]byte{1}, SpanID: [8]byte{2}, Flags: 1},
		"no span":    {TraceID: [16]byte{15: 1}},
		"state":      {TraceID: [16]byte{1}, SpanID: [8]byte{2}, Flags: 255, State: "a=b"},
		"long state": {TraceID: [16]byte{1}, SpanID: [8]byte{2}, State: strings.Repeat("x", journal.MaxTraceState)},
	} {
		b := Append([]byte("before"), &want)
		got, err := Read(b[len("before"):])
		if err != nil || got != want {
			t.Errorf("%s: read %+v, %v", name, got, err)
		}
	}
	for _, size := range []int{1, MinSize - 1, MaxSize + 1} {
		if got, err := Read(make([]byte, size)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes are %+v, %v", size, got, err)
		}
	}
}
