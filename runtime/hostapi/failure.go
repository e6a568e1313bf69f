package hostapi

import (
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/abi"
)

// Failure is an error that a node sees. Its text is fixed, without URLs, addresses or paths.
type Failure struct {
	Code    string
	Message string
	Fatal   bool  // a retry cannot succeed
	Detail  error // for logs and records only
}

func (f *Failure) Error() string { return f.Message }

// Unwrap returns the detail.
func (f *Failure) Unwrap() error { return f.Detail }

// RetryableStatus reports whether a request with this HTTP response status is worth a retry: 408,
// 425, 429 and 5xx.
func RetryableStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// fail makes err the result of the current function: a Failure as it is, any other error as a
// fixed text.
func (s *Session) fail(err error) uint64 {
	f := new(Failure)
	if !errors.As(err, &f) {
		f = &Failure{Code: "host_error", Message: "the host could not do this", Detail: err}
	}
	if f.Detail != nil && s.Log != nil {
		s.Log(abi.LogDebug, CleanMessage([]byte(f.Detail.Error())))
	}
	kind := abi.Error
	if f.Fatal {
		kind = abi.Fatal
	}
	return s.putResult(kind, f.Code, []byte(f.Message))
}

// MaxMessage is the maximum length of CleanMessage's result, in bytes.
const MaxMessage = 512

// CleanMessage returns the displayable part of a guest's message: its first line that is not
// blank, at most MaxMessage bytes of valid UTF-8, without control characters and surrounding space.
func CleanMessage(b []byte) string { return clean(b, MaxMessage) }

func clean(b []byte, limit int) string {
	// Cut first: a guest may send a megabyte. Replacing invalid bytes makes the text up to three
	// times as long.
	b = b[:min(len(b), 4*limit)]
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		blank := unicode.IsSpace(r) || unicode.IsControl(r)
		switch {
		case blank && out.Len() == 0:
			continue // also skips blank lines
		case r == '\n' || r == '\r':
			b = nil
			continue
		case unicode.IsControl(r):
			r = ' '
		}
		if out.Len()+utf8.RuneLen(r) > limit {
			break
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}
