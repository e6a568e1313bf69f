package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// tryWarm runs `caddy flowtrux warm` with what it would do.
func tryWarm(t *testing.T, warm Warm, args ...string) (out, errOut string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	Flowtrux(warm, nil, nil).CobraFunc(cmd)
	var o, e strings.Builder
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetArgs(append([]string{"warm"}, args...))
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

func TestWarmPrints(t *testing.T) {
	config := write(t, "caddy.json", `{"apps":{}}`)
	warm := func(_ context.Context, given []byte, done func(Warmed)) (string, error) {
		if string(given) != `{"apps":{}}` {
			t.Errorf("config %s", given)
		}
		done(Warmed{Source: "slow.wasm", Types: []string{"b", "a"}, Size: 3 << 20, Compiled: true, Took: 1234567 * time.Microsecond})
		done(Warmed{Source: "known.wasm", Types: []string{"known"}, Size: 5000, Took: time.Millisecond})
		done(Warmed{Source: "bad.wasm", Types: []string{"bad"}, Error: "no such\x1b[2J file"})
		return "/var/cache", nil
	}
	out, errOut, err := tryWarm(t, warm, config)
	if !errors.Is(err, errSilent) {
		t.Errorf("error %v", err)
	}
	const want = `MODULE      NODE TYPES  SIZE     CODE          TIME
bad.wasm    bad                  failed
known.wasm  known       4.9 KiB  in the cache  1ms
slow.wasm   b, a        3.0 MiB  compiled      1.235s

3 modules in X: 1 compiled, 1 in the cache before, 1 failed: a server would reject this config
cache: /var/cache
`
	if got := regexp.MustCompile(` in \S+:`).ReplaceAllString(out, " in X:"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.HasPrefix(errOut, "failed bad: no such") || strings.Contains(errOut, "\x1b") {
		t.Errorf("on standard error: %q", errOut)
	}
	out, _, err = tryWarm(t, warm, config, "--json")
	var r warmResult
	if bad := json.Unmarshal([]byte(out), &r); bad != nil || !errors.Is(err, errSilent) {
		t.Fatal(bad, err)
	}
	if r.Cache != "/var/cache" || r.Compiled != 1 || len(r.Modules) != 3 || r.Modules[0].Error == "" {
		t.Errorf("%+v", r)
	}
}

func TestWarmRejects(t *testing.T) {
	fails := func(err error) Warm {
		return func(context.Context, []byte, func(Warmed)) (string, error) { return "", err }
	}
	text := write(t, "c.json", "{}")
	for _, c := range []struct {
		name string
		warm Warm
		args []string
		want string
	}{
		{"nothing", nil, nil, "accepts 1 arg(s), received 0; usage: flowtrux warm <config> [--adapter name] [flags]"},
		{"no file", nil, []string{"none/Caddyfile"}, "open none/Caddyfile: no such file or directory"},
		{"no adapter", nil, []string{text, "--adapter", "yaml5"}, `there is no config adapter "yaml5" in this binary`},
		{"unusable", fails(errors.New("no app")), []string{text}, "no app"},
		{
			"not permitted", fails(fmt.Errorf("making it: %w", fs.ErrPermission)),
			[]string{text},
			"making it: permission denied; run this as the user that runs the server",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := tryWarm(t, c.warm, c.args...)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
