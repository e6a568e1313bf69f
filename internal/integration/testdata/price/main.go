// Command price is a node with several builds. With -ldflags "-X main.rate=20" it has another rate,
// and with "-X main.wants=clock" it asks for a capability.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/typed"
)

var (
	rate  = "19" // percent
	wants string // capabilities
)

type config struct {
	Net  int    `json:"net"` // in cents
	Note string `json:"note,omitempty"`
}

type output struct {
	Gross  int    `json:"gross"`
	Ticket string `json:"ticket"` // random
	At     string `json:"at"`
	Note   string `json:"note,omitempty"`
}

func price(_ *sdk.Context, in config) (output, error) {
	percent, err := strconv.Atoi(rate)
	if err != nil {
		return output{}, err
	}
	ticket := make([]byte, 8)
	_, _ = rand.Read(ticket) // never fails
	return output{
		Gross: in.Net + in.Net*percent/100, Ticket: hex.EncodeToString(ticket), At: time.Now().UTC().Format(time.RFC3339Nano), Note: in.Note,
	}, nil
}

var _ = sdk.Register(sdk.Node{
	Type:    "price",
	Version: "1.0.0",
	Summary: "Adds tax.",
	Config: `{
		"type": "object",
		"properties": {"net": {}, "note": {"type": "string"}},
		"required": ["net"],
		"additionalProperties": false
	}`,
	Capabilities: strings.Fields(wants),
	Run:          typed.Func(price),
})

func main() {} // never called
