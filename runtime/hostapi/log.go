package hostapi

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/flowtrux/edge/nodes/abi"
)

// lineBuffer collects what a guest writes to its standard output or error until a line is whole.
type lineBuffer []byte

// log hands a line to the session's log, as long as the call's budget lasts.
func (s *Session) log(level int, message []byte) {
	if s.Log == nil || s.logged >= MaxLogBytes {
		return
	}
	text := clean(message, min(maxLogLine, MaxLogBytes-s.logged))
	s.logged += len(message)
	if text != "" {
		s.Log(level, text)
	}
}

// write takes what a guest writes to standard output (0) or error (1).
func (s *Session) write(stream int, b []byte) {
	if stream == 0 && s.piped != nil {
		s.piped.write(b)
		return
	}
	if stream == 1 {
		s.keep(b)
	}
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if room := maxLogLine - len(s.stream[stream]); room > 0 && s.logged < MaxLogBytes {
			s.stream[stream] = append(s.stream[stream], line[:min(len(line), room)]...)
		}
		if whole {
			s.line(stream)
		}
		b = rest
	}
}

// line logs what has been collected. Without the capability that is only what a guest writes to its
// standard error: the text of a panic is what its author needs.
func (s *Session) line(stream int) {
	if len(s.stream[stream]) == 0 {
		return
	}
	level := abi.LogInfo
	if stream == 1 {
		level = abi.LogWarn
	}
	if stream == 1 || s.Grants.Log {
		s.log(level, s.stream[stream])
	}
	s.stream[stream] = s.stream[stream][:0]
}

// maxStderr is how much of the end of standard error is kept, in bytes.
const maxStderr = 8 << 10

func (s *Session) keep(b []byte) {
	b = b[max(0, len(b)-maxStderr):]
	if len(s.stderr)+len(b) > 2*maxStderr {
		s.stderr = append(s.stderr[:0], s.stderr[len(s.stderr)-maxStderr:]...)
	}
	s.stderr = append(s.stderr, b...)
}

// Stderr returns the end of what the guest wrote to standard error, at most 8 KiB of valid UTF-8
// without control characters other than line feeds and tabs. A program in Go says there why it
// panics.
func (s *Session) Stderr() string {
	end := strings.ToValidUTF8(string(s.stderr[max(0, len(s.stderr)-maxStderr):]), "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, end)
}
