package egress

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

var errCharset = errors.New("charset that is not known")

// marks are the byte-order marks, and what the text behind each is in.
var marks = []struct {
	mark    string
	charset encoding.Encoding
}{
	{"\xEF\xBB\xBF", unicode.UTF8},
	{"\xFF\xFE", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{"\xFE\xFF", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
}

// text brings the body of an answer to UTF-8, without a byte-order mark. What nothing says to be
// text, or in which charset, comes back as it is. The result is a view of body, or of a buffer of
// its own, which goes to giveBack; nil = there is none.
//
// Labels of charsets are those of https://encoding.spec.whatwg.org/#names-and-labels, and bytes
// that mean nothing in theirs become U+FFFD. limit bounds the result as it does the body.
func (c *Client) text(
	h http.Header, body []byte, limit int64,
) (text []byte, own *bytes.Buffer, err error) {
	charset, text, err := charsetOf(h, body)
	if err != nil || charset == nil || charset == unicode.UTF8 && utf8.Valid(text) {
		return text, nil, err
	}
	own, err = c.read(transform.NewReader(bytes.NewReader(text), charset.NewDecoder()), limit)
	if err != nil {
		return nil, nil, err
	}
	return own.Bytes(), own, nil
}

// charsetOf finds the charset of a body, nil = not known to be text in any, and the text behind the
// byte-order mark. The mark wins over the header, as it does in browsers.
func charsetOf(h http.Header, body []byte) (charset encoding.Encoding, text []byte, err error) {
	media, label := contentType(h.Get("Content-Type"))
	if len(body) == 0 || !isText(media) || isEncoded(h) {
		rest, marked := bytes.CutPrefix(body, []byte(marks[0].mark))
		if marked && utf8.Valid(rest) {
			return nil, rest, nil
		}
		return nil, body, nil
	}
	for _, m := range marks {
		if rest, ok := bytes.CutPrefix(body, []byte(m.mark)); ok {
			return m.charset, rest, nil
		}
	}
	if label == "" {
		return nil, body, nil
	}
	charset, err = htmlindex.Get(label)
	if err != nil || charset == encoding.Replacement { // which stands for those that are not safe
		return nil, nil, errCharset
	}
	return charset, body, nil
}

// isEncoded tells whether the body is still in an encoding, which the transport takes off only if
// it has asked for it.
func isEncoded(h http.Header) bool {
	e := h.Get("Content-Encoding")
	return e != "" && !strings.EqualFold(e, "identity")
}

// isText tells whether bodies of a media type are text, for which a charset means something. One
// without a type may be.
func isText(media string) bool {
	return media == "" || strings.HasPrefix(media, "text/") || isJSON(media) ||
		strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+yaml") || textTypes[media]
}

// textTypes are the media types of texts that neither begin nor end like one.
var textTypes = map[string]bool{
	formType: true, "application/csv": true, "application/ecmascript": true,
	"application/graphql": true, "application/javascript": true, "application/json-seq": true,
	"application/jsonl": true, "application/ndjson": true, "application/sql": true,
	"application/toml": true, "application/x-javascript": true, "application/x-ndjson": true,
	"application/x-yaml": true, "application/xml": true, "application/xml-dtd": true,
	"application/yaml": true,
}

// isJSON tells whether a media type is application/json or ends with +json (RFC 6839).
func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}
