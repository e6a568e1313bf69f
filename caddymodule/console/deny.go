package console

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// The page for who is not let in. It is in each build, also in one without the console's own page.
var (
	//go:embed deny.html
	denyHTML string
	//go:embed deny.css
	denyStyles []byte

	denyPage = template.Must(template.New("deny").Parse(denyHTML))
)

// denyStylesPath is where the page's styles are, below the console's prefix.
const denyStylesPath = "/denied.css"

// Deny refuses a request that its door does not let in: with a page where a browser shows it, with
// JSON otherwise. The path of the request's URL begins at the console's prefix. The message is one
// sentence, and the details are paragraphs of the page. Those that begin with a tab are code.
func Deny(w http.ResponseWriter, r *http.Request, status int, message string, details ...string) {
	if !navigates(r) {
		WriteError(w, status, adminapi.Error{Message: message})
		return
	}
	type detail struct {
		Text string
		Code bool
	}
	page := struct {
		Styles, Message string
		Details         []detail
	}{Message: strings.ToUpper(message[:1]) + message[1:]}
	// A relative path: nobody knows which prefix the browser sees.
	page.Styles = strings.Repeat("../", max(0, strings.Count(r.URL.EscapedPath(), "/")-1)) + denyStylesPath[1:]
	for _, d := range details {
		text, code := strings.CutPrefix(d, "\t")
		page.Details = append(page.Details, detail{text, code})
	}
	var b bytes.Buffer
	if err := denyPage.Execute(&b, page); err != nil { // no text makes it fail
		WriteError(w, status, adminapi.Error{Message: message})
		return
	}
	write(w, status, "text/html; charset=utf-8", b.Bytes())
}

// ServeOpen serves what anybody may have, because the page of Deny needs it. It reports whether it
// was asked for that.
func ServeOpen(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != denyStylesPath || !isRead(r) {
		return false
	}
	write(w, http.StatusOK, "text/css; charset=utf-8", denyStyles)
	return true
}

// navigates reports whether a browser shows the response to a request as a page.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return isRead(r) && strings.Contains(r.Header.Get("Accept"), "text/html")
}
