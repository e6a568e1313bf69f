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

var errCharset = errors.New("unknown charset")

// byteOrderMarks are the byte-order marks, with the encoding of the text that follows.
var byteOrderMarks = []struct {
	mark    string
	charset encoding.Encoding
}{
	{"\xEF\xBB\xBF", unicode.UTF8},
	{"\xFF\xFE", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{"\xFE\xFF", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
}

// decodeText converts the body of a response to UTF-8, without a byte-order mark. A body that is
// not known to be text, or whose charset is not known, is returned as it is. The result is a slice
// of body, or of a buffer of its own, which goes to releaseBuffer; nil = there is none.
//
// Labels of charsets are those of https://encoding.spec.whatwg.org/#names-and-labels. Invalid bytes
// become U+FFFD. limit limits the result as it does the body.
func (c *Client) decodeText(
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

// charsetOf returns the charset of a body, nil = not known to be text in any, and the text after
// the byte-order mark. The mark takes precedence over the header, as in browsers.
func charsetOf(h http.Header, body []byte) (charset encoding.Encoding, text []byte, err error) {
	media, label := contentType(h.Get("Content-Type"))
	if len(body) == 0 || !isText(media) || isEncoded(h) {
		rest, marked := bytes.CutPrefix(body, []byte(byteOrderMarks[0].mark))
		if marked && utf8.Valid(rest) {
			return nil, rest, nil
		}
		return nil, body, nil
	}
	for _, m := range byteOrderMarks {
		if rest, ok := bytes.CutPrefix(body, []byte(m.mark)); ok {
			return m.charset, rest, nil
		}
	}
	if label == "" {
		return nil, body, nil
	}
	charset, err = htmlindex.Get(label)
	if err != nil || charset == encoding.Replacement { // which stands for unsafe charsets
		return nil, nil, errCharset
	}
	return charset, body, nil
}

// isEncoded reports whether the body is still compressed or otherwise encoded. The transport
// decodes it only if it has requested the encoding.
func isEncoded(h http.Header) bool {
	e := h.Get("Content-Encoding")
	return e != "" && !strings.EqualFold(e, "identity")
}

// isText reports whether bodies of a media type are text, so that a charset has a meaning. A body
// without a type may be text.
func isText(media string) bool {
	return media == "" || strings.HasPrefix(media, "text/") || isJSON(media) ||
		strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+yaml") || textTypes[media]
}

// textTypes are media types of text that no prefix or suffix shows to be text.
var textTypes = map[string]bool{
	formType: true, "application/csv": true, "application/ecmascript": true,
	"application/graphql": true, "application/javascript": true, "application/json-seq": true,
	"application/jsonl": true, "application/ndjson": true, "application/sql": true,
	"application/toml": true, "application/x-javascript": true, "application/x-ndjson": true,
	"application/x-yaml": true, "application/xml": true, "application/xml-dtd": true,
	"application/yaml": true,
}

// isJSON reports whether a media type is application/json or ends with +json (RFC 6839).
func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}
