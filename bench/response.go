package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// response reads a response in HTTP/1.1 with a Content-Length as it arrives.
type response struct {
	buffer []byte // what has arrived
	status int
	body   []byte // once it is whole; part of buffer
}

// maxResponse is the size of the longest response, with its head.
const maxResponse = 8 << 10

var (
	errHead = errors.New("not the head of a response with a length")
	errLong = errors.New("more than one response of at most 8 KiB")
)

func newResponse() response { return response{buffer: make([]byte, 0, maxResponse)} }

// room returns where the next bytes belong. It is never empty.
func (r *response) room() []byte { return r.buffer[len(r.buffer):cap(r.buffer)] }

// add takes the next n bytes, which are in room. It reports whether the response is whole. The
// next call begins another response.
func (r *response) add(n int) (whole bool, err error) {
	r.buffer = r.buffer[:len(r.buffer)+n]
	head, rest, ok := bytes.Cut(r.buffer, []byte("\r\n\r\n"))
	if !ok {
		if len(r.room()) == 0 {
			err = errLong
		}
		return false, err
	}
	status, length, err := parseHead(head)
	if err != nil {
		return false, err
	}
	switch {
	case len(rest) < length && len(r.room()) > 0:
		return false, nil
	case len(rest) != length:
		return false, errLong
	}
	r.status, r.body, r.buffer = status, rest, r.buffer[:0]
	return true, nil
}

// check compares a response that is whole with the expected one.
func (r *response) check(want request) error {
	if r.status != want.status || want.response != "" && string(r.body) != want.response {
		return fmt.Errorf("HTTP %d, not the expected response: %.500s", r.status, r.body)
	}
	return nil
}

// parseHead reads the status line and the headers of a response, without the blank line at the end.
func parseHead(head []byte) (status, length int, err error) {
	line, headers, _ := bytes.Cut(head, []byte("\r\n"))
	text, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(text) < 3 {
		return 0, 0, errHead
	}
	if status, err = strconv.Atoi(string(text[:3])); err != nil || status < http.StatusOK {
		return 0, 0, errHead
	}
	for len(headers) > 0 {
		line, headers, _ = bytes.Cut(headers, []byte("\r\n"))
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return 0, 0, errHead
			}
			return status, length, nil
		}
	}
	return 0, 0, errHead
}
