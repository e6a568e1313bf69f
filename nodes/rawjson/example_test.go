package rawjson_test

import (
	"errors"
	"fmt"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Untrusted text is checked and brought into one form first. Digits and the order of keys survive.
func Example() {
	v, err := rawjson.AppendCanonical(nil, []byte(` { "total": 1.50, "id": 1, "id": 2 } `), 10)
	fmt.Printf("%s %v\n", v, err)
	fmt.Printf("%s %v\n", rawjson.Get(v, "total"), rawjson.KindOf(rawjson.Get(v, "id")) == rawjson.Number)

	err = rawjson.Check([]byte(`{"a":`), 10)
	if syntax, ok := errors.AsType[*rawjson.SyntaxError](err); ok {
		fmt.Println(syntax.Offset, err)
	}
	// Output:
	// {"total":1.50,"id":2} <nil>
	// 1.50 true
	// 5 unexpected end
}

func ExampleParsePath() {
	v := []byte(`{"orders":[{"the total":9.90}]}`)
	path, err := rawjson.ParsePath(`orders[0]["the total"]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range path {
		v = path[i].Of(v)
	}
	fmt.Printf("%s\n", v)

	_, err = rawjson.ParsePath(`orders..id`)
	fmt.Println(err)
	// Output:
	// 9.90
	// "." where a key should stand
}
