package move

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// line is the object of a line: one of its fields is set.
type line struct {
	Export   *Header       `json:"export,omitempty"`
	Document *documentLine `json:"document,omitempty"`
	Key      *keyLine      `json:"key,omitempty"`
	Record   *recordLine   `json:"record,omitempty"`
	Pending  *entryLine    `json:"pending,omitempty"`
	End      *Counts       `json:"end,omitempty"`
}

type documentLine struct {
	Text []byte `json:"text"`
}

type keyLine struct {
	Name     []byte    `json:"name"`
	Workflow string    `json:"workflow,omitempty"`
	ID       string    `json:"id"`
	Digest   []byte    `json:"digest"`
	Until    time.Time `json:"until"`
	Response []byte    `json:"response"`
}

type recordLine struct {
	Record *journal.Record `json:"record"`
	Source *entryLine      `json:"source,omitempty"`
}

// entryLine is an entry. Bytes that senders and nodes have sent are in base64: they are run from
// exactly as they came.
type entryLine struct {
	ID         string     `json:"id"`
	Workflow   string     `json:"workflow"`
	Revision   int64      `json:"revision"`
	Document   []byte     `json:"document"` // its digest
	AcceptedAt time.Time  `json:"acceptedAt,omitzero"`
	ReplayOf   string     `json:"replayOf,omitempty"`
	Source     string     `json:"source,omitempty"`
	Data       []byte     `json:"data,omitempty"`
	Query      []byte     `json:"query,omitempty"`
	Headers    []byte     `json:"headers,omitempty"`
	Method     string     `json:"method,omitempty"`
	ClientIP   string     `json:"clientIp,omitempty"`
	ReceivedAt time.Time  `json:"receivedAt,omitzero"`
	Trace      *traceLine `json:"trace,omitempty"`
	Steps      []stepLine `json:"steps,omitempty"`
	Deaths     int        `json:"deaths,omitempty"`
	Began      time.Time  `json:"began,omitzero"`
}

type traceLine struct {
	TraceID []byte `json:"traceId"`
	SpanID  []byte `json:"spanId"`
	Flags   byte   `json:"flags"`
	State   string `json:"state,omitempty"`
}

type stepLine struct {
	Node   string `json:"node"`
	Output []byte `json:"output,omitempty"`
	Handle string `json:"handle,omitempty"`
}

// lineOf returns the line of an item. The document of an entry is not in it.
func lineOf(i *journal.Item) (line, error) {
	switch {
	case i.Key != nil:
		k := i.Key
		return line{Key: &keyLine{
			Name: k.Name[:], Workflow: k.Workflow, ID: k.ID, Digest: k.Digest[:], Until: k.Until.UTC(), Response: notNil(k.Response),
		}}, nil
	case i.Record != nil && i.Record.Record != nil:
		r := &recordLine{Record: i.Record.Record}
		if i.Record.Source != nil {
			r.Source = entryLineOf(i.Record.Source)
		}
		return line{Record: r}, nil
	case i.Pending != nil:
		return line{Pending: entryLineOf(i.Pending)}, nil
	}
	return line{}, errors.New("the journal has read an item that is empty")
}

// entryOf returns what an item is run from; nil = nothing.
func entryOf(i *journal.Item) *journal.Entry {
	if i.Record != nil {
		return i.Record.Source
	}
	return i.Pending
}

// entryLine returns the entry in a line; nil = there is none.
func (l *line) entryLine() *entryLine {
	if l.Record != nil {
		return l.Record.Source
	}
	return l.Pending
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func entryLineOf(e *journal.Entry) *entryLine {
	digest := sha256.Sum256(e.Document)
	l := &entryLine{
		ID: e.ID, Workflow: e.Workflow, Revision: e.Revision, Document: digest[:], AcceptedAt: e.AcceptedAt,
		ReplayOf: e.ReplayOf, Source: e.Source, Data: e.Data, Query: e.Query, Headers: e.Headers,
		Method: e.Method, ClientIP: e.ClientIP, ReceivedAt: e.ReceivedAt, Deaths: e.Deaths, Began: e.Began,
	}
	if t := &e.Trace; *t != (journal.TraceContext{}) {
		l.Trace = &traceLine{TraceID: t.TraceID[:], SpanID: t.SpanID[:], Flags: t.Flags, State: t.State}
	}
	for _, s := range e.Steps {
		l.Steps = append(l.Steps, stepLine(s))
	}
	return l
}

// item returns the item of a line; its document is one of those that came before.
func (l *line) item(documents *documents) (journal.Item, error) {
	switch {
	case l.Key != nil:
		k := &journal.MovedKey{Workflow: l.Key.Workflow, ID: l.Key.ID, Until: l.Key.Until, Response: notNil(l.Key.Response)}
		if copy(k.Name[:], l.Key.Name) != len(k.Name) || copy(k.Digest[:], l.Key.Digest) != len(k.Digest) {
			return journal.Item{}, errors.New("the name or digest of a key is too short")
		}
		return journal.Item{Key: k}, nil
	case l.Record != nil && l.Record.Record != nil:
		ended := &journal.Ended{Record: l.Record.Record}
		if _, err := journal.IDTime(ended.Record.ID); err != nil {
			return journal.Item{}, fmt.Errorf("execution %q: %w", ended.Record.ID, err)
		}
		if l.Record.Source != nil {
			var err error
			if ended.Source, err = l.Record.Source.entry(documents); err != nil {
				return journal.Item{}, err
			}
		}
		return journal.Item{Record: ended}, nil
	case l.Pending != nil:
		e, err := l.Pending.entry(documents)
		return journal.Item{Pending: e}, err
	}
	return journal.Item{}, fmt.Errorf("it is none of the lines of version %d", Version)
}

func (l *entryLine) entry(documents *documents) (*journal.Entry, error) {
	if _, err := journal.IDTime(l.ID); err != nil {
		return nil, fmt.Errorf("execution %q: %w", l.ID, err)
	}
	text, known := documents.get(l.Document)
	if !known {
		return nil, fmt.Errorf("the document of execution %s is not before it", l.ID)
	}
	e := &journal.Entry{
		ID: l.ID, Workflow: l.Workflow, Revision: l.Revision, Document: text, AcceptedAt: l.AcceptedAt,
		ReplayOf: l.ReplayOf, Source: l.Source, Data: l.Data, Query: l.Query, Headers: l.Headers,
		Method: l.Method, ClientIP: l.ClientIP, ReceivedAt: l.ReceivedAt, Deaths: l.Deaths, Began: l.Began,
	}
	if t := l.Trace; t != nil {
		e.Trace = journal.TraceContext{Flags: t.Flags, State: t.State}
		if copy(e.Trace.TraceID[:], t.TraceID) != len(e.Trace.TraceID) || copy(e.Trace.SpanID[:], t.SpanID) != len(e.Trace.SpanID) {
			return nil, fmt.Errorf("the place of execution %s in a trace is too short", l.ID)
		}
	}
	for _, s := range l.Steps {
		e.Steps = append(e.Steps, journal.Step(s))
	}
	return e, nil
}

// documents are the last documents of a file. Writer and reader add the same ones in the same
// order, and so have the same.
type documents struct {
	texts map[[sha256.Size]byte][]byte
	order [][sha256.Size]byte // the oldest first
	bytes int
}

// Bounds of the documents that are remembered. The newest one is remembered in any case.
const (
	maxDocuments     = 1000
	maxDocumentBytes = 32 << 20
)

func (d *documents) get(digest []byte) (text []byte, known bool) {
	if len(digest) != sha256.Size {
		return nil, false
	}
	text, known = d.texts[[sha256.Size]byte(digest)]
	return text, known
}

// add adds a document that is not known.
func (d *documents) add(text []byte) {
	digest := sha256.Sum256(text)
	if d.texts == nil {
		d.texts = make(map[[sha256.Size]byte][]byte)
	}
	d.texts[digest] = text
	d.order = append(d.order, digest)
	d.bytes += len(text)
	for len(d.order) > 1 && (len(d.order) > maxDocuments || d.bytes > maxDocumentBytes) {
		d.bytes -= len(d.texts[d.order[0]])
		delete(d.texts, d.order[0])
		d.order = d.order[1:]
	}
}
