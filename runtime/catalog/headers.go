package catalog

import (
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

// RequestHeader is a request header that a document names.
type RequestHeader struct {
	Path string // JSON path of the name in the document
	Name string // canonical
}

// RequestHeaders returns the request headers chosen by the author of a workflow: those of the
// scheme custom and of webhook.idempotency.
func RequestHeaders(p *flow.Plan, s *signature.Scheme) []RequestHeader {
	if p.Webhook == nil {
		return nil
	}
	var list []RequestHeader
	for _, h := range s.CustomHeaders() {
		list = append(list, RequestHeader{p.Webhook.Path + ".signature." + h.Path, h.Name})
	}
	if in := p.Webhook.Idempotency; in != nil && in.Header != "" {
		list = append(list, RequestHeader{p.Webhook.Path + ".idempotency.header", in.Header})
	}
	return list
}
