package flow

import "github.com/flowtrux/edge/nodes/rawjson"

// RedactSecret returns a copy of a document, valid or not, without the webhook.secret of any of its
// nodes; all other bytes stay. When raw is not one JSON value the result is nil, as an unreadable
// document may hold secrets anywhere.
func RedactSecret(raw []byte) []byte {
	if rawjson.Check(raw, MaxDepth) != nil {
		return nil
	}
	out, done := make([]byte, 0, len(raw)), 0
	each(raw, "nodes", func(nodes []byte) {
		rawjson.Elements(nodes, func(node []byte) bool {
			each(node, "config", func(config []byte) {
				each(config, "webhook", func(webhook []byte) {
					cutMembers(raw, webhook, "secret", func(from, to int) {
						out = append(out, raw[done:from]...)
						done = to
					})
				})
			})
			return true
		})
	})
	return append(out, raw[done:]...)
}

// each calls fn for every member of the object v whose key is name, including repeated ones.
func each(v []byte, name string, fn func(value []byte)) {
	rawjson.Members(v, func(key, value []byte) bool {
		if rawjson.KeyIs(key, name) {
			fn(value)
		}
		return true
	})
}

// cutMembers calls cut for the parts of doc to remove, so that the object v, a view into doc, has
// no member name. Each part includes one comma: the one before the member when an earlier member
// stays, else the one behind it.
func cutMembers(doc, v []byte, name string, cut func(from, to int)) {
	// views end where the document's memory does
	offset := func(view []byte) int { return cap(doc) - cap(view) }
	// cutting: where a part begins that ends at the next member
	stays, cutting := false, -1
	end := 0 // of the member before
	rawjson.Members(v, func(key, value []byte) bool {
		start := offset(key) - 1
		if cutting >= 0 {
			cut(cutting, start)
			cutting = -1
		}
		before := end
		end = offset(value) + len(value)
		switch {
		case !rawjson.KeyIs(key, name):
			stays = true
		case stays:
			cut(before, end)
		default:
			cutting = start
		}
		return true
	})
	if cutting >= 0 {
		cut(cutting, end)
	}
}
