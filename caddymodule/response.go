package caddymodule

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/flowtrux/edge/runtime/answer"
)

// write sends an answer in one piece. An error of the connection is not reported: there is nobody
// left to tell.
func write(w http.ResponseWriter, a answer.Answer) {
	h := w.Header()
	maps.Copy(h, a.Header)
	switch a.Status {
	// these have no length (RFC 9110, section 8.6)
	case http.StatusNoContent, http.StatusNotModified:
	default:
		h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}
