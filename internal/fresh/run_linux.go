package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// site is where Caddyfile.example serves.
	site = "http://localhost:8080"
	// stopTime is the time within which make run must end after Ctrl-C.
	stopTime = 30 * time.Second
)

// tryRun starts make run, waits until it has shown its webhooks, sends the README's webhook, and
// presses Ctrl-C.
func tryRun(ctx context.Context, m *machine) error {
	cmd := m.command(ctx, "make", "run")
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		return err
	}
	failure := serves(io.TeeReader(out, os.Stdout))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Further output is shown too. The pipe closes when the last process ends. Wait returns an
		// error because make was interrupted.
		_, _ = io.Copy(os.Stdout, out)
		_ = cmd.Wait()
	}()
	if failure == nil {
		failure = sendReadmes(ctx)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // it may have ended already
	select {
	case <-ended:
	case <-time.After(stopTime):
		_ = cmd.Process.Kill()
		<-ended
		failure = errors.Join(failure, fmt.Errorf("make run is still running %s after Ctrl-C", stopTime))
	}
	return failure
}

// serves reads the output up to the line that says that the server keeps serving. A webhook in each
// mode must come before it.
func serves(r io.Reader) error {
	var said strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if !strings.HasPrefix(lines.Text(), "Serving on ") {
			continue
		}
		for _, mode := range []string{"minimal", "lastNode", "specificNode", "allNodes"} {
			if !strings.Contains(said.String(), "\n"+mode+": ") {
				return fmt.Errorf("the output shows no webhook in mode %s", mode)
			}
		}
		return nil
	}
	return errors.New("it ended before it served")
}

// sendReadmes sends the README's webhook.
func sendReadmes(ctx context.Context) error {
	const body = `{"event":"order_created","order_id":"12345"}`
	mac := hmac.New(sha256.New, []byte("your-webhook-secret"))
	mac.Write([]byte(body))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, site+"/api/webhooks/your-workflow-id", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Signature", hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), `"order":"12345"`)) {
		err = fmt.Errorf("the response to the README's webhook is %d %s", resp.StatusCode, answer)
	}
	return err
}
