package cases_test

import (
	"fmt"

	"github.com/flowtrux/edge/nodes/cases"
)

// A file of cases is the specification of a node in any language.
func ExampleParse() {
	list, err := cases.Parse([]byte(`[
		{"name": "adds", "config": {"a": 1, "b": 2}, "output": 3},
		{"name": "needs numbers", "config": {"a": "x"}, "error": {"code": "bad_config", "fatal": true}}
	]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	results := []cases.Result{
		{Output: []byte(`4`)},
		{Error: &cases.Error{Code: "bad_config", Message: "a is not a number", Fatal: true}},
	}
	for i, c := range list {
		fmt.Println(c.Name, string(c.Config), len(c.Compare(results[i])))
	}
	fmt.Println(list[0].Compare(results[0])[0])
	// Output:
	// adds {"a":1,"b":2} 1
	// needs numbers {"a":"x"} 0
	// output
	//  got 4
	// want 3
}
