package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

func secretCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "secret", Short: "Sets, shows and deletes the signing secret of a workflow"}

	set := serverFlags(leaf("set <id> [--generate] [--keep-old 24h]", "Sets a workflow's secret",
		`The secret is read from standard input (one trailing newline is dropped), or with --generate
made from 32 random bytes, in the form that the workflow's signature scheme has for secrets, and
shown this one time. With --keep-old the secrets that are live now
count for that long beside the new one, so that senders can be moved over without a refused request.`,
		cobra.ExactArgs(1), setSecret))
	set.Flags().Bool("generate", false, "Make a random secret and print it once")
	set.Flags().String("keep-old", "", "How long the secrets that are live now still count, such as 24h or 7d")

	return group(cmd, set,
		serverFlags(leaf("show <id>", "Tells how many secrets are live and until when, never their text", "", cobra.ExactArgs(1), showSecret)),
		serverFlags(leaf("delete <id>", "Deletes a workflow's secret: its webhooks are then refused", "", cobra.ExactArgs(1),
			func(cmd *cobra.Command, args []string) error { return remove(cmd, "secrets", args[0]) })),
	)
}

func setSecret(cmd *cobra.Command, args []string) error {
	id := args[0]
	query := ""
	if keep := text(cmd, "keep-old"); keep != "" {
		d, err := caddy.ParseDuration(keep)
		if err != nil || d <= 0 {
			return fmt.Errorf("--keep-old %q is not a duration such as 24h or 7d", keep)
		}
		query = "?keep_old=" + url.QueryEscape(d.String())
	}
	path, err := resource("secrets", id)
	if err != nil {
		return err
	}
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	var secret []byte
	generated := flag(cmd, "generate")
	if generated {
		secret, err = generate(cmd.Context(), cl, id)
	} else {
		secret, err = askSecret(cmd)
	}
	if err != nil {
		return err
	}
	// The server drops one newline too; without this it would be the secret's own.
	body := append(bytes.Clone(secret), "\r\n"...)
	answer, err := cl.do(cmd.Context(), http.MethodPut, path+query, body)
	if err != nil {
		return err
	}
	var set struct {
		ID       string `json:"id"`
		Live     int    `json:"live"`
		Revision int64  `json:"revision"`
		Secret   string `json:"secret,omitempty"`
	}
	if err := json.Unmarshal(answer, &set); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	if generated {
		set.Secret = string(secret)
	}
	w := cmd.OutOrStdout()
	if flag(cmd, "json") {
		return printJSON(w, set)
	}
	if generated {
		fmt.Fprintf(cmd.ErrOrStderr(), "the secret of %s, shown this one time:\n", id)
		fmt.Fprintln(w, set.Secret)
		return nil
	}
	fmt.Fprintf(w, "%s the secret of %s (%s live)\n", paint(w, green, "set"), id, plural(set.Live, "secret"))
	return nil
}

// generate makes a secret for the scheme of a workflow: for the default one while there is no
// workflow to ask.
func generate(ctx context.Context, cl *client, id string) ([]byte, error) {
	path, err := resource("workflows", id)
	if err != nil {
		return nil, err
	}
	doc, err := cl.do(ctx, http.MethodGet, path, nil)
	if refused := (*refusal)(nil); err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	scheme, err := signature.ParseScheme(flow.DecodeLenient(doc).Signature)
	if err != nil { // the document is invalid
		scheme, _ = signature.ParseScheme(nil)
	}
	return scheme.NewSecret(), nil
}

// askSecret reads a secret; on a terminal it is asked for without showing it.
func askSecret(cmd *cobra.Command) ([]byte, error) {
	const hint = "give it on standard input, or use --generate"
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(cmd.ErrOrStderr(), "secret: ")
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		return checkSecret(b, err, hint)
	}
	b, err := readSecret(cmd.InOrStdin())
	return checkSecret(b, err, hint)
}

// readSecret reads a secret without the newline at its end, or as much as shows that it is too
// long.
func readSecret(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, signature.MaxSecret+int64(len("\r\n"))+1))
	return signature.TrimNewline(b), err
}

// checkSecret refuses what cannot be a secret; hint says where one would have to come from.
func checkSecret(b []byte, err error, hint string) ([]byte, error) {
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the secret: %w", err)
	case len(b) == 0:
		return nil, errors.New("the secret is empty: " + hint)
	case len(b) > signature.MaxSecret:
		return nil, fmt.Errorf("the secret is over %d bytes", signature.MaxSecret)
	}
	return b, nil
}

func showSecret(cmd *cobra.Command, args []string) error {
	cl, err := newClient(cmd)
	if err != nil {
		return err
	}
	path, err := resource("secrets", args[0])
	if err != nil {
		return err
	}
	if flag(cmd, "json") {
		return passOn(cmd, cl, path)
	}
	var s struct {
		Live    int `json:"live"`
		Secrets []struct {
			ExpiresAt *time.Time `json:"expiresAt"`
		} `json:"secrets"`
	}
	if err := cl.get(cmd.Context(), path, &s); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s: %s live\n", args[0], plural(s.Live, "secret"))
	for i, x := range s.Secrets {
		until := "does not expire"
		if x.ExpiresAt != nil {
			until = "until " + x.ExpiresAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "  %d  %s\n", i+1, until)
	}
	return nil
}
