package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// show formats keys as "secret" or "secret until 12:00:00".
func show(keys []Key) string {
	var list []string
	for _, k := range keys {
		text := string(k.Secret)
		if !k.ExpiresAt.IsZero() {
			text += " until " + k.ExpiresAt.UTC().Format("2006-01-02 15:04:05.999")
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func TestParseKeys(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"", ""},
		{"\n", ""},
		{"\r\n", ""},
		{"hush", "hush"},
		{"hush\n", "hush"},
		{"hush\r\n", "hush"},
		{"hush\n\n", "hush\n"},
		{"hush\r", "hush\r"},
		{strings.Repeat("x", MaxSecret) + "\r\n", strings.Repeat("x", MaxSecret)},
		{" {", " {"},
		{"\xff\xfe", "\xff\xfe"},
		{`["a"]`, `["a"]`},
		{`{"secrets":[]}`, ""},
		{`{"secrets":[{"value":""}]}`, ""},
		{`{"secrets":[{"value":"a\n"}]}` + "\n", "a\n"},
		{
			`{"secrets":[{"value":"a"},{"value":""},{"expiresAt":"2030-01-31T12:00:00.5+02:00","value":"\u0062"}]}`,
			"a, b until 2030-01-31 10:00:00.5",
		},
		{`{"secrets":[{"value":"old","expiresAt":"2001-01-01T00:00:00Z"}]}`, "old until 2001-01-01 00:00:00"},
	} {
		keys, err := ParseKeys([]byte(tt.value))
		if got := show(keys); err != nil || got != tt.want {
			t.Errorf("%q: %q, %v, want %q", tt.value, got, err, tt.want)
		}
	}
}

func TestParseKeysProblems(t *testing.T) {
	const hush = "topsecret"
	for _, tt := range []struct{ value, want string }{
		{strings.Repeat("x", MaxSecret+1), "is longer than 65536 bytes"},
		{`{"secrets":[{"value":"` + strings.Repeat("x", MaxSecret+1) + `"}]}`, "secrets[0].value: is longer than 65536 bytes"},
		{`{`, "is not JSON: unexpected end"},
		{`{topsecret}`, "is not JSON: unexpected character"},
		{`{}`, "secrets: must be an array"},
		{`{"secrets":null}`, "secrets: must be an array"},
		{`{"secrets":"topsecret"}`, "secrets: must be an array"},
		{`{"topsecret":1}`, "has a key other than secrets"},
		{`{"secrets":[],"secrets":[]}`, "has a key twice"},
		{`{"secrets":["topsecret"]}`, "secrets[0]: must be an object"},
		{`{"secrets":[{}]}`, "secrets[0]: has no value"},
		{`{"secrets":[{"value":"a"},{"value":7}]}`, "secrets[1].value: must be a string"},
		{`{"secrets":[{"value":"a","topsecret":1}]}`, "secrets[0]: has a key other than value and expiresAt"},
		{`{"secrets":[{"value":"topsecret","value":"b"}]}`, "secrets[0]: has a key twice"},
		{`{"secrets":[{"value":"topsecret","expiresAt":"tomorrow"}]}`, "secrets[0].expiresAt: must be a time in RFC 3339"},
		{`{"secrets":[{"value":"topsecret","expiresAt":"2030-01-31 12:00:00Z"}]}`, "secrets[0].expiresAt: must be a time in RFC 3339"},
		{`{"secrets":[{"value":"topsecret","expiresAt":null}]}`, "secrets[0].expiresAt: must be a time in RFC 3339"},
		{`{"secrets":[` + strings.Repeat(`{"value":"a"},`, MaxKeys) + `{"value":"a"}]}`, "secrets: has more than 16 elements"},
		{"{\"secrets\":[{\"value\":\"\xff\"}]}", "is not JSON: invalid UTF-8"},
	} {
		keys, err := ParseKeys([]byte(tt.value))
		var e *Error
		if !errors.As(err, &e) || keys != nil || err.Error() != tt.want {
			t.Errorf("%s: %v, %v, want %s", tt.value, keys, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), hush) {
			t.Errorf("%s: the error shows the secret: %v", tt.value, err)
		}
	}
}

func TestKeysDoNotShow(t *testing.T) {
	k := key("topsecret")
	b, err := json.Marshal(map[string]any{"keys": []Key{k}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", k, k, k, k), fmt.Sprintf("%v %#v", []Key{k}, struct{ K Key }{k}), string(b)} {
		if strings.Contains(text, "topsecret") || strings.Contains(text, fmt.Sprint([]byte("tops"))[1:8]) {
			t.Errorf("shows the secret: %s", text)
		}
	}
}

func TestParseKeysKeepsNothing(t *testing.T) {
	value := []byte("hush")
	keys, _ := ParseKeys(value)
	value[0] = 'X'
	if show(keys) != "hush" {
		t.Error("the key changed with the value")
	}
}

func TestFormatKeys(t *testing.T) {
	end := time.Date(2030, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))
	for _, tt := range []struct {
		keys []Key
		want string
	}{
		{nil, `{"secrets":[]}`},
		{[]Key{{}}, `{"secrets":[]}`},
		{[]Key{key("hush")}, "hush"},
		{[]Key{key("\xff")}, "\xff"},
		{[]Key{key("hush\n")}, `{"secrets":[{"value":"hush\n"}]}`},
		{[]Key{key("{}")}, `{"secrets":[{"value":"{}"}]}`},
		{[]Key{NewKey([]byte("a"), end)}, `{"secrets":[{"value":"a","expiresAt":"2030-01-31T12:00:00+01:00"}]}`},
		{[]Key{key("a"), {}, NewKey([]byte(`"b"`), end)}, `{"secrets":[{"value":"a"},{"value":"\"b\"","expiresAt":"2030-01-31T12:00:00+01:00"}]}`},
	} {
		got, err := FormatKeys(tt.keys)
		if err != nil || string(got) != tt.want {
			t.Errorf("%v: %s, %v, want %s", show(tt.keys), got, err, tt.want)
		}
	}
	for want, keys := range map[string][]Key{
		"secrets[1].value: is not UTF-8 and so can be stored only alone": {key("a"), key("\xff")},
		"secrets: would have more than 16 elements":                      slices.Repeat([]Key{key("a")}, MaxKeys+1),
	} {
		if got, err := FormatKeys(keys); got != nil || err == nil || err.Error() != want {
			t.Errorf("%q, %v, want %s", got, err, want)
		}
	}
}

func TestRotate(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 700, time.UTC)
	for _, tt := range []struct {
		old, secret string
		keep        time.Duration
		want        string // in the format of show
	}{
		{"", "new", time.Hour, "new"},
		{"old", "new", 0, "new"},
		{"old", "new", -time.Hour, "new"},
		{"old\n", "new", 24 * time.Hour, "new, old until 2030-01-02 00:00:00"},
		{"new", "new", time.Hour, "new"},
		{
			`{"secrets":[{"value":"old"},{"value":"older","expiresAt":"2030-01-01T00:30:00Z"},{"value":"dead","expiresAt":"2030-01-01T00:00:00Z"},{"value":"late","expiresAt":"2031-01-01T00:00:00Z"}]}`,
			"new", time.Hour, "new, old until 2030-01-01 01:00:00, older until 2030-01-01 00:30:00, late until 2030-01-01 01:00:00",
		},
		{`{"secrets":[{"value":"new","expiresAt":"2030-01-01T00:30:00Z"}]}`, "new", time.Hour, "new"},
		{"{broken", "new", time.Hour, "new"},
	} {
		value, err := Rotate([]byte(tt.old), []byte(tt.secret), at, tt.keep)
		if err != nil {
			t.Errorf("%s: %v", tt.old, err)
			continue
		}
		keys, err := ParseKeys(value)
		if got := show(keys); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.old, got, err, tt.want)
		}
	}
}

func TestRotateProblems(t *testing.T) {
	var many []Key
	for i := range MaxKeys {
		many = append(many, key(fmt.Sprintf("topsecret%d", i)))
	}
	full, err := FormatKeys(many)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, secret, want string }{
		{"old", "", "the secret is empty"},
		{"topsecret\xff", "new", "secrets[1].value: is not UTF-8 and so can be stored only alone"},
		{string(full), "new", "secrets: would have more than 16 elements"},
	} {
		value, err := Rotate([]byte(tt.old), []byte(tt.secret), now, time.Hour)
		if value != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%q, %v, want %s", value, err, tt.want)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{"hush\n", `{"secrets":[{"value":"a"},{"value":"b","expiresAt":"2030-01-31T12:00:00+01:00"},{"value":"c","expiresAt":"9999-12-31T23:59:59-23:00"}]}`, `{"secrets":[{"value":7}]}`, "{}", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		keys, err := ParseKeys(value)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || keys != nil {
				t.Errorf("%v, %#v", keys, err)
			}
			return
		}
		if len(keys) > MaxKeys || slices.ContainsFunc(keys, func(k Key) bool { return len(k.Secret) == 0 }) {
			t.Errorf("%d keys, or an empty one", len(keys))
		}
		again, err := FormatKeys(keys)
		if err != nil {
			if utf8.Valid(value) {
				t.Error(err)
			}
			return
		}
		back, err := ParseKeys(again)
		if err != nil || !slices.EqualFunc(keys, back, func(a, b Key) bool {
			return string(a.Secret) == string(b.Secret) && a.ExpiresAt.Equal(b.ExpiresAt)
		}) {
			t.Errorf("%q became %q: %v", value, again, err)
		}
	})
}
