package reference

import (
	"fmt"
	"strings"
	"testing"
)

// TestDeep: neither deep values nor long paths need a stack.
func TestDeep(t *testing.T) {
	const levels = maxDepth - 10
	objects := strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
	arrays := strings.Repeat("[0,", levels) + "1" + strings.Repeat("]", levels)
	for _, operations := range []string{
		`[{"op":"set","path":"` + strings.Repeat("a.", levels-1) + `a","value":[2]}]`,
		`[{"op":"set","path":"` + strings.Repeat("a.", levels-1) + `b","value":[2]}]`,
		`[{"op":"delete","path":"` + strings.Repeat("a.", levels-1) + `a"}]`,
		`[{"op":"rename","path":"` + strings.Repeat("a.", levels-1) + `a","to":"b"}]`,
		`[{"op":"pick","paths":["` + strings.Repeat("a.", levels/2) + `a"]}]`,
		`[{"op":"set","path":"` + strings.Repeat("[1]", levels) + `","value":[2]}]`,
		// the host refuses the output
		`[{"op":"set","path":"b` + strings.Repeat("[0].b", 20000) + `","value":[2]}]`,
	} {
		compare(t, transformType, `{"input":`+objects+`,"operations":`+operations+`}`, okReply)
		compare(t, transformType, `{"input":`+arrays+`,"operations":`+operations+`}`, okReply)
	}
	for _, v := range []string{objects, arrays} {
		compare(t, conditionType, `{"conditions":[{"left":`+v+`,"operator":"equals","right":`+v+`}]}`, okReply)
		compare(t, switchType, `{"value":`+v+`,"cases":[{"name":"a","value":[`+v+`]},{"name":"b","value":`+v+`}]}`, okReply)
	}
}

// TestLong: long texts and values are read right.
func TestLong(t *testing.T) {
	for _, unit := range []string{"x", "é", `\"`, `\ud83d\ude00`, `\ud800`, `\\`} {
		text := `"` + strings.Repeat(unit, 1<<16) + `"`
		compare(t, transformType, `{"input":{`+text+`:`+text+`},"operations":[{"op":"rename","path":"a","to":`+text+`},{"op":"set","path":"b","value":`+text+`}]}`, okReply)
		compare(t, transformType, `{"input":{"a":`+text+`},"operations":[{"op":"rename","path":"a","to":`+text+`},{"op":"set","path":`+text+`,"value":1}]}`, okReply)
		compare(t, conditionType, `{"conditions":[{"left":`+text+`,"operator":"equals","right":`+text+`}]}`, okReply)
		compare(t, switchType, `{"value":`+text+`,"cases":[{"name":"a","value":`+text+`}]}`, okReply)
	}
}

// TestManyOperations: what operations leave behind does not add up to more than the memory of a
// call, whatever their number.
func TestManyOperations(t *testing.T) {
	input := `{"a":"` + strings.Repeat("x", 256<<10) + `","b":{"c":[]}}`
	for name, operation := range map[string]string{
		"set":    `{"op":"set","path":"b.c[0]","value":1}`,
		"delete": `{"op":"delete","path":"b.c"},{"op":"set","path":"b.c","value":[]}`,
		"rename": `{"op":"rename","path":"a","to":"d"},{"op":"rename","path":"d","to":"a"}`,
		"pick":   `{"op":"pick","paths":["b","a","a"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			compare(t, transformType, `{"input":`+input+`,"operations":[`+strings.Repeat(operation+",", 500)+operation+`]}`, okReply)
		})
	}
	t.Run("append", func(t *testing.T) {
		var operations []string
		for i := range 2000 {
			operations = append(operations, fmt.Sprintf(`{"op":"set","path":"[%d]","value":"%s"}`, i, strings.Repeat("y", 100)))
		}
		compare(t, transformType, `{"input":[],"operations":`+list(operations)+`}`, okReply)
	})
}
