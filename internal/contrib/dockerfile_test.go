package contrib

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is an instruction of a Dockerfile: its name, and the text behind it.
type instruction struct{ name, text string }

// stage is what a FROM begins.
type stage struct {
	base, name   string
	instructions []instruction
}

// dockerfile reads a Dockerfile without variables and here-documents.
func dockerfile(t *testing.T, text string) []stage {
	t.Helper()
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines = append(lines, line)
		}
	}
	text = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(strings.Join(lines, ""), "")
	var stages []stage
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "":
		case name == "FROM":
			words := strings.Fields(rest)
			s := stage{base: words[0]}
			if len(words) == 3 && words[1] == "AS" {
				s.name = words[2]
			}
			stages = append(stages, s)
		case len(stages) == 0:
			t.Fatalf("%s stands before the first FROM", name)
		default:
			last := &stages[len(stages)-1]
			last.instructions = append(last.instructions, instruction{name, rest})
		}
	}
	return stages
}

// pinned matches images with a whole version: one with fewer parts moves.
var pinned = regexp.MustCompile(`^[\w./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$`)

var (
	secretName = regexp.MustCompile(`(?i)(password|passwd|secret|token|credential|api_?key)`)
	rootUser   = regexp.MustCompile(`^(0|root)?(:|$)`)
)

// problems returns what is wrong with a Dockerfile. exists tells whether the context has a file.
func problems(stages []stage, exists func(name string) bool) []string {
	var list []string
	add := func(words ...string) { list = append(list, strings.Join(words, " ")) }
	known := make(map[string]bool)
	for i, s := range stages {
		if s.base != "scratch" && !known[s.base] && !pinned.MatchString(s.base) {
			add("the base is not pinned:", s.base)
		}
		user := ""
		var names []string
		for _, in := range s.instructions {
			names = append(names, in.name)
			words := strings.Fields(in.text)
			switch in.name {
			case "ADD":
				add("ADD fetches and unpacks; use COPY")
			case "ENV", "ARG":
				if secretName.MatchString(in.text) {
					add("a secret would stay in the image:", in.text)
				}
			case "USER":
				user = in.text
			case "COPY":
				from := ""
				for len(words) > 0 && strings.HasPrefix(words[0], "--") {
					if name, ok := strings.CutPrefix(words[0], "--from="); ok {
						from = name
					}
					words = words[1:]
				}
				if from != "" {
					if !known[from] {
						add("COPY from a stage that is not there:", from)
					}
					continue
				}
				for _, source := range words[:len(words)-1] {
					if !exists(source) {
						add("the source of COPY does not exist:", source)
					}
				}
			case "RUN", "CMD", "ENTRYPOINT":
				if s.base == "scratch" && !strings.HasPrefix(in.text, "[") {
					add(in.name, "needs a shell, and the image has none:", in.text)
				}
			}
		}
		if i == len(stages)-1 {
			if rootUser.MatchString(user) {
				add("the server runs as root")
			}
			for _, want := range []string{"HEALTHCHECK", "ENTRYPOINT", "USER", "VOLUME"} {
				if !slices.Contains(names, want) {
					add("there is no", want)
				}
			}
			if slices.Index(names, "VOLUME") < slices.Index(names, "RUN") {
				add("what is written below a VOLUME after it is lost")
			}
		}
		if s.name != "" {
			known[s.name] = true
		}
	}
	return list
}

func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	stages := dockerfile(t, text)
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(top, name))
		return err == nil
	}
	for _, problem := range problems(stages, exists) {
		t.Error(problem)
	}
	last := stages[len(stages)-1]
	if len(stages) != 2 || last.base != "scratch" {
		t.Errorf("%d stages, the last one from %s", len(stages), last.base)
	}

	// The binary is that of the releases.
	release := read(t, ".goreleaser.yaml")
	for _, flag := range []string{"-trimpath", "nobadger,nomysql,nopgx,nopgxregisterdefaulttypes", "-s -w", "CGO_ENABLED=0"} {
		flags := strings.NewReplacer("[", "", "]", "", ", ", ",").Replace(release)
		if !strings.Contains(text, flag) || !strings.Contains(flags, flag) {
			t.Errorf("the Dockerfile and the releases do not both build with %s", flag)
		}
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if !strings.HasPrefix(stages[0].base, "golang:"+goVersion+".") {
		t.Errorf("go.mod wants Go %s, and the base is %s", goVersion, stages[0].base)
	}

	// The nodes are compiled as the user, in the environment and for the config of the server.
	var before []string
	config := ""
	for _, in := range last.instructions {
		if in.name == "COPY" && strings.HasSuffix(in.text, "Caddyfile") {
			config = strings.Fields(in.text)[1]
		}
		if in.name == "RUN" {
			if want := `["/usr/bin/caddy", "flowtrux", "warm", "` + config + `"]`; in.text != want {
				t.Errorf("RUN %s, want %s", in.text, want)
			}
			for _, want := range []string{"USER", "ENV", "COPY"} {
				if !slices.Contains(before, want) {
					t.Errorf("warm runs before %s", want)
				}
			}
		}
		if in.name == "HEALTHCHECK" && !strings.HasSuffix(in.text, `CMD ["/usr/bin/caddy", "flowtrux", "status", "--ready"]`) {
			t.Errorf("HEALTHCHECK %s", in.text)
		}
		if in.name == "CMD" && !strings.Contains(in.text, `"`+config+`"`) {
			t.Errorf("the server does not run with %s: %s", config, in.text)
		}
		before = append(before, in.name)
	}
	if !slices.Contains(before, "RUN") {
		t.Error("the nodes are not compiled")
	}
}

// TestDockerfileRules checks that the rules find what they are there for.
func TestDockerfileRules(t *testing.T) {
	good := "FROM golang:1.26.8-bookworm AS build\nCOPY go.mod /\nFROM scratch\nCOPY --from=build /a /\nUSER 65532\nRUN [\"/a\"]\n" +
		"VOLUME /d\nHEALTHCHECK CMD [\"/a\"]\nENTRYPOINT [\"/a\"]\n"
	exists := func(name string) bool { return name == "go.mod" }
	if got := problems(dockerfile(t, good), exists); got != nil {
		t.Errorf("a good one: %q", got)
	}
	for _, c := range []struct{ old, new, want string }{
		{":1.26.8-bookworm", "", "the base is not pinned"},
		{":1.26.8-bookworm", ":latest", "the base is not pinned"},
		{"go.mod", "go.mood", "the source of COPY does not exist"},
		{"go.mod", "--chown=1:1 go.mod \\\n  other", "the source of COPY does not exist: other"},
		{"--from=build", "--from=built", "COPY from a stage that is not there"},
		{"USER 65532", "USER 0:0", "the server runs as root"},
		{"USER 65532", "USER root", "the server runs as root"},
		{"USER 65532\n", "", "the server runs as root"},
		{"USER 65532", "ENV DB_PASSWORD=x\nUSER 65532", "a secret would stay in the image"},
		{"USER 65532", "ADD a /\nUSER 65532", "ADD fetches"},
		{`RUN ["/a"]`, "RUN a b", "RUN needs a shell"},
		{"HEALTHCHECK CMD [\"/a\"]\n", "", "there is no HEALTHCHECK"},
		{"RUN [\"/a\"]\nVOLUME /d", "VOLUME /d\nRUN [\"/a\"]", "is lost"},
	} {
		got := strings.Join(problems(dockerfile(t, strings.Replace(good, c.old, c.new, 1)), exists), "\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%q instead of %q: %q, want %q", c.new, c.old, got, c.want)
		}
	}
}

// TestContext checks that the context of the build has all files of the repository: only what git
// ignores is left out. Otherwise git would call the build a modified one.
func TestContext(t *testing.T) {
	ignored := read(t, ".gitignore") + read(t, "caddymodule/console/web/.gitignore")
	patterns := strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(read(t, ".dockerignore"), ""))
	for _, pattern := range patterns {
		if !strings.Contains("\n"+ignored, "\n"+strings.TrimPrefix(pattern, "**/")+"\n") {
			t.Errorf(".dockerignore leaves out %s, which git does not ignore", pattern)
		}
	}
	for _, want := range []string{"/bin/", "/.run/", "**/node_modules/", "**/*.secret"} {
		if !slices.Contains(patterns, want) {
			t.Errorf(".dockerignore lets %s in", want)
		}
	}
}
