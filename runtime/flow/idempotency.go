package flow

import "github.com/flowtrux/edge/nodes/rawjson"

// InBody is the key that stands in the body, as a template within a text would show it; "" when it is missing, null or
// empty, or when keys stand in a header.
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
		return string(v)
	}
}
