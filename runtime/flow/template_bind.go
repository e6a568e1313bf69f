package flow

import (
	"errors"
	"fmt"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// binder binds the paths of one node's templates to the values they name.
type binder struct {
	// finds an upstream node; the error says why there is none
	node    func(id string) (index int, err error)
	forEach bool // item and index are there
}

var (
	rootNames      = []string{"trigger", "steps", "global", "item", "index", "execution", "workflow"}
	triggerNames   = []string{"data", "headers", "method", "clientIp", "receivedAt"}
	executionNames = []string{"id"}
	workflowNames  = []string{"id", "name"}
)

// bind returns a reference for a path, or why the path names nothing.
func (b *binder) bind(steps rawjson.Path) (*reference, error) {
	first, rest := steps[0], steps[1:]
	switch {
	case first.Index >= 0:
	case first.Key == "trigger":
		return bindTrigger(rest)
	case first.Key == "steps":
		return b.bindOutput(rest)
	case first.Key == "global":
		if len(rest) == 0 || rest[0].Index >= 0 {
			return nil, errors.New("global must be followed by a key, as in global.api_url")
		}
		return &reference{root: rootGlobal, key: rest[0].Key, steps: rest[1:]}, nil
	case first.Key == "item" || first.Key == "index":
		if !b.forEach {
			return nil, fmt.Errorf("%s exists only in the config of a node with forEach", first.Key)
		}
		if first.Key == "item" {
			return &reference{root: rootItem, steps: rest}, nil
		}
		return plain(rootIndex, "index", rest)
	case first.Key == "execution":
		_, rest, err := attribute(first.Key, rest, executionNames)
		if err != nil {
			return nil, err
		}
		return plain(rootExecutionID, "execution.id", rest)
	case first.Key == "workflow":
		name, rest, err := attribute(first.Key, rest, workflowNames)
		if err != nil {
			return nil, err
		}
		if name == "id" {
			return plain(rootWorkflowID, "workflow.id", rest)
		}
		return plain(rootWorkflowName, "workflow.name", rest)
	}
	return nil, fmt.Errorf("unknown root %s%s", message.Quoted(first.String()), message.DidYouMeanOr(first.Key, rootNames))
}

func bindTrigger(steps rawjson.Path) (*reference, error) {
	name, rest, err := attribute("trigger", steps, triggerNames)
	if err != nil {
		return nil, err
	}
	switch name {
	case "headers":
		return &reference{root: rootHeaders, steps: rest}, nil
	case "method":
		return plain(rootMethod, "trigger.method", rest)
	case "clientIp":
		return plain(rootClientIP, "trigger.clientIp", rest)
	case "receivedAt":
		return plain(rootReceivedAt, "trigger.receivedAt", rest)
	default:
		return bindData(rest), nil
	}
}

// bindData binds steps below trigger.data. The query is read from its own root, as a body that is
// an array or a scalar does not contain it.
func bindData(steps rawjson.Path) *reference {
	if len(steps) > 0 && steps[0].Index < 0 && steps[0].Key == queryKey {
		return &reference{root: rootQuery, steps: steps[1:]}
	}
	return &reference{root: rootData, steps: steps}
}

func (b *binder) bindOutput(steps rawjson.Path) (*reference, error) {
	if len(steps) == 0 || steps[0].Index >= 0 {
		return nil, errors.New("steps must be followed by the id of a node, as in steps.fetch.output")
	}
	id := steps[0].Key
	_, rest, err := attribute("steps."+id, steps[1:], []string{"output"})
	if err != nil {
		return nil, err
	}
	index, err := b.node(id)
	if err != nil {
		return nil, err
	}
	if index == 0 {
		return bindData(rest), nil
	}
	return &reference{root: rootOutput, node: int32(index), steps: rest}, nil
}

// attribute takes the first step, which must be one of names.
func attribute(of string, steps rawjson.Path, names []string) (name string, rest rawjson.Path, err error) {
	if len(steps) == 0 {
		return "", nil, fmt.Errorf("%s must be followed by %s", of, dotted(names))
	}
	for _, n := range names {
		if steps[0].Index < 0 && steps[0].Key == n {
			return n, steps[1:], nil
		}
	}
	return "", nil, fmt.Errorf("%s has no %s, only %s", of, message.Quoted(steps[0].String()), dotted(names))
}

// plain returns a reference to a text or number, which has no members.
func plain(r root, name string, rest rawjson.Path) (*reference, error) {
	if len(rest) > 0 {
		return nil, fmt.Errorf("%s has no members or elements", name)
	}
	return &reference{root: r}, nil
}

// dotted returns ".a, .b or .c".
func dotted(names []string) string {
	d := make([]string, len(names))
	for i, n := range names {
		d[i] = "." + n
	}
	return message.Either(d)
}
