package flow

import (
	"bytes"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Bounds and defaults of a webhook's settings.
const (
	defaultWebhookTimeout = 30 * time.Second
	maxConcurrentRuns     = 100_000
	maxWindow             = 30 * 24 * time.Hour
	maxSecret             = 64 << 10 // bytes
)

// trigger is a trigger node's config.
type trigger struct {
	webhook      *Webhook // nil = manual
	responseNode value    // webhook.responseNodeId
	data         []byte   // canonical; of a manual trigger
}

// DefaultWindow is how long an idempotency key is remembered.
const DefaultWindow = 24 * time.Hour

// readTrigger reads the config v of a trigger.
func (r *report) readTrigger(node *place, v value) trigger {
	var t trigger
	if v.raw == nil {
		r.add(node.member("config"), "is required")
		return t
	}
	var typ string
	var webhook, data value
	seen := r.members(v, []string{"triggerType", "webhook", "data"}, func(key string, m value) {
		switch key {
		case "triggerType":
			typ, _ = r.oneOf(m, "webhook", "manual")
		case "webhook":
			webhook = m
		case "data":
			data = m
		}
	})
	r.require(v, seen, "triggerType")
	switch typ {
	case "webhook":
		t.webhook = defaultWebhook()
		if webhook.raw != nil {
			r.readWebhook(webhook, &t)
		}
		if data.raw != nil {
			r.add(data.at, "is only for a manual trigger: a webhook gets its data from the request")
		}
	case "manual":
		if data.raw != nil {
			// part of a checked document
			t.data, _ = rawjson.AppendCanonical(nil, data.raw, MaxDepth)
		}
		if webhook.raw != nil {
			r.add(webhook.at, "is only for a webhook trigger")
		}
	}
	return t
}

func defaultWebhook() *Webhook {
	return &Webhook{Mode: Minimal, ResponseNode: -1, StatusCode: 200, Timeout: defaultWebhookTimeout}
}

func (r *report) readWebhook(v value, t *trigger) {
	w := t.webhook
	known := []string{
		"responseMode", "responseNodeId", "statusCode", "headers", "timeout", "onTimeout", "maxConcurrent",
		"idempotency", "signature", "secret",
	}
	seen := r.members(v, known, func(key string, m value) {
		switch key {
		case "responseMode":
			mode, _ := r.oneOf(m, string(Minimal), string(LastNode), string(SpecificNode), string(AllNodes))
			w.Mode = Mode(mode)
		case "responseNodeId":
			t.responseNode = m
		case "statusCode":
			w.StatusCode, _ = r.integer(m, 200, 599)
		case "headers":
			w.Header = r.readHeader(m)
		case "timeout":
			w.Timeout, _ = r.duration(m, time.Millisecond, maxTimeout)
		case "onTimeout":
			word, _ := r.oneOf(m, "error", "accept")
			w.AcceptOnTimeout = word == "accept"
		case "maxConcurrent":
			var ok bool
			if w.MaxConcurrent, ok = r.integer(m, 0, maxConcurrentRuns); ok && w.MaxConcurrent == 0 {
				r.warn(m.at, "must be at least 1: 0 is no limit; leave the key out for that")
			}
		case "idempotency":
			w.Idempotency = r.readIdempotency(m)
		case "signature":
			w.Signature = bytes.Clone(m.raw) // a view would keep the whole document, its secret too
		case "secret":
			secret, _ := r.text(m)
			if len(secret) > maxSecret {
				r.add(m.at, "has more than %d bytes", maxSecret)
			}
			w.Secret = Secret(secret)
		}
	})
	if w.Mode == SpecificNode {
		r.require(v, seen, "responseNodeId")
	}
}

func (r *report) readIdempotency(v value) *Idempotency {
	in := &Idempotency{Window: DefaultWindow}
	seen := r.members(v, []string{"header", "field", "window"}, func(key string, m value) {
		switch key {
		case "header":
			in.Header = r.headerName(m)
		case "field":
			in.Field = r.readField(m)
		case "window":
			in.Window, _ = r.duration(m, time.Second, maxWindow)
		}
	})
	header, field := rawjson.Get(v.raw, "header") != nil, rawjson.Get(v.raw, "field") != nil
	if seen != nil && header == field {
		r.add(v.at, `must have either "header" or "field"`)
	}
	return in
}

// readField reads a path in the body.
func (r *report) readField(v value) *Template {
	s, ok := r.text(v)
	if !ok {
		return nil
	}
	steps, err := parsePath(s)
	if err != nil {
		r.add(v.at, "malformed path at column %d: %s", column(s, err.at), err.reason)
		return nil
	}
	ref := bindData(steps)
	if ref.root == rootQuery {
		r.add(v.at, "must be a path in the body: the query is not signed")
	}
	return &Template{segments: []segment{{ref: ref}}}
}
