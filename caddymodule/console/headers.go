package console

import (
	"encoding/json"
	"net/http"
	"strconv"

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
