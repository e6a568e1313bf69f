package meter

import (
	"os"
	"strings"
	"testing"
)

const status = "Name:\tVmRSS:\nVmHWM:\t   9999 kB\nVmRSS:\t   1234 kB\nRssAnon:\t 1000 kB\nRssFile:\t  230 kB\nRssShmem:\t    4 kB\n"

func TestParseMemory(t *testing.T) {
	want := Memory{Resident: 1234 << 10, Anonymous: 1000 << 10, File: 230 << 10, Peak: 9999 << 10}
	if got, err := parseMemory(status); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{
		"", "Name:\tx\n",
		strings.Replace(status, "RssAnon", "RssNone", 1),
		strings.Replace(status, "1234", "much", 1),
		strings.Replace(status, "1234", "-1", 1),
	} {
		if got, err := parseMemory(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestMemoryOfThisProcess(t *testing.T) {
	before, err := ReadMemory(os.Getpid())
	if err != nil || before.Resident < 1<<20 || before.Peak < before.Resident || before.Anonymous+before.File > before.Resident {
		t.Fatalf("%+v, %v", before, err)
	}
	used := make([]byte, 64<<20)
	for i := 0; i < len(used); i += 4096 {
		used[i] = 1
	}
	after, err := ReadMemory(os.Getpid())
	if err != nil || after.Anonymous < before.Anonymous+32<<20 {
		t.Errorf("64 MiB more: %+v, before %+v, %v", after, before, err)
	}
	if used[0] != 1 {
		t.Error("the memory is in use until here")
	}
	if _, err := ReadMemory(1 << 22); err == nil { // PID_MAX_LIMIT: no process has this number
		t.Error("a process that does not exist has memory")
	}
}
