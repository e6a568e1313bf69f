package counts

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// rejected counts rejected requests by hour and code.
type rejected struct {
	saved bool // as in Table

	mu    sync.Mutex
	hours map[uint32]map[string]uint32
	dirty map[uint32]bool // hours that are to be saved
}

// Rejected counts a rejected request.
func (t *Table) Rejected(code string, at time.Time) {
	hour := hourOf(at)
	r := &t.rejected
	r.mu.Lock()
	defer r.mu.Unlock()
	codes := r.hours[hour]
	if codes == nil {
		r.trim(hour)
		codes = make(map[string]uint32)
		r.hours[hour] = codes
	}
	if _, ok := codes[code]; !ok && (len(codes) >= journal.MaxCountedCodes || len(code) > maxID) {
		return
	}
	codes[code]++
	r.note(hour)
}

// note remembers that an hour is to be saved, if anything is. The lock is held.
func (r *rejected) note(hour uint32) {
	if !r.saved {
		return
	}
	if r.dirty == nil {
		r.dirty = make(map[uint32]bool)
	}
	r.dirty[hour] = true
}

// trim removes hours that are too old, or still to come because the clock was set back. What is
// gone is to be saved, too. The lock is held.
func (r *rejected) trim(now uint32) {
	for hour := range r.hours {
		if hour+journal.MaxCountedHours <= now || hour > now+1 {
			delete(r.hours, hour)
			r.note(hour)
		}
	}
}

// counts returns the counters of hours from one on, sorted by code.
func (r *rejected) counts(from uint32, hours int) []journal.RejectionCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	byCode := make(map[string][]int)
	for hour, codes := range r.hours {
		i := int(hour) - int(from)
		if i < 0 || i >= hours {
			continue
		}
		for code, n := range codes {
			if byCode[code] == nil {
				byCode[code] = make([]int, hours)
			}
			byCode[code][i] = int(n)
		}
	}
	out := make([]journal.RejectionCounts, 0, len(byCode))
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		out = append(out, journal.RejectionCounts{Code: code, Counts: byCode[code]})
	}
	return out
}

// appendCodes appends encoded counters by code.
func appendCodes(dst []byte, codes map[string]uint32) []byte {
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		dst = append(binary.AppendUvarint(dst, uint64(len(code))), code...)
		dst = binary.AppendUvarint(dst, uint64(codes[code]))
	}
	return dst
}

// readCodes is the reverse of appendCodes.
func readCodes(b []byte) (map[string]uint32, error) {
	codes := make(map[string]uint32)
	for r := (reader{b: b}); len(r.b) > 0; {
		code := r.text()
		if codes[code] = r.number(); r.bad || len(codes) > journal.MaxCountedCodes {
			return nil, errDamaged
		}
	}
	return codes, nil
}
