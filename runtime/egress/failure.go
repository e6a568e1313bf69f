package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// Codes of failures.
const (
	CodeBadRequest     = "http_bad_request"        // the request's JSON does not describe a request
	CodeAddressRefused = "http_address_refused"    // this node may not connect there
	CodeConnect        = "http_connect"            // no such host, or no connection
	CodeTLS            = "http_tls"                // the certificate or the handshake failed
	CodeTimeout        = "http_timeout"            // no complete response in time
	CodeRedirect       = "http_redirect"           // a redirect that is not followed
	CodeTooLarge       = "http_response_too_large" // the response's body is over the limit
	// the response's charset is not known
	CodeCharset = "http_charset"
	// anything else: the connection broke, the response is not HTTP
	CodeFailed = "http_failed"
)

var (
	errTooLarge  = errors.New("response body over the limit")
	errSwitching = errors.New("unexpected switch of protocols")
)

func fatal(code, message string, detail error) *hostapi.Failure {
	return &hostapi.Failure{Code: code, Message: message, Fatal: true, Detail: detail}
}

func badRequest(message string) *hostapi.Failure { return fatal(CodeBadRequest, message, nil) }

// failed returns the failure of a request that was started. err is that of the transport, or of
// reading the body.
func failed(ctx context.Context, r *request, err error) *hostapi.Failure {
	detail := fmt.Errorf("%s %s: %w", r.method, shown(r.url), err)
	temporary := func(code, message string) *hostapi.Failure {
		return &hostapi.Failure{Code: code, Message: message, Detail: detail}
	}
	var (
		refused   *refusedError
		dns       *net.DNSError
		op        *net.OpError
		timeout   net.Error
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &refused):
		return fatal(CodeAddressRefused, "the node may not reach this address", detail)
	case errors.Is(err, errTooLarge):
		return fatal(CodeTooLarge, "the response is larger than a node can take", detail)
	case errors.Is(ctx.Err(), context.Canceled):
		return temporary(CodeFailed, "the request was cancelled")
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return temporary(CodeTimeout, "the response did not come in time")
	case errors.As(err, &dns):
		return temporary(CodeConnect, "the host could not be found")
	case errors.As(err, &untrusted), errors.As(err, &record), errors.As(err, &op) && isAlert(op):
		return temporary(CodeTLS, "the secure connection could not be made")
	case errors.As(err, &op) && op.Op == "dial":
		return temporary(CodeConnect, "the connection could not be made")
	default:
		return temporary(CodeFailed, "the request failed")
	}
}

// unreadable returns the failure of a response in a charset that is not known. Only its status
// decides whether a retry makes sense.
func unreadable(r *request, resp *http.Response) *hostapi.Failure {
	return &hostapi.Failure{
		Code:    CodeCharset,
		Message: "the response is in an unknown charset",
		Fatal:   !hostapi.RetryableStatus(resp.StatusCode),
		Detail: fmt.Errorf("%s %s: %w: %.100q",
			r.method, shown(r.url), errCharset, resp.Header.Get("Content-Type")),
	}
}

// isAlert reports whether the error is that of crypto/tls for an alert from either side.
func isAlert(op *net.OpError) bool { return op.Op == "remote error" || op.Op == "local error" }

// shown returns a URL for logs: without the query, which may contain credentials.
func shown(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }
