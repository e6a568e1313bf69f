package engine

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/slots"
)

// Reserve implements journal.Keys. A failure comes after the key was reserved, as one of a disk
// may.
func (j *ledger) Reserve(ctx context.Context, r journal.Reservation) error {
	if err := j.Journal.Reserve(ctx, r); err != nil {
		return err
	}
	return j.refuses("reserve", journal.Step{})
}

// Settle implements journal.Keys.
func (j *ledger) Settle(ctx context.Context, r journal.Reservation, response []byte) error {
	if err := j.refuses("settle", journal.Step{}); err != nil {
		return err
	}
	if err := j.Journal.Settle(ctx, r, response); err != nil {
		return err
	}
	j.tell("settled %s", r.ID)
	return nil
}

// Free implements journal.Keys.
func (j *ledger) Free(ctx context.Context, r journal.Reservation) error {
	if err := j.refuses("free", journal.Step{}); err != nil {
		return err
	}
	return j.Journal.Free(ctx, r)
}

// keyOf is the reservation of the key k by an execution.
func keyOf(id string) journal.Reservation {
	return journal.Reservation{ID: id, Workflow: "w", Key: journal.Key{Text: "k", Until: time.Now().Add(time.Hour)}}
}

// desk is an executor on a ledger, which is asked for keys.
type desk struct {
	*testing.T
	ledger   *ledger
	executor *Executor
	engine   *Engine
	failing  sync.Map // the names of calls of the journal that fail
}

// withDesk runs a test where time passes only while all wait.
func withDesk(t *testing.T, test func(*desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, ledger: newLedger(), engine: New(Config{})}
		d.ledger.fail = func(call string, _ journal.Step) error {
			if _, fails := d.failing.Load(call); fails {
				return journal.ErrUnavailable
			}
			return nil
		}
		d.executor = NewExecutor(d.ledger, 1)
		test(d)
		d.executor.Close(t.Context())
	})
}

// fail lets calls of the journal fail until failing is cleared.
func (d *desk) fail(calls ...string) {
	for _, call := range calls {
		d.failing.Store(call, true)
	}
}

// inFlight counts the executions that duplicates can join.
func (d *desk) inFlight() int {
	d.executor.flights.mu.Lock()
	defer d.executor.flights.mu.Unlock()
	return len(d.executor.flights.byID)
}

func (d *desk) reserve(id string) *Held {
	d.Helper()
	h, err := d.executor.Reserve(d.Context(), d.engine, keyOf(id))
	if err != nil {
		d.Fatalf("reserving for %s: %v", id, err)
	}
	return h
}

// join sits down with those who wait for an execution, and returns what they get.
func (d *desk) join(id string) <-chan string {
	d.Helper()
	seat, err := d.executor.Join(id)
	if err != nil {
		d.Fatalf("waiting for %s: %v", id, err)
	}
	got := make(chan string, 1)
	go func() {
		response, err := seat.Wait(d.Context())
		if err != nil {
			response = []byte(err.Error())
		}
		got <- string(response)
	}()
	return got
}

func (d *desk) wantError(doing string, err, want error) {
	d.Helper()
	if !errors.Is(err, want) {
		d.Errorf("%s: %v, want %v", doing, err, want)
	}
}

// duplicate wants the key to be an execution's, with a response unless it is "".
func (d *desk) duplicate(id, response string) {
	d.Helper()
	_, err := d.executor.Reserve(d.Context(), d.engine, keyOf("exec-other"))
	var first *journal.DuplicateError
	if !errors.As(err, &first) || first.ID != id || string(first.Response) != response {
		d.Errorf("reserving what %s has: %v %+v, want the response %q", id, err, first, response)
	}
}

func TestHeldKeyEnds(t *testing.T) {
	withDesk(t, func(d *desk) {
		h := d.reserve("exec-1")
		d.duplicate("exec-1", "")
		waits := d.join("exec-1")
		h.Free([]byte("failed"))
		h.Keep([]byte("nothing: it has ended"))
		if got := <-waits; got != "failed" {
			d.Errorf("who has waited got %q", got)
		}
		h = d.reserve("exec-2")
		waits = d.join("exec-2")
		h.Keep([]byte("done"))
		h.Free(nil)
		if got := <-waits; got != "done" {
			d.Errorf("who has waited got %q", got)
		}
		d.duplicate("exec-2", "done")
		_, err := d.executor.Join("exec-2")
		d.wantError("waiting for what has ended", err, ErrNotHere)
	})
}

// TestJournalThatFailsUnderAKey: duplicates get the right answer meanwhile, and the journal learns
// it when it works again.
func TestJournalThatFailsUnderAKey(t *testing.T) {
	withDesk(t, func(d *desk) {
		d.fail("settle")
		h := d.reserve("exec-1")
		waits := d.join("exec-1")
		h.Keep([]byte("done"))
		for _, c := range []<-chan string{waits, d.join("exec-1")} {
			if got := <-c; got != "done" {
				d.Errorf("got %q", got)
			}
		}
		time.Sleep(5 * claimRetry)
		synctest.Wait()
		d.duplicate("exec-1", "")
		d.failing.Clear()
		time.Sleep(claimRetry)
		synctest.Wait()
		d.duplicate("exec-1", "done")
	})
	withDesk(t, func(d *desk) {
		d.fail("free")
		h := d.reserve("exec-1")
		waits := d.join("exec-1")
		h.Free([]byte("failed"))
		if got := <-waits; got != "failed" {
			d.Errorf("who has waited got %q", got)
		}
		_, err := d.executor.Join("exec-1")
		d.wantError("coming later", err, journal.ErrUnavailable)
		d.failing.Clear()
		time.Sleep(claimRetry)
		synctest.Wait()
		d.reserve("exec-2").Free(nil)
	})
}

// TestReserveWhoseAnswerIsLost: a key that may be reserved, and that nobody has, goes back.
func TestReserveWhoseAnswerIsLost(t *testing.T) {
	withDesk(t, func(d *desk) {
		d.fail("reserve", "free")
		_, err := d.executor.Reserve(d.Context(), d.engine, keyOf("exec-1"))
		d.wantError("reserving", err, journal.ErrUnavailable)
		d.duplicate("exec-1", "")
		_, err = d.executor.Join("exec-1")
		d.wantError("waiting for it", err, journal.ErrUnavailable)
		d.failing.Clear()
		time.Sleep(claimRetry)
		synctest.Wait()
		d.reserve("exec-2").Free(nil)
	})
}

// TestMendingAtTheEnd: what the journal has not taken is tried once more before it is closed.
func TestMendingAtTheEnd(t *testing.T) {
	withDesk(t, func(d *desk) {
		d.fail("settle")
		d.reserve("exec-1").Keep([]byte("done"))
		synctest.Wait()
		d.failing.Clear()
		d.executor.Close(d.Context())
		if got := d.ledger.lines(); len(got) != 1 || got[0] != "settled exec-1" {
			d.Errorf("journal %q", got)
		}
		_, err := d.executor.Reserve(d.Context(), d.engine, keyOf("exec-2"))
		d.wantError("reserving after the end", err, journal.ErrClosed)
	})
}

func TestMendingIsBounded(t *testing.T) {
	withDesk(t, func(d *desk) {
		d.fail("settle")
		for n := range maxMending + 1 {
			r := keyOf("exec-" + strconv.Itoa(n))
			r.Key.Text = r.ID
			h, err := d.executor.Reserve(d.Context(), d.engine, r)
			if err != nil {
				d.Fatal(err)
			}
			h.Keep([]byte("done"))
		}
		if n := d.inFlight(); n != maxMending {
			d.Errorf("%d are kept, want %d", n, maxMending)
		}
		d.failing.Clear()
		time.Sleep(claimRetry)
		synctest.Wait()
		if n := d.inFlight(); n != 0 {
			d.Errorf("%d are left", n)
		}
	})
}

func TestWaitingIsBounded(t *testing.T) {
	withDesk(t, func(d *desk) {
		h := d.reserve("exec-1")
		var waits []<-chan string
		for range maxWaiting {
			waits = append(waits, d.join("exec-1"))
		}
		_, err := d.executor.Join("exec-1")
		d.wantError("one more", err, slots.ErrServerBusy)
		h.Free(nil)
		for _, c := range waits {
			<-c
		}
		if n := d.executor.Waiting(); n != 0 {
			d.Errorf("%d wait", n)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	withDesk(t, func(d *desk) {
		defer d.reserve("exec-1").Free(nil)
		seat, err := d.executor.Join("exec-1")
		if err != nil {
			d.Fatal(err)
		}
		ctx, cancel := context.WithCancel(d.Context())
		cancel()
		_, err = seat.Wait(ctx)
		d.wantError("waiting", err, context.Canceled)
		if n := d.executor.Waiting(); n != 0 {
			d.Errorf("%d wait", n)
		}
	})
}

// hold reserves a key for the execution of a waiting lab.
func (w *waiting) hold(window time.Duration) *Held {
	w.Helper()
	r := keyOf("exec-1")
	r.Workflow, r.Key.Until = w.program.Plan.ID, time.Now().Add(window)
	h, err := w.executor.Reserve(w.Context(), w.engine, r)
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// TestAdoptionTakesTheKeyOver: duplicates of what is accepted late are told so.
func TestAdoptionTakesTheKeyOver(t *testing.T) {
	for _, window := range []time.Duration{time.Hour, time.Nanosecond} {
		w := newWaiting(t, accept+`"timeout":"20ms"`)
		h := w.hold(window)
		waits := make(chan string, 1)
		seat, err := w.executor.Join("exec-1")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			response, _ := seat.Wait(t.Context())
			waits <- string(response)
		}()
		go func() { <-w.began }()
		if r := h.Await(t.Context(), w.engine, w.program, event(w, "{}"), []byte("late"), w.take()); r != nil {
			t.Fatalf("ended as %s", show(w.program, r))
		}
		if got := receive(t, waits); got != "late" {
			t.Errorf("who has waited got %q", got)
		}
		close(w.goOn)
		receive(t, w.ledger.finished)
		r := keyOf("exec-2")
		r.Workflow = w.program.Plan.ID
		next, err := w.executor.Reserve(t.Context(), w.engine, r)
		var first *journal.DuplicateError
		switch {
		case window < time.Second: // its time is over
			if err != nil {
				t.Fatal(err)
			}
			next.Free(nil)
		case !errors.As(err, &first) || string(first.Response) != "late":
			t.Errorf("reserving again: %v %+v", err, first)
		}
		w.drain(w.executor, 0)
	}
}

// TestCloseWaitsForKeys: an execution that has a key ends before the journal is closed.
func TestCloseWaitsForKeys(t *testing.T) {
	w := newWaiting(t, `"timeout":"1h"`)
	h := w.hold(time.Hour)
	results := make(chan *Result, 1)
	release := w.take()
	go func() {
		r := h.Await(t.Context(), w.engine, w.program, event(w, "{}"), nil, release)
		h.Free([]byte("cut off"))
		results <- r
	}()
	receive(t, w.began)
	w.closeNow(w.executor, 0)
	if r := receive(t, results); r.Status != Cancelled {
		t.Errorf("ended as %s", show(w.program, r))
	}
}
