package flow

import (
	"bytes"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Lenient has the settings for responses to the senders of a document that may be invalid.
type Lenient struct {
	Active    bool
	Webhook   bool   // its trigger is a webhook
	Signature []byte // webhook.signature, raw; nil = none
	Secret    Secret // webhook.secret; "" = none
}

// DecodeLenient reads a document of any quality. It never fails: what it cannot read has its
// default, which is an active webhook without signature settings and secret. Of several triggers
// the first counts, of repeated keys the last. raw is neither retained nor changed.
func DecodeLenient(raw []byte) Lenient {
	l := Lenient{Active: true, Webhook: true}
	doc, err := rawjson.AppendCanonical(nil, raw, MaxDepth) // without repeated keys
	if err != nil {
		return l
	}
	l.Active = rawjson.KindOf(rawjson.Get(doc, "active")) != rawjson.False
	var config []byte // of the trigger
	rawjson.Elements(rawjson.Get(doc, "nodes"), func(node []byte) bool {
		isTrigger := text(rawjson.Get(node, "type")) == TypeTrigger
		if isTrigger {
			config = rawjson.Get(node, "config")
		}
		return !isTrigger
	})
	if typ := rawjson.Get(config, "triggerType"); rawjson.KindOf(typ) == rawjson.String {
		l.Webhook = text(typ) == "webhook"
	}
	webhook := rawjson.Get(config, "webhook")
	// a view would keep the secret, too
	l.Signature = bytes.Clone(rawjson.Get(webhook, "signature"))
	l.Secret = Secret(text(rawjson.Get(webhook, "secret")))
	return l
}
