package signature

import "github.com/flowtrux/edge/runtime/internal/message"

// CustomHeader is a request header that the settings of a custom scheme name.
type CustomHeader struct {
	Path string // of the name, below the settings
	Name string // canonical
}

// CustomHeaders returns the request headers that the settings of the scheme name; none if the
// scheme is not custom.
func (s *Scheme) CustomHeaders() []CustomHeader {
	if s.name != "custom" {
		return nil
	}
	list := []CustomHeader{{keyHeader, s.names.signature}}
	if s.names.timestamp != "" {
		list = append(list, CustomHeader{keyTimestampHeader, s.names.timestamp})
	}
	return list
}

// CustomHeaders returns the request headers that settings name, as far as they can be read. Unlike
// [ParseScheme] it reads settings with mistakes too. raw is only read.
func CustomHeaders(raw []byte) []CustomHeader {
	if raw == nil {
		return nil
	}
	var set settings
	set.read(raw)
	if scheme := set.get(keyScheme); set.broken || scheme == nil || message.Nearest(scheme.text, schemeNames) != "custom" {
		return nil
	}
	var list []CustomHeader
	for _, key := range []string{keyHeader, keyTimestampHeader} {
		if name := set.headerName(key); name != "" {
			list = append(list, CustomHeader{placeOf(set.get(key).spelled), name})
		}
	}
	return list
}
