package caddymodule

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/signature"
)

// maxSentResponse is how much of the body of a response POST send shows, in bytes.
const maxSentResponse = mib

// framing are the headers of a connection, which the server that sends a webhook decides about.
var framing = []string{
	"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// sendWebhook signs a webhook as a sender does, with a secret of its workflow, which does not leave
// the server. It runs the webhook through a handler of the config, without a connection: what a
// sender would get is what the handler writes.
func sendWebhook(app *App, w http.ResponseWriter, r *http.Request) error {
	raw, err := readAdminBody(w, r)
	if err != nil {
		return err
	}
	var send adminapi.Send
	if err := decodeStrictly(raw, &send); err != nil {
		return adminError(http.StatusBadRequest, "the body is not what to send: %w", err)
	}
	wf, err := findWorkflow(app, send.Workflow)
	if err != nil {
		return err
	}
	h, err := app.handlers.find(send.Prefix)
	if err != nil {
		return adminError(http.StatusConflict, "%w", err)
	}
	key, ok := signingKey(live(wf.Keys))
	if !ok {
		return adminError(http.StatusConflict, "workflow %q has no live secret to sign with: set one first", wf.ID)
	}
	webhook, err := newWebhook(r, &send, h.Prefix, wf)
	if err != nil {
		return adminError(http.StatusBadRequest, "%w", err)
	}
	wf.Scheme.Sign(webhook.Header, []byte(send.Body), key, time.Now(), "msg_"+ulid.Make().String())

	got := &sentResponse{header: make(http.Header), status: http.StatusOK}
	began := time.Now()
	h.serve(got, webhook, wf.ID, journal.SourceConsole)
	took := time.Since(began)

	return writeJSON(w, http.StatusOK, adminapi.Sent{
		ExecutionID: got.header.Get("X-Execution-Id"),
		Replayed:    got.header.Get("Idempotency-Replayed") != "",
		Request: adminapi.SentRequest{
			Method: webhook.Method, Path: webhook.URL.EscapedPath(), Query: webhook.URL.RawQuery,
			Headers: pairs(webhook.Header), Body: send.Body,
		},
		Response:   got.shown(),
		DurationNs: took.Nanoseconds(),
	})
}

// decodeStrictly decodes exactly one JSON value without unknown fields.
func decodeStrictly(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after it")
	}
	return nil
}

// signingKey chooses the key to sign with: one that does not expire, as after a rotation, or the
// one that lives longest.
func signingKey(keys []signature.Key) (signature.Key, bool) {
	if len(keys) == 0 {
		return signature.Key{}, false
	}
	return slices.MaxFunc(keys, func(a, b signature.Key) int {
		switch {
		case a.ExpiresAt.IsZero() || b.ExpiresAt.IsZero():
			return bit(a.ExpiresAt.IsZero()) - bit(b.ExpiresAt.IsZero())
		default:
			return a.ExpiresAt.Compare(b.ExpiresAt)
		}
	}), true
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// newWebhook returns the request of a webhook, without its signature. It ends with the request that
// asks for it: for the workflow, that is a sender that goes away.
func newWebhook(asked *http.Request, send *adminapi.Send, prefix string, wf *catalog.Workflow) (*http.Request, error) {
	if i := strings.IndexFunc(send.Query, func(c rune) bool { return c <= ' ' || c == '#' || c >= 0x7f }); i >= 0 {
		return nil, fmt.Errorf("query: the character %q has to be escaped", send.Query[i:i+1])
	}
	target := url.URL{Path: prefix + wf.ID, RawQuery: send.Query}
	webhook, err := http.NewRequestWithContext(asked.Context(), http.MethodPost, target.String(), strings.NewReader(send.Body))
	if err != nil {
		return nil, err
	}
	// No connection has to be kept usable, as later protocols have it.
	webhook.Proto, webhook.ProtoMajor, webhook.ProtoMinor = "HTTP/2.0", 2, 0
	webhook.RemoteAddr, webhook.Host = asked.RemoteAddr, asked.Host
	if _, err := netip.ParseAddr(clientIP(asked)); err != nil { // a Unix socket
		webhook.RemoteAddr = "127.0.0.1:0"
	}
	for i, field := range send.Headers {
		name, value := http.CanonicalHeaderKey(field[0]), field[1]
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("headers[%d]: %q cannot be the name of a header", i, field[0])
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("headers[%d]: the value of %s has characters that a header cannot have", i, name)
		case slices.Contains(wf.Scheme.Headers(), name):
			return nil, fmt.Errorf("headers[%d]: %s is part of the signature, which the server makes", i, name)
		case slices.Contains(framing, name):
			return nil, fmt.Errorf("headers[%d]: %s is not up to the sender of a webhook here", i, name)
		}
		webhook.Header.Add(name, value)
	}
	if webhook.Header["Content-Type"] == nil {
		webhook.Header.Set("Content-Type", "application/json")
	}
	return webhook, nil
}

// pairs returns a header as a list that is sorted by name.
func pairs(h http.Header) [][2]string {
	list := make([][2]string, 0, len(h))
	for name, values := range h {
		for _, v := range values {
			list = append(list, [2]string{name, v})
		}
	}
	slices.SortStableFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return list
}

// sentResponse takes the response to a webhook, and keeps at most maxSentResponse of it.
type sentResponse struct {
	header http.Header
	status int
	body   []byte
	size   int // of the whole body
}

// Header implements http.ResponseWriter.
func (s *sentResponse) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *sentResponse) WriteHeader(status int) { s.status = status }

// Write implements http.ResponseWriter.
func (s *sentResponse) Write(b []byte) (int, error) {
	s.size += len(b)
	s.body = append(s.body, b[:min(len(b), maxSentResponse-len(s.body))]...)
	return len(b), nil
}

func (s *sentResponse) shown() adminapi.SentResponse {
	shown := adminapi.SentResponse{Status: s.status, Headers: pairs(s.header)}
	body := s.body
	if s.size > len(body) {
		shown.Size = s.size
		for n := range utf8.UTFMax { // the cut may have split a character
			if rest := body[:len(body)-n]; utf8.Valid(rest) {
				body = rest
				break
			}
		}
	}
	if shown.Body = string(body); !utf8.Valid(body) {
		shown.Body, shown.Encoding = base64.StdEncoding.EncodeToString(body), "base64"
	}
	return shown
}
