package hostapi

// pipes are the standard input and output of a WASI command.
type pipes struct {
	in    []byte // what has not been read
	out   []byte
	limit int // bytes of out; what is over it is dropped
	over  bool
}

// Pipe gives the guest standard input and keeps up to limit bytes of its standard output, which
// would go to the log otherwise. in is read until Piped and not changed.
func (s *Session) Pipe(in []byte, limit int) { s.piped = &pipes{in: in, limit: limit} }

// Piped ends what Pipe has begun and returns what was written, which is the caller's. over tells
// whether it was more than the limit.
func (s *Session) Piped() (out []byte, over bool) {
	p := s.piped
	s.piped = nil
	return p.out, p.over
}

func (p *pipes) write(b []byte) {
	if room := p.limit - len(p.out); len(b) > room {
		p.over = true
		b = b[:room]
	}
	p.out = append(p.out, b...)
}
