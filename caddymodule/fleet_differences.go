package caddymodule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// Machines that share a journal run each other's executions. What of their configs decides how an
// execution runs is kept in the journal for each of them, and differences are told in the status.

// limitPart begins the parts that are limits.
const limitPart = "limits "

const (
	maxDescribed   = 200 // node types that are compared one by one
	maxDifferences = 10
	maxSameNames   = 5 // names of machines that have the same
)

// describeMachine tells a journal that is shared what this config consists of, once it has started.
// There are no secrets in it: modules and patterns are told by their digests.
func (a *App) describeMachine() {
	if a.sharing == nil {
		return
	}
	parts, err := a.configParts()
	if err != nil { // never: its own node types were loaded with the config
		a.logger.Error("the other machines are not told what this config consists of", zap.Error(err))
		return
	}
	a.sharing.Describe(parts)
}

func (a *App) configParts() (map[string]string, error) {
	parts := make(map[string]string)
	var own []string
	for _, name := range a.types.Names() {
		if isBuiltin(name) { // it follows from the version
			continue
		}
		m, err := a.types.Module(name)
		if err != nil {
			return nil, fmt.Errorf("loading node type %s: %w", name, err)
		}
		digest := m.Digest()
		own = append(own, name+" "+hex.EncodeToString(digest[:]))
		parts["node "+name] = "sha256 " + hex.EncodeToString(digest[:6])
	}
	if len(own) > maxDescribed {
		parts = map[string]string{"the node types": shortDigest(own)}
	}
	if len(a.GlobalsWrite) > 0 {
		parts["globals_write"] = shortDigest(slices.Sorted(slices.Values(a.GlobalsWrite)))
	}
	text, err := json.Marshal(a.Limits)
	if err != nil {
		return nil, fmt.Errorf("encoding the limits: %w", err)
	}
	var limits map[string]int64
	if err := json.Unmarshal(text, &limits); err != nil {
		return nil, fmt.Errorf("decoding the limits: %w", err)
	}
	for name, value := range limits {
		parts[limitPart+name] = fmt.Sprint(value)
		if strings.HasSuffix(name, "_timeout") || strings.HasSuffix(name, "_wait") {
			parts[limitPart+name] = time.Duration(value).String()
		}
	}
	return parts, nil
}

func shortDigest(lines []string) string {
	digest := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "sha256 " + hex.EncodeToString(digest[:6])
}

// differences returns a warning for each part of the config that machines do not have in common.
func differences(machines []journal.Machine) (warnings []adminapi.Trouble) {
	values := make(map[string]map[string][]string) // names of machines by part and value
	add := func(part, value, name string) {
		if values[part] == nil {
			values[part] = make(map[string][]string)
		}
		values[part][value] = append(values[part][value], name)
	}
	for _, m := range machines {
		add("version", m.Version, m.Name)
		for part := range m.Config {
			values[part] = make(map[string][]string)
		}
	}
	for part := range values {
		for _, m := range machines {
			if part != "version" && m.Config != nil { // else it has not said yet
				add(part, cmp.Or(m.Config[part], "none"), m.Name)
			}
		}
	}
	var parts []string
	for part, same := range values {
		if len(same) > 1 {
			parts = append(parts, part)
		}
	}
	// Limits come last: some follow from the size of a machine.
	slices.SortFunc(parts, func(a, b string) int {
		if limit := strings.HasPrefix(a, limitPart); limit != strings.HasPrefix(b, limitPart) {
			if limit {
				return 1
			}
			return -1
		}
		return cmp.Compare(a, b)
	})
	for i, part := range parts {
		if i == maxDifferences {
			warnings = append(warnings, adminapi.Trouble{
				Where: "journal", Reason: fmt.Sprintf("the machines that share it differ in %d more parts of their configs", len(parts)-i),
			})
			break
		}
		warnings = append(warnings, adminapi.Trouble{
			Where: "journal", Reason: "the machines that share it differ in " + part + ": " + groupsOf(values[part]),
		})
	}
	return warnings
}

// groupsOf tells which machines have which value.
func groupsOf(same map[string][]string) string {
	groups := make([]string, 0, len(same))
	for value, names := range same {
		text := strings.Join(names[:min(len(names), maxSameNames)], ", ")
		if more := len(names) - maxSameNames; more > 0 {
			text = fmt.Sprintf("%s and %d more", text, more)
		}
		groups = append(groups, fmt.Sprintf("%s on %s", value, text))
	}
	slices.Sort(groups)
	if more := len(groups) - maxSameNames; more > 0 {
		groups = append(groups[:maxSameNames], fmt.Sprintf("%d more values", more))
	}
	return strings.Join(groups, "; ")
}
