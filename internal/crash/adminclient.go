package crash

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// Secret signs all webhooks.
const Secret = "crash-secret"

// admin opens a connection for each request, so that none to a killed process is reused.
var admin = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// AdminRequest sends a request to the admin endpoint and decodes the response, unless into is nil.
func (s *Server) AdminRequest(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.admin+"/flowtrux/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Origin", "http://"+s.admin)
	resp, err := admin.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	response, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: HTTP %d: %s", method, path, resp.StatusCode, response)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(response, into)
}

// Put stores a workflow and its secret.
func (s *Server) Put(ctx context.Context, id, document string) error {
	if err := s.AdminRequest(ctx, http.MethodPut, "workflows/"+id, []byte(document), nil); err != nil {
		return err
	}
	return s.AdminRequest(ctx, http.MethodPut, "secrets/"+id, []byte(Secret), nil)
}

// Status is a part of the server's status of its journal.
type Status struct{ Pending, Running int }

// Status requests the server's status.
func (s *Server) Status(ctx context.Context) (Status, error) {
	var status struct{ Journal Status }
	err := s.AdminRequest(ctx, http.MethodGet, "status", nil, &status)
	return status.Journal, err
}

// WaitDrained waits until no execution is pending or runs.
func (s *Server) WaitDrained(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := s.Status(ctx)
		if err == nil && now == (Status{}) {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.Ended():
			return s.WithLog(fmt.Errorf("the server has ended: %s", s.process.State()))
		case <-ctx.Done():
			return s.WithLog(fmt.Errorf("after %s there are still %+v executions, %w", patience, now, err))
		}
	}
}

// Executions lists all executions, by id.
func (s *Server) Executions(ctx context.Context) (map[string]journal.Summary, error) {
	all := make(map[string]journal.Summary)
	for cursor := ""; ; {
		var page struct {
			Executions []journal.Summary
			Next       string
		}
		if err := s.AdminRequest(ctx, http.MethodGet, fmt.Sprintf("executions?limit=%d&cursor=%s", journal.MaxLimit, cursor), nil, &page); err != nil {
			return nil, err
		}
		for _, row := range page.Executions {
			all[row.ID] = row
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// Response is the response to a webhook.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Request is a webhook to send.
type Request struct {
	Workflow string
	Body     string
	Secret   string            // "" = Secret
	Header   map[string]string // further fields
	Client   *http.Client      // nil = one that opens a connection for each request
}

// Send sends a signed webhook.
func (s *Server) Send(ctx context.Context, r Request) (Response, error) {
	url := "http://" + s.site + "/api/webhooks/" + r.Workflow
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(r.Body))
	if err != nil {
		return Response{}, err
	}
	mac := hmac.New(sha256.New, []byte(cmp.Or(r.Secret, Secret)))
	mac.Write([]byte(r.Body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Webhook-Signature", hex.EncodeToString(mac.Sum(nil)))
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := cmp.Or(r.Client, admin).Do(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return Response{resp.StatusCode, resp.Header, string(text)}, err
}
