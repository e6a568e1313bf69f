package native

import (
	"errors"
	"strconv"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

var errJSON = errors.New("the body is not one JSON value")

// inPlace lets sjson write into the buffers that it is given.
var inPlace = &sjson.Options{Optimistic: true, ReplaceInPlace: true}

// steps are the three steps of the workflow: transform, condition, transform. The answer is valid
// until the buffers are put back.
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
	answer, err := sjson.SetRawBytesOptions(append(b.answer[:0], `{}`...), "order", value, inPlace)
	if err == nil {
		answer, err = sjson.SetRawBytesOptions(answer, "large", []byte("true"), inPlace)
	}
	if err != nil {
		return nil, err
	}
	b.answer = answer
	return answer, nil
}

// raw is a value as it stands in the body, null for none.
func raw(r gjson.Result) []byte {
	if !r.Exists() {
		return []byte("null")
	}
	return []byte(r.Raw)
}

// over compares a number, or a text that is one.
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
