package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// timedScheme returns a scheme that signs a time in the given format right before the body.
func timedScheme(t testing.TB, format string) *Scheme {
	return scheme(t, `{"scheme":"custom","header":"X-Acme","timestampHeader":"X-Acme-Time","timestampFormat":"`+format+
		`","payload":"{timestamp}{body}"}`)
}

// stamped signs the body and any text as the time, with "secret".
func stamped(text, body string) http.Header {
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(text + body))
	return http.Header{"X-Acme": {hex.EncodeToString(mac.Sum(nil))}, "X-Acme-Time": {text}}
}

// TestTimeFormats checks that the signed text has the exact characters of the header, in each form
// that the format allows. Other forms are rejected. now is 2023-11-14T22:13:20Z.
func TestTimeFormats(t *testing.T) {
	for _, tt := range []struct {
		format, text string
		want         Reason
	}{
		{"unix", "1700000000", OK},
		{"unix", "1700000300", OK},
		{"unix", "1700000301", Stale},
		{"unix", "1699999699", Stale},
		{"unix", "1700000000000", Malformed},
		{"unix", "2023-11-14T22:13:20Z", Malformed},

		{"unix-ms", "1700000000000", OK},
		{"unix-ms", "1700000300000", OK},
		{"unix-ms", "1700000300001", Stale},
		{"unix-ms", "1699999700000", OK},
		{"unix-ms", "1699999699999", Stale},
		{"unix-ms", "1700000000", Stale},
		{"unix-ms", "1", Stale},
		{"unix-ms", "999999999999999", Stale},
		{"unix-ms", "1700000000000000", Malformed},
		{"unix-ms", "1700000000000000000", Malformed},
		{"unix-ms", "9223372036854775807", Malformed},
		{"unix-ms", "9223372036854775808", Malformed},
		{"unix-ms", "+1700000000000", Malformed},
		{"unix-ms", "-1700000000000", Malformed},
		{"unix-ms", "01700000000000", Malformed},
		{"unix-ms", " 1700000000000", Malformed},
		{"unix-ms", "1700000000000 ", Malformed},
		{"unix-ms", "1700000000000.5", Malformed},
		{"unix-ms", "1.7e12", Malformed},
		{"unix-ms", "0", Malformed},
		{"unix-ms", "", Malformed},

		{"rfc3339", "2023-11-14T22:13:20Z", OK},
		{"rfc3339", "2023-11-14t22:13:20z", OK},
		{"rfc3339", "2023-11-14T22:13:20.5Z", OK},
		{"rfc3339", "2023-11-14T22:13:20.123456789Z", OK},
		{"rfc3339", "2023-11-14T22:13:20." + strings.Repeat("9", 40) + "Z", OK},
		{"rfc3339", "2023-11-14T22:13:20+00:00", OK},
		{"rfc3339", "2023-11-14T22:13:20-00:00", OK},
		{"rfc3339", "2023-11-15T03:43:20+05:30", OK},
		{"rfc3339", "2023-11-14T14:13:20.25-08:00", OK},
		{"rfc3339", "2023-11-14T22:18:20Z", OK},
		{"rfc3339", "2023-11-14T22:18:20.001Z", Stale},
		{"rfc3339", "2023-11-14T22:08:20Z", OK},
		{"rfc3339", "2023-11-14T22:08:19.999Z", Stale},
		{"rfc3339", "2023-11-14T22:13:20+01:00", Stale},
		{"rfc3339", "9999-12-31T23:59:59Z", Stale},
		{"rfc3339", "9999-12-31T23:59:59-23:59", Stale},
		{"rfc3339", "0000-01-01T00:00:00Z", Stale},
		{"rfc3339", "0000-01-01T00:00:00+23:59", Stale},
		{"rfc3339", "2016-12-31T23:59:60Z", Malformed},
		{"rfc3339", "2023-11-14T22:13:60Z", Malformed},
		{"rfc3339", "2023-11-14T24:00:00Z", Malformed},
		{"rfc3339", "2023-11-14T22:60:20Z", Malformed},
		{"rfc3339", "2023-02-29T22:13:20Z", Malformed},
		{"rfc3339", "2023-13-14T22:13:20Z", Malformed},
		{"rfc3339", "2023-00-14T22:13:20Z", Malformed},
		{"rfc3339", "2023-11-14 22:13:20Z", Malformed},
		{"rfc3339", "2023-11-14T22:13:20", Malformed},
		{"rfc3339", "2023-11-14T22:13Z", Malformed},
		{"rfc3339", "2023-11-14T22:13:20.Z", Malformed},
		{"rfc3339", "2023-11-14T22:13:20,5Z", Malformed},
		{"rfc3339", "2023-11-14T2:13:20Z", Malformed},
		{"rfc3339", "2023-11-14T22:13:20+0000", Malformed},
		{"rfc3339", "2023-11-14T22:13:20+00", Malformed},
		{"rfc3339", "2023-11-14T22:13:20+24:00", Malformed},
		{"rfc3339", "2023-11-14T22:13:20+00:60", Malformed},
		{"rfc3339", "2023-11-14T22:13:20Z ", Malformed},
		{"rfc3339", " 2023-11-14T22:13:20Z", Malformed},
		{"rfc3339", "+2023-11-14T22:13:20Z", Malformed},
		{"rfc3339", "12023-11-14T22:13:20Z", Malformed},
		{"rfc3339", "20231114T221320Z", Malformed},
		{"rfc3339", "2023-W46-2T22:13:20Z", Malformed},
		{"rfc3339", "２023-11-14T22:13:20Z", Malformed},
		{"rfc3339", "2023-11-14T22:13:20." + strings.Repeat("9", 100) + "Z", Malformed},
		{"rfc3339", "Tue, 14 Nov 2023 22:13:20 GMT", Malformed},
		{"rfc3339", "1700000000", Malformed},
		{"rfc3339", "", Malformed},
	} {
		s := timedScheme(t, tt.format)
		reason, header := s.Verify(stamped(tt.text, body), []byte(body), []Key{key("secret")}, now)
		if reason != tt.want || (header == "X-Acme-Time") != (tt.want == Malformed) {
			t.Errorf("%s %q: %q %q, want %q", tt.format, tt.text, reason, header, tt.want)
		}
	}
}

// TestSignedTimes checks that Sign writes times in the format, at any moment.
func TestSignedTimes(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 59, 59, 987654321, time.FixedZone("", -8*3600))
	for format, want := range map[string]string{
		"unix": "1709279999", "unix-ms": "1709279999987", "rfc3339": "2024-03-01T07:59:59Z",
	} {
		s := timedScheme(t, format)
		h := make(http.Header)
		s.Sign(h, []byte(body), key("secret"), at, "")
		if got := h.Get("X-Acme-Time"); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
		if got := verify(s, h, []byte(body), []Key{key("secret")}, at); got != OK {
			t.Errorf("%s: %q", format, got)
		}
	}
}

// FuzzTime checks that no header causes a panic. The time and the body are adjacent in the signed
// text. Moving bytes between them must not result in another request that is accepted.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		"1700000000", "1700000000000", "2023-11-14T22:13:20Z", "2023-11-14t22:13:20.5+05:30", "9999-12-31T23:59:59Z",
		"2016-12-31T23:59:60Z", "9223372036854775808", "+1", " ", "",
	} {
		f.Add(text, "{}")
		f.Add(text, "0Z1")
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		for _, format := range timeFormatNames {
			s := timedScheme(t, format)
			accepted := 0
			for i := range len(text) + len(body) + 1 {
				all := text + body
				h := stamped(text, body)
				h["X-Acme-Time"] = []string{all[:i]}
				if verify(s, h, []byte(all[i:]), []Key{key("secret")}, now) == OK {
					accepted++
				}
			}
			if accepted > 1 {
				t.Errorf("%s: %d ways to divide %q", format, accepted, text+body)
			}
		}
	})
}
