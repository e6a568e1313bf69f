package bbolt

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/tracebytes"
)

// TestTracesInSources: a source without a trace is that of earlier versions, byte for byte.
func TestTracesInSources(t *testing.T) {
	plain := entry(1, 10)
	digest := [32]byte{1, 2, 3}
	old := encodeSource(plain, digest)
	if !bytes.HasSuffix(old, digest[:]) {
		t.Fatal("a source without a trace does not end with the digest of its document")
	}
	for name, trace := range map[string]journal.TraceContext{
		"none":       {},
		"no state":   {TraceID: [16]byte{1}, SpanID: [8]byte{2}, Flags: 1},
		"no span":    {TraceID: [16]byte{1}, Flags: 1},
		"state":      {TraceID: [16]byte{1}, SpanID: [8]byte{2}, State: "a=b"},
		"long state": {TraceID: [16]byte{1}, SpanID: [8]byte{2}, State: strings.Repeat("x", journal.MaxTraceState)},
	} {
		e := *plain
		e.Trace = trace
		b := encodeSource(&e, digest)
		got, document, err := readSource(e.ID, b)
		if err != nil || got.Trace != trace || !bytes.Equal(document, digest[:]) {
			t.Errorf("%s: read %+v %x %v", name, got.Trace, document, err)
		}
		if !bytes.HasPrefix(b, old[:len(old)-len(digest)]) || !bytes.HasSuffix(b, digest[:]) {
			t.Errorf("%s: the trace is not before the digest", name)
		}
		if err := checkSource(b); err != nil {
			t.Errorf("%s: checked: %v", name, err)
		}
	}
	for _, more := range []int{1, tracebytes.MinSize - 1, tracebytes.MaxSize + 1} {
		damaged := append(bytes.Clone(old), make([]byte, more)...)
		if _, _, err := readSource("exec-1", damaged); !errors.Is(err, errDamaged) {
			t.Errorf("%d bytes of a trace: %v", more, err)
		}
		if err := checkSource(damaged); !errors.Is(err, errDamaged) {
			t.Errorf("%d bytes of a trace, checked: %v", more, err)
		}
	}
	for n := range old {
		if _, _, err := readSource("exec-1", old[:n]); err == nil {
			t.Errorf("the first %d bytes are a source", n)
		}
	}
}
