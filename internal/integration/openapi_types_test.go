package integration

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/console"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/journal"
)

// described are the types of the server's JSON, by the place of their schemas below the file's
// components.
var described = map[string]any{
	"Error": adminapi.Error{}, "Problem": adminapi.Problem{}, "Conflict": adminapi.Conflict{}, "Deleted": adminapi.Deleted{},
	"Workflows": adminapi.Workflows{}, "Workflow": adminapi.Workflow{},
	"StoredWorkflow": adminapi.StoredWorkflow{}, "Validation": adminapi.Validation{},
	"SecretList": adminapi.SecretList{}, "Secrets": adminapi.Secrets{}, "Secret": adminapi.Secret{}, "StoredSecret": adminapi.StoredSecret{},
	"Globals": adminapi.Globals{}, "Global": adminapi.Global{}, "StoredGlobal": adminapi.StoredGlobal{},
	"Executions": adminapi.Executions{}, "Summary": journal.Summary{}, "Record": journal.Record{}, "Trigger": journal.Trigger{},
	"NodeRecord": journal.NodeRecord{}, "Call": journal.Call{}, "HostCall": journal.HostCall{}, "Value": journal.Value{},
	"Rerun": adminapi.Rerun{}, "Cancelled": adminapi.Cancelled{},
	"Send": adminapi.Send{}, "Sent": adminapi.Sent{}, "SentRequest": adminapi.SentRequest{}, "SentResponse": adminapi.SentResponse{},
	"Events": adminapi.Events{}, "NodeEvent/properties/node": feed.Node{}, "WorkflowEvent/properties/workflow": feed.Workflow{},
	"SecretEvent/properties/secret": feed.Secret{}, "GlobalEvent/properties/global": feed.Global{},
	"NodeTypes": adminapi.NodeTypes{}, "NodeType": adminapi.NodeType{}, "Default": adminapi.Default{},
	"Status": adminapi.Status{}, "MachineStatus": adminapi.MachineStatus{}, "Endpoint": adminapi.Endpoint{}, "StoreStatus": adminapi.StoreStatus{},
	"JournalStatus": adminapi.JournalStatus{}, "SlotStatus": adminapi.ExecutionStatus{}, "SandboxStatus": adminapi.SandboxStatus{},
	"WorkflowStatus": adminapi.WorkflowStatus{}, "Trouble": adminapi.Trouble{},
	"Counts": adminapi.Counts{}, "WorkflowCounts": adminapi.WorkflowCounts{}, "LastExecution": adminapi.LastExecution{},
	"RejectionCounts": adminapi.RejectionCounts{},
	"Session":         console.Session{},
}

// undescribed are the schemas of objects that have no exported type.
var undescribed = []string{
	"NewSecrets", "ExecutionEvent", "NodeEvent", "WorkflowEvent", "SecretEvent", "GlobalEvent", "MoreEvent",
}

// TestOpenAPIHasTheTypes compares the keys of schemas with those of the types that the server
// encodes, so that a key which no test has seen is described, too.
func TestOpenAPIHasTheTypes(t *testing.T) {
	api := loadOpenAPI(t)
	for name, schema := range api.doc["components"].(object)["schemas"].(object) {
		if schema.(object)["properties"] != nil && described[name] == nil && !slices.Contains(undescribed, name) {
			t.Errorf("the schema %s is compared with no type", name)
		}
	}
	for name, v := range described {
		schema, _ := api.follow(object{"$ref": "#/components/schemas/" + name}, "")
		want := make(map[string]string) // JSON types by key
		var required []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous || key == "" {
				continue
			}
			want[key] = jsonType(f.Type)
			if !strings.Contains(options, "omit") {
				required = append(required, key)
			}
		}
		got := make(map[string]string)
		for key, property := range schema["properties"].(object) {
			p, _ := api.follow(property, "")
			got[key], _ = p["type"].(string)
			if p["enum"] != nil || p["const"] != nil {
				got[key] = "string"
			}
			if want[key] == "" { // any value
				got[key] = ""
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the keys of %s (-type +file):\n%s", name, diff)
		}
		var demanded []string
		if list, ok := schema["required"].([]any); ok {
			for _, key := range list {
				demanded = append(demanded, key.(string))
			}
		}
		slices.Sort(required)
		slices.Sort(demanded)
		if diff := cmp.Diff(required, demanded); diff != "" {
			t.Errorf("what %s always has (-type +file):\n%s", name, diff)
		}
	}
}

// jsonType returns the type that values of a Go type have in JSON, or "" for any.
func jsonType(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[[]byte]():
		return "string"
	case reflect.TypeFor[json.RawMessage]():
		return ""
	}
	switch t.Kind() {
	case reflect.Pointer:
		return jsonType(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "array"
	}
	return "object"
}
