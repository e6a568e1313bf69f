package trace

import (
	"bytes"
	"strconv"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// maxRequestDepth is the maximum nesting depth of a request that is recorded as JSON.
const maxRequestDepth = 512

// SetGlobalRequest returns the request to write a global, as a record shows it.
func SetGlobalRequest(key string, value []byte) []byte {
	out := rawjson.AppendQuoted([]byte(`{"key":`), []byte(key))
	out = append(append(out, `,"value":`...), CanonicalJSON(value)...)
	return append(out, '}')
}

// AddGlobalRequest returns the request to add to a global, as a record shows it.
func AddGlobalRequest(key string, by int64) []byte {
	out := rawjson.AppendQuoted([]byte(`{"key":`), []byte(key))
	return append(strconv.AppendInt(append(out, `,"by":`...), by, 10), '}')
}

// GetGlobalRequest returns the request to read a global, as a record shows it.
func GetGlobalRequest(key string) []byte {
	return append(rawjson.AppendQuoted([]byte(`{"key":`), []byte(key)), '}')
}

// CanonicalJSON returns a guest's value as canonical JSON. Text that is not JSON becomes a string.
func CanonicalJSON(v []byte) []byte {
	if out, err := rawjson.AppendCanonical(nil, v, maxRequestDepth); err == nil {
		return out
	}
	return rawjson.AppendQuoted(nil, bytes.ToValidUTF8(v, []byte("\uFFFD")))
}
