package trace

import (
	"bytes"
	"strconv"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// maxRequestDepth is how deep a request may nest that is recorded as JSON.
const maxRequestDepth = 512

// SetGlobalRequest returns what a record shows as the request to write a global.
func SetGlobalRequest(key string, value []byte) []byte {
	out := rawjson.AppendQuoted([]byte(`{"key":`), []byte(key))
	out = append(append(out, `,"value":`...), CanonicalJSON(value)...)
	return append(out, '}')
}

// AddGlobalRequest returns what a record shows as the request to add to a global.
func AddGlobalRequest(key string, by int64) []byte {
	out := rawjson.AppendQuoted([]byte(`{"key":`), []byte(key))
	return append(strconv.AppendInt(append(out, `,"by":`...), by, 10), '}')
}

// GetGlobalRequest returns what a record shows as the request to read a global.
func GetGlobalRequest(key string) []byte {
	return append(rawjson.AppendQuoted([]byte(`{"key":`), []byte(key)), '}')
}

// CanonicalJSON returns a value that a guest has made as canonical JSON. What is not JSON becomes a
// string.
func CanonicalJSON(v []byte) []byte {
	if out, err := rawjson.AppendCanonical(nil, v, maxRequestDepth); err == nil {
		return out
	}
	return rawjson.AppendQuoted(nil, bytes.ToValidUTF8(v, []byte("\uFFFD")))
}
