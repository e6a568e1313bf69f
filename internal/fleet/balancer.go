//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/testports"
)

// balancer is a Caddy in front of the edges.
type balancer struct {
	site    string // host:port
	process *crash.Process
}

// balancerConfig repeats a request at another edge in two cases: no edge can have got it, or it has
// a key, with which an execution that has begun is found again. What an edge rejects is not
// repeated: one that drains rejects nothing. After 3 s, the balancer rejects a request itself.
const balancerConfig = `{
	admin off
	persist_config off
	auto_https off
}
http://%s {
	reverse_proxy %s {
		lb_policy least_conn
		lb_try_duration 3s
		lb_try_interval 50ms
		fail_duration 1s
		lb_retry_match {
			header Idempotency-Key *
		}
		request_buffers 1MiB # to repeat a body
		transport http {
			keepalive_idle_conns_per_host 64
		}
	}
	handle_errors 503 {
		header Retry-After 1
		respond 503
	}
}
`

// startBalancer starts a balancer in front of addresses, and waits until it takes connections.
func startBalancer(ctx context.Context, caddy caddy, dir string, edges []string) (*balancer, error) {
	address, err := testports.Reserve()
	if err != nil {
		return nil, err
	}
	b := &balancer{site: address.String()}
	file := filepath.Join(dir, "balancer.Caddyfile")
	if err := os.WriteFile(file, fmt.Appendf(nil, balancerConfig, b.site, strings.Join(edges, " ")), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(caddy.command[0], append(caddy.command[1:len(caddy.command):len(caddy.command)],
		"run", "--config", file, "--adapter", "caddyfile")...)
	cmd.Env = append(os.Environ(), caddy.env...)
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if b.process, err = crash.StartProcess(cmd, filepath.Join(dir, "balancer.log")); err != nil {
		return nil, fmt.Errorf("starting the balancer: %w", err)
	}
	return b, b.await(ctx)
}

// await waits until an edge answers through the balancer. A path of none of its workflows is 404.
func (b *balancer) await(ctx context.Context) error {
	return poll(ctx, func() error {
		select {
		case <-b.process.Ended():
			return fatal{b.process.WithLog(fmt.Errorf("the balancer has ended: %s", b.process.State()))}
		default:
		}
		err := get(ctx, "http://"+b.site+"/")
		if err != nil && strings.HasSuffix(err.Error(), "HTTP 404") {
			return nil
		}
		return err
	})
}

func (b *balancer) stop() { b.process.End(syscall.SIGKILL) } // it has nothing to lose
