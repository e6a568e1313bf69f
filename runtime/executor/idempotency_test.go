package executor

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/slots"
)

// Reserve implements journal.Keys. It fails after the key was reserved, as a disk may.
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

// keyOf returns the reservation of the key k by an execution.
func keyOf(id string) journal.Reservation {
	return journal.Reservation{ID: id, Workflow: "w", Key: journal.Key{Text: "k", Until: time.Now().Add(time.Hour)}}
}

// keyed is an executor on a ledger with idempotency keys.
type keyed struct {
	*testing.T
	ledger   *ledger
	executor *Executor
	engine   *engine.Engine
	failing  sync.Map // the names of journal calls that fail
}

// withKeys runs a test in which time passes only while all goroutines wait.
func withKeys(t *testing.T, test func(*keyed)) {
	synctest.Test(t, func(t *testing.T) {
		d := &keyed{T: t, ledger: newLedger(), engine: engine.New(engine.Config{})}
		d.ledger.fail = func(call string, _ journal.Step) error {
			if _, fails := d.failing.Load(call); fails {
				return journal.ErrUnavailable
			}
			return nil
		}
		d.executor = New(d.ledger, 1)
		test(d)
		d.executor.Close(t.Context())
	})
}

// fail makes calls of the journal fail until failing is cleared.
func (d *keyed) fail(calls ...string) {
	for _, call := range calls {
		d.failing.Store(call, true)
	}
}

// inFlight counts the executions that duplicates can join.
func (d *keyed) inFlight() int {
	d.executor.inflight.mu.Lock()
	defer d.executor.inflight.mu.Unlock()
	return len(d.executor.inflight.byID)
}

func (d *keyed) reserve(id string) *Reservation {
	d.Helper()
	h, err := d.executor.Reserve(d.Context(), d.engine, keyOf(id))
	if err != nil {
		d.Fatalf("reserving for %s: %v", id, err)
	}
	return h
}

// join waits as a duplicate of an execution, and returns the response for duplicates.
func (d *keyed) join(id string) <-chan string {
	d.Helper()
	waiter, err := d.executor.JoinInFlight(id)
	if err != nil {
		d.Fatalf("waiting for %s: %v", id, err)
	}
	got := make(chan string, 1)
	go func() {
		response, err := waiter.Wait(d.Context())
		if err != nil {
			response = []byte(err.Error())
		}
		got <- string(response)
	}()
	return got
}

func (d *keyed) wantError(doing string, err, want error) {
	d.Helper()
	if !errors.Is(err, want) {
		d.Errorf("%s: %v, want %v", doing, err, want)
	}
}

// duplicate expects the key to belong to an execution, with a response unless that is "".
func (d *keyed) duplicate(id, response string) {
	d.Helper()
	_, err := d.executor.Reserve(d.Context(), d.engine, keyOf("exec-other"))
	var first *journal.DuplicateError
	if !errors.As(err, &first) || first.ID != id || string(first.Response) != response {
		d.Errorf("reserving what %s has: %v %+v, want the response %q", id, err, first, response)
	}
}

func TestHeldKeyEnds(t *testing.T) {
	withKeys(t, func(d *keyed) {
		h := d.reserve("exec-1")
		d.duplicate("exec-1", "")
		waits := d.join("exec-1")
		h.Release([]byte("failed"))
		h.Complete([]byte("nothing: it has ended"))
		if got := <-waits; got != "failed" {
			d.Errorf("who has waited got %q", got)
		}
		h = d.reserve("exec-2")
		waits = d.join("exec-2")
		h.Complete([]byte("done"))
		h.Release(nil)
		if got := <-waits; got != "done" {
			d.Errorf("who has waited got %q", got)
		}
		d.duplicate("exec-2", "done")
		_, err := d.executor.JoinInFlight("exec-2")
		d.wantError("waiting for what has ended", err, ErrNotInFlight)
	})
}

// TestJournalThatFailsUnderAKey checks that duplicates get the right response while the journal
// fails, and that the journal gets it once it works again.
func TestJournalThatFailsUnderAKey(t *testing.T) {
	withKeys(t, func(d *keyed) {
		d.fail("settle")
		h := d.reserve("exec-1")
		waits := d.join("exec-1")
		h.Complete([]byte("done"))
		for _, c := range []<-chan string{waits, d.join("exec-1")} {
			if got := <-c; got != "done" {
				d.Errorf("got %q", got)
			}
		}
		time.Sleep(5 * retryPause)
		synctest.Wait()
		d.duplicate("exec-1", "")
		d.failing.Clear()
		time.Sleep(retryPause)
		synctest.Wait()
		d.duplicate("exec-1", "done")
	})
	withKeys(t, func(d *keyed) {
		d.fail("free")
		h := d.reserve("exec-1")
		waits := d.join("exec-1")
		h.Release([]byte("failed"))
		if got := <-waits; got != "failed" {
			d.Errorf("who has waited got %q", got)
		}
		_, err := d.executor.JoinInFlight("exec-1")
		d.wantError("coming later", err, journal.ErrUnavailable)
		d.failing.Clear()
		time.Sleep(retryPause)
		synctest.Wait()
		d.reserve("exec-2").Release(nil)
	})
}

// TestReserveWhoseAnswerIsLost checks that a key is freed if it may be reserved but no execution
// holds it.
func TestReserveWhoseAnswerIsLost(t *testing.T) {
	withKeys(t, func(d *keyed) {
		d.fail("reserve", "free")
		_, err := d.executor.Reserve(d.Context(), d.engine, keyOf("exec-1"))
		d.wantError("reserving", err, journal.ErrUnavailable)
		d.duplicate("exec-1", "")
		_, err = d.executor.JoinInFlight("exec-1")
		d.wantError("waiting for it", err, journal.ErrUnavailable)
		d.failing.Clear()
		time.Sleep(retryPause)
		synctest.Wait()
		d.reserve("exec-2").Release(nil)
	})
}

// TestRetriesAtTheEnd checks that failed writes are retried once more before the journal is closed.
func TestRetriesAtTheEnd(t *testing.T) {
	withKeys(t, func(d *keyed) {
		d.fail("settle")
		d.reserve("exec-1").Complete([]byte("done"))
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

func TestRetriesAreBounded(t *testing.T) {
	withKeys(t, func(d *keyed) {
		d.fail("settle")
		for n := range maxRetried + 1 {
			r := keyOf("exec-" + strconv.Itoa(n))
			r.Key.Text = r.ID
			h, err := d.executor.Reserve(d.Context(), d.engine, r)
			if err != nil {
				d.Fatal(err)
			}
			h.Complete([]byte("done"))
		}
		if n := d.inFlight(); n != maxRetried {
			d.Errorf("%d are kept, want %d", n, maxRetried)
		}
		d.failing.Clear()
		time.Sleep(retryPause)
		synctest.Wait()
		if n := d.inFlight(); n != 0 {
			d.Errorf("%d are left", n)
		}
	})
}

func TestWaitingIsBounded(t *testing.T) {
	withKeys(t, func(d *keyed) {
		h := d.reserve("exec-1")
		var waits []<-chan string
		for range maxDuplicates {
			waits = append(waits, d.join("exec-1"))
		}
		_, err := d.executor.JoinInFlight("exec-1")
		d.wantError("one more", err, slots.ErrServerBusy)
		h.Release(nil)
		for _, c := range waits {
			<-c
		}
		if n := d.executor.WaitingDuplicates(); n != 0 {
			d.Errorf("%d wait", n)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	withKeys(t, func(d *keyed) {
		defer d.reserve("exec-1").Release(nil)
		waiter, err := d.executor.JoinInFlight("exec-1")
		if err != nil {
			d.Fatal(err)
		}
		ctx, cancel := context.WithCancel(d.Context())
		cancel()
		_, err = waiter.Wait(ctx)
		d.wantError("waiting", err, context.Canceled)
		if n := d.executor.WaitingDuplicates(); n != 0 {
			d.Errorf("%d wait", n)
		}
	})
}

// hold reserves a key for the execution of a waiting lab.
func (w *waiting) reserve(window time.Duration) *Reservation {
	w.Helper()
	r := keyOf("exec-1")
	r.Workflow, r.Key.Until = w.program.Plan.ID, time.Now().Add(window)
	h, err := w.executor.Reserve(w.Context(), w.Engine, r)
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// TestAdoptionTakesTheKeyOver checks that duplicates of an adopted execution get the response for
// late acceptance.
func TestAdoptionTakesTheKeyOver(t *testing.T) {
	for _, window := range []time.Duration{time.Hour, time.Nanosecond} {
		w := newWaiting(t, accept+`"timeout":"20ms"`)
		h := w.reserve(window)
		waits := make(chan string, 1)
		waiter, err := w.executor.JoinInFlight("exec-1")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			response, _ := waiter.Wait(t.Context())
			waits <- string(response)
		}()
		go func() { <-w.began }()
		if r := h.Await(t.Context(), w.Engine, w.program, Event(w, "{}"), []byte("late"), w.take()); r != nil {
			t.Fatalf("ended as %s", Show(w.program, r))
		}
		if got := Receive(t, waits); got != "late" {
			t.Errorf("who has waited got %q", got)
		}
		close(w.goOn)
		Receive(t, w.ledger.finished)
		r := keyOf("exec-2")
		r.Workflow = w.program.Plan.ID
		next, err := w.executor.Reserve(t.Context(), w.Engine, r)
		var first *journal.DuplicateError
		switch {
		case window < time.Second: // the key has expired
			if err != nil {
				t.Fatal(err)
			}
			next.Release(nil)
		case !errors.As(err, &first) || string(first.Response) != "late":
			t.Errorf("reserving again: %v %+v", err, first)
		}
		w.drain(w.executor, 0)
	}
}

// TestCloseWaitsForKeys checks that an execution with a key ends before the journal is closed.
func TestCloseWaitsForKeys(t *testing.T) {
	w := newWaiting(t, `"timeout":"1h"`)
	h := w.reserve(time.Hour)
	results := make(chan *engine.Result, 1)
	release := w.take()
	go func() {
		r := h.Await(t.Context(), w.Engine, w.program, Event(w, "{}"), nil, release)
		h.Release([]byte("cut off"))
		results <- r
	}()
	Receive(t, w.began)
	w.closeNow(w.executor, 0)
	if r := Receive(t, results); r.Status != engine.Cancelled {
		t.Errorf("ended as %s", Show(w.program, r))
	}
}
