package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// openAPI is the file that describes the admin API.
type openAPI struct {
	t       *testing.T
	doc     map[string]any
	schemas *jsonschema.Compiler
	seen    map[string]bool // "GET workflows 200": responses that were checked
}

// object is a JSON object.
type object = map[string]any

const openAPIFile = "docs/operators/openapi.yaml"

// loadOpenAPI reads the file. In its schemas, keys that are not described are mistakes: that a
// response has one must show.
func loadOpenAPI(t *testing.T) *openAPI {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), openAPIFile))
	if err != nil {
		t.Fatal(err)
	}
	var read any
	if err := yaml.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	closeSchemas(doc)
	a := &openAPI{t: t, doc: doc.(object), schemas: jsonschema.NewCompiler(), seen: make(map[string]bool)}
	a.schemas.AssertFormat()
	a.schemas.AssertContent()
	if err := a.schemas.AddResource("file:///openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return a
}

// closeSchemas closes all schemas of objects that list their keys.
func closeSchemas(v any) {
	switch v := v.(type) {
	case object:
		if _, lists := v["properties"].(object); lists && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			closeSchemas(member)
		}
	case []any:
		for _, element := range v {
			closeSchemas(element)
		}
	}
}

// follow returns what a reference leads to, or v itself, and its place in the document.
func (a *openAPI) follow(v any, place string) (object, string) {
	o, _ := v.(object)
	for o["$ref"] != nil {
		place = strings.TrimPrefix(o["$ref"].(string), "#")
		var at any = a.doc
		for key := range strings.SplitSeq(strings.TrimPrefix(place, "/"), "/") {
			at = at.(object)[key]
		}
		next, ok := at.(object)
		if !ok {
			a.t.Fatalf("%s leads nowhere", place)
		}
		o = next
	}
	return o, place
}

// operations are those of paths that the admin endpoint has, by "GET workflows".
func (a *openAPI) operations() map[string]object {
	ops := make(map[string]object)
	for path, item := range a.doc["paths"].(object) {
		if item.(object)["servers"] != nil { // only consoles have it
			continue
		}
		for method, op := range item.(object) {
			if method != "parameters" {
				ops[strings.ToUpper(method)+" "+strings.TrimPrefix(path, "/")] = op.(object)
			}
		}
	}
	return ops
}

// parameters returns the names of the parameters of an operation, sorted, by where they are.
func (a *openAPI) parameters(name string, op object) map[string][]string {
	in := make(map[string][]string)
	_, path, _ := strings.Cut(name, " ")
	shared, _ := a.doc["paths"].(object)["/"+path].(object)["parameters"].([]any)
	own, _ := op["parameters"].([]any)
	for _, p := range slices.Concat(shared, own) {
		p, _ := a.follow(p, "")
		where := p["in"].(string)
		in[where] = append(in[where], p["name"].(string))
	}
	for _, names := range in {
		slices.Sort(names)
	}
	return in
}

// check checks a response to a request for a path of the file.
func (a *openAPI) check(method, path string, got answer) {
	a.t.Helper()
	name := method + " " + path
	op, ok := a.operations()[name]
	if !ok {
		a.t.Fatalf("%s is not in the file", name)
	}
	place := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace("/"+path) + "/" + strings.ToLower(method)
	status := fmt.Sprint(got.status)
	if op["responses"].(object)[status] == nil {
		a.t.Errorf("%s: status %s is not in the file: %s", name, status, got.body)
		return
	}
	a.seen[name+" "+status] = true
	response, place := a.follow(op["responses"].(object)[status], place+"/responses/"+status)
	headers, _ := response["headers"].(object)
	if described := headers["ETag"] != nil; described != (got.header.Get("ETag") != "") && got.status < 300 {
		a.t.Errorf("%s %s: ETag is %q, described: %v", name, status, got.header.Get("ETag"), described)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		a.t.Errorf("%s %s: Content-Type is %q", name, status, kind)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(got.body))
	if err != nil {
		a.t.Errorf("%s %s: %v in %s", name, status, err, got.body)
		return
	}
	schema, err := a.schemas.Compile("file:///openapi.json#" + place + "/content/application~1json/schema")
	if err != nil {
		a.t.Fatal(err)
	}
	if err := schema.Validate(body); err != nil {
		a.t.Errorf("%s %s: %v\nin %s", name, status, err, got.body)
	}
}

// TestOpenAPIHasTheRoutes compares paths, methods and query parameters of the file with those that
// a server names when it rejects a request.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	api := loadOpenAPI(t)
	s := start(t)
	s.load(s.caddyfile("", ""))
	message := func(method, path string) string {
		t.Helper()
		var e struct{ Error string }
		a := s.ask(method, path, "")
		if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status < 400 {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		return e.Error
	}
	_, paths, _ := strings.Cut(message("GET", ""), "there are ")
	served := make(map[string]string) // query parameters by operation
	for path := range strings.SplitSeq(paths, ", ") {
		at := strings.NewReplacer("{id}", "x", "{key}", "x").Replace(path)
		methods := s.ask("PATCH", at, "").header.Get("Allow")
		for method := range strings.SplitSeq(methods, ", ") {
			_, takes, _ := strings.Cut(message(method, at+"?no-parameter=1"), `"no-parameter"`)
			takes = strings.TrimPrefix(strings.TrimPrefix(takes, "; there are: "), ": this takes none")
			sorted := strings.Split(takes, ", ")
			slices.Sort(sorted)
			served[method+" "+path] = strings.Join(sorted, ", ")
		}
	}
	described := make(map[string]string)
	for name, op := range api.operations() {
		in := api.parameters(name, op)
		described[name] = strings.Join(in["query"], ", ")
		for _, placeholder := range in["path"] {
			if !strings.Contains(name, "{"+placeholder+"}") {
				t.Errorf("%s has no %s in its path", name, placeholder)
			}
		}
		if strings.Count(name, "{") != len(in["path"]) {
			t.Errorf("%s: the path's parameters are %q", name, in["path"])
		}
		wants := strings.HasPrefix(name, "PUT ") || strings.HasPrefix(name, "DELETE ")
		if wants != slices.Contains(in["header"], "If-Match") {
			t.Errorf("%s: the header's parameters are %q", name, in["header"])
		}
	}
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("operations with their parameters (-served +described):\n%s", diff)
	}
}

// TestOpenAPIResponses checks a response of each operation against the schema in the file.
func TestOpenAPIResponses(t *testing.T) {
	api := loadOpenAPI(t)
	target := recording(t)
	s := start(t)
	s.load(s.caddyfile("node script builtin:code {\n allow log\n }\n egress {\n allow "+target.Address+"\n }"+patientLimits, ""))
	s.loaded()
	do := func(method, path, query, body string, fields ...string) answer {
		t.Helper()
		at := path
		for _, key := range []string{"{id}", "{key}"} {
			if strings.Contains(path, key) {
				var name string
				name, query, _ = strings.Cut(query, "?")
				at = strings.Replace(path, key, name, 1)
			}
		}
		if query != "" {
			at += "?" + query
		}
		a := s.ask(method, at, body, fields...)
		api.check(method, path, a)
		return a
	}
	cursor := func(a answer) string {
		t.Helper()
		var page struct{ Next string }
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || page.Next == "" {
			t.Fatalf("no cursor in %s", a.body)
		}
		return page.Next
	}
	// The first content of the store restarts the feed, just after the catalog has it. A write
	// comes back when all have it.
	s.put("first", echo("minimal"))
	began := cursor(do("GET", "events", "", ""))
	// The server closes the connection of a body that it does not read to its end, so little is
	// left.
	tooLong := strings.Repeat("x", 1<<20+4096+1)

	document := strings.Replace(failing, "{", `{"id":"fails",`, 1)
	do("PUT", "workflows", "", document)
	do("PUT", "workflows", "", `{"nodes":[]}`)
	do("PUT", "workflows", "", document, "If-None-Match", "*")
	do("PUT", "workflows", "", tooLong)
	do("PUT", "workflows/{id}", "works", strings.Replace(echo("lastNode"), `"webhook":{`, `"webhook":{"secret":"`+secret+`",`, 1))
	do("PUT", "workflows/{id}", "works", `{"nodes":[{}]}`)
	do("PUT", "workflows/{id}", "works", echo("minimal"), "If-Match", `"1"`)
	do("PUT", "workflows/{id}", "works", tooLong)
	do("PUT", "workflows/{id}", "held", holding(target, "call"))
	do("GET", "workflows", "", "")
	do("GET", "workflows", "limit=1&q=S", "")
	do("GET", "workflows", "state=none", "")
	do("GET", "workflows/{id}", "works", "")
	do("GET", "workflows/{id}", "none", "")
	do("POST", "validate", "id=a", echo("lastNode"))
	do("POST", "validate", "", `{"nods":[]}`)
	do("POST", "validate", "name=a", `{}`)
	do("POST", "validate", "", tooLong)

	do("PUT", "secrets/{id}", "fails", secret)
	do("PUT", "secrets/{id}", "held", secret)
	do("PUT", "secrets/{id}", "works?keep_old=1h", `{"secrets":[{"value":"another-secret"}]}`)
	do("PUT", "secrets/{id}", "works", "")
	do("PUT", "secrets/{id}", "works", "x", "If-Match", `"1"`)
	do("PUT", "secrets/{id}", "works", tooLong)
	do("GET", "secrets", "", "")
	do("GET", "secrets", "a=b", "")
	do("GET", "secrets/{id}", "works", "")
	do("GET", "secrets/{id}", "none", "")

	do("PUT", "globals/{key}", "__secret_token", `"hush-hush-hush"`)
	do("PUT", "globals/{key}", "n", `1.50`)
	do("PUT", "globals/{key}", "n", `2`, "If-Match", `"1"`)
	do("PUT", "globals/{key}", "n", `2`, "If-Match", `1`)
	do("PUT", "globals/{key}", "n", tooLong)
	do("GET", "globals", "", "")
	do("GET", "globals", "a=b", "")
	do("GET", "globals/{key}", "n", "")
	do("GET", "globals/{key}", "none", "")

	failed := s.post("/api/webhooks/fails", `{"n":2}`).header.Get("X-Execution-Id")
	s.record(failed, "failed")
	do("POST", "send", "", `{"workflow":"works","body":"{}","query":"a=b","headers":[["X-A","b"]]}`)
	do("POST", "send", "", `{"workflow":"none","body":"{}"}`)
	do("POST", "send", "", `{"workflow":"works"`)
	do("POST", "send", "", `{"workflow":"works","body":"{}","prefix":"/none/"}`)
	do("POST", "send", "", tooLong)
	held := s.post("/api/webhooks/held", `{}`).header.Get("X-Execution-Id")
	s.record(held, "running")
	do("GET", "executions/{id}", held, "")
	do("POST", "executions/{id}/replay", held, "")
	do("POST", "executions/{id}/cancel", held, "")
	s.record(held, "cancelled")
	do("POST", "executions/{id}/cancel", held, "")
	do("POST", "executions/{id}/cancel", "none", "")
	do("POST", "executions/{id}/replay", failed, "")
	do("POST", "executions/{id}/replay", failed+"?revision=none", "")
	do("POST", "executions/{id}/replay", "none", "")
	do("GET", "executions/{id}", failed, "")
	do("GET", "executions/{id}", "none", "")
	do("GET", "executions/{id}/document", failed, "")
	do("GET", "executions/{id}/document", "none", "")
	do("GET", "executions", "limit=1", "")
	do("GET", "executions", "source=console&status=succeeded,failed&from=2020-01-01T00:00:00Z", "")
	do("GET", "executions", "status=none", "")

	if a := s.post("/api/webhooks/none", `{}`); a.status < 400 {
		t.Errorf("a webhook of no workflow: %d", a.status)
	}
	eventually(t, "executions and rejections are counted", func() bool {
		body := do("GET", "counts", "hours=2", "").body
		return strings.Contains(body, `"code"`) && strings.Contains(body, `"failed"`) && strings.Contains(body, `"last"`)
	})
	do("GET", "counts", "hours=73", "")
	do("GET", "nodes", "", "")
	do("GET", "nodes", "a=b", "")
	do("GET", "status", "", "")
	do("GET", "status", "a=b", "")

	do("DELETE", "workflows/{id}", "held", "", "If-Match", `"1"`)
	do("DELETE", "workflows/{id}", "held", "", "If-Match", `1`)
	do("DELETE", "workflows/{id}", "held", "")
	do("DELETE", "workflows/{id}", "held", "")
	do("DELETE", "secrets/{id}", "works", "", "If-Match", `"1"`)
	do("DELETE", "secrets/{id}", "works", "", "If-Match", `1`)
	do("DELETE", "secrets/{id}", "works", "")
	do("DELETE", "secrets/{id}", "works", "")
	do("DELETE", "globals/{key}", "n", "", "If-Match", `"1"`)
	do("DELETE", "globals/{key}", "n", "", "If-Match", `1`)
	do("DELETE", "globals/{key}", "n", "")
	do("DELETE", "globals/{key}", "n", "")

	kinds := make(map[string]bool)
	for after := began; !kinds["workflow"] || !kinds["secret"] || !kinds["global"] || !kinds["execution"] || !kinds["node"]; {
		a := do("GET", "events", "wait=5s&after="+after, "")
		var page struct {
			Events []struct{ Kind string }
			Reset  bool
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || page.Reset || len(page.Events) == 0 {
			t.Fatalf("events after %s, of kinds %v: %s", after, kinds, a.body)
		}
		for _, e := range page.Events {
			kinds[e.Kind] = true
		}
		after = cursor(a)
	}
	do("GET", "events", "after=none", "")
	do("GET", "events", "wait=1h", "")

	unusual := []string{"501", "503"} // and conflicts that take a damaged store
	for name, op := range api.operations() {
		for status := range op["responses"].(object) {
			damaged := status == "409" && strings.HasPrefix(name, "GET ")
			if !api.seen[name+" "+status] && !slices.Contains(unusual, status) && !damaged {
				t.Errorf("%s %s: there was no such response", name, status)
			}
		}
	}
	for seen := range api.seen {
		if strings.HasSuffix(seen, " "+fmt.Sprint(http.StatusServiceUnavailable)) {
			t.Errorf("%s: the server is not ready", seen)
		}
	}
}
