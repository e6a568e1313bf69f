package flow

import "github.com/flowtrux/edge/nodes/rawjson"

// notText begins keys that are not strings, so that 1 and "1" are different keys. No string begins
// with this byte, which UTF-8 does not have. Strings have no prefix, as in journals of earlier
// versions.
const notText = "\xff"

// InBody returns the key in the body: a string as it is, other values as notText and their JSON
// text. It is "" when the value is missing, null or empty, or when keys are in a header.
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
