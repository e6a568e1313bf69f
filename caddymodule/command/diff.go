package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// diffJSON lists where got differs from want, a line each with the JSON path; texts that are not
// JSON are compared as such. Objects compare without regard to key order, numbers by their text.
func diffJSON(want, got []byte) []string {
	w, errW := decode(want)
	g, errG := decode(got)
	if errW != nil || errG != nil {
		if bytes.Equal(bytes.TrimSpace(want), bytes.TrimSpace(got)) {
			return nil
		}
		return []string{fmt.Sprintf("want %s, got %s", cut(string(want), 200), cut(string(got), 200))}
	}
	return diffValue(nil, "", w, g)
}

// diffNamed is diffJSON with a name in front of each path. nil is a value that is not there.
func diffNamed(name string, want, got []byte) []string {
	w, errW := decode(want)
	g, errG := decode(got)
	switch {
	case want == nil && got != nil:
		return []string{name + ": unexpected " + cut(string(got), 200)}
	case want != nil && got == nil:
		return []string{name + ": missing, want " + cut(string(want), 200)}
	case errW != nil || errG != nil:
		var out []string
		for _, line := range diffJSON(want, got) {
			out = append(out, name+": "+line)
		}
		return out
	}
	return diffValue(nil, name, w, g)
}

func decode(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err = d.Decode(&v); err == nil && d.More() {
		err = fmt.Errorf("more than one value")
	}
	return v, err
}

func diffValue(out []string, path string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			return diffObject(out, path, w, g)
		}
	case []any:
		if g, ok := got.([]any); ok {
			for i := range max(len(w), len(g)) {
				at := fmt.Sprintf("%s[%d]", path, i)
				switch {
				case i >= len(g):
					out = append(out, at+": missing, want "+compact(w[i]))
				case i >= len(w):
					out = append(out, at+": unexpected "+compact(g[i]))
				default:
					out = diffValue(out, at, w[i], g[i])
				}
			}
			return out
		}
	}
	if w, g := compact(want), compact(got); w != g {
		if path == "" {
			path = "the value"
		}
		out = append(out, fmt.Sprintf("%s: want %s, got %s", path, w, g))
	}
	return out
}

func diffObject(out []string, path string, want, got map[string]any) []string {
	keys := make([]string, 0, len(want)+len(got))
	for k := range want {
		keys = append(keys, k)
	}
	for k := range got {
		if _, both := want[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		at := path + "." + k
		if path == "" {
			at = k
		}
		w, inWant := want[k]
		g, inGot := got[k]
		switch {
		case !inGot:
			out = append(out, at+": missing, want "+compact(w))
		case !inWant:
			out = append(out, at+": unexpected "+compact(g))
		default:
			out = diffValue(out, at, w, g)
		}
	}
	return out
}

func compact(v any) string {
	b, _ := json.Marshal(v)
	return cut(string(b), 200)
}
