package signature

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"
)

// schemeNames lists the names that ParseScheme accepts, in the order in which messages list them.
var schemeNames = []string{"flowtrux", "github", "stripe", "slack", "shopify", "standard-webhooks", "custom"}

// BuiltinSchemes returns the names of the schemes that need no further settings.
func BuiltinSchemes() []string {
	return slices.DeleteFunc(slices.Clone(schemeNames), func(name string) bool { return name == "custom" })
}

// builtin returns the scheme of a name, or nil for custom and unknown names. All workflows share
// it.
func builtin(name string) *Scheme { return builtins()[name] }

var builtins = sync.OnceValue(func() map[string]*Scheme {
	all := make(map[string]*Scheme)
	for _, name := range BuiltinSchemes() {
		all[name] = newBuiltin(name)
	}
	return all
})

// newBuiltin returns the scheme of a name. The formats are from:
//
//   - flowtrux: the webhooks page of the FlowTrux documentation
//   - github: "Validating webhook deliveries" in the GitHub documentation
//   - stripe: "Verify webhook signatures manually" in the Stripe documentation
//   - slack: "Verifying requests from Slack" in the Slack documentation
//   - shopify: "Verify webhook deliveries" in the Shopify documentation
//   - standard-webhooks: the Standard Webhooks specification 1.0.0. The svix names are
//     older names by the author of its reference libraries, which still accept them
func newBuiltin(name string) *Scheme {
	s := &Scheme{name: name}
	switch name {
	case "flowtrux":
		s.names.signature, s.prefix, s.bare = "X-Webhook-Signature", "sha256=", true
		s.payload = parts("{body}")
	case "github":
		s.names.signature, s.prefix = "X-Hub-Signature-256", "sha256="
		s.payload = parts("{body}")
	case "stripe":
		s.names.signature, s.layout = "Stripe-Signature", layoutStripe
		s.payload = parts("{timestamp}.{body}")
	case "slack":
		s.names = names{signature: "X-Slack-Signature", timestamp: "X-Slack-Request-Timestamp"}
		s.prefix = "v0="
		s.payload = parts("v0:{timestamp}:{body}")
	case "shopify":
		s.names.signature, s.base64 = "X-Shopify-Hmac-Sha256", true
		s.payload = parts("{body}")
	case "standard-webhooks":
		s.names = names{"Webhook-Signature", "Webhook-Timestamp", "Webhook-Id"}
		s.older = names{"Svix-Signature", "Svix-Timestamp", "Svix-Id"}
		s.base64, s.layout, s.decodes = true, layoutStandard, true
		s.payload = parts("{id}.{timestamp}.{body}")
	}
	return s.finish("sha256", textSHA256)
}

// finish sets the fields that follow from the others and the algorithm.
func (s *Scheme) finish(algorithm string, m material) *Scheme {
	s.materials = []material{m}
	switch algorithm {
	case "sha1":
		s.algorithm = hmacSHA1
	case "sha512":
		s.algorithm = hmacSHA512
	default:
		s.algorithm = hmacSHA256
	}
	s.headers = append(s.names.list(), s.older.list()...)
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

// parts splits a payload pattern. Text that merely resembles a placeholder stays text.
func parts(pattern string) []part {
	var list []part
	text := 0 // start of the text before i
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

// count returns the number of times that a field occurs in a pattern.
func count(list []part, f field) int {
	n := 0
	for _, p := range list {
		if p.field == f {
			n++
		}
	}
	return n
}
