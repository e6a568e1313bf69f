package main

import (
	"bytes"
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

// connections are how many wrk has open.
const connections = 32

// mark begins the line in which the script sums up.
const mark = "summary: "

// script sends one body to one or many paths, checks every status and sums up in a line of JSON.
// wrk itself counts only 400 and above as errors. %s are the body and the signature, %d the number
// of paths.
const script = `wrk.method = "POST"
wrk.body = %s
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Webhook-Signature"] = %q
wrong, other = 0, 0
function response(status)
	if status ~= 201 then wrong = wrong + 1; other = status end
end
local paths, requests, turn = %d, {}, 0
if paths > 0 then
	function init()
		for i = 1, paths do requests[i] = wrk.format(nil, wrk.path .. i) end
	end
	function request()
		turn = turn %% paths + 1
		return requests[turn]
	end
end
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function done(summary, latency)
	local wrong, other = 0, 0
	for _, thread in ipairs(threads) do
		wrong = wrong + thread:get("wrong")
		other = math.max(other, thread:get("other"))
	end
	local e = summary.errors
	print(string.format('` + mark + `{"requests":%%d,"micros":%%d,"wrong":%%d,"other":%%d,"connect":%%d,"read":%%d,"write":%%d,"timeout":%%d,"p50":%%d,"p99":%%d}',
		summary.requests, summary.duration, wrong, other, e.connect, e.read, e.write, e.timeout, latency:percentile(50), latency:percentile(99)))
end
`

// load is what wrk sends: body to path or, with paths > 0, in turn to path1, path2 and so on.
type load struct {
	path  string
	body  []byte
	paths int
}

// figure is what one round of load gave.
type figure struct {
	requests  uint64
	rate      float64 // requests a second
	p50, p99  time.Duration
	clientCPU time.Duration // of wrk, for a request
}

// wrkLoad runs wrk against a server. Every answer has to be 201.
func (b *bench) wrkLoad(ctx context.Context, url string, l load, d time.Duration) (figure, error) {
	file := filepath.Join(b.dir, "load.lua")
	text := fmt.Sprintf(script, luaText(l.body), signature(l.body), l.paths)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return figure{}, err
	}
	// Half of the cores are the server's.
	threads := min(max(runtime.NumCPU()/2, 1), connections)
	ctx, cancel := context.WithTimeout(ctx, d+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.wrk, "-t", strconv.Itoa(threads), "-c", strconv.Itoa(connections),
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

// errNoAnswer is a round that was over before the first answer.
var errNoAnswer = errors.New("there was no answer at all")

// luaText is body as a text of Lua in long brackets, which know no escapes; JSON never has the
// closing one.
func luaText(body []byte) string { return "[==[" + string(body) + "]==]" }

// parseSummary reads the script's line in what wrk prints. It is an error when not every request
// got its 201.
func parseSummary(out string) (figure, error) {
	_, line, ok := strings.Cut(out, mark)
	if !ok {
		return figure{}, fmt.Errorf("it did not sum up:\n%s", out)
	}
	line, _, _ = strings.Cut(line, "\n")
	var s struct {
		Requests, Micros              uint64
		Wrong, Other                  uint64
		Connect, Read, Write, Timeout uint64
		P50, P99                      int64 // microseconds
	}
	if err := json.Unmarshal([]byte(line), &s); err != nil {
		return figure{}, fmt.Errorf("reading its summary: %w: %s", err, line)
	}
	switch {
	case s.Wrong > 0:
		return figure{}, fmt.Errorf("%d of %d answers were not 201, but for example %d", s.Wrong, s.Requests, s.Other)
	case s.Connect+s.Read+s.Write+s.Timeout > 0:
		return figure{}, fmt.Errorf("connections failed: %d to be made, %d reading, %d writing, %d in time", s.Connect, s.Read, s.Write, s.Timeout)
	case s.Requests == 0 || s.Micros == 0:
		return figure{}, errNoAnswer
	}
	return figure{
		requests: s.Requests,
		rate:     float64(s.Requests) / (float64(s.Micros) / 1e6),
		p50:      time.Duration(s.P50) * time.Microsecond,
		p99:      time.Duration(s.P99) * time.Microsecond,
	}, nil
}
