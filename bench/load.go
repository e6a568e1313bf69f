package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// secret signs the webhooks of the run.
const secret = "bench-secret"

// body is a signed body of 1 KB.
var body = func() []byte {
	head := []byte(`{"order_id":"12345","total":250.50,"pad":"`)
	return append(append(head, bytes.Repeat([]byte("x"), 1024-len(head)-2)...), `"}`...)
}()

// target is one thing that is measured.
type target struct {
	name, url string
	sign      bool
}

// figure is what one round of one target gave.
type figure struct {
	rate     float64 // requests a second
	cpu      time.Duration
	p50, p99 time.Duration
}

// measure sends n requests over c connections and reads the server's CPU time before and after.
func (s *server) measure(t target, c, n int) (figure, error) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: c, MaxConnsPerHost: c}}
	defer client.CloseIdleConnections()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	signature := hex.EncodeToString(mac.Sum(nil))

	took := make([]time.Duration, n)
	var next atomic.Int64
	var failed error
	var once sync.Once
	before, err := s.cpu()
	if err != nil {
		return figure{}, err
	}
	start := time.Now()
	var senders sync.WaitGroup
	for range c {
		senders.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				sent := time.Now()
				if err := send(client, t, signature); err != nil {
					once.Do(func() { failed = err })
					next.Store(int64(n))
					return
				}
				took[i] = time.Since(sent)
			}
		})
	}
	senders.Wait()
	elapsed := time.Since(start)
	if failed != nil {
		return figure{}, fmt.Errorf("%s: %w", t.name, failed)
	}
	if err := s.settle(); err != nil {
		return figure{}, err
	}
	after, err := s.cpu()
	if err != nil {
		return figure{}, err
	}
	slices.Sort(took)
	return figure{
		rate: float64(n) / elapsed.Seconds(),
		cpu:  (after - before) / time.Duration(n),
		p50:  took[n/2], p99: took[n*99/100],
	}, nil
}

func send(client *http.Client, t target, signature string) error {
	req, err := http.NewRequest(http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if t.sign {
		req.Header.Set("X-Webhook-Signature", signature)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	return err
}
