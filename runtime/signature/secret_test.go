package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// signedWith returns a message of Standard Webhooks signed with the bytes of a key.
func signedWith(key []byte) http.Header {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("msg_1." + stamp + "." + body))
	return http.Header{
		"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

// TestStandardSecrets checks that the key of a secret is the one that the libraries derive. The key
// that an earlier version derived also counts, if it was different. Sign uses the first key listed.
func TestStandardSecrets(t *testing.T) {
	raw := []byte("0123456789abcdefghijklmn")
	text := base64.StdEncoding.EncodeToString(raw)        // no padding
	padded := base64.StdEncoding.EncodeToString(raw[:23]) // one =
	unpadded := strings.TrimRight(padded, "=")            //
	// the form that --generate once created
	hexText := strings.Repeat("0123456789abcdef", 4)
	hexBytes, _ := base64.StdEncoding.DecodeString(hexText)               //
	url := base64.URLEncoding.EncodeToString([]byte("\xfb\xff\xfe12345")) // the other alphabet
	all := map[string][]byte{"raw": raw, "short": raw[:23], "hex": hexBytes}
	for _, secret := range []string{"whsec_" + text, text, "v1,whsec_" + text, "whsec_" + unpadded, hexText, url, "whsec_", "x"} {
		all[secret] = []byte(secret)
	}
	for secret, want := range map[string][]string{
		"whsec_" + text:      {"raw"},
		text:                 {"raw", text},
		"v1,whsec_" + text:   {"raw", "v1,whsec_" + text},
		"whsec_" + padded:    {"short"},
		padded:               {"short", padded},
		"whsec_" + unpadded:  {"short", "whsec_" + unpadded},
		hexText:              {"hex", hexText},
		url:                  {url},
		"whsec_":             {"whsec_"},
		"x":                  {"x"},
		"v1," + text:         {"v1," + text},
		"whsec_" + url:       {"whsec_" + url},
		"whsec_whsec_" + url: {"whsec_whsec_" + url},
		"wh" + text + "!":    {"wh" + text + "!"},
		"passphrase":         {"passphrase"},
	} {
		s := scheme(t, standard)
		for _, w := range want {
			if all[w] == nil {
				all[w] = []byte(w)
			}
		}
		for name, bytes := range all {
			expected := Mismatch
			for _, w := range want {
				if w == name {
					expected = OK
				}
			}
			for _, k := range []Key{key(secret), {Secret: []byte(secret)}} {
				if got := verify(s, signedWith(bytes), []byte(body), []Key{k}, now); got != expected {
					t.Errorf("secret %q, signed with %q: %q, want %q", secret, name, got, expected)
				}
			}
		}
		h := make(http.Header)
		s.Sign(h, []byte(body), key(secret), now, "msg_1")
		if got, want := h.Get("Webhook-Signature"), signedWith(all[want[0]]).Get("Webhook-Signature"); got != want {
			t.Errorf("%q signs with another key than the libraries", secret)
		}
		refused := len(want) == 1 && string(all[want[0]]) == secret
		if err := s.CheckSecret([]byte(secret)); (err != nil) != refused {
			t.Errorf("CheckSecret(%q): %v", secret, err)
		} else if err != nil && strings.Contains(err.Error(), secret) && len(secret) > 6 {
			t.Errorf("CheckSecret(%q) shows the secret: %v", secret, err)
		}
		if err := scheme(t, `{"scheme":"stripe"}`).CheckSecret([]byte(secret)); err != nil {
			t.Errorf("CheckSecret(%q) of another scheme: %v", secret, err)
		}
	}
}

func TestNewSecret(t *testing.T) {
	for _, name := range BuiltinSchemes() {
		s := scheme(t, `{"scheme":"`+name+`"}`)
		a, b := s.NewSecret(), s.NewSecret()
		if string(a) == string(b) || s.CheckSecret(a) != nil {
			t.Errorf("%s: %s, %s", name, a, b)
		}
		text, prefixed := strings.CutPrefix(string(a), "whsec_")
		if prefixed != (name == "standard-webhooks") {
			t.Errorf("%s: %s", name, a)
		}
		if raw, err := base64.StdEncoding.DecodeString(text); prefixed && (err != nil || len(raw) < 24 || len(raw) > 64) {
			t.Errorf("%s: the specification wants 24 to 64 bytes, not %d", name, len(raw))
		}
	}
}

// TestOlderNames checks that headers with the older names carry the same message, and that no
// message is assembled from both families.
func TestOlderNames(t *testing.T) {
	s := scheme(t, standard)
	older := func(h http.Header, names ...string) {
		for _, name := range names {
			h["Svix-"+name] = h["Webhook-"+name]
			delete(h, "Webhook-"+name)
		}
	}
	for name, tt := range map[string]struct {
		change func(http.Header)
		want   Reason
		header string
	}{
		"all older":                      {func(h http.Header) { older(h, "Id", "Timestamp", "Signature") }, OK, ""},
		"both, the same":                 {func(h http.Header) { c := h.Clone(); older(c, "Id", "Timestamp", "Signature"); copyInto(h, c) }, OK, ""},
		"one older beside, the same":     {func(h http.Header) { h["Svix-Id"] = h["Webhook-Id"] }, OK, ""},
		"one older beside, another":      {func(h http.Header) { h["Svix-Id"] = []string{"msg_2"} }, Malformed, "Svix-Id"},
		"older signature beside":         {func(h http.Header) { h["Svix-Signature"] = []string{"v1,x"} }, Malformed, "Svix-Signature"},
		"older twice beside":             {func(h http.Header) { h["Svix-Timestamp"] = []string{stamp, stamp} }, Malformed, "Svix-Timestamp"},
		"older id":                       {func(h http.Header) { older(h, "Id") }, Malformed, "Svix-Id"},
		"older time":                     {func(h http.Header) { older(h, "Timestamp") }, Malformed, "Svix-Timestamp"},
		"older signature":                {func(h http.Header) { older(h, "Signature") }, Malformed, "Svix-Signature"},
		"older id and time":              {func(h http.Header) { older(h, "Id", "Timestamp") }, Malformed, "Svix-Timestamp"},
		"older without id":               {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); delete(h, "Svix-Id") }, NoHeader, "Svix-Id"},
		"older without time":             {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); delete(h, "Svix-Timestamp") }, NoHeader, "Svix-Timestamp"},
		"older without signature":        {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); delete(h, "Svix-Signature") }, NoHeader, "Svix-Signature"},
		"older with a malformed time":    {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); h.Set("Svix-Timestamp", "x") }, Malformed, "Svix-Timestamp"},
		"older with a malformed id":      {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); h.Set("Svix-Id", "a.b") }, Malformed, "Svix-Id"},
		"older twice":                    {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); h.Add("Svix-Id", "msg_1") }, SeveralHeaders, "Svix-Id"},
		"older with another's signature": {func(h http.Header) { older(h, "Id", "Timestamp", "Signature"); h.Set("Svix-Id", "msg_2") }, Mismatch, ""},
		"none":                           {func(h http.Header) { clear(h) }, NoHeader, "Webhook-Signature"},
	} {
		t.Run(name, func(t *testing.T) {
			h := signed(t, s, tt.change)
			reason, header := s.Verify(h, []byte(body), []Key{key("secret")}, now)
			if reason != tt.want || header != tt.header {
				t.Errorf("%q %q, want %q %q for %v", reason, header, tt.want, tt.header, h)
			}
			if id := s.MessageID(h); reason == OK && id != "msg_1" {
				t.Errorf("the id is %q", id)
			}
		})
	}
	for _, name := range []string{"Webhook-Signature", "Svix-Id", "Svix-Timestamp", "Svix-Signature"} {
		found := false
		for _, h := range s.Headers() {
			found = found || h == name
		}
		if !found {
			t.Errorf("Headers() lacks %s", name)
		}
	}
	// Other schemes have no such names.
	if s := scheme(t, `{}`); len(s.Headers()) != 1 {
		t.Errorf("flowtrux reads %v", s.Headers())
	}
}

func copyInto(h, other http.Header) {
	maps.Copy(h, other)
}

// TestBlamedHeader checks that the log can name the header that is wrong.
func TestBlamedHeader(t *testing.T) {
	s := scheme(t, acme)
	for header, want := range map[string]struct {
		change func(http.Header)
		reason Reason
	}{
		"X-Acme":      {func(h http.Header) { h.Set("X-Acme", "v2 x") }, WrongLength},
		"X-Acme-Time": {func(h http.Header) { h.Add("X-Acme-Time", stamp) }, SeveralHeaders},
		"":            {func(h http.Header) { h.Set("X-Acme-Time", "1600000000") }, Mismatch},
	} {
		reason, got := s.Verify(signed(t, s, want.change), []byte(body), []Key{key("secret")}, now)
		if got != header || reason != want.reason {
			t.Errorf("%s: %q %q", header, reason, got)
		}
	}
	h := make(http.Header)
	s.Sign(h, []byte(body), key("secret"), now, "")
	if reason, got := s.Verify(h, []byte(body), []Key{key("secret")}, now.Add(time.Hour)); reason != Stale || got != "" {
		t.Errorf("%q %q", reason, got)
	}
}

// FuzzSecret checks that every secret accepts its own signatures. The empty key, which anybody has,
// is never used.
func FuzzSecret(f *testing.F) {
	for _, secret := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,whsec_AAAA", "AA==", "=", "whsec_", "v1,", "\n\n\n\n", "x"} {
		f.Add([]byte(secret))
	}
	f.Fuzz(func(t *testing.T, secret []byte) {
		if len(secret) == 0 {
			return
		}
		s := scheme(t, standard)
		k := NewKey(secret, time.Time{})
		h := make(http.Header)
		s.Sign(h, []byte(body), k, now, "msg_1")
		if got := verify(s, h, []byte(body), []Key{k}, now); got != OK {
			t.Errorf("%q: %q", secret, got)
		}
		if len(strings.Trim(string(secret), "\x00")) == 0 {
			return // HMAC pads keys with zeros, so these equal the empty key
		}
		if key := decodeSecret(secret); len(strings.Trim(string(key), "\x00")) == 0 && key != nil {
			return
		}
		if got := verify(s, signedWith(nil), []byte(body), []Key{k}, now); got != Mismatch {
			t.Errorf("%q is the empty key: %q", secret, got)
		}
	})
}
