package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(f *files, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.serve(w, r)
	return w
}

func TestFiles(t *testing.T) {
	page, script := "<!doctype html>", strings.Repeat("console.log(1);", 100)
	f := readFiles(fstest.MapFS{
		"index.html":              {Data: []byte(page)},
		"assets/main-DAQ7RTEK.js": {Data: []byte(script)},
		"LICENSES.txt":            {Data: []byte("MIT")},
	})
	for _, test := range []struct{ path, contentType, cache, body string }{
		{"/", "text/html; charset=utf-8", "no-cache", page},
		{"/index.html", "text/html; charset=utf-8", "no-cache", page},
		{"/assets/main-DAQ7RTEK.js", "text/javascript; charset=utf-8", "max-age=31536000, immutable", script},
		{"/LICENSES.txt", "text/plain; charset=utf-8", "no-cache", "MIT"},
	} {
		for _, coding := range []string{"", "gzip", "br, gzip;q=0.5", "*", "gzip;q=0", "br"} {
			w := get(f, test.path, "Accept-Encoding", coding)
			h, body := w.Header(), w.Body.Bytes()
			if h.Get("Content-Encoding") == "gzip" {
				z, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
			}
			small := test.body == script && (coding == "gzip" || coding == "*" || strings.Contains(coding, "0.5"))
			if (h.Get("Content-Encoding") == "gzip") != small {
				t.Errorf("%s with %q: Content-Encoding %q", test.path, coding, h.Get("Content-Encoding"))
			}
			if w.Code != 200 || string(body) != test.body || h.Get("Content-Type") != test.contentType ||
				h.Get("Cache-Control") != test.cache || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s with %q: %d %v %s", test.path, coding, w.Code, h, body)
			}
			again := get(f, test.path, "Accept-Encoding", coding, "If-None-Match", `"other", W/`+h.Get("ETag"))
			if again.Code != 304 || again.Body.Len() != 0 || again.Header().Get("ETag") != h.Get("ETag") {
				t.Errorf("%s again: %d", test.path, again.Code)
			}
			if w := get(f, test.path, "If-None-Match", `"other"`); w.Code != 200 {
				t.Errorf("%s with another ETag: %d", test.path, w.Code)
			}
		}
	}
	for _, path := range []string{"/assets", "/assets/", "/assets/main-OLDOLDOL.js", "/../files.go", "/assets/../index.html"} {
		if w := get(f, path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	w := httptest.NewRecorder()
	f.serve(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
	w = httptest.NewRecorder()
	f.serve(w, httptest.NewRequest(http.MethodHead, "/", http.NoBody))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "15" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
}

func TestWithoutAPage(t *testing.T) {
	w := get(readFiles(nil), "/", "Accept", "text/html")
	if w.Code != 404 || !strings.Contains(w.Body.String(), "flowtrux_no_console") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestBuiltFiles checks the files that are embedded: the page has all it names, everything else has
// a hash in its name, and nothing is inline or from another host.
func TestBuiltFiles(t *testing.T) {
	if Missing() {
		t.Fatal("there is no page: run `make console`")
	}
	page := string(embedded().byName[index].content)
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if embedded().byName[found[1]] == nil && !strings.HasPrefix(found[1], "data:image/") {
			t.Errorf("the page names %q, which is not built", found[1])
		}
	}
	for _, inline := range []string{`<style`, ` style="`, ` onclick=`, `<script>`} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %s, which its policy blocks", inline)
		}
	}
	for name, f := range embedded().byName {
		if !f.immutable && name != index && name != "LICENSES.txt" {
			t.Errorf("the name of %s has no hash", name)
		}
	}
}
