package sdk

import (
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
)

// Manifest returns the manifest, as the describe export does. Package abi has its meaning.
func (n *Node) Manifest() []byte {
	m := []byte(`{"abi":`)
	m = append(m, '0'+abi.Version)
	m = member(m, "type", n.Type)
	m = member(m, "version", n.Version)
	if n.Summary != "" {
		m = member(m, "summary", n.Summary)
	}
	if n.Config != "" {
		m = append(append(m, `,"config":`...), n.Config...)
	}
	m = list(m, "handles", n.Handles)
	if n.HandlesFrom != "" {
		m = member(m, "handlesFrom", n.HandlesFrom)
	}
	m = list(m, "capabilities", n.Capabilities)
	if n.SecretReferences {
		m = append(m, `,"secrets":"handles"`...)
	}
	if len(n.Defaults) > 0 {
		m = append(m, `,"defaults":[`...)
		for i, d := range n.Defaults {
			if i > 0 {
				m = append(m, ',')
			}
			m = append(m, `{"with":`...)
			m = rawjson.AppendQuoted(m, []byte(d.With))
			m = member(m, "key", d.Key)
			m = append(append(append(m, `,"value":`...), d.Value...), '}')
		}
		m = append(m, ']')
	}
	m = list(m, "fixed", n.Fixed)
	return append(m, '}')
}

func member(dst []byte, key, value string) []byte {
	dst = append(append(append(dst, `,"`...), key...), `":`...)
	return rawjson.AppendQuoted(dst, []byte(value))
}

func list(dst []byte, key string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(append(append(dst, `,"`...), key...), `":[`...)
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = rawjson.AppendQuoted(dst, []byte(v))
	}
	return append(dst, ']')
}
