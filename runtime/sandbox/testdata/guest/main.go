// Guest is a node that misbehaves in the way that its config names.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/flowtrux/edge/nodes/sdk"
)

var (
	calls int
	keep  [][]byte
)

var _ = sdk.Register(sdk.Node{
	Type: "guest", Version: "1.0.0",
	Capabilities: []string{"http", "globals", "log"},
	Warmup:       []string{"count", "panic", "http"},
	Run:          run,
})

func run(ctx *sdk.Context, config []byte) ([]byte, error) {
	switch way := strings.Trim(string(config), `"`); way {
	case "count":
		calls++
		return fmt.Appendf(nil, "%d", calls), nil
	case "count and panic":
		calls++
		panic(fmt.Sprint("call ", calls))
	case "exit":
		fmt.Fprint(os.Stderr, "leaving")
		os.Exit(3)
	case "goroutine panic":
		go panic("elsewhere")
		select {}
	case "leave goroutines":
		for range 100 {
			go func() {
				for {
					time.Sleep(time.Second)
					calls++
				}
			}()
		}
		time.Sleep(2 * time.Second)
		return []byte("null"), nil
	case "hoard":
		for {
			keep = append(keep, make([]byte, 1<<16))
		}
	case "recurse":
		return fmt.Appendf(nil, "%d", recurse(0)), nil
	case "descend":
		return fmt.Appendf(nil, "%d", descend(30_000)), nil
	case "loop":
		for {
			calls++
		}
	case "clock":
		before := time.Now()
		time.Sleep(time.Hour)
		return fmt.Appendf(nil, "[%q,%q]", before.UTC().Format(time.RFC3339Nano), time.Since(before)), nil
	case "random":
		b := make([]byte, 16)
		rand.Read(b)
		return fmt.Appendf(nil, "%q", hex.EncodeToString(b)), nil
	case "http":
		return sdk.HTTP(ctx, []byte(`{"url":"https://example.com"}`))
	case "global":
		return []byte("null"), sdk.SetGlobal(ctx, "rate", []byte("1.5"))
	case "globals":
		rate, err := sdk.Global(ctx, "rate")
		nothing, err2 := sdk.Global(ctx, "nothing")
		return fmt.Appendf(nil, "[%q,%q,%t]", rate, nothing, nothing == nil), errors.Join(err, err2)
	case "add":
		var sums [4]int64
		for i, by := range []int64{math.MinInt64, math.MaxInt64, 0, -70} {
			var err error
			if sums[i], err = sdk.AddGlobal(ctx, "n", by); err != nil {
				return nil, err
			}
		}
		return fmt.Appendf(nil, "[%d,%d,%d,%d]", sums[0], sums[1], sums[2], sums[3]), nil
	case "add text":
		_, err := sdk.AddGlobal(ctx, "rate", 1)
		return nil, err
	case "log":
		sdk.Log(ctx, sdk.Warn, "hot\nand more")
		fmt.Println("printed")
		return []byte("null"), nil
	case "environment":
		_, err := os.ReadFile("/etc/passwd")
		return fmt.Appendf(nil, "[%d,%d,%t]", len(os.Args), len(os.Environ()), err != nil), nil
	case "route":
		ctx.Route("high")
		return config, nil
	}
	return nil, sdk.Fatal("unknown_way", "no such way")
}

func recurse(n int) int { return recurse(n+1) + n }

func descend(n int) int {
	if n == 0 {
		return 0
	}
	return descend(n-1) + n
}

func main() {}
