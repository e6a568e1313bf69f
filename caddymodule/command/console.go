package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/console"
)

// defaultConsoleListen is where the console listens when nothing else does. A fixed port lets
// people keep a bookmark.
const defaultConsoleListen = "127.0.0.1:2020"

// consoleStopWait bounds the end of the requests that run when the command is interrupted.
const consoleStopWait = 2 * time.Second

type consoleOptions struct {
	serverOptions
	listen    string
	noBrowser bool
	readOnly  bool
}

func consoleCommand() *cobra.Command {
	o := new(consoleOptions)
	cmd := newCommand("console", "Opens the console of a running server in a browser",
		`Serves the console of a running server on this machine, for its user only, and opens it in a
browser. The server is local, or any whose admin endpoint can be reached.

The address that is printed lets in one browser, once. It stays in as long as the command runs.
Everybody else is refused, also other users of this machine. On a machine that others can log in
to, use --no-browser: they can see with which address a browser is started.`,
		cobra.NoArgs, o.run)
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "", "The loopback `address` to serve the console at (default "+defaultConsoleListen+", or another port if that is in use)")
	f.BoolVar(&o.noBrowser, "no-browser", false, "Only print the address")
	f.BoolVar(&o.readOnly, "read-only", false, "Allow only reading and validating")
	complete(cmd, "listen", cobra.NoFileCompletions)
	return cmd
}

func (o *consoleOptions) run(cmd *cobra.Command, _ []string) error {
	if console.Missing() {
		return errors.New(console.WithoutPage)
	}
	cl, err := o.client()
	if err != nil {
		return err
	}
	// An address that is wrong shows at once. Later the server may go away and come back.
	var status adminapi.Status
	if err := cl.get(cmd.Context(), "status", &status); err != nil {
		return err
	}
	ln, err := o.bind()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	door := newConsoleDoor(ctx, cl, ln.Addr().(*net.TCPAddr).Port, o.readOnly)
	if err := o.announce(cmd.OutOrStdout(), door); err != nil {
		return errors.Join(err, ln.Close())
	}
	if !o.noBrowser {
		openBrowser(door.url())
	}
	return serveUntil(ctx, ln, door)
}

// bind listens at the address of --listen. Only the default gives way to what listens there
// already.
func (o *consoleOptions) bind() (net.Listener, error) {
	address := o.listen
	if address == "" {
		address = defaultConsoleListen
	}
	host, port, err := net.SplitHostPort(address)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host != "127.0.0.1" && host != "localhost" {
		return nil, fmt.Errorf("--listen %q is not an address such as %s: the console is for this machine only", address, defaultConsoleListen)
	}
	ln, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil && o.listen == "" {
		ln, err = net.Listen("tcp4", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("serving the console: %w", err)
	}
	return ln, nil
}

// announce prints where the console is.
func (o *consoleOptions) announce(w io.Writer, door *consoleDoor) error {
	if o.json {
		return printJSON(w, map[string]any{"address": o.address, "url": door.url()})
	}
	fmt.Fprintf(w, "The console of the server at %s:\n\n  %s\n\n%s\n", o.address, paint(w, green, door.url()),
		paint(w, dim, "The address lets in one browser, once. Ctrl-C ends the console."))
	return nil
}

// serveUntil serves requests until ctx ends.
func serveUntil(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving the console: %w", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.Background(), consoleStopWait)
	defer cancel()
	if server.Shutdown(late) != nil { // a send that still runs goes on at the server
		return server.Close()
	}
	return nil
}
