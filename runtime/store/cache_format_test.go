package store

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const testIdentity = "etcd 10.0.0.1:2379 /flowtrux/"

// testCache is a cache with what could be lost on the way.
func testCache() *cacheContent {
	return &cacheContent{
		Revision: 1 << 60,
		Entries: cacheValues{
			{Key: "globals/empty", Value: []byte{}, Revision: 1},
			{Key: "secrets/a", Value: []byte("\x00\xff\n\u2028</script>"), Revision: 7},
			{Key: "workflows/zwölf \"quoted\"", Value: []byte(`{"nodes":[]}`), Revision: 1 << 60},
		},
		LastValid: cacheValues{{Key: "workflows/a", Value: []byte("{}"), Revision: 3}},
	}
}

func TestACacheComesOutAsItWentIn(t *testing.T) {
	for _, want := range []*cacheContent{testCache(), {Revision: 1}} {
		got, err := decodeCache(encodeCache(want, testIdentity), testIdentity)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
	}
}

func TestBadCachesAreTold(t *testing.T) {
	good := encodeCache(testCache(), testIdentity)
	for _, c := range []struct {
		name string
		file []byte
		err  error
	}{
		{"empty", nil, errForeign},
		{"other identity", encodeCache(testCache(), "etcd 10.0.0.1:2379 /other/"), errCache},
		{"a byte less", good[:len(good)-1], errCache},
		{"a byte more", append(bytes.Clone(good), '\n'), errCache},
		{"a byte changed", bytes.Replace(good, []byte("AP8K"), []byte("AP9K"), 1), errCache},
		{"no revision", encodeCache(&cacheContent{}, testIdentity), errCache},
		{"negative revision", encodeCache(&cacheContent{Revision: -1}, testIdentity), errCache},
		{"no key", encodeCache(&cacheContent{Revision: 1, Entries: cacheValues{{}}}, testIdentity), errCache},
		{"a key twice", encodeCache(&cacheContent{Revision: 1, LastValid: cacheValues{{Key: "a"}, {Key: "a"}}}, testIdentity), errCache},
		{"not sorted", encodeCache(&cacheContent{Revision: 1, Entries: cacheValues{{Key: "b"}, {Key: "a"}}}, testIdentity), errCache},
	} {
		if _, err := decodeCache(c.file, testIdentity); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}

// Whatever a file holds, decoding it gives an error or content that survives another round.
func FuzzDecodeCache(f *testing.F) {
	good := encodeCache(testCache(), testIdentity)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(encodeCache(&cacheContent{Revision: 1}, testIdentity))
	f.Add([]byte(`{"format":"flowtrux-store-cache","version":1}` + "\n{}"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := decodeCache(file, testIdentity); err == nil && !bytes.HasPrefix(file, []byte("{")) {
			t.Error("a file without a header was decoded")
		}
		// As the content of a file whose checksum is right.
		c, err := decodeCache(seal(file, testIdentity), testIdentity)
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(c.Entries, func(a, b Entry) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) }) {
			t.Error("keys are not sorted")
		}
		again, err := decodeCache(encodeCache(c, testIdentity), testIdentity)
		if err != nil {
			t.Fatalf("the second round: %v", err)
		}
		if diff := cmp.Diff(c, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the second round (-first +second):\n%s", diff)
		}
	})
}
