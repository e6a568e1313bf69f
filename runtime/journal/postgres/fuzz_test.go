package postgres

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
)

// FuzzDecodeRecord: whatever the columns of a record have, it is a record of its id that can be
// shown.
func FuzzDecodeRecord(f *testing.F) {
	const id = "exec-01arz3ndektsv4rrffq69g5fav"
	full := &journal.Record{Summary: journal.Summary{ID: id, Outcome: journal.Outcome{Status: journal.Failed}}}
	row, err := newRecordRow(full)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row.summary, row.details)
	f.Add([]byte("{}"), []byte("{}"))
	f.Add([]byte(`{"id":"`+id+`","acceptedAt":"9999-12-31T23:59:59Z"}`), []byte(`{"trigger":null,"nodes":[{}],"cut":true}`))
	f.Add([]byte(nil), []byte("\xff"))
	f.Fuzz(func(t *testing.T, summary, more []byte) {
		r := decodeRecord(id, summary, more)
		if r.ID != id {
			t.Errorf("it is of %q", r.ID)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("it cannot be shown: %v", err)
		}
	})
}

// FuzzConnection: no connection string panics, and no error has the value of a placeholder.
func FuzzConnection(f *testing.F) {
	for _, text := range []string{"postgres://a:{p}@b:1/c?sslmode=disable", "host=a password='{p}' user=b", "{p}", "postgres://a@b/c?password={p}", "a=b=c '"} {
		f.Add(text, "pass'w\\ord")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		out, err := ResolveConnection(text, func(string) (string, error) { return value, nil })
		if err != nil && out != "" {
			t.Errorf("an error, and %q", out)
		}
		if err == nil {
			_, err = poolConfig(Options{Connection: out})
		}
		const long = 8 // a short one may be a part of another word
		if err != nil && len(value) >= long && !strings.Contains(text, value) && strings.Contains(err.Error(), value) {
			t.Errorf("the error has the value: %v", err)
		}
	})
}
