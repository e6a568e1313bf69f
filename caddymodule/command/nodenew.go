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

func nodeNewCommand() *cobra.Command {
	names := make([]string, 0, len(languages.All()))
	for _, l := range languages.All() {
		names = append(names, l.Name)
	}
	cmd := leaf("new <language> <dir>", "Writes a folder with a node to begin with: "+strings.Join(names, ", "),
		`The node builds and passes its cases as it is; nothing is fetched. In Go it needs the SDK of this project: the released one, or with
--sdk the one of a checkout.`,
		cobra.ExactArgs(2), nodeNew)
	cmd.Flags().String("sdk", "", "For Go: a checkout of FlowTrux Edge, whose SDK is used instead of a released one")
	return cmd
}

func nodeNew(cmd *cobra.Command, args []string) error {
	l, err := language(args[0])
	if err != nil {
		return err
	}
	dir, sdk := args[1], text(cmd, "sdk")
	if sdk != "" && l.Name != "go" {
		return errors.New("--sdk is for Go: other languages have their SDK in the folder")
	}
	build := l.Build
	if l.Name == "go" {
		goMod := filepath.Join(dir, "go.mod")
		if _, err := os.Lstat(goMod); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already", goMod)
		}
		content := "module slugify\n\ngo 1.26.0\n"
		if sdk == "" {
			build = append([]string{"go get github.com/flowtrux/edge"}, build...)
		} else {
			checkout, err := filepath.Abs(sdk)
			if err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Join(checkout, "nodes", "sdk", "sdk.go")); err != nil {
				return fmt.Errorf("--sdk: %s is no checkout of FlowTrux Edge: it has no nodes/sdk", sdk)
			}
			content += fmt.Sprintf("\nrequire github.com/flowtrux/edge v0.0.0\n\nreplace github.com/flowtrux/edge => %s\n", checkout)
		}
		if err := l.Write(dir); err != nil {
			return err
		}
		if err := os.WriteFile(goMod, []byte(content), 0o644); err != nil {
			return err
		}
	} else if err := l.Write(dir); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s a node in %s, which needs %s. Build and test it:\n\n  cd %s\n", paint(w, green, "wrote"), dir, l.Needs, dir)
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

func language(name string) (*languages.Language, error) {
	var names []string
	for _, l := range languages.All() {
		if l.Name == name {
			return &l, nil
		}
		names = append(names, l.Name)
	}
	return nil, fmt.Errorf("there is nothing to begin with in %q; there are %s", name, strings.Join(names, ", "))
}
