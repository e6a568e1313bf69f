package hostapi

import (
	"bytes"

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

// line logs what has been collected. Without the capability that is only what a guest writes to its standard error: the
// text of a panic is what its author needs.
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
