package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// A machine that cannot run an execution, such as for a node type that it does not have, leaves it
// to the others. What it cannot run is a document: it keeps in mind which ones, and does not claim
// their entries for a while. The table lacks has the same for all machines to see: an entry that
// waits for too long, and whose document every machine that lives lacks, is ended.

const (
	// lackTime is how long a machine leaves entries of a document, unless it is configured anew.
	lackTime = 5 * time.Minute
	// maxLacks is the most documents of a machine. Beyond it, one of them is tried again.
	maxLacks = 1000
	// maxHopeless is the most entries that are ended at a time because no machine can run them.
	maxHopeless = 100
)

type digest = [sha256.Size]byte

// patience is how long an entry waits for a machine that can run it. Its record is shown for the
// rest of the retention, which counts from the acceptance.
func (j *Journal) patience() time.Duration { return j.limits.Load().Retention * 3 / 4 }

// nobody is the condition that every machine that lives lacks a document.
func nobody(document string) string {
	return `not exists(select from {s}.machines m where m.ended is null
		and not exists(select from {s}.lacks l where l.document = ` + document + ` and l.incarnation = m.incarnation))`
}

// Leave implements journal.Leaver.
func (l *lease) Leave(ctx context.Context) error {
	if err := l.checkHeld(leaseReleased); err != nil {
		return err
	}
	l.mu.Lock()
	repeated := l.state == leaseReleased
	l.mu.Unlock()
	if repeated {
		return nil
	}
	j, o, document := l.journal, l.operation(), sha256.Sum256(l.entry.Document)
	o.queue = func(b *pgx.Batch) {
		b.Queue(j.sql("insert into {s}.lacks (document, incarnation) values ($1::bytea, $2::bigint) on conflict do nothing", 0),
			document[:], l.incarnation)
		b.Queue(l.sql(`with hopeless as (select accepted < $4::bigint and `+nobody("$5::bytea")+` as "is" from {s}.pending_{h} where `+l.own()+`),
			freed as (update {s}.pending_{h} set holder = null, returned = true, begun = false, due = null
				where `+l.own()+` and not (select "is" from hopeless))
			select "is" from hopeless`), l.args(nanos(time.Now().Add(-j.patience())), document[:])...).QueryRow(func(row pgx.Row) error {
			var hopeless bool
			err := row.Scan(&hopeless)
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				o.result = journal.ErrLeaseLost
				return nil
			case hopeless:
				o.result = journal.ErrNobody
			}
			return err
		})
	}
	o.committed = func(err error, _ bool) {
		if err == nil {
			j.lack(document)
		}
		l.ended(err, leaseReleased)
	}
	return j.do(ctx, o)
}

// lack keeps in mind that this machine cannot run a document.
func (j *Journal) lack(document digest) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for other := range j.lacks {
		if len(j.lacks) < maxLacks {
			break
		}
		delete(j.lacks, other)
	}
	j.lacks[document] = time.Now()
	// What is claimed ahead is given back.
	for id, c := range j.candidates {
		if c.held != nil && sha256.Sum256(c.held.entry.Document) == document {
			j.drop(c)
			j.ahead.lost[id] = &lostClaim{hour: c.hour}
		}
	}
}

// lacking returns the documents that this machine cannot run.
func (j *Journal) lacking() (documents [][]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for document, since := range j.lacks {
		if time.Since(since) >= lackTime {
			delete(j.lacks, document)
			continue
		}
		documents = append(documents, document[:])
	}
	return documents
}

// lackAnew forgets what this machine cannot run: it has another configuration. All entries are
// looked at again.
func (j *Journal) lackAnew(ctx context.Context) {
	if !j.reconfigured.Swap(false) {
		return
	}
	j.mu.Lock()
	if len(j.lacks) > 0 {
		j.reading.scanned = time.Time{}
	}
	clear(j.lacks)
	j.mu.Unlock()
	if _, err := j.pool.Exec(ctx, j.sql("delete from {s}.lacks where incarnation = $1", 0), j.incarnation.Load()); err != nil {
		j.reconfigured.Store(true)
	}
}

// findHopeless makes candidates of entries that have waited for too long, and that no machine can
// run: whoever claims one finds that out, and ends it.
func (j *Journal) findHopeless(ctx context.Context) error {
	if len(j.lacking()) == 0 {
		return nil
	}
	rows, err := j.pool.Query(ctx, j.sql(`select p.hour, p.id, p.workflow, p.placed, p.bytes from {s}.pending p
		join {s}.entries e on e.hour = p.hour and e.id = p.id
		where p.holder is null and p.accepted < $1 and `+nobody("e.document")+` order by p.id limit $2`, 0),
		nanos(time.Now().Add(-j.patience())), maxHopeless)
	if err != nil {
		return err
	}
	c := candidate{hopeless: true}
	var hour int32
	_, err = pgx.ForEachRow(rows, []any{&hour, &c.id, &c.workflow, &c.placed, &c.bytes}, func() error {
		found := c
		found.hour = uint32(hour)
		j.enqueue(&found)
		return nil
	})
	return err
}
