package egress

import (
	"bytes"
	"mime"
	"net/url"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// formType is the media type of an HTML form
// (https://url.spec.whatwg.org/#application/x-www-form-urlencoded).
const formType = "application/x-www-form-urlencoded"

// setBody sets the body, in the form that the Content-Type requires, and sets that header if it is
// missing. A string is sent as it is under any type, and so is the text of a number or a boolean.
func (r *request) setBody(v []byte) error {
	if v == nil {
		return nil
	}
	given := r.header.Get("Content-Type")
	media, _ := contentType(given)
	kind := "application/json"
	compound := rawjson.KindOf(v) == rawjson.Object || rawjson.KindOf(v) == rawjson.Array
	switch {
	case compound && media == formType:
		return r.setForm(v)
	case compound && given != "" && !strings.Contains(media, "json"):
		return badRequest("an object or array as body needs a Content-Type of JSON, or of a form; " +
			"for another type the body is a string")
	case rawjson.KindOf(v) == rawjson.String:
		kind = "text/plain; charset=utf-8"
		r.body = rawjson.AppendString([]byte{}, v)
	default:
		r.body = bytes.Clone(v) // the transport may still read it after the call
	}
	if given == "" {
		r.header["Content-Type"] = []string{kind}
	}
	return nil
}

func (r *request) setForm(v []byte) error {
	if rawjson.KindOf(v) != rawjson.Object {
		return badRequest("the body of a form must be an object or a string")
	}
	form, ok := appendPairs([]byte{}, v, maxRequest)
	switch {
	case !ok:
		return badRequest("form values must be strings, numbers, booleans or arrays of them")
	case len(form) > maxRequest:
		return badRequest("the form is too large")
	}
	r.body = form
	return nil
}

// appendPairs appends the members of the object v in order, percent-encoded as in forms and
// queries. An array repeats its key, and null is left out. ok is false for a value that is an
// object, or an array with a value that is not a scalar. It stops beyond limit bytes.
func appendPairs(dst, v []byte, limit int) (out []byte, ok bool) {
	ok = true
	var name string
	add := func(v []byte) bool {
		var value string
		if value, ok = scalar(v); !ok || rawjson.KindOf(v) == rawjson.Null {
			return ok
		}
		if len(dst) > 0 {
			dst = append(dst, '&')
		}
		dst = append(append(dst, name...), '=')
		dst = append(dst, url.QueryEscape(value)...)
		return len(dst) <= limit
	}
	rawjson.Members(v, func(key, v []byte) bool {
		name = url.QueryEscape(string(rawjson.AppendUnescaped(nil, key)))
		if rawjson.KindOf(v) != rawjson.Array {
			return add(v)
		}
		more := true
		rawjson.Elements(v, func(v []byte) bool {
			more = add(v)
			return more
		})
		return more
	})
	return dst, ok
}

// contentType parses a Content-Type: the media type in lower case, and the charset, "" if there is
// none or the parameters are malformed.
func contentType(header string) (media, charset string) {
	media, params, err := mime.ParseMediaType(header)
	if err != nil {
		media, _, _ = strings.Cut(header, ";")
		return strings.ToLower(strings.TrimSpace(media)), ""
	}
	return media, strings.Trim(params["charset"], `' `)
}
