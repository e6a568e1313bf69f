package bbolt

import (
	"bytes"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestKeptEntries checks that entries waiting in memory for their claim are bounded, that those
// beyond the bound are claimed from the file all the same, and that none is kept after its claim.
func TestKeptEntries(t *testing.T) {
	j := open(t, path(t), roomy)
	const size, n = 100 << 10, 20
	var want []*journal.Entry
	for i := range n {
		e := entry(i, size)
		if i == 0 {
			e.Key = &journal.Key{Text: "k", Until: time.Now().Add(time.Hour), Response: []byte("{}")}
		}
		if err := j.Accept(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want = append(want, e)
	}
	j.mu.Lock()
	kept, inMemory := j.kept, 0
	for _, live := range j.live {
		if live.entry != nil {
			inMemory++
		}
	}
	j.mu.Unlock()
	if kept > maxKept || inMemory != maxKept/(size+1000) {
		t.Errorf("%d entries of %d are kept, %d bytes", inMemory, n, kept)
	}
	for _, want := range want {
		l, err := j.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e := l.Entry()
		if e.ID != want.ID || !bytes.Equal(e.Data, want.Data) || !bytes.Equal(e.Document, want.Document) || e.Key != nil {
			t.Errorf("claimed %s with %d bytes and the key %v, want %s with %d", e.ID, len(e.Data), e.Key, want.ID, len(want.Data))
		}
	}
	if j.kept != 0 {
		t.Errorf("%d bytes are kept after all claims", j.kept)
	}
}
