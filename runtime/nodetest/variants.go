package nodetest

import (
	"encoding/json"
	"maps"
	"slices"
)

// maxVariants is the maximum number of configs derived from one.
const maxVariants = 300

// values are results of templates that a node may not expect.
var values = []string{`null`, `true`, `-1.5e300`, `12345678901234567890`, `""`, `"\u0000\ud83d\ude00 \"\\"`, `[]`, `[null]`, `{}`, `{"":{"":[0]}}`}

// variants returns configs derived from one: with each key left out, and with each of values in
// place of each value.
func variants(config []byte) [][]byte {
	list := [][]byte{[]byte(`{}`), config}
	var members map[string]json.RawMessage
	if json.Unmarshal(config, &members) != nil {
		return list
	}
	for _, k := range slices.Sorted(maps.Keys(members)) {
		less := maps.Clone(members)
		delete(less, k)
		list = append(list, written(less))
	}
	for _, v := range values {
		list = append(list, replaced(config, []byte(v))...)
	}
	return list[:min(len(list), maxVariants)]
}

// replaced returns configs derived from one: with value in an additional key, and in place of each
// value.
func replaced(config, value []byte) [][]byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(config, &members) != nil || members == nil {
		members = make(map[string]json.RawMessage)
	}
	var list [][]byte
	for _, k := range append(slices.Sorted(maps.Keys(members)), "flowtrux") {
		other := maps.Clone(members)
		other[k] = value
		list = append(list, written(other))
	}
	return list
}

func written(members map[string]json.RawMessage) []byte {
	b, _ := json.Marshal(members) // the values are JSON
	return b
}
