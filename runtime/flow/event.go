package flow

import (
	"net/url"
	"strings"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Event is one firing of a trigger. Its bytes are raw JSON, owned by the event and never changed.
type Event struct {
	Data       []byte // trigger.data, canonical (rawjson.AppendCanonical), `_query` included when it is an object
	Query      []byte // trigger.data._query: always an object, canonical
	Headers    []byte // trigger.headers: an object of strings, lower-case names, canonical
	Method     string
	ClientIP   string
	ReceivedAt time.Time
}

const queryKey = "_query"

// NewEvent makes the event of a request: ev with Data and Query set, and Headers when they are nil. body must be exactly
// one JSON value in UTF-8 without a byte order mark and at most [MaxDepth] deep, else the error is a
// *rawjson.SyntaxError; an empty body (not one of white space) is {}. Of repeated keys the last stays.
//
// rawQuery is the text behind the question mark. It becomes `_query`, which is added to a body that is an object in
// place of a member of that name: a key given once is a string, a key given several times an array of strings, keys in
// the order in which they first come. Like net/url's lenient reading it takes + for a space and leaves out pairs with an
// invalid % escape or a semicolon; invalid UTF-8 becomes U+FFFD.
//
// body is neither kept nor changed.
func NewEvent(body []byte, rawQuery string, ev Event) (*Event, error) {
	ev.Query = appendQuery(nil, rawQuery)
	if ev.Headers == nil {
		ev.Headers = []byte("{}")
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	data, err := rawjson.AppendCanonical(make([]byte, 0, len(body)+len(ev.Query)+len(queryKey)+4), body, MaxDepth)
	if err != nil {
		return nil, err
	}
	ev.Data = data
	if rawjson.KindOf(data) == rawjson.Object {
		ev.Data = withQuery(data, ev.Query)
	}
	return &ev, nil
}

// withQuery adds the query to the canonical object data, reusing its memory.
func withQuery(data, query []byte) []byte {
	taken := rawjson.Get(data, queryKey) != nil
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
	// The sender's own _query, however it is spelled, is now a repeated key. The data were valid and _query is no
	// deeper than they may be, so this cannot fail.
	data, _ = rawjson.AppendCanonical(nil, data, MaxDepth)
	return data
}

// appendQuery appends a query string as a JSON object. Its size is bounded by the server's limit on request headers.
func appendQuery(dst []byte, rawQuery string) []byte {
	if rawQuery == "" {
		return append(dst, '{', '}')
	}
	type parameter struct {
		key    []byte // a JSON string
		values [][]byte
	}
	var parameters []parameter
	position := map[string]int{}
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
		// Keys are compared as they are written: two that differ only in invalid UTF-8 are one.
		name, text := rawjson.AppendQuoted(nil, []byte(key)), rawjson.AppendQuoted(nil, []byte(val))
		i, known := position[string(name)]
		if !known {
			i = len(parameters)
			position[string(name)] = i
			parameters = append(parameters, parameter{key: name})
		}
		parameters[i].values = append(parameters[i].values, text)
	}
	dst = append(dst, '{')
	for i, p := range parameters {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, p.key...), ':')
		if len(p.values) == 1 {
			dst = append(dst, p.values[0]...)
			continue
		}
		for j, v := range p.values {
			dst = append(dst, "[,"[min(j, 1)])
			dst = append(dst, v...)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
