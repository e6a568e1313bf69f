package bbolt

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// fillAny fills a value with random content, each part of it sometimes with its zero value. It
// fills all fields, so that one that is added to a type and not to its encoding makes tests fail.
func fillAny(random *rand.Rand, v reflect.Value, texts []string) {
	if random.IntN(4) == 0 {
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		zone := time.FixedZone("", 60*(random.IntN(24*60)-12*60))
		if random.IntN(2) == 0 {
			zone = time.UTC
		}
		v.Set(reflect.ValueOf(time.Unix(random.Int64N(1<<33), random.Int64N(1e9)).In(zone)))
		return
	case []byte:
		v.SetBytes([]byte(texts[random.IntN(len(texts))] + "x"))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt(random.Int64() >> random.IntN(64) * int64(1-2*random.IntN(2)))
	case reflect.Uint64:
		v.SetUint(random.Uint64() >> random.IntN(64))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAny(random, v.Elem(), texts)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+random.IntN(3), 4))
		for i := range v.Len() {
			fillAny(random, v.Index(i), texts)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fillAny(random, field, texts)
		}
	default:
		panic("a record has a field of a type that this test does not know: " + v.Type().String())
	}
}

// checkRecord compares how a record is encoded with encoding/json, and decodes it.
func checkRecord(t *testing.T, r *journal.Record) {
	t.Helper()
	b, err := encodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	in := reader{rest: b}
	if workflow, status := in.text(), in.text(); workflow != r.Workflow || status != r.Status {
		t.Errorf("to filter by: %q %q, want %q %q", workflow, status, r.Workflow, r.Status)
	}
	summary := string(in.bytes())
	for _, part := range []struct {
		text string
		of   any
	}{{summary, r.Summary}, {string(in.rest), details{r.Trigger, r.Nodes, r.Cut}}} {
		var want strings.Builder
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(part.of); err != nil {
			t.Fatal(err)
		}
		// encoding/json escapes two line separators, for JavaScript of before 2019
		plain := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029", `\ufffd`, "\ufffd").Replace(want.String())
		if part.text+"\n" != plain {
			t.Errorf("encoded as\n%s\nand by encoding/json as\n%s", part.text, want.String())
		}
	}
	decoded, err := decodeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := encodeRecord(decoded)
	if err != nil {
		t.Fatal(err)
	}
	// what it is filtered by keeps bytes that are not UTF-8
	if first, next := string(skipTexts(b)), string(skipTexts(again)); next != first {
		t.Errorf("decoded and encoded again:\n%s\nwant\n%s", next, first)
	}
}

// skipTexts returns what follows the texts by which a record is filtered.
func skipTexts(record []byte) []byte {
	in := reader{rest: record}
	in.bytes()
	in.bytes()
	return in.rest
}

// TestRecordsAreEncodedLikeEncodingJSON compares with encoding/json, for records in which any field
// may be set.
func TestRecordsAreEncodedLikeEncodingJSON(t *testing.T) {
	texts := []string{"a", `{"b":"c\n"}`, "<&>'\"\\", "\x00\x1f\x7f\b\f\n\r\t", "é𝄞\ufffd", "\xff\xc3", "\u2028\u2029", strings.Repeat("long ", 3000)}
	checkRecord(t, new(journal.Record))
	for seed := range uint64(500) {
		var r journal.Record
		fillAny(rand.New(rand.NewPCG(seed, 0)), reflect.ValueOf(&r).Elem(), texts)
		checkRecord(t, &r)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(uint64(1), "plain", `{"a":"\u2028"}`)
	f.Add(uint64(2), "\\", "\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, seed uint64, one, other string) {
		if strings.Contains(one+other, `\u`) {
			return // its escape would be taken for one of encoding/json
		}
		var r journal.Record
		fillAny(rand.New(rand.NewPCG(seed, 0)), reflect.ValueOf(&r).Elem(), []string{one, other})
		checkRecord(t, &r)
	})
}

// TestTimesThatJSONCannotSayAreErrors: years have four digits. The next record is encoded again.
func TestTimesThatJSONCannotSayAreErrors(t *testing.T) {
	r := new(journal.Record)
	r.EndedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := encodeRecord(r); err == nil || !strings.Contains(err.Error(), "endedAt") {
		t.Errorf("the error is %v", err)
	}
	checkRecord(t, new(journal.Record))
}

func BenchmarkEncodeRecord(b *testing.B) {
	r := journal.Record{Trigger: &journal.Trigger{Data: journal.Value{Text: `{"order_id":"12345","pad":"` + strings.Repeat("x", 1000) + `"}`}, Method: "POST", ReceivedAt: time.Now()}}
	r.ID, r.Workflow, r.Status, r.AcceptedAt = entry(1, 0).ID, "order", journal.Succeeded, time.Now()
	r.Nodes = []journal.NodeRecord{{ID: "a", Type: "transform", State: "completed", Attempts: 1, StartedAt: time.Now(), Output: journal.Value{Text: `{"orderId":"12345"}`}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encodeRecord(&r); err != nil {
			b.Fatal(err)
		}
	}
}
