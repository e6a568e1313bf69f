package message_test

import (
	"testing"

	"github.com/flowtrux/edge/runtime/internal/message"
)

func TestNearest(t *testing.T) {
	known := []string{"github", "onError", "timeout", "timeoutSeconds", "config", "concurrency", "id"}
	for word, want := range map[string]string{
		"githb": "github", "GITHUB": "github", "gitlab": "github", "onErr": "onError", "onerr": "onError", "confi": "config",
		"con": "", "time": "", "timeoutS": "timeout", "x": "", "": "", "idd": "id", "i": "", "configuration": "",
	} {
		if got := message.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	words := []string{"hex", "base64"}
	for got, want := range map[string]string{
		message.OneOf("hex", words):                     "",
		message.OneOf("bas64", words):                   `must be "hex" or "base64", not "bas64"; did you mean "base64"?`,
		message.OneOf("my secret", words):               `must be "hex" or "base64", not "***"`,
		message.DidYouMeanOr("z", words):                "; known: base64, hex",
		message.Either([]string{"a", "b", "c"}):         "a, b or c",
		message.Either(nil):                             "",
		message.Quoted("a\nb"):                          `"a\nb"`,
		message.KindName([]byte("-1")):                  "a number",
		message.InQuotes(string(make([]byte, 100)))[:9]: `"\x00\x00`,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
