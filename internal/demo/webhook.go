package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// secrets is the directory with the secrets of the examples, one file per workflow.
const secrets = "examples/secrets"

// webhook is one request to an example.
type webhook struct {
	title string
	id    string
	query string
	body  string
	want  int // status
}

var webhooks = []webhook{
	{
		title: "lastNode: waits for the workflow and answers what its last node gave",
		id:    "your-workflow-id", query: "?source=crm&priority=high",
		body: `{"event":"order_created","order_id":"12345"}`, want: http.StatusOK,
	},
	{
		title: "specificNode: answers what the node named in the workflow gave",
		id:    "order-copies",
		body:  `{"items":[{"sku":"A-1","quantity":2},{"sku":"B-7","quantity":1}]}`, want: http.StatusOK,
	},
	{
		title: "allNodes: answers what every node gave",
		id:    "order-steps",
		body:  `{"event":"order_paid","order_id":"12345"}`, want: http.StatusOK,
	},
	{
		title: "minimal: answers as soon as the execution is accepted, and runs it afterwards",
		id:    "audit",
		body:  `{"event":"order_created","order_id":"12345"}`, want: http.StatusAccepted,
	},
}

// show sends the webhook and prints the request and the response.
func (w webhook) show(ctx context.Context, p *printer, site string) error {
	secret, err := os.ReadFile(filepath.Join(secrets, w.id))
	if err != nil {
		return err
	}
	signature := sign(strings.TrimSuffix(string(secret), "\n"), w.body)
	path := "/api/webhooks/" + w.id + w.query

	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, site+path, strings.NewReader(w.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Webhook-Signature", signature)
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}

	p.title(w.title)
	p.request("POST "+path, "X-Webhook-Signature: "+signature, w.body)
	p.answer(resp, answer, time.Since(began))
	if resp.StatusCode != w.want {
		return fmt.Errorf("the status is %d, not %d", resp.StatusCode, w.want)
	}
	return nil
}

// sign returns the HMAC-SHA256 of the body's bytes in hex, as senders compute it.
func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}
