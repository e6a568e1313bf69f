package hostapi

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/flowtrux/edge/nodes/abi"
)

// lineBuffer collects a guest's standard output or error until a line is complete.
type lineBuffer []byte

// log passes a line to the session's log until the call has logged MaxLogBytes.
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

// write handles a guest's write to standard output (0) or error (1).
func (s *Session) write(stream int, b []byte) {
	if stream == 0 && s.piped != nil {
		s.piped.write(b)
		return
	}
	if stream == 1 {
		s.keepStderr(b)
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

// line logs the collected line. Without the capability log only standard error is logged, since the
// module's author needs the text of a panic.
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

// maxStderr is how many bytes of the end of standard error are retained.
const maxStderr = 8 << 10

func (s *Session) keepStderr(b []byte) {
	b = b[max(0, len(b)-maxStderr):]
	if len(s.stderr)+len(b) > 2*maxStderr {
		s.stderr = append(s.stderr[:0], s.stderr[len(s.stderr)-maxStderr:]...)
	}
	s.stderr = append(s.stderr, b...)
}

// Stderr returns the end of the guest's standard error: at most 8 KiB of valid UTF-8 without
// control characters other than line feeds and tabs. A Go program writes its panics there.
func (s *Session) Stderr() string {
	end := strings.ToValidUTF8(string(s.stderr[max(0, len(s.stderr)-maxStderr):]), "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, end)
}
