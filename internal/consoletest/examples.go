package consoletest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// Examples are the options of a server with the repository's examples, and with the other service
// that one of them asks.
func Examples() (Options, error) {
	root, err := Root()
	if err != nil {
		return Options{}, err
	}
	return Options{
		Store: "seed " + filepath.Join(root, "examples"),
		App:   "egress {\nallow 127.0.0.0/8\n}\nglobals_write last_*",
		Site:  "header /stock/A-1 Content-Type application/json\nrespond /stock/A-1 `{\"sku\":\"A-1\",\"stock\":7}`",
	}, nil
}

// SendExample sends a webhook to an example.
func (s *Server) SendExample(ctx context.Context, workflow, body string) (crash.Response, error) {
	root, err := Root()
	if err != nil {
		return crash.Response{}, err
	}
	id, _, _ := strings.Cut(workflow, "?")
	secret, err := os.ReadFile(filepath.Join(root, "examples", "secrets", id))
	if err != nil {
		return crash.Response{}, err
	}
	return s.Send(ctx, crash.Request{Workflow: workflow, Body: body, Secret: strings.TrimSuffix(string(secret), "\n")})
}

// ShopHere lets the example that asks another service find it at this server.
func (s *Server) ShopHere(ctx context.Context) error {
	url, err := json.Marshal("http://" + s.Site())
	if err != nil {
		return err
	}
	return s.AdminRequest(ctx, http.MethodPut, "globals/shop_url", url, nil)
}

// WaitPrepared waits until no workflow is being prepared.
func (s *Server) WaitPrepared(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	for {
		var status struct{ Preparing []string }
		err := s.AdminRequest(ctx, http.MethodGet, "status", nil, &status)
		if err == nil && len(status.Preparing) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still in preparation: %q, %w", status.Preparing, err)
		}
		time.Sleep(tick)
	}
}

// RunExamples sends webhooks that succeed, fail and choose different ways.
func (s *Server) RunExamples(ctx context.Context) error {
	if err := errors.Join(s.ShopHere(ctx), s.WaitPrepared(ctx)); err != nil {
		return err
	}
	for _, w := range []struct {
		workflow, body string
		status         int
	}{
		{"order-intake?source=shop", `{"order_id":"A-1001","total":129.90}`, http.StatusCreated},
		{"order-intake?source=shop", `{"order_id":"A-1002","total":24.50}`, http.StatusCreated},
		{"order-steps", `{"event":"order_paid","order_id":"A-1001"}`, http.StatusOK},
		{"order-steps", `{"event":"order_created","order_id":"A-1003"}`, http.StatusOK},
		{"order-copies", `{"items":[{"sku":"A-1","quantity":2},{"sku":"B-7","quantity":1}]}`, http.StatusOK},
		{"order-total", `{"items":[{"price":2.5,"qty":2},{"price":1,"qty":3}]}`, http.StatusOK},
		{"order-total", `{"items":[]}`, http.StatusOK},
		{"stock-check", `{"sku":"A-1"}`, http.StatusOK},
		{"stock-check", `{"sku":"B-2"}`, http.StatusOK},
		{"audit", `{"event":"order_created","order_id":"A-1001"}`, http.StatusAccepted},
		{"your-workflow-id?source=crm&priority=high", `{"event":"order_created","order_id":"12345"}`, http.StatusOK},
	} {
		a, err := s.SendExample(ctx, w.workflow, w.body)
		if err == nil && a.Status != w.status {
			err = fmt.Errorf("status %d: %s", a.Status, a.Body)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", w.workflow, err)
		}
	}
	return nil
}
