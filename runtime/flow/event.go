package flow

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Event is one trigger event. Its bytes are raw JSON, owned by the event and never changed.
type Event struct {
	// trigger.data, canonical (rawjson.AppendCanonical), `_query` included when it is an object
	Data  []byte
	Query []byte // trigger.data._query: always an object, canonical
	// trigger.headers: an object of strings, lower-case names, canonical; nil until AddHeaders
	Headers    []byte
	Method     string
	ClientIP   string
	ReceivedAt time.Time
	// what has sent it, see journal.Entry; templates do not see it
	Source string
	// when its execution began to wait for a slot; zero = it does not, or is in a journal
	QueuedAt time.Time
	// its execution's place in a trace, see journal.Entry; templates do not see it
	Trace trace.SpanContext
	// makes Headers, for AddHeaders; nil = they are there
	LateHeaders HeaderSource
}

// HeaderSource makes the headers of an event. Most events need none: no template of the plan reads
// them, see Plan.ReadsHeaders, and they are neither journaled nor recorded.
type HeaderSource interface {
	// TriggerHeaders returns trigger.headers. It is called at most once, while the sender waits.
	TriggerHeaders() []byte
}

// AddHeaders makes the headers, if they are not there yet, and lets go of what they are made of. It
// returns their size if it made them. It is called before the event is used by anybody who needs
// them, and by one goroutine at a time.
func (ev *Event) AddHeaders() (size int) {
	if ev.LateHeaders == nil {
		return 0
	}
	ev.Headers, ev.LateHeaders = ev.LateHeaders.TriggerHeaders(), nil
	return len(ev.Headers)
}

const queryKey = "_query"

// NewEvent makes the event of a request: ev with Data and Query set, and Headers if there are none.
// body must be exactly one JSON value in UTF-8 without a byte order mark and at most [MaxDepth]
// deep, else the error is a *rawjson.SyntaxError; an empty body (not one of white space) is {}. Of
// repeated keys the last stays.
//
// rawQuery is the text behind the question mark. It becomes `_query`, which is added to a body that
// is an object in place of a member of that name: a key given once is a string, a key given several
// times an array of strings, keys in the order in which they first come. Like net/url's lenient
// reading it takes + for a space and leaves out pairs with an invalid % escape or a semicolon;
// invalid UTF-8 becomes U+FFFD.
//
// body is neither retained nor changed.
func NewEvent(body []byte, rawQuery string, ev Event) (*Event, error) {
	if ev.Headers == nil && ev.LateHeaders == nil {
		ev.Headers = emptyObject
	}
	if len(body) == 0 {
		body = emptyObject
	}
	// The query and, behind it, the data with the query in it share their memory. A query that
	// needs more room than it has as JSON usually, which is twice its length, moves away.
	room := make([]byte, 0, len(body)+4*len(rawQuery)+32)
	room = appendQuery(room, rawQuery)
	ev.Query = slices.Clip(room)
	data, err := rawjson.AppendCanonical(room[len(room):], body, MaxDepth)
	if err != nil {
		return nil, err
	}
	ev.Data = data
	if rawjson.KindOf(data) == rawjson.Object {
		ev.Data = withQuery(data, ev.Query)
	}
	return &ev, nil
}

var emptyObject = []byte("{}")

// withQuery adds the query to the canonical object data, reusing its memory.
func withQuery(data, query []byte) []byte {
	// Where neither the name stands nor anything that could be an escape in it, there is no need to
	// look at each key.
	taken := (bytes.IndexByte(data, '\\') >= 0 || bytes.Contains(data, []byte(queryKey))) && rawjson.Get(data, queryKey) != nil
	data = data[:len(data)-1]
	if len(data) > 1 {
		data = append(data, ',')
	}
	data = append(data, '"')
	data = append(data, queryKey...)
	data = append(data, '"', ':')
	data = append(data, query...)
	data = append(data, '}')
	if !taken {
		return data
	}
	// The sender's own _query, however it is spelled, is now a repeated key. The data were valid
	// and _query is no deeper than they may be, so this cannot fail.
	data, _ = rawjson.AppendCanonical(nil, data, MaxDepth)
	return data
}

// parameter is a pair of a query string.
type parameter struct {
	key, value string
	again      bool // the key came before
	next       int  // the next pair with this key, 0 = none
	last       int  // of the first pair with this key: the last one
}

// manyParameters is the number of pairs from which on a map is faster than comparing keys.
const manyParameters = 16

// appendQuery appends a query string as a JSON object. Its size is bounded by the server's limit on
// request headers.
func appendQuery(dst []byte, rawQuery string) []byte {
	if rawQuery == "" { // as in most webhooks: there is no need to clear few
		return append(dst, emptyObject...)
	}
	var few [manyParameters]parameter
	pairs := parseQuery(few[:0], rawQuery)
	dst = append(dst, '{')
	for i := range pairs {
		p := &pairs[i]
		if p.again {
			continue
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(rawjson.AppendQuoted(dst, []byte(p.key)), ':')
		if p.next == 0 {
			dst = rawjson.AppendQuoted(dst, []byte(p.value))
			continue
		}
		dst = append(dst, '[')
		for {
			dst = rawjson.AppendQuoted(dst, []byte(p.value))
			if p.next == 0 {
				break
			}
			dst = append(dst, ',')
			p = &pairs[p.next]
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// parseQuery appends the pairs of a query string to pairs, which is empty.
func parseQuery(pairs []parameter, rawQuery string) []parameter {
	var position map[string]int // of the first pair with a key, when there are many
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" || strings.Contains(pair, ";") {
			continue
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, errKey := url.QueryUnescape(rawKey)
		val, errValue := url.QueryUnescape(rawValue)
		if errKey != nil || errValue != nil {
			continue
		}
		if !utf8.ValidString(key) { // keys that differ only in invalid UTF-8 are one
			key = string([]rune(key))
		}
		if position == nil && len(pairs) == manyParameters {
			position = make(map[string]int)
			for i := range pairs {
				if !pairs[i].again {
					position[pairs[i].key] = i
				}
			}
		}
		n := len(pairs)
		pairs = append(pairs, parameter{key: key, value: val, last: n})
		first := n
		if position == nil {
			first = slices.IndexFunc(pairs, func(p parameter) bool { return p.key == key })
		} else if i, known := position[key]; known {
			first = i
		} else {
			position[key] = n
		}
		if first < n {
			pairs[n].again = true
			pairs[pairs[first].last].next = n
			pairs[first].last = n
		}
	}
	return pairs
}
