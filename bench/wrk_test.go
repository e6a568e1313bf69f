package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// wrkHead is the output of wrk before the line of the script.
const wrkHead = `Running 2s test @ http://127.0.0.1:18999/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.41ms    3.61ms  53.39ms   92.57%
    Req/Sec    14.71k     2.56k   19.66k    75.00%
  29413 requests in 2.02s, 8.19MB read
Requests/sec:  14579.95
Transfer/sec:      4.06MB
`

func TestParseSummary(t *testing.T) {
	line := func(wrong, other, differing, connect, timeout int) string {
		return wrkHead + fmt.Sprintf(summaryMark+`{"requests":29413,"micros":2020000,"wrong":%d,"other":%d,"differing":%d,"connect":%d,"read":0,"write":0,"timeout":%d,"p50":1510,"p99":17040}`+"\n",
			wrong, other, differing, connect, timeout)
	}
	got, err := parseSummary(line(0, 0, 0, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if want := (figure{requests: 29413, rate: 29413 / 2.02, p50: 1510 * time.Microsecond, p99: 17040 * time.Microsecond}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for out, want := range map[string]string{
		line(1, 200, 0, 0, 0):                       "1 of 29413 responses were not 201, but for example 200",
		line(7, 503, 0, 0, 0):                       "7 of 29413 responses were not 201, but for example 503",
		line(0, 0, 9, 0, 0):                         "9 of 29413 responses have another body than expected",
		line(0, 0, 0, 2, 0):                         "connections failed: 2 on connect",
		line(0, 0, 0, 0, 3):                         "3 by timeout",
		wrkHead:                                     "no summary in its output",
		wrkHead + summaryMark + `{"requests":1`:     "reading its summary",
		wrkHead + summaryMark + `{"requests":-1}`:   "reading its summary",
		summaryMark + `{"requests":0,"micros":100}`: errNoResponse.Error(),
		summaryMark + `{"requests":5,"micros":0}`:   errNoResponse.Error(),
	} {
		if f, err := parseSummary(out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %s", out, f, err, want)
		}
	}
}

func TestLuaTextHoldsAnyJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":[[1]]}`:      `[==[{"a":[[1]]}]==]`,
		`{"a":"\u005d\n"}`: `[==[{"a":"\u005d\n"}]==]`,
	} {
		if got := luaText([]byte(in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
