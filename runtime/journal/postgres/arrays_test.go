//go:build unix

package postgres

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// TestArrays: the server reads arrays as they were, and the encoding is that of the client.
func TestArrays(t *testing.T) {
	j := New(optionsIn(t.TempDir()))
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	byteas := [][]byte{[]byte("a"), {}, nil, bytes.Repeat([]byte{0, 255}, 5000)}
	texts := []string{"", "é", strings.Repeat("x", 5000)}
	longs := []int64{0, -1, 1<<63 - 1, -1 << 63}
	ints := []int32{0, -1, 1<<31 - 1, -1 << 31}
	var gotByteas [][]byte
	var gotTexts []string
	var gotLongs []int64
	var gotInts []int32
	var none, null bool
	if err := j.pool.QueryRow(t.Context(), "select $1::bytea[], $2::text[], $3::bigint[], $4::integer[], cardinality($5::bytea[]) = 0, $6::text[] is null",
		byteas, texts, longs, ints, [][]byte{}, []string(nil)).Scan(&gotByteas, &gotTexts, &gotLongs, &gotInts, &none, &null); err != nil {
		t.Fatal(err)
	}
	same := func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
	if !slices.EqualFunc(byteas, gotByteas, same) || !slices.Equal(texts, gotTexts) || !slices.Equal(longs, gotLongs) || !slices.Equal(ints, gotInts) {
		t.Errorf("got %.80q, %.80q, %v, %v", gotByteas, gotTexts, gotLongs, gotInts)
	}
	if !none || !null {
		t.Errorf("an empty array is empty: %v; nil is null: %v", none, null)
	}
	conn, err := j.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	plain := pgtype.NewMap()
	for oid, value := range map[uint32]any{
		pgtype.ByteaArrayOID: byteas, pgtype.TextArrayOID: texts, pgtype.Int8ArrayOID: longs, pgtype.Int4ArrayOID: ints,
	} {
		own, err := conn.Conn().TypeMap().Encode(oid, pgtype.BinaryFormatCode, value, nil)
		if err != nil {
			t.Fatal(err)
		}
		of, err := plain.Encode(oid, pgtype.BinaryFormatCode, value, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(own, of) {
			t.Errorf("%T is encoded otherwise than by the client", value)
		}
	}
}

// TestArraysAllocateOnce: encoding an array allocates its buffer, whatever the number of elements.
func TestArraysAllocateOnce(t *testing.T) {
	m := pgtype.NewMap()
	useArraysOf(m)
	var values any = slices.Repeat([][]byte{bytes.Repeat([]byte("x"), 1000)}, 100)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := m.Encode(pgtype.ByteaArrayOID, pgtype.BinaryFormatCode, values, make([]byte, 0, 16)); err != nil {
			t.Fatal(err)
		}
	}); n > 10 { // the elements are 100
		t.Errorf("%v allocations", n)
	}
}
