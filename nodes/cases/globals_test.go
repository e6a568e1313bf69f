package cases

import (
	"encoding/json"
	"testing"
)

func TestWorkspace(t *testing.T) {
	list, err := Parse([]byte(`[{"name":"a","config":1,"output":1,"given":{"n": 41,"text":[ 1, 2 ]}}]`))
	if err != nil {
		t.Fatal(err)
	}
	g := list[0].Workspace()
	get := func(key, want string) {
		t.Helper()
		if v, err := g.Get(key); string(v) != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", key, v, err, want)
		}
	}
	get("text", "[1,2]")
	get("none", "")
	for key, want := range map[string]string{"n": "40", "new": "-1"} {
		if sum, err := g.Add(key, -1); string(sum) != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", key, sum, err, want)
		}
		get(key, want)
	}
	value := []byte("7")
	g.Put("n", value)
	value[0] = '8'
	get("n", "7")
	if _, err := g.Add("text", 1); err == nil || err.Code != "global_not_integer" {
		t.Errorf("adding to a list: %v", err)
	}
	if _, err := g.Get("__secret_key"); err == nil || err.Code != "global_not_allowed" {
		t.Errorf("reading a secret: %v", err)
	}
	c := Case{Output: json.RawMessage("1"), Globals: map[string]json.RawMessage{"n": json.RawMessage("7"), "new": json.RawMessage("-1")}}
	if d := c.Compare(Result{Output: []byte("1"), Globals: g.Set}); d != nil {
		t.Errorf("what was set differs: %v", d)
	}
}
