package hostapi

// commandIO is the standard input and output of a WASI command.
type commandIO struct {
	in    []byte // not read yet
	out   []byte
	limit int  // bytes of out; the rest is dropped
	over  bool // bytes were dropped
}

// Pipe gives the guest standard input and collects up to limit bytes of its standard output, which
// would be logged otherwise. in is read until Piped is called and not changed.
func (s *Session) Pipe(in []byte, limit int) { s.piped = &commandIO{in: in, limit: limit} }

// Piped ends the effect of Pipe and returns the collected output, which the caller owns. over
// reports whether the guest wrote more than the limit.
func (s *Session) Piped() (out []byte, over bool) {
	p := s.piped
	s.piped = nil
	return p.out, p.over
}

func (p *commandIO) write(b []byte) {
	if room := p.limit - len(p.out); len(b) > room {
		p.over = true
		b = b[:room]
	}
	p.out = append(p.out, b...)
}
