package egress

import (
	"bytes"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// maxPooled is the largest buffer, in bytes, that is reused.
const maxPooled = 1 << 20

// read reads a body of at most limit bytes after decompression. The buffer goes to releaseBuffer.
func (c *Client) read(body io.Reader, limit int64) (*bytes.Buffer, error) {
	buf, ok := c.buffers.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	n, err := buf.ReadFrom(io.LimitReader(body, limit+1))
	if err == nil && n > limit {
		err = errTooLarge
	}
	if err != nil {
		c.releaseBuffer(buf)
		return nil, err
	}
	return buf, nil
}

// releaseBuffer makes a buffer available for reuse; nil is allowed.
func (c *Client) releaseBuffer(buf *bytes.Buffer) {
	if buf != nil && buf.Cap() <= maxPooled {
		buf.Reset()
		c.buffers.Put(buf)
	}
}

// appendResponse appends a node's response. body is the result of [Client.decodeText].
func appendResponse(dst []byte, resp *http.Response, body []byte) []byte {
	dst = slices.Grow(dst, len(body)+512)
	dst = append(dst, `{"status":`...)
	dst = strconv.AppendInt(dst, int64(resp.StatusCode), 10)
	dst = append(dst, `,"headers":`...)
	dst = appendHeaders(dst, resp.Header)
	dst = append(dst, `,"body":`...)
	if media, _ := contentType(resp.Header.Get("Content-Type")); isJSON(media) {
		// One level less than allowed in a value, because it is nested in one.
		if out, err := rawjson.AppendCanonical(dst, body, maxDepth-1); err == nil {
			return append(out, '}')
		}
	}
	if utf8.Valid(body) {
		return append(rawjson.AppendQuoted(dst, body), '}')
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, body)
	return append(dst, `","encoding":"base64"}`...)
}

func appendHeaders(dst []byte, h http.Header) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(h)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = rawjson.AppendQuoted(dst, []byte(strings.ToLower(name)))
		dst = append(dst, ':')
		if name != "Set-Cookie" {
			dst = rawjson.AppendQuoted(dst, []byte(strings.Join(h[name], ", ")))
			continue
		}
		dst = append(dst, '[')
		for j, value := range h[name] {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = rawjson.AppendQuoted(dst, []byte(value))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
