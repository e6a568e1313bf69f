package bbolt

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// accounts are what workflows have of the file, in bytes that it takes at most. They belong to the
// writing goroutine, change together with what its transactions write, and are made anew from the
// file whenever it is opened.
type accounts struct {
	byWorkflow map[string]*account
	documents  map[documentOf]shared // those that entries which have not ended refer to
	responses  int64                 // of all workflows
}

// shared is a document, with how many entries refer to it and its bytes.
type shared struct{ entries, size int }

// account is what one workflow has. Keys of files that say nothing of their workflow are those of
// the workflow "".
type account struct {
	pending   int   // entries that have not ended
	work      int64 // of them: what they run from, their documents and steps
	keys      int64 // idempotency keys, without responses
	responses int64 // kept ones
}

// documentOf names a document as a workflow has it: entries of an hour that have the same one share
// it.
type documentOf struct {
	workflow string
	hour     uint32
	digest   [sha256.Size]byte
}

func newAccounts() *accounts {
	return &accounts{byWorkflow: make(map[string]*account), documents: make(map[documentOf]shared)}
}

// of is the account of a workflow; it is not kept when it is empty.
func (a *accounts) of(workflow string) account {
	if has := a.byWorkflow[workflow]; has != nil {
		return *has
	}
	return account{}
}

// change changes the account of a workflow.
func (a *accounts) change(workflow string, by account) {
	has := a.byWorkflow[workflow]
	if has == nil {
		has = new(account)
		a.byWorkflow[workflow] = has
	}
	has.pending += by.pending
	has.work += by.work
	has.keys += by.keys
	has.responses += by.responses
	a.responses += by.responses
	if *has == (account{}) {
		delete(a.byWorkflow, workflow)
	}
}

// addEntry adds an entry: what it runs from has source bytes, and its document has document.
func (a *accounts) addEntry(of documentOf, source, document int) {
	work := space(source) + entrySpace
	d, known := a.documents[of]
	if !known {
		d.size = document
		work += space(document)
	}
	d.entries++
	a.documents[of] = d
	a.change(of.workflow, account{pending: 1, work: work})
}

// dropEntry takes an entry away.
func (a *accounts) dropEntry(of documentOf, source int) {
	work := space(source) + entrySpace
	d, known := a.documents[of]
	if d.entries--; d.entries > 0 {
		a.documents[of] = d
	} else if known {
		work += space(d.size)
		delete(a.documents, of)
	}
	a.change(of.workflow, account{pending: -1, work: -work})
}

// needed are the documents of an hour that entries refer to which have not ended.
func (a *accounts) needed(hour uint32) map[[sha256.Size]byte]bool {
	digests := make(map[[sha256.Size]byte]bool)
	for of := range a.documents {
		if of.hour == hour {
			digests[of.digest] = true
		}
	}
	return digests
}

// What things take in the file beside their own bytes: pages are not full, and each value has a key
// and a header.
const (
	entrySpace = 256 // what is listed of an entry, and its runs
	keySpace   = 512 // all of a key
)

// space is what a value of n bytes takes at most, about. Those of around half a page leave the
// other half empty.
func space(n int) int64 {
	switch {
	case n <= 1900:
		return int64(n + n/2 + 64)
	case n < longFrom:
		return int64(n + 2304)
	default:
		return int64(n + n/32 + 1024)
	}
}

// stepSpace is what a step takes, whose value has n bytes.
func stepSpace(n int) int64 { return space(n) + 64 }

// readAccounts makes the accounts of a file, and looks at all of its values that a request may
// depend on.
func readAccounts(tx *bolt.Tx) (*accounts, error) {
	a := newAccounts()
	var hour uint32
	var p *part // of the hour, as ids sort by time
	var sources *bolt.Cursor
	if err := tx.Bucket(bucketLive).ForEach(func(k, v []byte) error {
		id := string(k)
		at, err := hourOf(id)
		if err != nil {
			return fmt.Errorf("%w: execution %q", errDamaged, id)
		}
		if p == nil || at != hour {
			hour, p = at, readPart(tx, at)
		}
		if p == nil {
			return fmt.Errorf("%w: nothing is left of execution %s", errDamaged, id)
		}
		if sources == nil || sources.Bucket() != p.src.short {
			sources = p.src.short.Cursor()
		}
		found, source := sources.Seek(k)
		if !bytes.Equal(found, k) {
			return fmt.Errorf("%w: nothing is left of execution %s", errDamaged, id)
		}
		return a.readEntry(p, hour, id, v, source)
	}); err != nil {
		return nil, err
	}
	if err := tx.Bucket(bucketSteps).ForEach(func(k, v []byte) error {
		return a.readStep(tx, k, v)
	}); err != nil {
		return nil, err
	}
	if err := tx.Bucket(bucketExpiry).ForEach(func(_, workflow []byte) error {
		a.change(string(workflow), account{keys: keySpace})
		return nil
	}); err != nil {
		return nil, err
	}
	if err := tx.Bucket(bucketKeys).ForEach(func(_, v []byte) error {
		k, err := readReserved(v)
		if err != nil || len(k.digest) != sha256.Size {
			return fmt.Errorf("%w: an idempotency key", errDamaged)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	all := valuesIn(tx, bucketKept)
	err := all.short.ForEach(func(_, v []byte) error {
		if _, err := all.whole(v); err != nil {
			return fmt.Errorf("%w: a kept response", err)
		}
		k, size, err := readKeptHead(all, v)
		a.change(k.workflow, account{responses: size})
		return err
	})
	return a, err
}

func (a *accounts) readEntry(p *part, hour uint32, id string, v, source []byte) error {
	s, err := readLive(id, v)
	if err != nil {
		return err
	}
	whole, err := p.src.whole(source)
	if err == nil {
		err = checkSource(whole)
	}
	if err != nil {
		return fmt.Errorf("what execution %s runs from: %w", id, err)
	}
	of := documentOfSource(s.Workflow, hour, whole)
	size := 0
	if _, known := a.documents[of]; !known {
		v := p.doc.short.Get(of.digest[:])
		if _, err := p.doc.whole(v); err != nil || v == nil {
			return fmt.Errorf("%w: the document of execution %s", errDamaged, id)
		}
		size = lengthOf(v)
	}
	a.addEntry(of, lengthOf(source), size)
	return nil
}

func (a *accounts) readStep(tx *bolt.Tx, k, v []byte) error {
	if len(k) < idBytes {
		return errDamaged
	}
	live := tx.Bucket(bucketLive).Get(k[:idBytes])
	if live == nil {
		return fmt.Errorf("%w: a step has no execution", errDamaged)
	}
	s, err := readLive("", live)
	if err != nil {
		return err
	}
	if _, err := readStep(valuesIn(tx, bucketSteps), "", v); err != nil {
		return fmt.Errorf("a step of execution %s: %w", k[:idBytes], err)
	}
	a.change(s.Workflow, account{work: stepSpace(lengthOf(v))})
	return nil
}

// sourceOf is the document of an entry, and how many bytes what the entry runs from has.
func (p *part) sourceOf(hour uint32, id, workflow string) (of documentOf, source int, err error) {
	v := p.src.short.Get([]byte(id))
	end, err := p.src.tail(v)
	if err != nil || len(end) < sha256.Size {
		return of, 0, fmt.Errorf("%w: what execution %s runs from", errDamaged, id)
	}
	return documentOfSource(workflow, hour, end), lengthOf(v), nil
}

// documentOfSource is the document of an entry, by the end of what it runs from.
func documentOfSource(workflow string, hour uint32, end []byte) documentOf {
	return documentOf{workflow, hour, [sha256.Size]byte(end[len(end)-sha256.Size:])}
}

// quota is how much a journal may hold in bytes, by its limits. Less than MaxBytes is used, as the
// file has free pages that are used again only after a commit, and between others.
type quota struct {
	limits *Limits
	work   int64 // what new work and keys may fill, with all else
	hard   int64 // what steps may fill
	kept   int64 // responses that are kept for duplicates
}

// mostSlack is the most that is left free of MaxBytes: it is for the pages of a few commits.
const mostSlack = 64 << 20

func quotaOf(l *Limits) quota {
	slack := min(l.MaxBytes/10, mostSlack)
	return quota{
		limits: l, work: l.MaxBytes - slack, hard: l.MaxBytes - slack/2, kept: l.MaxBytes / 4,
	}
}

// mayBegin says why a workflow cannot have more pending work and keys, of so many bytes. A part of
// its share is left for the steps of what was accepted.
func (q quota) mayBegin(has account, more int64) error {
	share := journal.Share(q.work)
	return q.within(has, more, share-share/16)
}

// mayGoOn says why a workflow cannot have another step of so many bytes.
func (q quota) mayGoOn(has account, more int64) error {
	return q.within(has, more, journal.Share(q.work))
}

// within says why a workflow cannot have so much more, when it may have so much.
func (q quota) within(has account, more, most int64) error {
	if taken := has.work + has.keys; taken+more > most {
		return fmt.Errorf("%w: pending work and idempotency keys of the workflow take %d bytes, "+
			"%d more would be over its share of %d, which follows from max_bytes %d",
			journal.ErrFull, taken, more, most, q.limits.MaxBytes)
	}
	return nil
}

// mayPend says why a workflow cannot have another entry, when all of them have so many.
func (q quota) mayPend(has account, all int) error {
	switch most := q.limits.MaxPending; {
	case all >= most:
		return fmt.Errorf("%w: %d executions have not ended, max_pending is %d",
			journal.ErrFull, all, most)
	case has.pending >= journal.Share(most):
		return fmt.Errorf("%w: %d executions of the workflow have not ended, "+
			"its share of max_pending %d is %d", journal.ErrFull, has.pending, most, journal.Share(most))
	}
	return nil
}
