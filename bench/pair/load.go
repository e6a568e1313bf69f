package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/crash"
)

const connections = 32

// load sends webhooks over all connections for the given time, each when the previous one got its
// response. It returns the number of responses. A response other than the expected one is an error.
func load(ctx context.Context, site string, d time.Duration) (int, error) {
	body := workflow.Body(1024)
	mac := hmac.New(sha256.New, []byte(crash.Secret))
	mac.Write(body)
	request := fmt.Appendf(nil, "POST /api/webhooks/three HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Webhook-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		site, hex.EncodeToString(mac.Sum(nil)), len(body), body)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var responses atomic.Int64
	var senders sync.WaitGroup
	end := time.Now().Add(d)
	for range connections {
		senders.Go(func() {
			n, err := send(ctx, site, request, end)
			responses.Add(int64(n))
			if err != nil {
				cancel(err)
			}
		})
	}
	senders.Wait()
	return int(responses.Load()), context.Cause(ctx)
}

// send sends webhooks over one connection.
func send(ctx context.Context, site string, request []byte, end time.Time) (n int, err error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", site)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(end.Add(10 * time.Second)); err != nil {
		return 0, err
	}
	for r := bufio.NewReader(c); time.Now().Before(end) && ctx.Err() == nil; n++ {
		if _, err := c.Write(request); err != nil {
			return n, err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return n, err
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return n, err
		}
		if resp.StatusCode != http.StatusCreated || string(got) != workflow.Response {
			return n, fmt.Errorf("the response is %d %s", resp.StatusCode, got)
		}
	}
	return n, nil
}
