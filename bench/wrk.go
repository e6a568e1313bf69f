package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// connections is the number of connections of wrk.
const connections = 32

// summaryMark begins the line with the summary of the script.
const summaryMark = "summary: "

// turnTexts is the number of requests that a load of paths prepares. It is the same for each number
// of paths, as it decides how often wrk waits for memory, and how much is left of the caches that
// it shares with the server.
const turnTexts = 10_000

// script sends one body to one or many paths, checks all responses and prints a summary as a line
// of JSON. wrk itself counts only statuses from 400 as errors. LuaJIT keeps each text once, so that
// comparing bodies takes as long as comparing pointers. For the same reason, a header tells
// requests to the same path apart. The verbs are for the body, the signature, the expected
// response, or nil for any, the number of paths, and that of requests to send to them in turn.
const script = `wrk.method = "POST"
wrk.body = %s
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Webhook-Signature"] = %q
wrong, other, differing = 0, 0, 0
local wanted = %s
function response(status, _, body)
	if status ~= 201 then wrong = wrong + 1; other = status
	elseif wanted and body ~= wanted then differing = differing + 1 end
end
local paths, texts, requests, turn = %d, %d, {}, 0
if paths > 0 then
	function init()
		for i = 0, texts - 1 do
			wrk.headers["X-Turn"] = string.format("%%05d", i)
			requests[i + 1] = wrk.format(nil, wrk.path .. i %% paths + 1)
		end
	end
	function request()
		turn = turn %% texts + 1
		return requests[turn]
	end
end
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function done(summary, latency)
	local wrong, other, differing = 0, 0, 0
	for _, thread in ipairs(threads) do
		wrong = wrong + thread:get("wrong")
		other = math.max(other, thread:get("other"))
		differing = differing + thread:get("differing")
	end
	local e = summary.errors
	print(string.format('` + summaryMark + `{"requests":%%d,"micros":%%d,"wrong":%%d,"other":%%d,"differing":%%d,"connect":%%d,"read":%%d,"write":%%d,"timeout":%%d,"p50":%%d,"p99":%%d}',
		summary.requests, summary.duration, wrong, other, differing, e.connect, e.read, e.write, e.timeout, latency:percentile(50), latency:percentile(99)))
end
`

// load describes what wrk sends: body to path or, if paths > 0, to path1, path2 and so on in turn.
// Every response must be a 201 with the text of response; "" is any.
type load struct {
	path     string
	body     []byte
	response string
	paths    int
	// few limits the connections where requests are long: those that have not ended with the round
	// have cost CPU time, but do not count. 0 is for as many as usual.
	few int
}

// figure holds the results of one round of load.
type figure struct {
	requests  uint64
	rate      float64 // requests a second
	p50, p99  time.Duration
	clientCPU time.Duration // of wrk, per request
}

// wrkLoad runs wrk against a server. Any response that is not the expected one is an error.
func (b *bench) wrkLoad(ctx context.Context, url string, l load, d time.Duration) (figure, error) {
	file := filepath.Join(b.dir, "load.lua")
	wanted := "nil"
	if l.response != "" {
		wanted = luaText([]byte(l.response))
	}
	text := fmt.Sprintf(script, luaText(l.body), signature(l.body), wanted, l.paths, turnTexts)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return figure{}, err
	}
	open := cmp.Or(l.few, connections)
	// The other half of the cores is for the server.
	threads := min(max(runtime.NumCPU()/2, 1), open)
	ctx, cancel := context.WithTimeout(ctx, d+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.wrk, "-t", strconv.Itoa(threads), "-c", strconv.Itoa(open),
		"-d", fmt.Sprintf("%ds", int(d.Seconds())), "--timeout", "30s", "-s", file, url+l.path)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return figure{}, fmt.Errorf("wrk: %w\n%s%s", err, stdout.String(), stderr.String())
	}
	f, err := parseSummary(stdout.String())
	if err != nil {
		return figure{}, fmt.Errorf("wrk on %s%s: %w", url, l.path, err)
	}
	f.clientCPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()) / time.Duration(f.requests)
	return f, nil
}

// errNoResponse means that a round ended before the first response.
var errNoResponse = errors.New("there was no response at all")

// luaText returns body as a Lua string in long brackets, which have no escapes. JSON never contains
// the closing bracket.
func luaText(body []byte) string { return "[==[" + string(body) + "]==]" }

// parseSummary reads the summary of the script from the output of wrk. It is an error if a request
// did not get the expected response.
func parseSummary(out string) (figure, error) {
	_, line, ok := strings.Cut(out, summaryMark)
	if !ok {
		return figure{}, fmt.Errorf("no summary in its output:\n%s", out)
	}
	line, _, _ = strings.Cut(line, "\n")
	var s struct {
		Requests, Micros              uint64
		Wrong, Other, Differing       uint64
		Connect, Read, Write, Timeout uint64
		P50, P99                      int64 // microseconds
	}
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		return figure{}, fmt.Errorf("reading its summary: %w: %s", err, line)
	}
	switch {
	case s.Wrong > 0:
		return figure{}, fmt.Errorf("%d of %d responses were not 201, but for example %d", s.Wrong, s.Requests, s.Other)
	case s.Differing > 0:
		return figure{}, fmt.Errorf("%d of %d responses have another body than expected", s.Differing, s.Requests)
	case s.Connect+s.Read+s.Write+s.Timeout > 0:
		return figure{}, fmt.Errorf("connections failed: %d on connect, %d on read, %d on write, %d by timeout", s.Connect, s.Read, s.Write, s.Timeout)
	case s.Requests == 0 || s.Micros == 0:
		return figure{}, errNoResponse
	}
	return figure{
		requests: s.Requests,
		rate:     float64(s.Requests) / (float64(s.Micros) / 1e6),
		p50:      time.Duration(s.P50) * time.Microsecond,
		p99:      time.Duration(s.P99) * time.Microsecond,
	}, nil
}
