package main

import (
	"strings"
	"testing"
)

func TestTablesAreAligned(t *testing.T) {
	table := table{head: []string{"target", "µs", "x"}}
	table.add("respond", "35.1", "1")
	table.add("à la carte", "7", "-")
	want := `| target     |   µs |   x |
|------------|-----:|----:|
| respond    | 35.1 |   1 |
| à la carte |    7 |   - |
`
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	table.text = true
	want = `| target     | µs   | x   |
|------------|------|-----|
| respond    | 35.1 | 1   |
| à la carte | 7    | -   |
`
	if got := table.String(); got != want {
		t.Errorf("text: got\n%swant\n%s", got, want)
	}
}

func TestReportHasAllParts(t *testing.T) {
	figures := table{title: "Some figures", head: []string{"a", "b"}}
	figures.add("c", "1")
	got := report{
		machine: machine{cpu: "a CPU", cores: 2, kernel: "6.1", golang: "go1", caddy: "v2", wasm: "v1", wrk: "4", clang: "clang 19", commit: "0123"},
		command: "go -C bench run .", sections: []section{{title: "One part", notes: []string{"A note."}, tables: []table{figures}}},
	}.String()
	last := 0
	for _, want := range []string{
		"# Measurements\n", "| CPU     | a CPU    |\n", "| cores   | 2 ", "| kernel  | 6.1 ", "| Go      | go1 ", "| Caddy   | v2 ", "| wazero  | v1 ",
		"| commit  | 0123 ", "```sh\ngo -C bench run .\n```\n", "\n## One part\n", "\nA note.\n", "\nSome figures:\n\n| a   |   b |\n", "| c   |   1 |\n",
	} {
		i := strings.Index(got[last:], want)
		if i < 0 {
			t.Fatalf("after %d there is no %q in\n%s", last, want, got)
		}
		last += i
	}
}

func TestWrap(t *testing.T) {
	words := func(n int, word string) string { return strings.TrimSpace(strings.Repeat(word+" ", n)) }
	for in, want := range map[string]string{
		"":                             "",
		"short":                        "short",
		strings.Repeat("é", 120):       strings.Repeat("é", 120),
		words(20, "word"):              words(20, "word"), // 99 columns
		words(21, "word"):              words(20, "word") + "\nword",
		"- a\n- " + words(17, "words"): "- a\n- " + words(16, "words") + "\n  words",
	} {
		if got := wrap(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestCPUModel(t *testing.T) {
	for in, want := range map[string]string{
		"processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nmodel name\t: another\n": "AMD EPYC",
	} {
		if got := cpuModel(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if cpuModel("Features : fp asimd\n") == "" {
		t.Error("a machine without a model has no name at all")
	}
}

func TestPartsAreChosen(t *testing.T) {
	good := options{rounds: 5, seconds: 5}
	for only, want := range map[string]string{
		"":                                     "call http nodes scale journal attack start size",
		"call":                                 "call",
		"start,call":                           "call start",
		"journal,size,call,nodes,start,attack": "call nodes journal attack start size",
		"nothing":                              "error",
		"call,":                                "error",
		"call,call":                            "error",
	} {
		o := good
		o.only = only
		chosen, err := o.parts()
		var names []string
		for _, p := range chosen {
			names = append(names, p.name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("-only %q: %s, %v; want %s", only, got, err, want)
		}
	}
	for _, o := range []options{{}, {rounds: 1}, {seconds: 1}, {rounds: 101, seconds: 1}, {rounds: 1, seconds: 61}} {
		if _, err := o.parts(); err == nil {
			t.Errorf("%+v is fine", o)
		}
	}
	if got := (options{rounds: 2, seconds: 3, only: "call"}).command(); got != "go -C bench run . -rounds 2 -seconds 3 -only call" {
		t.Error(got)
	}
}
