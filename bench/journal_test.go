package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

func TestNewIDsAreInOrder(t *testing.T) {
	var ids []string
	for n := range uint64(1000) {
		id := string(newID(n << 7))
		at, err := journal.IDTime(id)
		if err != nil || time.Since(at).Abs() > time.Minute {
			t.Fatalf("%s is of %v, %v", id, at, err)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != len(ids) {
		t.Error("later ids do not come after earlier ones")
	}
}

// TestJournalAlone: each measurement does some work, ends, and leaves no files behind.
func TestJournalAlone(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	for _, a := range journalAlone {
		if rate, err := a.rate(b, t.Context(), 20*time.Millisecond); err != nil || rate <= 0 {
			t.Errorf("%s: %v per second, %v", a.name, rate, err)
		}
	}
	if left, err := os.ReadDir(b.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAcceptTable(t *testing.T) {
	accepted := acceptRound{ended: 50}
	accepted.rate, accepted.cpu = 100, 200*time.Microsecond
	responded := round{cpu: 50 * time.Microsecond}
	responded.rate = 400
	got := acceptTable([][]float64{{1000}, {600}, {80}, {100}}, []round{responded}, []acceptRound{accepted})
	want := [][]string{
		{"bare commit", "1000", "1.00x", "-", "-", "-", "-", "-"},
		{"journal: accept", "600", "0.60x", "-", "-", "-", "-", "-"},
		{"journal: life cycles", "80.0", "0.08x", "-", "-", "-", "-", "-"},
		{"journal: life cycles, separate workers", "100", "0.10x", "-", "-", "-", "-", "-"},
		{"Caddy respond", "400", "-", "-", "-", "50.0", "0.00", "0.00"},
		{"`minimal`: accepted", "100", "-", "-", "0.25x", "-", "0.00", "0.00"},
		{"`minimal`: finished", "50.0", "-", "0.62x, 0.50x", "0.12x", "200", "-", "-"},
	}
	for i, row := range want {
		if !slices.Equal(got.rows[i], row) {
			t.Errorf("row %d\n got %q\nwant %q", i, got.rows[i], row)
		}
	}
}
