package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/signature"
)

// secretEnv is the environment variable with the secret, unless --secret-file names a file.
const secretEnv = "FLOWTRUX_SECRET"

// maxBody is the maximum size of a body that sign and send read, and of a response that send
// prints, in bytes.
const maxBody = 64 << 20

// signingOptions are the flags of sign and send.
type signingOptions struct {
	outputOptions
	secretFile    string
	scheme        string
	signatureFile string
}

func (o *signingOptions) addFlags(cmd *cobra.Command) {
	o.outputOptions.addFlags(cmd)
	cmd.Flags().StringVar(&o.secretFile, "secret-file", "", "The `file` with the secret, without one trailing newline (default $"+secretEnv+")")
	cmd.Flags().StringVar(&o.scheme, "scheme", "", "Signature `scheme`: "+strings.Join(namedSchemes, ", ")+" (default "+defaultScheme+")")
	cmd.Flags().StringVar(&o.signatureFile, "signature-file", "",
		"The `file` that describes the scheme: a workflow document, or only its webhook.signature")
	complete(cmd, "scheme", cobra.FixedCompletions(namedSchemes, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "signature-file", completeFiles("json"))
}

func signCommand() *cobra.Command {
	o := new(signingOptions)
	cmd := newCommand("sign [--secret-file f] < body", "Prints the signature of a body",
		`Prints the signature of a body, which is read from standard input byte for byte. With the
scheme flowtrux that is the value of X-Webhook-Signature. With another --scheme it prints the
headers to send, one per line.`,
		cobra.NoArgs, o.run)
	o.addFlags(cmd)
	return cmd
}

func (o *signingOptions) run(cmd *cobra.Command, _ []string) error {
	body, err := readBody(cmd, "-")
	if err != nil {
		return err
	}
	h, scheme, err := o.sign(body)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	switch names := scheme.Headers(); {
	case o.json:
		return printJSON(w, map[string]any{"scheme": scheme.Name(), "headers": joined(h)})
	case scheme.Name() == defaultScheme:
		fmt.Fprintln(w, h.Get(names[0]))
	default:
		printHeader(w, h)
	}
	return nil
}

type sendOptions struct {
	signingOptions
	data string
}

func sendCommand() *cobra.Command {
	o := new(sendOptions)
	cmd := newCommand("send <url> --data f --secret-file f [--scheme s]", "Sends a signed webhook and prints the response",
		"Sends a signed webhook and prints the response. The exit status is 1 if its status is 400 or more.",
		cobra.ExactArgs(1), o.run)
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.data, "data", "-", "The `file` with the body, - for standard input")
	complete(cmd, "data", completeFiles("json"))
	return cmd
}

func (o *sendOptions) run(cmd *cobra.Command, args []string) error {
	body, err := readBody(cmd, o.data)
	if err != nil {
		return err
	}
	h, _, err := o.sign(body)
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
	// Following a redirect would give the signed request to a server that was not named.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("reading the response: %w", err)
	}
	if err := printWebhookResponse(cmd, o.json, resp.StatusCode, resp.Header, b); err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return errSilent
	}
	return nil
}

// sign signs a body and returns the headers to send.
func (o *signingOptions) sign(body []byte) (http.Header, *signature.Scheme, error) {
	scheme, err := o.parseScheme()
	if err != nil {
		return nil, nil, err
	}
	secret, err := o.readSecret()
	if err != nil {
		return nil, nil, err
	}
	h := make(http.Header)
	scheme.Sign(h, body, signature.Key{Secret: secret}, time.Now(), "msg_"+ulid.Make().String())
	return h, scheme, nil
}

func (o *signingOptions) readSecret() ([]byte, error) {
	if o.secretFile == "" {
		if s := os.Getenv(secretEnv); s != "" {
			return []byte(s), nil
		}
		return nil, errors.New("there is no secret: name its file with --secret-file, or set $" + secretEnv)
	}
	f, err := os.Open(o.secretFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := readSecret(f)
	return checkSecret(b, err, o.secretFile+" has none")
}

// readBody reads a file byte for byte, or standard input for "-".
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

// printWebhookResponse prints the response that a sender gets.
func printWebhookResponse(cmd *cobra.Command, asJSON bool, status int, h http.Header, body []byte) error {
	w := cmd.OutOrStdout()
	if asJSON {
		return printJSON(w, map[string]any{"status": status, "headers": joined(h), "body": string(body)})
	}
	color := green
	if status >= 400 {
		color = red
	}
	fmt.Fprintln(w, paint(w, color, fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))))
	printHeader(w, h)
	if len(body) > 0 {
		fmt.Fprintf(w, "\n%s\n", bytes.TrimSuffix(body, []byte("\n")))
	}
	return nil
}

func printHeader(w io.Writer, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fmt.Fprintf(w, "%s %s\n", paint(w, dim, name+":"), v)
		}
	}
}

// joined returns a header with one value per name.
func joined(h http.Header) map[string]string {
	m := make(map[string]string, len(h))
	for name, v := range h {
		m[name] = strings.Join(v, ", ")
	}
	return m
}
