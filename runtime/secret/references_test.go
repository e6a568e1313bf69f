package secret

import (
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/rawjson"
)

func TestExpand(t *testing.T) {
	s := new(References)
	name := func(value string) string { return string(rawjson.Text(s.Hide([]byte(value)))) }
	key, all := name(`"k\n"`), name(`{"a":"\n"}`)
	if again := name(`"k\n"`); again != key {
		t.Errorf("the same value has the handles %s and %s", key, again)
	}
	unknown := prefix + strings.Repeat("A", randomLength)
	for request, want := range map[string]string{
		`{"url":"` + key + `"}`:                                     `{"url":"k\n"}`,
		` { "body" : [ "` + all + `" , 1.50 , "" ] } `:              `{"body":[{"a":"\n"},1.50,""]}`,
		`{"body":"` + key + key + `-` + all + `"}`:                  `{"body":"k\nk\n-{\"a\":\"\\n\"}"}`,
		`{"body":{"` + key + `":"` + unknown + key + prefix + `"}}`: `{"body":{"` + key + `":"` + unknown + `k\n` + prefix + `"}}`,
		`{"body":"` + key[:len(key)-1] + `"}`:                       `{"body":"` + key[:len(key)-1] + `"}`,
		`{"body":"` + prefix + key + `"}`:                           `{"body":"` + prefix + `k\n"}`,
		`{"method":"` + key + `","timeout":["` + key + `"]}`:        `{"method":"` + key + `","timeout":["` + key + `"]}`,
		`{"u\u0072l":"` + key + `"}`:                                `{"u\u0072l":"k\n"}`,
		`["` + key + `"]`:                                           `["` + key + `"]`,
		`{"url":"` + key:                                            `{"url":"` + key,
		`{"url":"a"} `:                                              `{"url":"a"} `,
	} {
		got, _, err := s.Expand([]byte(request))
		if string(got) != want || err != nil {
			t.Errorf("%s\n got %s, %v\nwant %s", request, got, err, want)
		}
	}
	deep := strings.Repeat(`{"k":[`, 250) + strings.Repeat(`1,"`+key+`",`, 100_000) + `0` + strings.Repeat(`]}`, 250)
	if got, _, err := s.Expand([]byte(`{"body":` + deep + `}`)); string(got) != `{"body":`+strings.ReplaceAll(deep, key, `k\n`)+`}` || err != nil {
		t.Errorf("a deep request: %.200s, %v", got, err)
	}
	large := name(`"` + strings.Repeat("x", 1<<20) + `"`)
	for _, body := range []string{`"` + strings.Repeat(large, 17) + `"`, `[` + strings.Repeat(`"`+large+`",`, 17) + `1]`} {
		if got, _, err := s.Expand([]byte(`{"body":` + body + `}`)); got != nil || err != errTooLarge {
			t.Errorf("a request of 17 MiB: %d bytes, %v", len(got), err)
		}
	}
	none := (*References)(nil)
	if got, put, err := none.Expand([]byte(key)); string(got) != key || put != nil || err != nil {
		t.Errorf("without handles: %s, %q, %v", got, put, err)
	}
}
