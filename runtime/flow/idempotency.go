package flow

import "github.com/flowtrux/edge/nodes/rawjson"

// notText begins keys that are not strings, so that 1 and "1" are two keys. No string begins with
// this byte, as it is in no text in UTF-8; strings are what they were when other keys did not begin
// with it, so that journals know them.
const notText = "\xff"

// InBody is the key that stands in the body: a string as it is, other values by their JSON text
// behind notText; "" when it is missing, null or empty, or when keys stand in a header.
func (in *Idempotency) InBody(ev *Event) string {
	if in.Field == nil {
		return ""
	}
	v, _ := in.Field.segments[0].ref.value(&Scope{Event: ev}) // without a meter it does not fail
	switch rawjson.KindOf(v) {
	case rawjson.Invalid, rawjson.Null:
		return ""
	case rawjson.String:
		return text(v)
	default:
		return notText + string(v)
	}
}
