package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// try runs `caddy flowtrux <args>` in this process.
func try(t *testing.T, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	Flowtrux().CobraFunc(cmd)
	var o, e strings.Builder
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

func TestUnknownCommands(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"frobnicate", "unknown command \"frobnicate\" for `flowtrux`; there are apply, "},
		{"nodez", "unknown command \"nodez\" for `flowtrux`; did you mean nodes or node?"},
		{"node frobnicate", "unknown command \"frobnicate\" for `flowtrux node`; there are inspect, new, test"},
		{"statsu --json", "did you mean status?"},
		{"nope --colour red", `unknown command "nope"`},
		{"secret sett orders --generate", "unknown command \"sett\" for `flowtrux secret`; did you mean set?"},
		{"global rename a b", "unknown command \"rename\" for `flowtrux global`; there are delete, get, list, set"},
		{"executions lsit", "unknown command \"lsit\" for `flowtrux executions`; did you mean list?"},
		{"executions replay exec-1 exec-2", "several are for --offline"},
		{"executions replay --offline exec-1 --workflow orders", "not both"},
		{"--colour", "unknown flag: --colour"},
		{"status --colour", "unknown flag: --colour"},
		{"get", "usage: flowtrux get <id>"},
		{"secret set a b", "usage: flowtrux secret set <id> [--generate]"},
		{"list --address localhost", `--address "localhost" is not one address, such as localhost:2019`},
		{"list --address [::1]:1", "no Caddy answers at [::1]:1"},
		{"list --address a:b:c", `--address "a:b:c" is not one address`},
		{"list --address http://localhost:2019", `--address "http://localhost:2019" is not one address`},
		{"list --address localhost:2019/x", `--address "localhost:2019/x" is not one address`},
		{"status now", `unknown command "now" for "flowtrux status"`},
	} {
		out, _, err := try(t, "", strings.Fields(c.args)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
			t.Errorf("%s: error %v, want %q; output %q", c.args, err, c.want, out)
		}
	}
	for _, args := range []string{"", "secret", "global", "node", "executions", "help", "secret --help"} {
		if out, _, err := try(t, "", strings.Fields(args)...); err != nil || !strings.Contains(out, "Available Commands") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
