package console

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// refusal is the response to a request that does not reach the API.
type refusal struct {
	status int
	body   adminapi.Error
}

const (
	errForeign = "the request does not come from the console's own page: Sec-Fetch-Site must be same-origin, or Origin name the Host"
	errNotJSON = "the body's Content-Type must be application/json"
)

// RefuseWrite returns why a write that a door itself serves must not be served, or nil: it does not
// come from the console's own page, or has no JSON.
func RefuseWrite(r *http.Request) *StatusError {
	switch {
	case !sameOrigin(r):
		return &StatusError{http.StatusForbidden, errors.New(errForeign)}
	case !isJSON(r):
		return &StatusError{http.StatusUnsupportedMediaType, errors.New(errNotJSON)}
	}
	return nil
}

// refuse returns why a request must not reach the API, or nil.
func (c *Console) refuse(r *http.Request) *refusal {
	switch {
	case !sameOrigin(r):
		return &refusal{http.StatusForbidden, adminapi.Error{Message: errForeign}}
	case isRead(r):
		return nil
	case c.options.ReadOnly && !validates(r):
		return &refusal{http.StatusForbidden, adminapi.Error{
			Message: "this console is read-only", Code: adminapi.CodeReadOnly,
		}}
	case r.ContentLength != 0 && !isJSON(r):
		return &refusal{http.StatusUnsupportedMediaType, adminapi.Error{Message: errNotJSON}}
	case lacksPrecondition(r):
		return &refusal{http.StatusPreconditionRequired, adminapi.Error{
			Message: "precondition required: If-Match with the revision that is replaced, or If-None-Match: * for a new one",
		}}
	}
	return nil
}

// sameOrigin reports whether a request comes from the console's own page, as far as the browser
// says. Without Sec-Fetch-Site, which older browsers and plain HTTP lack, a write needs an Origin.
// Reads may also come from the address bar, and from clients that are no browsers.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && (site[0] == "same-origin" || site[0] == "none" && isRead(r))
	}
	origin := r.Header.Values("Origin")
	if len(origin) == 0 {
		return isRead(r)
	}
	u, err := url.Parse(origin[0])
	if err != nil || len(origin) > 1 || !strings.EqualFold(u.Host, r.Host) {
		return false
	}
	// Behind a proxy that ends TLS, the page may be of https and the request of http.
	return u.Scheme == "https" || u.Scheme == "http" && r.TLS == nil
}

// isJSON reports whether a request declares its body as JSON. Forms of other sites cannot.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json" && len(r.Header.Values("Content-Type")) == 1
}

// lacksPrecondition reports whether a request would replace something without saying what: somebody
// else may have changed it meanwhile.
func lacksPrecondition(r *http.Request) bool {
	return (r.Method == http.MethodPut || r.Method == http.MethodDelete) &&
		r.Header.Get("If-Match") == "" && r.Header.Get("If-None-Match") == ""
}
