package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/signature"
)

// secretEnv is where sign and send look for the secret when no file is named.
const secretEnv = "FLOWTRUX_SECRET"

// maxBody bounds a body that sign or send reads, and an answer that send prints, in bytes.
const maxBody = 64 << 20

func signingFlags(c *cobra.Command) *cobra.Command {
	c.Flags().String("secret-file", "", "File with the secret (one trailing newline is dropped); default: $"+secretEnv)
	c.Flags().String("scheme", "flowtrux", "Signature scheme: "+strings.Join(namedSchemes, ", "))
	c.Flags().String("signature-file", "", "File that describes the scheme: a workflow document, or its webhook.signature alone")
	return jsonFlag(c)
}

func signCommand() *cobra.Command {
	return signingFlags(leaf("sign [--secret-file f] < body", "Prints the signature of a body",
		`Reads the body from standard input, byte for byte, and prints the value of X-Webhook-Signature;
with another --scheme the headers to send, a line each.`,
		cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			body, err := readBody(cmd, "-")
			if err != nil {
				return err
			}
			h, scheme, err := sign(cmd, body)
			if err != nil {
				return err
			}
			w := cmd.OutOrStdout()
			if flag(cmd, "json") {
				return printJSON(w, map[string]any{"scheme": scheme.Name(), "headers": flat(h)})
			}
			if names := scheme.Headers(); scheme.Name() == "flowtrux" {
				fmt.Fprintln(w, h.Get(names[0]))
				return nil
			}
			printHeader(w, h)
			return nil
		}))
}

func sendCommand() *cobra.Command {
	cmd := signingFlags(leaf("send <url> --data f --secret-file f [--scheme s]", "Sends a signed webhook and prints the answer",
		"The exit status is 1 when the answer's status is 400 or more.", cobra.ExactArgs(1), send))
	cmd.Flags().String("data", "-", "File with the body, - for standard input")
	return cmd
}

func send(cmd *cobra.Command, args []string) error {
	body, err := readBody(cmd, text(cmd, "data"))
	if err != nil {
		return err
	}
	h, _, err := sign(cmd, body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, args[0], bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	req.Header = h
	req.Header.Set("Content-Type", "application/json")
	// A signed request is for the one address that was typed: following a redirect would hand it to
	// another.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if err := printAnswer(cmd, resp.StatusCode, resp.Header, answer); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return errSilent
	}
	return nil
}

// sign reads the secret and signs body with the scheme that the flags name.
func sign(cmd *cobra.Command, body []byte) (http.Header, *signature.Scheme, error) {
	scheme, err := signingScheme(cmd)
	if err != nil {
		return nil, nil, err
	}
	secret, err := signingSecret(cmd)
	if err != nil {
		return nil, nil, err
	}
	h := make(http.Header)
	scheme.Sign(h, body, signature.Key{Secret: secret}, time.Now(), "msg_"+ulid.Make().String())
	return h, scheme, nil
}

func signingSecret(cmd *cobra.Command) ([]byte, error) {
	file := text(cmd, "secret-file")
	if file == "" {
		if s := os.Getenv(secretEnv); s != "" {
			return []byte(s), nil
		}
		return nil, errors.New("no secret: name its file with --secret-file, or set $" + secretEnv)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := readSecret(f)
	return checkSecret(b, err, file+" has none")
}

// readBody reads a file, or standard input for "-", byte for byte.
func readBody(cmd *cobra.Command, file string) ([]byte, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if len(b) > maxBody {
		return nil, fmt.Errorf("the body is over %d bytes", maxBody)
	}
	return b, nil
}

// printAnswer writes an HTTP answer as a person reads it, or as JSON.
func printAnswer(cmd *cobra.Command, status int, h http.Header, body []byte) error {
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		return printJSON(w, map[string]any{"status": status, "headers": flat(h), "body": string(body)})
	}
	colour := green
	if status >= 400 {
		colour = red
	}
	fmt.Fprintln(w, paint(w, colour, fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))))
	printHeader(w, h)
	if len(body) > 0 {
		fmt.Fprintf(w, "\n%s\n", bytes.TrimSuffix(body, []byte("\n")))
	}
	return nil
}

func printHeader(w io.Writer, h http.Header) {
	for _, name := range sortedNames(h) {
		for _, v := range h[name] {
			fmt.Fprintf(w, "%s %s\n", paint(w, dim, name+":"), v)
		}
	}
}

func flat(h http.Header) map[string]string {
	m := make(map[string]string, len(h))
	for name, v := range h {
		m[name] = strings.Join(v, ", ")
	}
	return m
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
