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

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

func secretCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "secret", Short: "Sets, shows and deletes the signing secrets of a workflow"}
	addSubcommands(cmd, []*cobra.Command{
		secretSetCommand(), secretShowCommand(),
		deleterCommand("delete <id>", "Deletes the secrets of a workflow, whose webhooks are then rejected", "secrets", completeWorkflows),
	})
	return cmd
}

type secretSetOptions struct {
	serverOptions
	generate bool
	keepOld  string
}

func secretSetCommand() *cobra.Command {
	o := new(secretSetOptions)
	cmd := newCommand("set <id> [--generate] [--keep-old 24h]", "Sets the secret of a workflow",
		`Sets the secret of a workflow. It is read from standard input, without one trailing newline.

--generate makes a secret from 32 random bytes, in the form of the workflow's signature scheme,
and prints it. It is not shown again. --keep-old leaves the current secrets valid for a time, so
that senders can change to the new one without a rejected request.`, cobra.ExactArgs(1), o.run)
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.generate, "generate", false, "Make a random secret and print it once")
	cmd.Flags().StringVar(&o.keepOld, "keep-old", "", "The `duration` for which the current secrets stay valid, such as 24h or 7d")
	complete(cmd, "keep-old", cobra.NoFileCompletions)
	cmd.ValidArgsFunction = oneArg(completeWorkflows(&o.serverOptions))
	return cmd
}

func (o *secretSetOptions) run(cmd *cobra.Command, args []string) error {
	id := args[0]
	query := ""
	if o.keepOld != "" {
		d, err := caddy.ParseDuration(o.keepOld)
		if err != nil || d <= 0 {
			return fmt.Errorf("--keep-old %q is not a duration such as 24h or 7d", o.keepOld)
		}
		query = "?keep_old=" + url.QueryEscape(d.String())
	}
	path, err := resource("secrets", id)
	if err != nil {
		return err
	}
	cl, err := o.client()
	if err != nil {
		return err
	}
	var secret []byte
	if o.generate {
		secret, err = generateSecret(cmd.Context(), cl, id)
	} else {
		secret, err = askSecret(cmd)
	}
	if err != nil {
		return err
	}
	// The server removes one newline: without this it would be one of the secret's own.
	body := append(bytes.Clone(secret), "\r\n"...)
	response, err := cl.do(cmd.Context(), http.MethodPut, path+query, body)
	if err != nil {
		return err
	}
	var set struct {
		adminapi.StoredSecret
		Secret string `json:"secret,omitempty"` // only of --generate
	}
	if err := json.Unmarshal(response, &set); err != nil {
		return responseError(err)
	}
	if o.generate {
		set.Secret = string(secret)
	}
	w := cmd.OutOrStdout()
	switch {
	case o.json:
		return printJSON(w, set)
	case o.generate:
		fmt.Fprintf(cmd.ErrOrStderr(), "the secret of %s, which is not shown again:\n", id)
		fmt.Fprintln(w, set.Secret)
	default:
		fmt.Fprintf(w, "%s the secret of %s (%s live)\n", paint(w, green, "set"), id, plural(set.Live, "secret"))
	}
	return nil
}

// generateSecret returns a random secret for the workflow's signature scheme. Without a workflow,
// or with an invalid one, that is the default scheme.
func generateSecret(ctx context.Context, cl *client, id string) ([]byte, error) {
	path, err := resource("workflows", id)
	if err != nil {
		return nil, err
	}
	doc, err := cl.do(ctx, http.MethodGet, path, nil)
	if rejected := (*apiError)(nil); err != nil && !errors.As(err, &rejected) {
		return nil, err
	}
	scheme, err := signature.ParseScheme(flow.DecodeLenient(doc).Signature)
	if err != nil {
		scheme, _ = signature.ParseScheme(nil)
	}
	return scheme.NewSecret(), nil
}

// askSecret reads a secret from standard input. On a terminal it prompts and does not echo.
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

// readSecret reads a secret without its trailing newline. Of a secret that is too long it reads
// enough to show that.
func readSecret(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, signature.MaxSecret+int64(len("\r\n"))+1))
	return signature.TrimNewline(b), err
}

// checkSecret returns an error for bytes that cannot be a secret, or the error of reading them. The
// hint says where a secret is expected.
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

func secretShowCommand() *cobra.Command {
	o := new(serverOptions)
	cmd := newCommand("show <id>", "Shows how many secrets a workflow has and until when they are valid",
		"Shows how many secrets a workflow has and until when they are valid. It never shows the secrets themselves.",
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error { return showSecret(cmd, o, args[0]) })
	o.addFlags(cmd)
	cmd.ValidArgsFunction = oneArg(completeWorkflows(o))
	return cmd
}

func showSecret(cmd *cobra.Command, o *serverOptions, id string) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	path, err := resource("secrets", id)
	if err != nil {
		return err
	}
	if o.json {
		return printResponse(cmd, cl, path)
	}
	var s adminapi.Secrets
	if err := cl.get(cmd.Context(), path, &s); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s: %s live\n", id, plural(s.Live, "secret"))
	for i, secret := range s.Secrets {
		until := "does not expire"
		if secret.ExpiresAt != nil {
			until = "until " + secret.ExpiresAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "  %d  %s\n", i+1, until)
	}
	return nil
}
