package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/flowtrux/edge/bench/meter"
)

// request is a signed webhook with its expected response.
type request struct {
	path     string
	body     []byte
	status   int
	response string // body; "" for any
}

// signature returns the header X-Webhook-Signature for body.
func signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// client makes a new connection for each request. It is for requests that are not measured and for
// starts.
var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// errWrong means that the response differs from the expected one and that waiting does not help.
var errWrong = errors.New("not the expected response")

// send sends a signed webhook.
func (v *server) send(ctx context.Context, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Webhook-Signature", signature(body))
	return client.Do(req)
}

// try sends r once.
func (v *server) try(ctx context.Context, r request) error {
	resp, err := v.send(ctx, r.path, r.body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == r.status && (r.response == "" || string(body) == r.response) && (r.status != http.StatusCreated || resp.Header.Get("X-Flow") == "ok"):
		return nil
	// The store may not be loaded yet.
	case resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusNotFound:
		return fmt.Errorf("HTTP %d: %s", resp.StatusCode, body)
	default:
		return fmt.Errorf("%w: HTTP %d: %s", errWrong, resp.StatusCode, body)
	}
}

// await sends r until it gets the expected response.
func (v *server) await(ctx context.Context, r request, timeout time.Duration) error {
	for deadline := time.Now().Add(timeout); ; {
		err := v.try(ctx, r)
		if err == nil || errors.Is(err, errWrong) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-v.exit:
			return fmt.Errorf("the server has exited: %s", v.cmd.ProcessState)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// runtime reads the counters of Go's runtime in the server, after a garbage collection if gc is
// true.
func (v *server) runtime(ctx context.Context, gc bool) (m meter.Runtime, err error) {
	url := v.admin + "/bench/runtime"
	if gc {
		url += "?gc"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return m, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return m, fmt.Errorf("%s: HTTP %d", url, resp.StatusCode)
	}
	return m, json.NewDecoder(resp.Body).Decode(&m)
}
