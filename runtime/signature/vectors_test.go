package signature

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"
)

// vector is a signed request of testdata/vectors.json.
type vector struct {
	Source   string
	Settings json.RawMessage
	Secret   string
	Body     string
	Headers  map[string]string
	ID       string
	Now      int64
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (v *vector) scheme(t testing.TB) *Scheme { return scheme(t, string(v.Settings)) }

func (v *vector) header() http.Header {
	h := make(http.Header)
	for name, value := range v.Headers {
		h.Set(name, value)
	}
	return h
}

func scheme(t testing.TB, settings string) *Scheme {
	t.Helper()
	s, err := ParseScheme([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func key(secret string) Key { return NewKey([]byte(secret), time.Time{}) }

// verify is s.Verify without the header name.
func verify(s *Scheme, h http.Header, body []byte, keys []Key, now time.Time) Reason {
	reason, _ := s.Verify(h, body, keys, now)
	return reason
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors(t) {
		s := v.scheme(t)
		t.Run(v.Source+" "+s.Name(), func(t *testing.T) {
			keys := []Key{key(v.Secret)}
			now := time.Unix(v.Now, 0)
			if got := verify(s, v.header(), []byte(v.Body), keys, now); got != OK {
				t.Errorf("Verify: %q", got)
			}
			if got := verify(s, v.header(), []byte(v.Body+" "), keys, now); got != Mismatch {
				t.Errorf("Verify of another body: %q", got)
			}
			if got := verify(s, v.header(), []byte(v.Body), []Key{{Secret: []byte(v.Secret)}}, now); got != OK {
				t.Errorf("Verify with a key not made by NewKey: %q", got)
			}

			signed := make(http.Header)
			s.Sign(signed, []byte(v.Body), keys[0], now, v.ID)
			if !maps.EqualFunc(signed, v.header(), slices.Equal) {
				t.Errorf("Sign: %v, want %v", signed, v.header())
			}
			for name := range v.header() {
				if !slices.Contains(s.Headers(), name) {
					t.Errorf("Headers() lacks %s", name)
				}
			}
			if len(s.names.list()) != len(v.Headers) || len(s.Headers()) == 0 {
				t.Errorf("Headers() = %v", s.Headers())
			}
			if got := s.MessageID(v.header()); got != v.ID {
				t.Errorf("MessageID = %q, want %q", got, v.ID)
			}
		})
	}
}

// TestReferenceLibraries checks that signatures of the libraries of Standard Webhooks are accepted,
// and that ours are identical.
func TestReferenceLibraries(t *testing.T) {
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Library, Secret, ID, Body string
		Time                      int64
		Headers                   map[string]string
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list) < 20 {
		t.Fatalf("%d messages, %v", len(list), err)
	}
	s := scheme(t, standard)
	for _, m := range list {
		theirs, ours, at := make(http.Header), make(http.Header), time.Unix(m.Time, 0)
		for name, value := range m.Headers {
			theirs.Set(name, value)
		}
		k := key(m.Secret)
		if reason, header := s.Verify(theirs, []byte(m.Body), []Key{k}, at); reason != OK {
			t.Errorf("%s, %s: %q %q", m.Library, m.Secret, reason, header)
		}
		if id := s.MessageID(theirs); id != m.ID {
			t.Errorf("%s: the id is %q", m.Library, id)
		}
		s.Sign(ours, []byte(m.Body), k, at, m.ID)
		names := s.namesIn(theirs)
		if got, want := ours.Get("Webhook-Signature"), theirs.Get(names.signature); got != want {
			t.Errorf("%s, %s: we sign %s, not %s", m.Library, m.Secret, got, want)
		}
	}
}

func TestVectorsNameEveryScheme(t *testing.T) {
	var names []string
	for _, v := range vectors(t) {
		names = append(names, v.scheme(t).Name())
	}
	for _, name := range schemeNames {
		if !slices.Contains(names, name) {
			t.Errorf("no vector for %s", name)
		}
	}
}
