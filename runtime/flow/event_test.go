package flow

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/nodes/rawjson"
)

func TestNewEvent(t *testing.T) {
	tests := []struct{ name, body, query, data, q string }{
		{
			"the reference page's example", `{"action":"push"}`, "source=github&ref=main",
			`{"action":"push","_query":{"source":"github","ref":"main"}}`, `{"source":"github","ref":"main"}`,
		},
		{"no body, no query", ``, "", `{"_query":{}}`, `{}`},
		{"empty object", ` { } `, "a=1", `{"_query":{"a":"1"}}`, `{"a":"1"}`},
		{"body has _query", `{"_query":{"evil":true},"b":1}`, "", `{"b":1,"_query":{}}`, `{}`},
		{"body has _query, escaped and twice", `{"\u005fquery":1,"_query":2,"a":3}`, "x=y", `{"a":3,"_query":{"x":"y"}}`, `{"x":"y"}`},
		{"inner _query stays", `{"a":{"_query":1}}`, "", `{"a":{"_query":1},"_query":{}}`, `{}`},
		{"repeated keys", `{"a":1,"b":2,"a":3}`, "", `{"b":2,"a":3,"_query":{}}`, `{}`},
		{"array", `[1, 2]`, "a=1", `[1,2]`, `{"a":"1"}`},
		{"scalar", ` 1.50`, "", `1.50`, `{}`},
		{"null", `null`, "a", `null`, `{"a":""}`},
		{"given once and several times", `0`, "b=1&a=x&b=2&b=", `0`, `{"b":["1","2",""],"a":"x"}`},
		{"decoding", `0`, "a+b=c%20d%2b+%C3%A9&%22=%5C%00", `0`, `{"a b":"c d+ é","\"":"\\\u0000"}`},
		{"equals signs", `0`, "a=b=c&=d&=", `0`, `{"a":"b=c","":["d",""]}`},
		{"left out", `0`, "a=%zz&%=1&b;c=1&d=%4&ok=1&&", `0`, `{"ok":"1"}`},
		{"invalid UTF-8", `0`, "a=%ff%fe&%c3=1&%c4=2", `0`, "{\"a\":\"\uFFFD\uFFFD\",\"\uFFFD\":[\"1\",\"2\"]}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := []byte(tt.body)
			ev, err := NewEvent(body, tt.query, Event{Method: "POST", ClientIP: "::1", ReceivedAt: received, Headers: []byte(`{"a":"b"}`)})
			if err != nil {
				t.Fatal(err)
			}
			want := &Event{
				Data: []byte(tt.data), Query: []byte(tt.q), Headers: []byte(`{"a":"b"}`),
				Method: "POST", ClientIP: "::1", ReceivedAt: received,
			}
			if diff := cmp.Diff(want, ev, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
				t.Error(diff)
			}
			if string(body) != tt.body {
				t.Error("the body was changed")
			}
		})
	}
}

func TestNewEventWithoutHeaders(t *testing.T) {
	ev, err := NewEvent(nil, "", Event{})
	if err != nil || string(ev.Headers) != `{}` {
		t.Errorf("headers %q, %v", ev.Headers, err)
	}
}

func TestNewEventRefuses(t *testing.T) {
	for body, want := range map[string]rawjson.SyntaxError{
		" ":                         {Offset: 1, Reason: "no value"},
		"{}{}":                      {Offset: 2, Reason: "text after the value"},
		"\xEF\xBB\xBF{}":            {Offset: 0, Reason: "byte order mark"},
		"{\"a\":\"\xff\"}":          {Offset: 6, Reason: "invalid UTF-8"},
		strings.Repeat("[", 513):    {Offset: 512, Reason: "nested too deep"},
		`{"a":1,}`:                  {Offset: 7, Reason: "unexpected character"},
		`a=1&b=2`:                   {Offset: 0, Reason: "unexpected character"},
		`<?xml version="1.0"?><a/>`: {Offset: 0, Reason: "unexpected character"},
	} {
		ev, err := NewEvent([]byte(body), "", Event{})
		var syntax *rawjson.SyntaxError
		if !errors.As(err, &syntax) || *syntax != want || ev != nil {
			t.Errorf("%q: %v, %+v", body, ev, err)
		}
	}
	deepest := strings.Repeat("[", 512) + strings.Repeat("]", 512)
	if _, err := NewEvent([]byte(deepest), "", Event{}); err != nil {
		t.Error(err)
	}
}

// TestQueriesOfManyParameters checks queries around the number of keys from which another lookup is
// used.
func TestQueriesOfManyParameters(t *testing.T) {
	for _, n := range []int{1, manyParameters - 1, manyParameters, manyParameters + 1, 10 * manyParameters} {
		var query, want []string
		for i := range n {
			query = append(query, fmt.Sprintf("k%d=%d", i, i))
			want = append(want, fmt.Sprintf(`"k%d":["%d","again","and %d"]`, i, i, i))
		}
		for i := range n {
			query = append(query, fmt.Sprintf("k%d=again", i))
		}
		for i := range n {
			query = append(query, fmt.Sprintf("k%d=and+%d", i, i))
		}
		if got := string(appendQuery(nil, strings.Join(query, "&"))); got != "{"+strings.Join(want, ",")+"}" {
			t.Errorf("%d keys: %s", n, got)
		}
	}
	if got, want := string(appendQuery(nil, "a%ff=1&a%fe=2&a%ef%bf%bd=3")), "{\"a\uFFFD\":[\"1\",\"2\",\"3\"]}"; got != want {
		t.Errorf("keys that differ in invalid UTF-8: %s, want %s", got, want)
	}
}

// TestEventsAreFewObjects checks that an event needs only two allocations: the event and its bytes.
func TestEventsAreFewObjects(t *testing.T) {
	body := []byte(`{"order_id":17,"items":[{"sku":"a"}],"note":"as soon as possible"}`)
	if n := testing.AllocsPerRun(100, func() { _, _ = NewEvent(body, "source=shop", Event{}) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

// TestEventsShareNothing checks that appending to the query does not affect the data, or the
// reverse. Both are adjacent in memory.
func TestEventsShareNothing(t *testing.T) {
	for _, query := range []string{"", "a=1", "a=%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00"} {
		ev, err := NewEvent([]byte(`{"n":1}`), query, Event{})
		if err != nil {
			t.Fatal(err)
		}
		data := string(ev.Data)
		_ = append(ev.Query, strings.Repeat("x", 100)...)
		if string(ev.Data) != data {
			t.Errorf("data %s became %s", data, ev.Data)
		}
	}
}

func BenchmarkNewEvent(b *testing.B) {
	small := `{"order_id":17,"total":120.50,"items":[{"sku":"a","count":1},{"sku":"b","count":2}],"note":"as soon as possible"}`
	large := `{"lines":[` + strings.Repeat(`{"sku":"KB-104","name":"Keyboard, mechanical","count":1,"price":89.90},`, 12) + small + `],` + small[1:]
	ev := Event{Method: "POST", ReceivedAt: time.Unix(0, 0)}
	for name, body := range map[string]string{"small": small, "1KiB": large} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(body)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewEvent(raw, "source=shop", ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
