package flow

import (
	"slices"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// Bounds and defaults of a webhook's settings.
const (
	defaultWebhookTimeout = 30 * time.Second
	maxConcurrentRuns     = 100_000
	maxWindow             = 30 * 24 * time.Hour
	maxSecret             = 64 << 10 // bytes
)

// trigger is the config of a trigger node.
type trigger struct {
	webhook      *Webhook // nil = manual
	responseNode value    // webhook.responseNodeId
	data         []byte   // canonical; of a manual trigger
}

// DefaultWindow is how long an idempotency key is remembered by default.
const DefaultWindow = 24 * time.Hour

// readTrigger reads the config v of a trigger.
func (d *draft) readTrigger(node *place, v value) trigger {
	var t trigger
	if v.raw == nil {
		d.add(node.member("config"), "is required")
		return t
	}
	var typ string
	var webhook, data value
	seen := d.members(v, []string{"triggerType", "webhook", "data"}, func(key string, m value) {
		switch key {
		case "triggerType":
			typ, _ = d.oneOf(m, "webhook", "manual")
		case "webhook":
			webhook = m
		case "data":
			data = m
		}
	})
	d.require(v, seen, "triggerType")
	if typ == "" && webhook.raw != nil {
		typ = "webhook" // reported; the settings are worth reading
	}
	switch typ {
	case "webhook":
		t.webhook = defaultWebhook()
		t.webhook.Path = node.member("config").member("webhook").String()
		if webhook.raw != nil {
			t.webhook.Path = webhook.at.String()
			d.readWebhook(webhook, &t)
		} else {
			t.webhook.Scheme = d.readSignature(value{}, value{}, "")
		}
		if data.raw != nil {
			d.add(data.at, "is only for a manual trigger: a webhook gets its data from the request")
		}
	case "manual":
		if data.raw != nil {
			// part of a checked document
			t.data, _ = rawjson.AppendCanonical(nil, data.raw, MaxDepth)
		}
		if webhook.raw != nil {
			d.add(webhook.at, "is only for a webhook trigger")
		}
	}
	return t
}

func defaultWebhook() *Webhook {
	return &Webhook{Mode: Minimal, ResponseNode: -1, StatusCode: 200, Timeout: defaultWebhookTimeout}
}

func (d *draft) readWebhook(v value, t *trigger) {
	w := t.webhook
	var signature, secret value
	known := []string{
		"responseMode", "responseNodeId", "statusCode", "headers", "timeout", "onTimeout", "maxConcurrent",
		"idempotency", "signature", "secret",
	}
	seen := d.members(v, known, func(key string, m value) {
		switch key {
		case "responseMode":
			mode, _ := d.oneOf(m, string(Minimal), string(LastNode), string(SpecificNode), string(AllNodes))
			w.Mode = Mode(mode)
		case "responseNodeId":
			t.responseNode = m
		case "statusCode":
			w.StatusCode, _ = d.integer(m, 200, 599)
		case "headers":
			w.Header = d.readHeader(m)
		case "timeout":
			w.Timeout, _ = d.duration(m, time.Millisecond, maxTimeout)
		case "onTimeout":
			word, _ := d.oneOf(m, "error", "accept")
			w.AcceptOnTimeout = word == "accept"
		case "maxConcurrent":
			var ok bool
			if w.MaxConcurrent, ok = d.integer(m, 0, maxConcurrentRuns); ok && w.MaxConcurrent == 0 {
				d.warn(m.at, "must be at least 1: 0 is no limit; leave the key out for that")
			}
		case "idempotency":
			w.Idempotency = d.readIdempotency(m)
		case "signature":
			signature = m
		case "secret":
			text, _ := d.text(m)
			if len(text) > maxSecret {
				d.add(m.at, "has more than %d bytes", maxSecret)
			}
			if text == message.Mask { // of a document that was shown masked, see Masked
				d.warn(m.at, "is %s, which anybody can guess: put the secret that was hidden by it, or leave the key out", message.Mask)
			}
			secret, w.Secret = m, Secret(text)
		}
	})
	if w.Mode == SpecificNode {
		d.require(v, seen, "responseNodeId")
	}
	w.Scheme = d.readSignature(signature, secret, w.Secret)
}

// readSignature compiles the settings of webhook.signature, which may be missing. In a new document
// it also checks the secret, given by its place and text.
func (d *draft) readSignature(settings, secret value, text Secret) (scheme any) {
	if d.signatures == nil {
		return nil
	}
	scheme, problems := d.signatures.Parse(settings.raw)
	for _, p := range problems {
		d.add(settings.at.below(p.Path), "%s", p.Reason)
	}
	if d.strict && scheme != nil && text != "" {
		if reason := d.signatures.CheckSecret(scheme, text); reason != "" {
			d.add(secret.at, "%s", reason)
		}
	}
	return scheme
}

func (d *draft) readIdempotency(v value) *Idempotency {
	in := &Idempotency{Window: DefaultWindow}
	seen := d.members(v, []string{"header", "field", "window"}, func(key string, m value) {
		switch key {
		case "header":
			in.Header = d.requestHeader(m)
		case "field":
			in.Field = d.readField(m)
		case "window":
			in.Window, _ = d.duration(m, time.Second, maxWindow)
		}
	})
	if seen != nil && slices.Contains(seen, "header") == slices.Contains(seen, "field") {
		d.add(v.at, `must have either "header" or "field"`)
	}
	return in
}

// requestHeader reads the name of a request header and returns its canonical form.
func (d *draft) requestHeader(v value) string {
	name, ok := d.headerName(v)
	if ok && d.strict && d.signatures != nil {
		if reason := d.signatures.CheckHeader(name); reason != "" {
			d.add(v.at, "%s", reason)
		}
	}
	return name
}

// readField reads a path in the body.
func (r *report) readField(v value) *Template {
	s, ok := r.text(v)
	if !ok {
		return nil
	}
	steps, err := parsePath(s)
	if err != nil {
		r.add(v.at, "malformed path at column %d: %s", column(s, err.Offset), err.Reason)
		return nil
	}
	ref := bindData(steps)
	if ref.root == rootQuery {
		r.add(v.at, "must be a path in the body: the query is not signed")
	}
	return &Template{segments: []segment{{ref: ref}}}
}
