package nodetest

import (
	"encoding/json"
	"maps"
	"slices"
)

// maxVariants is how many configs are made of one.
const maxVariants = 300

// values are what a template can give where a node expects something else.
var values = []string{`null`, `true`, `-1.5e300`, `12345678901234567890`, `""`, `"\u0000\ud83d\ude00 \"\\"`, `[]`, `[null]`, `{}`, `{"":{"":[0]}}`}

// variants are configs like one, with each key left out, and with each value in the place of each
// of its values.
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

// replaced are configs like one, with value in a key of its own and in the place of each of its
// values.
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
	b, _ := json.Marshal(members) // its values were decoded as JSON, or are written in this package
	return b
}
