package signature

import (
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- HMAC-SHA1 is sound, and some senders of the custom scheme have nothing else
	"crypto/sha256"
	"crypto/sha512"
	"strings"
	"time"
)

// schemeNames are the names that ParseScheme knows, as messages list them.
var schemeNames = []string{"flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks", "custom"}

// builtin makes the scheme of a name, nil for custom and unknown ones. Sources of the formats:
//
//   - flowtrux: the webhooks page of the FlowTrux documentation
//   - github: "Validating webhook deliveries" in the GitHub documentation
//   - stripe: "Verify webhook signatures manually" in the Stripe documentation
//   - slack: "Verifying requests from Slack" in the Slack documentation
//   - shopify: "Verify webhook deliveries" in the Shopify documentation
//   - standard-webhooks: the Standard Webhooks specification 1.0.0
func builtin(name string) *Scheme {
	s := &Scheme{name: name}
	switch name {
	case "flowtrux":
		s.signature, s.prefix, s.bare = "X-Webhook-Signature", "sha256=", true
		s.payload = parts("{body}")
	case "github":
		s.signature, s.prefix = "X-Hub-Signature-256", "sha256="
		s.payload = parts("{body}")
	case "stripe":
		s.signature, s.layout = "Stripe-Signature", layoutStripe
		s.payload = parts("{timestamp}.{body}")
	case "slack":
		s.signature, s.prefix = "X-Slack-Signature", "v0="
		s.timestamp = "X-Slack-Request-Timestamp"
		s.payload = parts("v0:{timestamp}:{body}")
	case "shopify":
		s.signature, s.base64 = "X-Shopify-Hmac-Sha256", true
		s.payload = parts("{body}")
	case "standard-webhooks":
		s.signature, s.base64, s.layout = "Webhook-Signature", true, layoutStandard
		s.timestamp, s.id = "Webhook-Timestamp", "Webhook-Id"
		s.payload = parts("{id}.{timestamp}.{body}")
		return s.finish("sha256", whsecSHA256)
	default:
		return nil
	}
	return s.finish("sha256", textSHA256)
}

// finish sets what follows from the rest and the algorithm.
func (s *Scheme) finish(algorithm string, m material) *Scheme {
	s.material = m
	switch algorithm {
	case "sha1":
		s.hash, s.size = sha1.New, sha1.Size
	case "sha512":
		s.hash, s.size = sha512.New, sha512.Size
	default:
		s.hash, s.size = sha256.New, sha256.Size
	}
	for _, name := range []string{s.signature, s.timestamp, s.id} {
		if name != "" {
			s.headers = append(s.headers, name)
		}
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: see its documentation
	s.decoy = NewKey(secret, time.Time{})
	return s
}

// part is a piece of the signed text.
type part struct {
	field field
	text  string // of fieldText
}

type field uint8

const (
	fieldText field = iota
	fieldBody
	fieldTimestamp
	fieldID
)

var fields = map[string]field{"{body}": fieldBody, "{timestamp}": fieldTimestamp, "{id}": fieldID}

// parts takes a payload pattern apart. What only looks like a placeholder is text.
func parts(pattern string) []part {
	var list []part
	text := 0 // where the text before i begins
	for i := 0; i < len(pattern); {
		end := strings.IndexByte(pattern[i:], '}') + i + 1
		f, ok := fields[pattern[i:max(i, end)]]
		if !ok {
			i++
			continue
		}
		if i > text {
			list = append(list, part{text: pattern[text:i]})
		}
		list = append(list, part{field: f})
		i, text = end, end
	}
	if text < len(pattern) {
		list = append(list, part{text: pattern[text:]})
	}
	return list
}

// count tells how often a field stands in a pattern.
func count(list []part, f field) int {
	n := 0
	for _, p := range list {
		if p.field == f {
			n++
		}
	}
	return n
}
