package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/nodes/sdk/languages"
)

type nodeNewOptions struct {
	sdk string
}

func nodeNewCommand() *cobra.Command {
	o := new(nodeNewOptions)
	cmd := newCommand("new <language> <dir>", "Creates a directory with an example node in "+strings.Join(languageNames(), ", "),
		`Creates a directory with an example node, which builds and passes its cases. Nothing is downloaded.

A node in Go needs the SDK of this project: the released one, or the one of a checkout that --sdk
names.`,
		cobra.ExactArgs(2), o.run)
	cmd.Flags().StringVar(&o.sdk, "sdk", "", "For Go: `directory` with a checkout of FlowTrux Edge, whose SDK is used instead of a released one")
	if err := cmd.MarkFlagDirname("sdk"); err != nil {
		panic(err) // there is no such flag
	}
	cmd.ValidArgsFunction = completeLanguages
	return cmd
}

func (o *nodeNewOptions) run(cmd *cobra.Command, args []string) error {
	l, err := language(args[0])
	if err != nil {
		return err
	}
	dir := args[1]
	if o.sdk != "" && l.Name != "go" {
		return errors.New("--sdk is only for Go: other languages have their SDK in the directory")
	}
	build := l.Build
	if l.Name == "go" {
		if o.sdk == "" {
			build = append([]string{"go get github.com/flowtrux/edge"}, build...)
		}
		err = o.writeGo(l, dir)
	} else {
		err = l.Write(dir)
	}
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s a node in %s. Building it needs %s. Build and test it:\n\n  cd %s\n", paint(w, green, "created"), dir, l.Needs, dir)
	for _, line := range build {
		fmt.Fprintf(w, "  %s\n", line)
	}
	test := "  caddy flowtrux node test " + l.Module
	if filepath.Dir(l.Module) != "." {
		test += " --cases testdata"
	}
	fmt.Fprintln(w, test)
	return nil
}

// writeGo writes a node in Go, with a go.mod.
func (o *nodeNewOptions) writeGo(l *languages.Language, dir string) error {
	goMod := filepath.Join(dir, "go.mod")
	if _, err := os.Lstat(goMod); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s already exists", goMod)
	}
	content := "module slugify\n\ngo 1.26.0\n"
	if o.sdk != "" {
		checkout, err := filepath.Abs(o.sdk)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(checkout, "nodes", "sdk", "sdk.go")); err != nil {
			return fmt.Errorf("--sdk: %s is not a checkout of FlowTrux Edge: it has no nodes/sdk", o.sdk)
		}
		content += fmt.Sprintf("\nrequire github.com/flowtrux/edge v0.0.0\n\nreplace github.com/flowtrux/edge => %s\n", checkout)
	}
	if err := l.Write(dir); err != nil {
		return err
	}
	return os.WriteFile(goMod, []byte(content), 0o644)
}

func language(name string) (*languages.Language, error) {
	for _, l := range languages.All() {
		if l.Name == name {
			return &l, nil
		}
	}
	return nil, fmt.Errorf("unknown language %q; available: %s", name, strings.Join(languageNames(), ", "))
}
