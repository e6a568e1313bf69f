package rawjson

import (
	"math"
	"testing"
)

func TestAddInteger(t *testing.T) {
	for _, c := range []struct {
		v    string
		by   int64
		want string // "" = it cannot be added to
	}{
		{"", 5, "5"},
		{"", 0, "0"},
		{"1", 2, "3"},
		{"-1", 1, "0"},
		{"-0", -1, "-1"},
		{"7", 0, "7"},
		{"7", -9, "-2"},
		{"9223372036854775806", 1, "9223372036854775807"},
		{"9223372036854775807", 1, ""},
		{"-9223372036854775808", -1, ""},
		{"9223372036854775807", math.MinInt64, "-1"},
		{"0", math.MinInt64, "-9223372036854775808"},
		{"-1", math.MinInt64, ""},
		{"9223372036854775808", 0, ""},
		{"1.5", 1, ""},
		{"1.0", 1, ""},
		{"1e3", 1, ""},
		{`"1"`, 1, ""},
		{"null", 1, ""},
		{"{}", 1, ""},
		{"[1]", 1, ""},
	} {
		v := []byte(c.v)
		if c.v == "" {
			v = nil
		}
		want := "x" + c.want
		if got, ok := AddInteger([]byte("x"), v, c.by); string(got) != want || ok != (c.want != "") {
			t.Errorf("%s + %d = %s, %t, want %s", c.v, c.by, got, ok, want)
		}
	}
}
