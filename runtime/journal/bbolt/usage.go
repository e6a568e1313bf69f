package bbolt

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// usage is how many bytes of the file each workflow takes at most. It belongs to the writing
// goroutine, changes together with what its transactions write, and is computed from the file
// whenever that is opened.
type usage struct {
	byWorkflow map[string]*workflowUsage
	documents  map[documentKey]sharedDocument // of entries that have not ended
	responses  int64                          // of stored responses, of all workflows
}

// sharedDocument is a document: how many entries use it, and its bytes.
type sharedDocument struct{ entries, size int }

// workflowUsage is the usage of one workflow. Keys in old files do not name their workflow; they
// count for the workflow "".
type workflowUsage struct {
	pending   int   // entries that have not ended
	work      int64 // bytes of them: events, documents and steps
	keys      int64 // bytes of idempotency keys, without responses
	responses int64 // bytes of stored responses
}

// documentKey identifies a document of a workflow. Entries of the same hour share it.
type documentKey struct {
	workflow string
	hour     uint32
	digest   [sha256.Size]byte
}

func newUsage() *usage {
	return &usage{byWorkflow: make(map[string]*workflowUsage), documents: make(map[documentKey]sharedDocument)}
}

// of returns the usage of a workflow.
func (u *usage) of(workflow string) workflowUsage {
	if has := u.byWorkflow[workflow]; has != nil {
		return *has
	}
	return workflowUsage{}
}

// add changes the usage of a workflow.
func (u *usage) add(workflow string, delta workflowUsage) {
	has := u.byWorkflow[workflow]
	if has == nil {
		has = new(workflowUsage)
		u.byWorkflow[workflow] = has
	}
	has.pending += delta.pending
	has.work += delta.work
	has.keys += delta.keys
	has.responses += delta.responses
	u.responses += delta.responses
	if *has == (workflowUsage{}) {
		delete(u.byWorkflow, workflow)
	}
}

// addEntry adds an entry, whose source and document have so many bytes.
func (u *usage) addEntry(of documentKey, source, document int) {
	work := space(source) + entrySpace
	d, known := u.documents[of]
	if !known {
		d.size = document
		work += space(document)
	}
	d.entries++
	u.documents[of] = d
	u.add(of.workflow, workflowUsage{pending: 1, work: work})
}

// dropEntry removes an entry.
func (u *usage) dropEntry(of documentKey, source int) {
	work := space(source) + entrySpace
	d, known := u.documents[of]
	if d.entries--; d.entries > 0 {
		u.documents[of] = d
	} else if known {
		work += space(d.size)
		delete(u.documents, of)
	}
	u.add(of.workflow, workflowUsage{pending: -1, work: -work})
}

// documentsIn returns the documents of an hour that entries use which have not ended.
func (u *usage) documentsIn(hour uint32) map[[sha256.Size]byte]bool {
	digests := make(map[[sha256.Size]byte]bool)
	for of := range u.documents {
		if of.hour == hour {
			digests[of.digest] = true
		}
	}
	return digests
}

// Bytes that things take in the file in addition to their own: pages are not full, and each value
// has a key and a header.
const (
	entrySpace = 256 // the row of an entry, and its runs
	keySpace   = 512 // all of a key
)

// space returns about how many bytes a value of n bytes takes at most. Values of around half a page
// leave the other half empty.
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

// stepSpace returns how many bytes a step takes whose value has n bytes.
func stepSpace(n int) int64 { return space(n) + 64 }

// readUsage computes the usage of a file, and checks all values in it that a request may depend on.
func readUsage(tx *bolt.Tx) (*usage, error) {
	u := newUsage()
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
		if sources == nil || sources.Bucket() != p.sources.short.open() {
			sources = p.sources.short.open().Cursor()
		}
		found, source := sources.Seek(k)
		if !bytes.Equal(found, k) {
			return fmt.Errorf("%w: nothing is left of execution %s", errDamaged, id)
		}
		return u.readEntry(p, hour, id, v, source)
	}); err != nil {
		return nil, err
	}
	if err := tx.Bucket(bucketSteps).ForEach(func(k, v []byte) error {
		return u.readStep(tx, k, v)
	}); err != nil {
		return nil, err
	}
	if err := tx.Bucket(bucketExpiry).ForEach(func(_, workflow []byte) error {
		u.add(string(workflow), workflowUsage{keys: keySpace})
		return nil
	}); err != nil {
		return nil, err
	}
	if err := tx.Bucket(bucketKeys).ForEach(func(_, v []byte) error {
		k, err := readStoredKey(v)
		if err != nil || len(k.digest) != sha256.Size {
			return fmt.Errorf("%w: an idempotency key", errDamaged)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	all := valuesIn(tx, bucketResponses)
	err := all.short.open().ForEach(func(_, v []byte) error {
		if _, err := all.whole(v); err != nil {
			return fmt.Errorf("%w: a kept response", err)
		}
		s, size, err := readResponseHead(all, v)
		u.add(s.workflow, workflowUsage{responses: size})
		return err
	})
	return u, err
}

func (u *usage) readEntry(p *part, hour uint32, id string, v, source []byte) error {
	s, err := readLive(id, v)
	if err != nil {
		return err
	}
	whole, err := p.sources.whole(source)
	if err == nil {
		err = checkSource(whole)
	}
	if err != nil {
		return fmt.Errorf("what execution %s runs from: %w", id, err)
	}
	of := documentKeyOf(s.Workflow, hour, whole)
	size := 0
	if _, known := u.documents[of]; !known {
		v := p.documents.short.Get(of.digest[:])
		if _, err := p.documents.whole(v); err != nil || v == nil {
			return fmt.Errorf("%w: the document of execution %s", errDamaged, id)
		}
		size = lengthOf(v)
	}
	u.addEntry(of, lengthOf(source), size)
	return nil
}

func (u *usage) readStep(tx *bolt.Tx, k, v []byte) error {
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
	u.add(s.Workflow, workflowUsage{work: stepSpace(lengthOf(v))})
	return nil
}

// documentOf returns the document of an entry and the length of the entry's source.
func (p *part) documentOf(hour uint32, id, workflow string) (of documentKey, source int, err error) {
	v := p.sources.short.Get([]byte(id))
	end, err := p.sources.tail(v)
	if err != nil || len(end) < sha256.Size {
		return of, 0, fmt.Errorf("%w: what execution %s runs from", errDamaged, id)
	}
	return documentKeyOf(workflow, hour, end), lengthOf(v), nil
}

// documentKeyOf returns the document of an entry by the end of the entry's source.
func documentKeyOf(workflow string, hour uint32, end []byte) documentKey {
	return documentKey{workflow, hour, [sha256.Size]byte(end[len(end)-sha256.Size:])}
}
