package console

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// policy is the Content-Security-Policy of all responses: nothing inline, nothing from another
// host, and no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// SetHeaders sets the headers that each response of a console has, also one that lets nobody in.
func SetHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// WriteError writes an error as the API does.
func WriteError(w http.ResponseWriter, status int, e adminapi.Error) { writeJSON(w, status, e) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // no type of this package can fail
		status, b = http.StatusInternalServerError, []byte(`{"error":"the response cannot be encoded"}`)
	}
	write(w, status, "application/json", append(b, '\n'))
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Deny refuses a request that its door does not let in: with a page where a browser shows it, with
// JSON otherwise. The message is one sentence, and the details are paragraphs of the page.
func Deny(w http.ResponseWriter, r *http.Request, status int, message string, details ...string) {
	if !navigates(r) {
		WriteError(w, status, adminapi.Error{Message: message})
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"+
		"<link rel=\"icon\" href=\"data:,\">\n<title>FlowTrux Edge</title>\n<main>\n<h1>%s</h1>\n", html.EscapeString(message))
	for _, d := range details {
		if code, ok := strings.CutPrefix(d, "\t"); ok {
			fmt.Fprintf(&b, "<pre>%s</pre>\n", html.EscapeString(code))
		} else {
			fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(d))
		}
	}
	b.WriteString("</main>\n")
	write(w, status, "text/html; charset=utf-8", []byte(b.String()))
}

// navigates reports whether a browser shows the response to a request as a page.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return isRead(r) && strings.Contains(r.Header.Get("Accept"), "text/html")
}
