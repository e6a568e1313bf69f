package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const (
	body     = `{"event":"order_created","order_id":"12345"}`
	stamp    = "1700000000"
	standard = `{"scheme":"standard-webhooks"}`
	acme     = `{"scheme":"custom","header":"X-Acme","encoding":"base64","prefix":"v2 ","timestampHeader":"X-Acme-Time","payload":"{timestamp}{body}"}`
)

var now = time.Unix(1700000000, 0)

// signed signs body with "secret" and lets change change the headers.
func signed(t *testing.T, s *Scheme, change func(h http.Header)) http.Header {
	t.Helper()
	h := make(http.Header)
	s.Sign(h, []byte(body), key("secret"), now, "msg_1")
	if change != nil {
		change(h)
	}
	return h
}

func TestReasons(t *testing.T) {
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	edit := func(name string, f func(string) string) func(http.Header) {
		return func(h http.Header) { h.Set(name, f(h.Get(name))) }
	}
	drop := func(name string) func(http.Header) { return func(h http.Header) { h.Del(name) } }
	double := func(name string) func(http.Header) { return func(h http.Header) { h.Add(name, h.Get(name)) } }
	const (
		flowtrux = "X-Webhook-Signature"
		github   = "X-Hub-Signature-256"
		shopify  = "X-Shopify-Hmac-Sha256"
		stripe   = "Stripe-Signature"
		versed   = "Webhook-Signature"
	)
	zeros := strings.Repeat("0", 64)
	zeros64 := strings.Repeat("A", 43) + "="

	for _, tt := range []struct {
		name, scheme string
		change       func(http.Header)
		want         Reason
	}{
		{"as signed", "flowtrux", nil, OK},
		{"upper case", "flowtrux", edit(flowtrux, strings.ToUpper), OK},
		{"prefix", "flowtrux", edit(flowtrux, func(v string) string { return "sha256=" + v }), OK},
		{"prefix and upper case", "flowtrux", edit(flowtrux, func(v string) string { return "sha256=" + strings.ToUpper(v) }), OK},
		{"prefix twice", "flowtrux", edit(flowtrux, func(v string) string { return "sha256=sha256=" + v }), Malformed},
		{"other prefix", "flowtrux", edit(flowtrux, func(v string) string { return "sha1=" + v }), Malformed},
		{"no header", "flowtrux", drop(flowtrux), NoHeader},
		{"two headers", "flowtrux", double(flowtrux), SeveralHeaders},
		{"two values in one", "flowtrux", edit(flowtrux, func(v string) string { return v + ", " + v }), Malformed},
		{"empty", "flowtrux", set(flowtrux, ""), WrongLength},
		{"short", "flowtrux", edit(flowtrux, func(v string) string { return v[:62] }), WrongLength},
		{"odd", "flowtrux", edit(flowtrux, func(v string) string { return v[:63] }), WrongLength},
		{"long", "flowtrux", edit(flowtrux, func(v string) string { return v + "00" }), WrongLength},
		{"not hex", "flowtrux", edit(flowtrux, func(v string) string { return v[:63] + "g" }), Malformed},
		{"beyond ASCII", "flowtrux", edit(flowtrux, func(v string) string { return v[:62] + "é" }), Malformed},
		{"spaces around", "flowtrux", edit(flowtrux, func(v string) string { return " " + v }), Malformed},
		{"other", "flowtrux", set(flowtrux, zeros), Mismatch},
		{"header of another scheme", "flowtrux", func(h http.Header) { h[github] = h[flowtrux]; h.Del(flowtrux) }, NoHeader},

		{"as signed", "github", nil, OK},
		{"no prefix", "github", edit(github, func(v string) string { return v[len("sha256="):] }), Malformed},
		{"old header", "github", func(h http.Header) { h["X-Hub-Signature"] = h[github]; h.Del(github) }, NoHeader},

		{"as signed", "shopify", nil, OK},
		{"no padding", "shopify", edit(shopify, func(v string) string { return v[:43] }), WrongLength},
		{"no padding but as long", "shopify", edit(shopify, func(v string) string { return v[:43] + "A" }), Malformed},
		{"URL alphabet", "shopify", set(shopify, strings.Repeat("_", 43)+"="), Malformed},
		{"bits behind the end", "shopify", set(shopify, strings.Repeat("A", 42)+"B="), Malformed},
		{"line break", "shopify", set(shopify, "\n"+strings.Repeat("A", 39)+"\n==="), Malformed},
		{"hex", "shopify", set(shopify, zeros), WrongLength},

		{"as signed", "stripe", nil, OK},
		{"several signatures", "stripe", edit(stripe, func(v string) string { return "v1=" + zeros + "," + v + ",v0=x" }), OK},
		{"spaces", "stripe", edit(stripe, func(v string) string { return strings.ReplaceAll(v, ",", " , ") }), OK},
		{"a bad signature beside", "stripe", edit(stripe, func(v string) string { return v + ",v1=x" }), OK},
		{"bad signatures only", "stripe", set(stripe, "t="+stamp+",v1=x"), Malformed},
		{"short signatures only", "stripe", set(stripe, "t="+stamp+",v1=00"), WrongLength},
		{"no signature", "stripe", set(stripe, "t="+stamp), Malformed},
		{"other version only", "stripe", set(stripe, "t="+stamp+",v0="+zeros), Malformed},
		{"no time", "stripe", set(stripe, "v1="+zeros), Malformed},
		{"two times", "stripe", edit(stripe, func(v string) string { return v + ",t=1" }), Malformed},
		{"other time", "stripe", edit(stripe, func(v string) string { return strings.Replace(v, stamp, "1700000001", 1) }), Mismatch},
		{"too many", "stripe", edit(stripe, func(v string) string { return v + strings.Repeat(",v1="+zeros, maxSignatures) }), Malformed},
		{"empty", "stripe", set(stripe, ""), Malformed},

		{"as signed", "slack", nil, OK},
		{"no time", "slack", drop("X-Slack-Request-Timestamp"), NoHeader},
		{"two times", "slack", double("X-Slack-Request-Timestamp"), SeveralHeaders},
		{"negative time", "slack", set("X-Slack-Request-Timestamp", "-1700000000"), Malformed},
		{"leading zero", "slack", set("X-Slack-Request-Timestamp", "0"+stamp), Malformed},
		{"fraction", "slack", set("X-Slack-Request-Timestamp", stamp+".5"), Malformed},
		{"endless time", "slack", set("X-Slack-Request-Timestamp", strings.Repeat("1", 30)), Malformed},
		{"no prefix", "slack", edit("X-Slack-Signature", func(v string) string { return v[3:] }), Malformed},

		{"as signed", standard, nil, OK},
		{"several signatures", standard, edit(versed, func(v string) string { return "v1a,x v1," + zeros64 + " " + v }), OK},
		{"a bad signature beside", standard, edit(versed, func(v string) string { return v + " v1,bm9ldHU=" }), OK},
		{"bad signatures only", standard, set(versed, "v1,bm9ldHU="), WrongLength},
		{"other version only", standard, set(versed, "v1a,"+zeros64), Malformed},
		{"no id", standard, drop("Webhook-Id"), NoHeader},
		{"two ids", standard, double("Webhook-Id"), SeveralHeaders},
		{"empty id", standard, set("Webhook-Id", ""), Malformed},
		{"full stop in the id", standard, set("Webhook-Id", "msg.1"), Malformed},
		{"space in the id", standard, set("Webhook-Id", "msg 1"), Malformed},
		{"long id", standard, set("Webhook-Id", strings.Repeat("m", maxID+1)), Malformed},
		{"other id", standard, set("Webhook-Id", "msg_2"), Mismatch},
		{"too many", standard, edit(versed, func(v string) string { return v + strings.Repeat(" v1,"+zeros64, maxSignatures) }), Malformed},

		{"as signed", acme, nil, OK},
		{"no prefix", acme, edit("X-Acme", func(v string) string { return v[3:] }), Malformed},
		{"time to the body", acme, set("X-Acme-Time", stamp[:9]), Mismatch},
	} {
		settings := tt.scheme
		if settings[0] != '{' {
			settings = `{"scheme":"` + settings + `"}`
		}
		s := scheme(t, settings)
		t.Run(s.Name()+"/"+tt.name, func(t *testing.T) {
			h := signed(t, s, tt.change)
			if got := verify(s, h, []byte(body), []Key{key("other"), key("secret")}, now); got != tt.want {
				t.Errorf("got %q, want %q for %v", got, tt.want, h)
			}
		})
	}
}

func TestKeysOfVerify(t *testing.T) {
	s := scheme(t, `{}`)
	h := signed(t, s, nil)
	until := func(secret string, end time.Time) Key { return NewKey([]byte(secret), end) }
	for _, tt := range []struct {
		name string
		keys []Key
		want Reason
	}{
		{"none", nil, NoSecret},
		{"empty secret", []Key{{}}, NoSecret},
		{"expired", []Key{until("secret", now)}, NoSecret},
		{"expires later", []Key{until("secret", now.Add(1))}, OK},
		{"expired beside another", []Key{until("secret", now.Add(-1)), key("other")}, Mismatch},
		{"second of two", []Key{key("other"), until("secret", now.Add(time.Hour))}, OK},
		{"wrong", []Key{key("other")}, Mismatch},
	} {
		if got := verify(s, h, []byte(body), tt.keys, now); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A malformed signature has the same reason whatever keys there are, so that it reveals nothing
// about the secret.
func TestHeadersComeBeforeKeys(t *testing.T) {
	s := scheme(t, `{}`)
	for _, keys := range [][]Key{nil, {key("secret")}} {
		if got := verify(s, http.Header{}, []byte(body), keys, now); got != NoHeader {
			t.Errorf("with %d keys: %q", len(keys), got)
		}
	}
}

// counted is a hash that counts the bytes written to it.
type counted struct {
	hash.Hash
	n *int
}

func (c counted) MarshalBinary() ([]byte, error) {
	return c.Hash.(encoding.BinaryMarshaler).MarshalBinary()
}

func (c counted) UnmarshalBinary(b []byte) error {
	return c.Hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(b)
}

func (c counted) Write(b []byte) (int, error) {
	*c.n += len(b)
	return c.Hash.Write(b)
}

// The body is hashed whatever is wrong, so that the time of a rejection does not reveal the reason.
func TestEveryRefusalHashesTheBody(t *testing.T) {
	n := 0
	own := *scheme(t, standard)
	s := &own
	s.algorithm = &algorithm{newHash: func() hash.Hash { return counted{sha256.New(), &n} }, size: sha256.Size}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h[name] = []string{value} } }
	for _, tt := range []struct {
		change func(http.Header)
		keys   []Key
		want   Reason
	}{
		{func(h http.Header) { clear(h) }, []Key{key("secret")}, NoHeader},
		{func(h http.Header) { h.Add("Webhook-Id", "msg_1") }, []Key{key("secret")}, SeveralHeaders},
		{set("Webhook-Signature", "v1"), []Key{key("secret")}, Malformed},
		{set("Webhook-Signature", "v1,bm9ldHU="), []Key{key("secret")}, WrongLength},
		{nil, nil, NoSecret},
		{nil, []Key{key("other")}, Mismatch},
		{set("Webhook-Timestamp", "1600000000"), []Key{key("secret")}, Mismatch},
	} {
		h := signed(t, s, tt.change)
		n = 0
		if got := verify(s, h, []byte(body), tt.keys, now); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		if n < len(body) {
			t.Errorf("%s: hashed %d bytes of %d", tt.want, n, len(body))
		}
	}
}

func TestTolerance(t *testing.T) {
	for _, settings := range []string{`{"scheme":"slack"}`, `{"scheme":"stripe"}`, standard, acme} {
		s := scheme(t, settings)
		h := signed(t, s, nil)
		for d, want := range map[time.Duration]Reason{
			0: OK, Tolerance: OK, -Tolerance: OK, Tolerance + 1: Stale, -Tolerance - 1: Stale, 10000 * time.Hour: Stale,
		} {
			if got := verify(s, h, []byte(body), []Key{key("secret")}, now.Add(d)); got != want {
				t.Errorf("%s after %v: %q, want %q", s.Name(), d, got, want)
			}
			// A wrong signature is never called stale, because that would tell a stranger that it
			// was once right.
			if got := verify(s, h, []byte(body), []Key{key("other")}, now.Add(d)); got != Mismatch {
				t.Errorf("%s wrongly signed after %v: %q", s.Name(), d, got)
			}
		}
	}
}

// The raw bytes of the body count, whatever they mean as JSON.
func TestRawBytes(t *testing.T) {
	s := scheme(t, `{}`)
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		secret := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "secret")
		h := make(http.Header)
		s.Sign(h, b, Key{Secret: secret}, now, "")
		if got := verify(s, h, b, []Key{NewKey(secret, time.Time{})}, now); got != OK {
			t.Fatalf("got %q", got)
		}
		b = append(b, '\n')
		if got := verify(s, h, b, []Key{NewKey(secret, time.Time{})}, now); got != Mismatch {
			t.Fatalf("with a byte more: %q", got)
		}
	})
}

// A secret of the form whsec_<base64> stands for the encoded bytes, only in standard-webhooks.
func TestWhsec(t *testing.T) {
	raw, _ := hex.DecodeString("31f290aaf0ee1f4de8a6f0c2a1b2c3d4")
	const text = "whsec_MfKQqvDuH03opvDCobLD1A=="
	for _, tt := range []struct {
		settings, a, b string
		want           Reason
	}{
		{standard, text, string(raw), OK},
		{standard, "whsec_not base64", "whsec_not base64", OK},
		{standard, "plain", "plain", OK},
		{`{"scheme":"stripe"}`, text, string(raw), Mismatch},
	} {
		s := scheme(t, tt.settings)
		h := make(http.Header)
		s.Sign(h, []byte(body), key(tt.a), now, "msg_1")
		if got := verify(s, h, []byte(body), []Key{key(tt.b)}, now); got != tt.want {
			t.Errorf("%s signed with %q, verified with %q: %q", s.Name(), tt.a, tt.b, got)
		}
	}
}

// TestMACs compares with crypto/hmac for secrets that are shorter than a block of the hash, as
// long, and longer.
func TestMACs(t *testing.T) {
	for name, a := range map[string]*algorithm{"sha1": hmacSHA1, "sha256": hmacSHA256, "sha512": hmacSHA512} {
		block := a.newHash().BlockSize()
		for _, n := range []int{0, 1, a.size, block - 1, block, block + 1, 5 * block} {
			secret := bytes.Repeat([]byte("0123456789abcde"), n/15+1)[:n]
			mac := hmac.New(a.newHash, secret)
			mac.Write([]byte(body))
			s := &Scheme{algorithm: a, payload: parts("{body}")}
			for range 2 { // the second one uses the first one's state
				m := a.borrow()
				k := new(keyed)
				k.set(a, secret)
				if got := m.sum(s, k, new(claim), []byte(body)); !bytes.Equal(got, mac.Sum(nil)) {
					t.Errorf("%s with %d bytes of secret: %x, want %x", name, n, got, mac.Sum(nil))
				}
				a.giveBack(m)
			}
		}
	}
}

// A key with all that its first scheme needs is one object besides its secret.
func TestKeysAreFewObjects(t *testing.T) {
	s, secret := &Scheme{algorithm: hmacSHA256}, []byte("it is secret")
	var scratch keyed
	garbage := testing.AllocsPerRun(100, func() {
		formsOf(secret)
		scratch.set(s.algorithm, secret)
	})
	all := testing.AllocsPerRun(100, func() {
		keys, _ := ParseKeys(secret)
		keys[0].keyed(s, textSHA256)
	})
	if all-garbage > 2 {
		t.Errorf("%v objects, of which %v are for a moment", all, garbage)
	}
}

// One key serves schemes of all hashes, so its states must not be mixed up.
func TestKeySharedBySchemes(t *testing.T) {
	k := key("whsec_MfKQqvDuH03opvDCobLD1A==")
	for range 3 {
		for _, v := range vectors(t) {
			s := v.scheme(t)
			h := make(http.Header)
			s.Sign(h, []byte(body), Key{Secret: k.Secret}, now, "msg_1")
			if got := verify(s, h, []byte(body), []Key{k}, now); got != OK {
				t.Errorf("%s: %q", v.Settings, got)
			}
		}
	}
}

func TestVerifyConcurrently(t *testing.T) {
	s := scheme(t, acme)
	keys := []Key{key("other"), key("secret")}
	h := signed(t, s, nil)
	done := make(chan Reason)
	for range 8 {
		go func() {
			for range 200 {
				if r := verify(s, h, []byte(body), keys, now); r != OK {
					done <- r
					return
				}
			}
			done <- OK
		}()
	}
	for range 8 {
		if r := <-done; r != OK {
			t.Errorf("got %q", r)
		}
	}
}

func TestVerifyDoesNotAllocate(t *testing.T) {
	for _, v := range vectors(t) {
		s := v.scheme(t)
		h, b, keys, at := v.header(), []byte(v.Body), []Key{key("other"), key(v.Secret)}, time.Unix(v.Now, 0)
		if raceEnabled {
			verify(s, h, b, keys, at) // with the race detector, pools drop items
			continue
		}
		if n := testing.AllocsPerRun(100, func() { verify(s, h, b, keys, at) }); n > 0 {
			t.Errorf("%s: %v allocations", s.Name(), n)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{512, 64 << 10} {
		for _, made := range []struct {
			name string
			key  Key
		}{{"NewKey", key("secret")}, {"literal", Key{Secret: []byte("secret")}}} {
			b.Run(made.name+"/"+strconv.Itoa(size), func(b *testing.B) {
				s := scheme(b, `{}`)
				text := make([]byte, size)
				h := make(http.Header)
				s.Sign(h, text, made.key, now, "")
				keys := []Key{made.key}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if verify(s, h, text, keys, now) != OK {
						b.Fatal("rejected")
					}
				}
			})
		}
	}
}

func FuzzVerify(f *testing.F) {
	for i, v := range vectors(f) {
		h := v.header()
		value := func(name string) string { return h.Get(name) }
		names := v.scheme(f).Headers()
		var ts, id string
		if len(names) > 1 {
			ts = value(names[1])
		}
		if len(names) > 2 {
			id = value(names[2])
		}
		f.Add(i, value(names[0]), ts, id, []byte(v.Body))
	}
	f.Add(5, strings.Repeat("A", 44), "", "", []byte("{}"))
	list := vectors(f)
	f.Fuzz(func(t *testing.T, i int, sig, ts, id string, body []byte) {
		v := list[(i%len(list)+len(list))%len(list)]
		s := v.scheme(t)
		h := make(http.Header)
		for j, value := range []string{sig, ts, id}[:min(3, len(s.Headers()))] {
			h[s.Headers()[j]] = []string{value}
		}
		// Only the sender of the vector can know what its secret signs.
		got := verify(s, h, body, []Key{key(v.Secret)}, time.Unix(v.Now, 0))
		if got == OK && string(body) != v.Body {
			t.Errorf("accepted %v with %q", h, body)
		}
		if got := verify(s, h, body, nil, now); got == OK || got == Mismatch || got == Stale {
			t.Errorf("without a key: %q", got)
		}
	})
}
