package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// index is the name of the page.
const index = "index.html"

// embedded are the built files. They are read when a console is made: most commands make none.
var embedded = sync.OnceValue(func() *files { return readFiles(dist) })

// files are the files of the page, by name.
type files struct{ byName map[string]*file }

// file is a file of the page. Its compressed form is made when a request first asks for it: the
// files are embedded as the build makes them, so that they can be compared whatever compresses.
type file struct {
	content     []byte
	contentType string
	hash        string // of the content
	immutable   bool   // its name changes with its content

	once       sync.Once
	compressed []byte // nil = compressing does not help
}

// hashed matches the names in which the build puts a hash of the content.
var hashed = regexp.MustCompile(`-[0-9A-Z]{8}\.[a-z0-9]+$`)

// contentTypes are those of the files in a build. The system's table, which package mime reads,
// differs between machines.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// readFiles reads the files of a build. It panics if one cannot be served: a test has looked at
// those that are embedded.
func readFiles(build fs.FS) *files {
	f := &files{byName: make(map[string]*file)}
	if build == nil {
		return f
	}
	if err := fs.WalkDir(build, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(build, name)
		if err != nil {
			return err
		}
		contentType := contentTypes[path.Ext(name)]
		if contentType == "" {
			return fmt.Errorf("%s: unknown kind of file", name)
		}
		sum := sha256.Sum256(content)
		f.byName[name] = &file{
			content: content, contentType: contentType, immutable: hashed.MatchString(name),
			hash: hex.EncodeToString(sum[:12]),
		}
		return nil
	}); err != nil {
		panic("console: " + err.Error())
	}
	return f
}

// Missing reports whether the page was left out of this build.
func Missing() bool { return embedded().byName[index] == nil }

// WithoutPage is why a build has no page.
const WithoutPage = "this build has no console: it was made with the build tag flowtrux_no_console"

// serve serves a file.
func (f *files) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = index
	}
	found := f.byName[name]
	switch {
	case f.byName[index] == nil:
		Deny(w, r, http.StatusNotFound, WithoutPage)
	case found == nil:
		Deny(w, r, http.StatusNotFound, "there is no such file in this version of the console", "Load the console again.")
	case !isRead(r):
		w.Header().Set("Allow", "GET, HEAD")
		WriteError(w, http.StatusMethodNotAllowed, adminapi.Error{Message: "files of the console can only be read"})
	default:
		found.serve(w, r)
	}
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Vary", "Accept-Encoding")
	if f.immutable {
		h.Set("Cache-Control", "max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	body, tag := f.content, `"`+f.hash+`"`
	if acceptsGzip(r) {
		if small := f.gzip(); small != nil {
			h.Set("Content-Encoding", "gzip")
			body, tag = small, `"`+f.hash+`-gz"`
		}
	}
	h.Set("ETag", tag)
	if matches(r, f.hash) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// gzip returns the compressed form, or nil if it is not smaller.
func (f *file) gzip() []byte {
	f.once.Do(func() {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return
		}
		if _, err := z.Write(f.content); err != nil {
			return
		}
		if err := z.Close(); err == nil && b.Len() < len(f.content) {
			f.compressed = b.Bytes()
		}
	})
	return f.compressed
}

// acceptsGzip reports whether a client takes gzip (RFC 9110, section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if name = strings.TrimSpace(name); !strings.EqualFold(name, "gzip") && name != "*" {
			continue
		}
		q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
		if !ok {
			return true
		}
		value, err := strconv.ParseFloat(q, 64)
		return err == nil && value > 0
	}
	return false
}

// matches reports whether a client has the content already, in either form.
func matches(r *http.Request, hash string) bool {
	for tag := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`)
		if have, _, _ := strings.Cut(tag, "-gz"); have == hash || tag == "*" {
			return true
		}
	}
	return false
}
