package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestResponsesArriveInPieces(t *testing.T) {
	const first, second = "HTTP/1.1 201 Created\r\nDate: x\r\nContent-Length: 8\r\n\r\nresponse", "HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n"
	for size := 1; size <= len(first); size++ {
		r, wholes := newResponse(), ""
		for _, text := range []string{first, second} {
			for len(text) > 0 {
				piece := text[:min(size, len(text))]
				text = text[len(piece):]
				whole, err := r.add(copy(r.room(), piece))
				if err != nil {
					t.Fatalf("pieces of %d: %v", size, err)
				}
				if whole != (text == "") {
					t.Fatalf("pieces of %d: whole is %t before %q", size, whole, text)
				}
				if whole {
					wholes += string(r.body) + "."
				}
			}
		}
		if wholes != "response.." || r.status != 204 {
			t.Errorf("pieces of %d: %q, %d", size, wholes, r.status)
		}
	}
}

func TestResponsesAreChecked(t *testing.T) {
	r := newResponse()
	if whole, err := r.add(copy(r.room(), "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")); !whole || err != nil {
		t.Fatal(whole, err)
	}
	const bad = "HTTP 503, not the expected response: busy"
	for _, c := range []struct {
		want request
		err  string
	}{
		{request{status: 503}, ""},
		{request{status: 503, response: "busy"}, ""},
		{request{status: 201}, bad},
		{request{status: 503, response: "Busy"}, bad},
	} {
		if err := r.check(c.want); fmt.Sprint(err) != cmp.Or(c.err, "<nil>") {
			t.Errorf("%+v: %v", c.want, err)
		}
	}
}

func TestOtherResponsesAreErrors(t *testing.T) {
	for text, want := range map[string]error{
		"HTTP/1.0 201 Created\r\nContent-Length: 5\r\n\r\n":                                errHead,
		"HTTP/1.1 x01 Created\r\nContent-Length: 5\r\n\r\n":                                errHead,
		"HTTP/1.1 20\r\n\r\n":                                                              errHead,
		"HTTP/1.1 201 Created\r\nContent-Length: -5\r\n\r\n":                               errHead,
		"HTTP/1.1 201 Created\r\nContent-Length: five\r\n\r\n":                             errHead,
		"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n":                       errHead,
		"HTTP/1.1 100 Continue\r\n\r\n":                                                    errHead,
		"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n12":                              errLong,
		"HTTP/1.1 201 Created\r\nX: " + strings.Repeat("x", 9000):                          errLong,
		"HTTP/1.1 201 Created\r\nContent-Length: 8192\r\n\r\n" + strings.Repeat("x", 9000): errLong,
	} {
		r := newResponse()
		if whole, err := r.add(copy(r.room(), text)); whole || !errors.Is(err, want) {
			t.Errorf("%.60q: %t, %v", text, whole, err)
		}
	}
}
