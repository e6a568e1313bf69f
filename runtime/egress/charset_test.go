package egress

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// answer serves each request with a body of a type; "" = without one.
func answer(t testing.TB, status int, contentType, contentEncoding string, body []byte) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		if contentEncoding != "" {
			w.Header().Set("Content-Encoding", contentEncoding)
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}).URL
}

// in is a text in a charset.
func in(t testing.TB, label, text string) string {
	t.Helper()
	e, err := htmlindex.Get(label)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCharsets(t *testing.T) {
	const (
		bom8, bom16LE, bom16BE = "\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"
		binary                 = `"encoding":"base64"`
	)
	le, be := in(t, "utf-16le", `{"a":"ü😀"}`), in(t, "utf-16be", `{"a":"ü😀"}`)
	for _, tt := range []struct{ name, contentType, body, want string }{
		{"a mark before JSON", "application/json; charset=utf-8", bom8 + `{"a":1}`, `{"a":1}`},
		{"a mark before +json without a charset", "application/problem+json", bom8 + ` {"a":1}`, `{"a":1}`},
		{"a mark before text", "text/plain; charset=utf-8", bom8 + "hi", `"hi"`},
		{"two byteOrderMarks", "text/plain", bom8 + bom8 + "hi", "\"\uFEFFhi\""},
		{"a mark alone", "application/json", bom8, `""`},
		{"a mark without a type", "", bom8 + "hi", `"hi"`},
		{"a mark before text of an unknown type", "application/x-own", bom8 + "hi", `"hi"`},
		{"a mark wins over a charset", "text/plain; charset=iso-8859-1", bom8 + "ü", `"ü"`},
		{"a mark wins over one that is not known", "text/plain; charset=x-martian", bom8 + "ü", `"ü"`},
		{"UTF-16LE by its mark", "application/json; charset=utf-16", bom16LE + le, `{"a":"ü😀"}`},
		{"UTF-16BE by its mark", "application/json; charset=utf-16", bom16BE + be, `{"a":"ü😀"}`},
		{"UTF-16 by its mark against the header", "application/json; charset=utf-8", bom16BE + be, `{"a":"ü😀"}`},
		{"UTF-16 by its mark without a charset", "application/vnd.api+json", bom16LE + le, `{"a":"ü😀"}`},
		{"UTF-16LE without a mark", "application/json; charset=UTF-16LE", le, `{"a":"ü😀"}`},
		{"UTF-16BE without a mark", "application/json; charset=utf-16be", be, `{"a":"ü😀"}`},
		{"UTF-16 without a mark", "application/json; charset=utf-16", le, `{"a":"ü😀"}`},
		{"UTF-16 of odd length", "text/plain; charset=utf-16le", "a\x00b\x00c", "\"ab\uFFFD\""},
		{"UTF-16 with half a pair", "text/plain; charset=utf-16be", "\xD8\x00\x00a", "\"\uFFFDa\""},

		{"Latin 1", "text/plain; charset=ISO-8859-1", "M\xFCller", `"Müller"`},
		{"JSON in Latin 1", "application/json;charset=ISO-8859-1", "{\"n\":\"M\xFCller\"}", `{"n":"Müller"}`},
		{"+json in Latin 1", "application/problem+json; charset=latin1", "[\"\xE4\"]", `["ä"]`},
		{"an alias", "text/html; charset=l1", "\xE4", `"ä"`},
		{"another", "text/html; charset=cp1252", "5 \x80", `"5 €"`},
		{"windows-1252", "text/html; charset=windows-1252", "5 \x80", `"5 €"`},
		{"ISO-8859-15", "text/plain; charset=ISO-8859-15", "5 \xA4", `"5 €"`},
		{"KOI8-R", "text/plain; charset=koi8-r", in(t, "koi8-r", "Привет"), `"Привет"`},
		{"Shift_JIS", "text/html; charset=Shift_JIS", in(t, "shift_jis", "日本"), `"日本"`},
		{"GBK", "text/xml; charset=gb2312", in(t, "gbk", "<a>中</a>"), `"<a>中</a>"`},
		{"Big5", "application/xml; charset=Big5", in(t, "big5", "中"), `"中"`},
		{"EUC-KR", "image/svg+xml; charset=euc-kr", in(t, "euc-kr", "한"), `"한"`},
		{"ISO-2022-JP", "application/javascript; charset=iso-2022-jp", in(t, "iso-2022-jp", "日本"), `"日本"`},
		{"a form", "application/x-www-form-urlencoded; charset=iso-8859-1", "a=\xE4", `"a=ä"`},
		{"quoted", `text/plain; charset="iso-8859-1"`, "\xE4", `"ä"`},
		{"quoted as it should not be", `text/plain; charset='iso-8859-1'`, "\xE4", `"ä"`},
		{"in any case", "TEXT/Plain; Format=flowed; CHARSET=Iso-8859-1;", "\xE4", `"ä"`},
		{"without space", "text/csv;header=present;charset=latin1", "\xE4", `"ä"`},
		{"bytes that mean nothing", "text/plain; charset=utf-8", "a\xFFb\xE2\x82c", "\"a\uFFFDb\uFFFDc\""},
		{"bytes that mean nothing in JSON", "application/json; charset=utf8", "\"\xFF\"", "\"\uFFFD\""},
		{"JSON that is none", "application/json; charset=latin1", "<\xE4>", `"<ä>"`},

		{"an empty charset", "text/plain; charset=", "ü", `"ü"`},
		{"an empty charset in quotes", `text/plain; charset=""`, "ü", `"ü"`},
		{"two charsets", "text/plain; charset=utf-8; charset=latin1", "ü", `"ü"`},
		{"the same twice", "text/plain; charset=latin1; charset=latin1", "\xE4", `"ä"`},
		{"no type", "", "ü", `"ü"`},
		{"no type and no mark", "", "\xE4", `"5A==",` + binary},
		{"no charset", "text/plain", "\xE4", `"5A==",` + binary},
		{"malformed", "text/plain; charset", "\xE4", `"5A==",` + binary},
		{"bytes with a charset", "image/png; charset=utf-8", "\x89PNG", `"iVBORw==",` + binary},
		{"bytes with another", "application/octet-stream; charset=iso-8859-1", "\xE4", `"5A==",` + binary},
		{"bytes that begin like a mark", "application/octet-stream", bom16LE + "\x00", `"//4A",` + binary},
		{"bytes that begin like the other mark", "application/pdf", bom8 + "\xFF", `"77u//w==",` + binary},
		{"bytes with a charset that is not known", "application/zip; charset=binary", "\xE4", `"5A==",` + binary},
		{"nothing in a charset that is not known", "text/plain; charset=x-martian", "", `""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := answer(t, 200, tt.contentType, "", []byte(tt.body))
			out, err := newClient(t, Rules{}).Do(t.Context(), []byte(`{"url":"`+url+`"}`), hostapi.HTTPOptions{}, nil)
			if _, body, _ := strings.Cut(string(out), `,"body":`); err != nil || body != tt.want+"}" {
				t.Errorf("%s, %v, want %s", body, err, tt.want)
			}
		})
	}
}

func TestUnknownCharset(t *testing.T) {
	c := newClient(t, Rules{})
	for _, tt := range []struct {
		contentType string
		status      int
		fatal       bool
	}{
		{"text/plain; charset=x-martian", 200, true},
		{"application/json; charset=utf-32", 200, true},
		{"text/html; charset=utf-7", 404, true},
		{"text/html; charset=hz-gb-2312", 200, true},
		{"text/html; charset=x-martian", 503, false},
		{"text/html; charset=x-martian", 429, false},
	} {
		f := fails(t, c, map[string]any{"url": answer(t, tt.status, tt.contentType, "", []byte("plain"))}, CodeCharset)
		if f.Fatal != tt.fatal || f.Message != "the response is in an unknown charset" {
			t.Errorf("%d %s: %+v", tt.status, tt.contentType, f)
		}
		if label := tt.contentType[strings.Index(tt.contentType, "=")+1:]; !strings.Contains(f.Detail.Error(), label) {
			t.Errorf("the detail %q does not name %s", f.Detail, label)
		}
	}
	for _, req := range []map[string]any{
		{"url": answer(t, 204, "text/plain; charset=x-martian", "", nil)},
		{"url": answer(t, 200, "text/plain; charset=x-martian", "", []byte("plain")), "method": "HEAD"},
	} {
		if r, f := do(t, c, hostapi.HTTPOptions{}, req); f != nil || string(r.Body) != `""` {
			t.Errorf("%v: %s, %v", req, r.Body, f)
		}
	}
}

// A body that is still compressed is not text, whatever its type says; what the transport has taken
// apart is.
func TestCharsetsOfCompressedBodies(t *testing.T) {
	c := newClient(t, Rules{})
	if r := get(t, c, answer(t, 200, "text/plain; charset=utf-8", "br", []byte("\x0b\x02\x80hello\x03\xFF"))); r.Encoding != "base64" {
		t.Errorf("brotli: %+v", r)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte("M\xFCller"))
	w.Close()
	if r := get(t, c, answer(t, 200, "text/plain; charset=latin1", "gzip", z.Bytes())); string(r.Body) != `"Müller"` {
		t.Errorf("gzip: %+v", r)
	}
}

// The limit holds for what comes of a body, too.
func TestCharsetLimit(t *testing.T) {
	c := newClient(t, Rules{})
	url := answer(t, 200, "text/plain; charset=windows-1252", "", bytes.Repeat([]byte("\x80"), 1000))
	if r, f := do(t, c, hostapi.HTTPOptions{MaxResponse: 3000}, map[string]any{"url": url}); f != nil || len(r.Body) != 3002 {
		t.Errorf("%d bytes, %v", len(r.Body), f)
	}
	if _, f := do(t, c, hostapi.HTTPOptions{MaxResponse: 2999}, map[string]any{"url": url}); f == nil || f.Code != CodeTooLarge || !f.Fatal {
		t.Errorf("%v", f)
	}
}

// FuzzCharset: of any type and body there comes one JSON value of bounded size, or a failure of
// this package.
func FuzzCharset(f *testing.F) {
	f.Add("application/json; charset=utf-16", []byte("\xFF\xFE{\x00}\x00"))
	f.Add("text/plain; charset=\"iso-2022-jp\"", []byte("\x1b$BF|\x1b("))
	f.Add("text/html; charset=gb18030", []byte("\x81\x30\x81\x30\xFF"))
	f.Add("text/html; charset=big5; charset=x", []byte("\xA4\xA4"))
	f.Add("image/png;charset=", []byte("\xEF\xBB\xBF"))
	c, err := New(Rules{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		const limit = 1 << 10
		body = body[:min(len(body), limit)]
		text, own, err := c.decodeText(http.Header{"Content-Type": {contentType}}, body, limit)
		if err != nil {
			if err != errCharset && err != errTooLarge {
				t.Fatal(err)
			}
			return
		}
		if len(text) > limit || own != nil && !utf8.Valid(text) {
			t.Fatalf("%d bytes, %q", len(text), text)
		}
		c.releaseBuffer(own)
	})
}
