package command

import (
	"strings"
	"testing"
)

func TestUnknownCommands(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"frobnicate", "unknown command \"frobnicate\" for `flowtrux`; available: apply, "},
		{"nodez", "unknown command \"nodez\" for `flowtrux`; did you mean nodes or node?"},
		{"node frobnicate", "unknown command \"frobnicate\" for `flowtrux node`; available: inspect, new, test"},
		{"statsu --json", "did you mean status?"},
		{"nope --color red", `unknown command "nope"`},
		{"secret sett orders --generate", "unknown command \"sett\" for `flowtrux secret`; did you mean set?"},
		{"global rename a b", "unknown command \"rename\" for `flowtrux global`; available: delete, get, list, set"},
		{"executions lsit", "unknown command \"lsit\" for `flowtrux executions`; did you mean list?"},
		{"executions replay exec-1 exec-2", "several require --offline"},
		{"executions replay --offline exec-1 --workflow orders", "not both"},
		{"--color", "unknown flag: --color"},
		{"status --color", "unknown flag: --color"},
		{"get", "usage: flowtrux get <id>"},
		{"secret set a b", "usage: flowtrux secret set <id> [--generate]"},
		{"list --address localhost", `--address "localhost" is not a single address, such as localhost:2019`},
		{"list --address [::1]:1", "no Caddy responds at [::1]:1"},
		{"list --address a:b:c", `--address "a:b:c" is not a single address`},
		{"list --address http://localhost:2019", `--address "http://localhost:2019" is not a single address`},
		{"list --address localhost:2019/x", `--address "localhost:2019/x" is not a single address`},
		{"status now", `unknown command "now" for "flowtrux status"`},
	} {
		out, _, err := try(t, "", strings.Fields(c.args)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
			t.Errorf("%s: error %v, want %q; output %q", c.args, err, c.want, out)
		}
	}
	for _, args := range []string{"", "secret", "global", "node", "executions", "help", "secret --help"} {
		if out, _, err := try(t, "", strings.Fields(args)...); err != nil || !strings.Contains(out, "[command] --help") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
