package native

import (
	"errors"
	"strconv"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

var errJSON = errors.New("the body is not one JSON value")

// inPlace lets sjson reuse the given buffers.
var inPlace = &sjson.Options{Optimistic: true, ReplaceInPlace: true}

// steps performs the three steps of the workflow: transform, condition, transform. The result is
// valid until the buffers go back to the pool.
func (b *buffers) steps() ([]byte, error) {
	if !gjson.ValidBytes(b.body) {
		return nil, errJSON
	}
	// normalize
	fields := gjson.GetManyBytes(b.body, "order_id", "total")
	id, total := fields[0], fields[1]
	value, err := sjson.SetRawBytesOptions(append(b.value[:0], `{}`...), "orderId", raw(id), inPlace)
	if err == nil {
		value, err = sjson.SetRawBytesOptions(value, "total", raw(total), inPlace)
	}
	if err != nil {
		return nil, err
	}
	b.value = value
	// large
	if !over(total, 100) {
		return []byte(`{"result":false}`), nil
	}
	// answer
	result, err := sjson.SetRawBytesOptions(append(b.result[:0], `{}`...), "order", value, inPlace)
	if err == nil {
		result, err = sjson.SetRawBytesOptions(result, "large", []byte("true"), inPlace)
	}
	if err != nil {
		return nil, err
	}
	b.result = result
	return result, nil
}

// raw returns the text of a value in the body, or null if there is none.
func raw(r gjson.Result) []byte {
	if !r.Exists() {
		return []byte("null")
	}
	return []byte(r.Raw)
}

// over reports whether a number, or a string that holds one, is above limit.
func over(r gjson.Result, limit float64) bool {
	switch r.Type {
	case gjson.Number:
		return r.Num > limit
	case gjson.String:
		n, err := strconv.ParseFloat(r.Str, 64)
		return err == nil && n > limit
	default:
		return false
	}
}
