package secret

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// bytesLeft is an Effort without a context.
type bytesLeft int

func (b *bytesLeft) Spend(n int) bool {
	*b -= bytesLeft(n)
	return *b >= 0
}

// TestMaskingIsBounded checks that the work for many secrets and deeply nested values is counted,
// and that nothing is shown once it is used up.
func TestMaskingIsBounded(t *testing.T) {
	var secrets []string
	for i := range 5000 {
		secrets = append(secrets, fmt.Sprintf("secret-%09d", i))
	}
	deep := strings.Repeat(`{"a":`, 500) + `"` + strings.Repeat("y", 1<<20) + `"` + strings.Repeat(`}`, 500)
	for name, c := range map[string]struct {
		texts []string
		value string
	}{
		"many secrets": {secrets, `["` + strings.Repeat(`nothing of that at all`+`","`, 50_000) + `"]`},
		"deep":         {secrets[:1], deep},
		"long keys":    {secrets, `{"` + strings.Repeat(`k`, 1<<20) + `":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			e := bytesLeft(16 << 20)
			m := Masker{texts: c.texts, effort: &e}
			shown, masked := m.Append(nil, []byte(c.value))
			if !m.blind || !masked || e < -4<<20 && name != "long keys" {
				t.Errorf("blind %v, masked %v, %d left", m.blind, masked, e)
			}
			if err := rawjson.Check(shown, 1000); err != nil {
				t.Error(err)
			}
			if again, _ := m.Append(nil, []byte(`{"a":1}`)); string(again) != `"***"` {
				t.Errorf("afterwards %s", again)
			}
		})
	}
}

func FuzzMasker(f *testing.F) {
	f.Add(`{"a":["top-secret",1,{"top-secret":"x"}],"b":123456789}`, "top-secret")
	f.Add(`"\u0074op-secret"`, "top-secret")
	f.Add(`[123456789,1e5]`, "123456789")
	f.Fuzz(func(t *testing.T, text, secret string) {
		v, err := rawjson.AppendCanonical(nil, []byte(text), 100)
		if err != nil || len(secret) < minEverywhere || strings.ContainsAny(secret, mask) {
			return
		}
		m := Masker{texts: []string{secret}}
		shown, masked := m.Append(nil, v)
		if err := rawjson.Check(shown, 100); err != nil {
			t.Fatalf("%s is shown as %s: %v", v, shown, err)
		}
		if !masked && string(shown) != string(v) {
			t.Fatalf("%s is shown as %s", v, shown)
		}
		var look func(v []byte)
		look = func(v []byte) {
			switch rawjson.KindOf(v) {
			case rawjson.Object, rawjson.Array:
				for _, c := range children(v) {
					look(c)
				}
			case rawjson.String, rawjson.Number:
				if strings.Contains(leafText(v), secret) {
					t.Fatalf("%s shows %q", shown, secret)
				}
			}
		}
		look(shown)
	})
}

// TestMaskerLearns checks that values made by a template are masked where they are passed on. If
// there are too many to remember, nothing is shown.
func TestMaskerLearns(t *testing.T) {
	var m Masker
	m.Learn([]byte(`{"a":"x 12","b":[12,{"c":"ab"}],"d":"","e":null}`), []byte(`{"a":"x ***","b":["***","***"],"d":"","e":null}`))
	const v = `{"p":"x 12","q":12,"r":"ab","s":"12 x","t":["ab",true,"",1.2]}`
	if shown, masked := m.Append([]byte("kept"), []byte(v)); string(shown) != `kept{"p":"x ***","q":"***","r":"***","s":"12 x","t":["***",true,"",1.2]}` || !masked {
		t.Errorf("shown as %s", shown)
	}
	if shown, masked := m.Append(nil, []byte(`{"a":[1,"b"]}`)); string(shown) != `{"a":[1,"b"]}` || masked {
		t.Errorf("shown as %s", shown)
	}
	for i := range maxComposed + 1 {
		m.Learn(fmt.Appendf(nil, "%d", i), Hidden)
	}
	if shown, masked := m.Append(nil, []byte(`"harmless"`)); string(shown) != `"***"` || !masked {
		t.Errorf("shown as %s", shown)
	}
}
