package postgres

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Groups are sent as arrays. The client's own way to encode one allocates for each element, and
// lets its buffer grow by doubling. Here an array is encoded at once, into as much as it needs.

// arrayCodec is the codec of a type of arrays. It encodes values of one Go type itself.
type arrayCodec struct {
	pgtype.Codec
	knows  func(value any) bool
	encode func(value any, buf []byte) []byte
}

// PlanEncode returns how a value is encoded.
func (c *arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode && c.knows(value) {
		return c
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

// Encode appends a value; nil is NULL.
func (c *arrayCodec) Encode(value any, buf []byte) ([]byte, error) {
	return c.encode(value, buf), nil
}

// useArrays makes a connection encode arrays so.
func useArrays(_ context.Context, c *pgx.Conn) error {
	useArraysOf(c.TypeMap())
	return nil
}

func useArraysOf(m *pgtype.Map) {
	register(m, pgtype.ByteaArrayOID, pgtype.ByteaOID, func(b []byte) int { return len(b) },
		func(buf, b []byte) []byte { return append(buf, b...) }, func(b []byte) bool { return b == nil })
	register(m, pgtype.TextArrayOID, pgtype.TextOID, func(s string) int { return len(s) },
		func(buf []byte, s string) []byte { return append(buf, s...) }, nil)
	register(m, pgtype.Int8ArrayOID, pgtype.Int8OID, func(int64) int { return 8 },
		func(buf []byte, n int64) []byte { return binary.BigEndian.AppendUint64(buf, uint64(n)) }, nil)
	register(m, pgtype.Int4ArrayOID, pgtype.Int4OID, func(int32) int { return 4 },
		func(buf []byte, n int32) []byte { return binary.BigEndian.AppendUint32(buf, uint32(n)) }, nil)
}

// register registers the codec of arrays of an element type. isNull is nil if none is NULL.
func register[T any](m *pgtype.Map, oid, element uint32, size func(T) int, add func([]byte, T) []byte, isNull func(T) bool) {
	t, _ := m.TypeForOID(oid) // the client knows them all
	codec := &arrayCodec{
		Codec: t.Codec,
		knows: func(value any) bool { _, known := value.([]T); return known },
		encode: func(value any, buf []byte) []byte {
			if of := value.([]T); of != nil {
				return appendArray(buf, element, of, size, add, isNull)
			}
			return nil
		},
	}
	m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: codec})
}

// appendArray appends an array in the binary format, see array_send in the server's arrayfuncs.c.
func appendArray[T any](buf []byte, element uint32, of []T, size func(T) int, add func([]byte, T) []byte, isNull func(T) bool) []byte {
	const head = 5 * 4
	needed, nulls := head, uint32(0)
	for _, v := range of {
		if needed += 4 + size(v); isNull != nil && isNull(v) {
			nulls = 1
		}
	}
	buf = slices.Grow(buf, needed)
	dimensions := uint32(min(len(of), 1))
	for _, n := range []uint32{dimensions, nulls, element} {
		buf = binary.BigEndian.AppendUint32(buf, n)
	}
	if len(of) == 0 {
		return buf
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(of)))
	buf = binary.BigEndian.AppendUint32(buf, 1) // the first index
	for _, v := range of {
		if isNull != nil && isNull(v) {
			buf = binary.BigEndian.AppendUint32(buf, 1<<32-1)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(size(v)))
		buf = add(buf, v)
	}
	return buf
}
