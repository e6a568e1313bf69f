// Command reference compares runtime/signature with the libraries that senders of Standard Webhooks
// use. Each side verifies the signatures of the other, and must reject a body that has changed. It
// needs node and npm.
//
//	go run ./internal/reference [-write runtime/signature/testdata/reference.json]
//
// With -write it also writes messages signed by the libraries. The tests of runtime/signature read
// that file, and so do not need the libraries.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/flowtrux/edge/runtime/signature"
)

//go:embed libraries
var files embed.FS

// rounds is the number of messages that each library and this package exchange, in each direction.
const rounds = 200

func main() {
	write := flag.String("write", "", "write messages signed by the libraries to this `file`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *write)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) (err error) {
	dir, err := os.MkdirTemp("", "reference-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := install(ctx, dir); err != nil {
		return err
	}
	l, err := startLibraries(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.stop()) }()
	if file != "" {
		if err := l.writeVectors(file); err != nil {
			return err
		}
	}
	for _, library := range libraryNames {
		for range rounds {
			if err := l.exchange(library); err != nil {
				return fmt.Errorf("%s: %w", library, err)
			}
		}
		fmt.Printf("%s: %d messages each way\n", library, rounds)
	}
	return nil
}

// install installs the libraries below dir, in the locked versions.
func install(ctx context.Context, dir string) error {
	if err := os.CopyFS(dir, files); err != nil {
		return fmt.Errorf("copying what npm needs: %w", err)
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = filepath.Join(dir, "libraries")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing the libraries: %w\n%s", err, out)
	}
	return nil
}

// libraryNames lists the libraries that libraries.mjs supports.
var libraryNames = []string{"standardwebhooks", "svix"}

// message is a signed message, or one to sign. It is both a request to libraries.mjs and a test
// vector.
type message struct {
	Library string            `json:"library"`
	Secret  string            `json:"secret"`
	ID      string            `json:"id,omitempty"`
	Time    int64             `json:"time,omitempty"` // Unix seconds
	Body    string            `json:"body"`
	Headers map[string]string `json:"headers,omitempty"` // only of a signed message
}

// libraries is the node process that signs and verifies with the libraries.
type libraries struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startLibraries(ctx context.Context, dir string) (*libraries, error) {
	cmd := exec.CommandContext(ctx, "node", "libraries.mjs")
	cmd.Dir, cmd.Stderr = filepath.Join(dir, "libraries"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	return &libraries{cmd, in, bufio.NewReader(out)}, nil
}

func (l *libraries) stop() error { return errors.Join(l.in.Close(), l.cmd.Wait()) }

// ask has a message signed, or verified if it has headers. refused is the library's error.
func (l *libraries) ask(m message) (headers map[string]string, refused string, err error) {
	line, err := json.Marshal(m)
	if err != nil {
		return nil, "", err
	}
	if _, err := l.in.Write(append(line, '\n')); err != nil {
		return nil, "", fmt.Errorf("writing to the libraries: %w", err)
	}
	var answer struct {
		Headers map[string]string `json:"headers"`
		Error   string            `json:"error"`
	}
	line, err = l.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the libraries' result: %w", err)
	}
	return answer.Headers, answer.Error, nil
}

// sign returns the message with the library's signature.
func (l *libraries) sign(m message) (message, error) {
	headers, refused, err := l.ask(m)
	if err == nil && refused != "" {
		err = errors.New("the library cannot sign: " + refused)
	}
	m.Headers = headers
	return m, err
}

// exchange sends a random message in each direction.
func (l *libraries) exchange(library string) error {
	scheme, err := signature.ParseScheme([]byte(`{"scheme":"standard-webhooks"}`))
	if err != nil {
		return err
	}
	now := time.Now()
	m := message{
		Library: library, Secret: string(scheme.NewSecret()), ID: "msg_" + rand.Text(), Time: now.Unix(),
		Body: fmt.Sprintf(`{"text":"%s ä 😀"}`, rand.Text()),
	}
	key := signature.NewKey([]byte(m.Secret), time.Time{})

	theirs, err := l.sign(m)
	if err != nil {
		return err
	}
	for body, want := range map[string]signature.Reason{m.Body: signature.OK, m.Body + " ": signature.Mismatch} {
		if reason, header := scheme.Verify(header(theirs.Headers), []byte(body), []signature.Key{key}, now); reason != want {
			return fmt.Errorf("verifying the library's signature gives %q (%s), not %q", reason, header, want)
		}
	}

	h := make(http.Header)
	scheme.Sign(h, []byte(m.Body), key, now, m.ID)
	ours := m
	ours.Headers = make(map[string]string, len(h))
	for name := range h {
		ours.Headers[name] = h.Get(name)
	}
	if _, refused, err := l.ask(ours); err != nil || refused != "" {
		return errors.Join(err, fmt.Errorf("the library rejects our signature: %s", refused))
	}
	ours.Body += " "
	if _, refused, err := l.ask(ours); err != nil || refused == "" {
		return errors.Join(err, errors.New("the library accepts a changed body"))
	}
	return nil
}

func header(fields map[string]string) http.Header {
	h := make(http.Header)
	for name, value := range fields {
		h.Set(name, value)
	}
	return h
}

// writeVectors writes messages that the libraries have signed, with secrets of all forms that they
// accept.
func (l *libraries) writeVectors(file string) error {
	bytes := make([]byte, 64)
	for i := range bytes {
		bytes[i] = byte(7 * i)
	}
	encode := base64.StdEncoding.EncodeToString
	var vectors []message
	for _, library := range libraryNames {
		for _, secret := range []string{
			"whsec_" + encode(bytes[:24]), "whsec_" + encode(bytes[:32]), "whsec_" + encode(bytes), encode(bytes[:24]), encode(bytes[:25]),
			"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		} {
			for _, body := range []string{"", `{"type":"user.created"}`, `"ä 😀"`} {
				m, err := l.sign(message{Library: library, Secret: secret, ID: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", Time: 1700000000, Body: body})
				if err != nil {
					return err
				}
				vectors = append(vectors, m)
			}
		}
	}
	text, err := json.MarshalIndent(vectors, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
