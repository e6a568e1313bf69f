// Package native is a Caddy handler in Go that does the work of the bench's workflow, as a
// baseline. It is written the way one would write it if the three steps were known at build time.
// It reads the body within a limit into pooled memory, verifies its signature, checks that it is
// JSON, performs the steps on raw JSON with gjson and sjson, and sends the same response with the
// same headers.
//
// Only the bench uses it: nothing that users build imports it.
package native

import (
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("bench_native", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		n := new(Handler)
		return n, n.UnmarshalCaddyfile(h.Dispenser)
	})
	httpcaddyfile.RegisterDirectiveOrder("bench_native", httpcaddyfile.Before, "respond")
}

// Handler handles every request as a webhook of the workflow.
type Handler struct {
	// Secret is the key that bodies are signed with.
	Secret string `json:"secret,omitempty"`

	key     []byte
	buffers pool
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_native", New: func() caddy.Module { return new(Handler) }}
}

// Provision sets up the key and the buffers.
func (h *Handler) Provision(caddy.Context) error {
	h.key = []byte(h.Secret)
	h.buffers = newPool(h.key)
	return nil
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	bench_native <secret>
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if !d.AllArgs(&h.Secret) {
		return d.ArgErr()
	}
	return nil
}

// Header values that are shared by all responses: nothing after this handler changes them.
var (
	contentType = []string{"application/json; charset=utf-8"}
	noSniff     = []string{"nosniff"}
	flowOK      = []string{"ok"}
	challenge   = []string{`Signature realm="webhooks"`}
	allow       = []string{http.MethodPost}
)

// ServeHTTP handles a webhook.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	header := w.Header()
	header["Content-Type"] = contentType
	header["X-Content-Type-Options"] = noSniff
	if r.Method != http.MethodPost {
		header["Allow"] = allow
		return reject(w, http.StatusMethodNotAllowed, "method_not_allowed", "webhooks are sent with POST")
	}
	b := h.buffers.get()
	defer h.buffers.put(b)
	if err := b.read(w, r); err != nil {
		header.Set("Connection", "close")
		return reject(w, http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than this server accepts")
	}
	if !b.signed(r.Header["X-Webhook-Signature"]) {
		header["Www-Authenticate"] = challenge
		return reject(w, http.StatusUnauthorized, "invalid_signature", "the signature is missing or invalid")
	}
	if !isJSON(r.Header["Content-Type"]) {
		return reject(w, http.StatusUnsupportedMediaType, "unsupported_media_type", "Content-Type must be application/json or end with +json, and there must be no Content-Encoding")
	}
	response, err := b.steps()
	if err != nil {
		return reject(w, http.StatusBadRequest, "invalid_json", err.Error())
	}
	header["X-Flow"] = flowOK
	header["X-Execution-Id"] = []string{newID(time.Now())}
	return write(w, http.StatusCreated, response)
}

func reject(w http.ResponseWriter, status int, code, message string) error {
	return write(w, status, []byte(`{"success":false,"error":{"code":"`+code+`","message":"`+message+`"}}`))
}

func write(w http.ResponseWriter, status int, body []byte) error {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
