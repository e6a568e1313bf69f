package command

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"os/user"
	"strings"
	"sync"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/console"
)

// maxLogin is the maximum size of the body of POST session, in bytes.
const maxLogin = 1 << 10

// consoleDoor lets one browser of this machine come to a console: the one that has the token of the
// address. It exchanges the token for a cookie, once.
//
// Any program and any user of this machine can reach the listener, and so can web sites: the
// browser sends their requests here. The cookie keeps out the former. A page of another site has
// another origin. If its own name leads here (DNS rebinding), the Host header gives it away.
type consoleDoor struct {
	port    int
	console *console.Console
	user    string // for the page to show
	token   string // in the address
	session string // in the cookie

	mu   sync.Mutex
	used bool // the token
}

// newConsoleDoor makes the door of a server's console, whose streams end with ctx.
func newConsoleDoor(ctx context.Context, cl *client, port int, readOnly bool) *consoleDoor {
	d := &consoleDoor{port: port, token: rand.Text(), session: rand.Text()}
	if u, err := user.Current(); err == nil {
		d.user = u.Username
	}
	d.console = console.New(console.Options{
		API: newAdminProxy(cl), Events: cl.openEvents, Until: ctx, Door: console.DoorCommand, ReadOnly: readOnly,
	})
	return d
}

// url is the address that lets a browser in. Browsers do not send the part behind the #, and the
// page removes it.
func (d *consoleDoor) url() string {
	return fmt.Sprintf("http://127.0.0.1:%d/#token=%s", d.port, d.token)
}

// cookie is the name of the cookie. Cookies do not depend on the port, and there may be several
// consoles.
func (d *consoleDoor) cookie() string { return fmt.Sprintf("flowtrux_console_%d", d.port) }

// ServeHTTP implements http.Handler.
func (d *consoleDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	console.SetHeaders(w.Header())
	api := strings.HasPrefix(r.URL.Path, adminapi.Base)
	switch {
	case console.ServeOpen(w, r):
	case !d.isHost(r.Host):
		console.Deny(w, r, http.StatusMisdirectedRequest, "this console has another address",
			fmt.Sprintf("It is at http://127.0.0.1:%d on the machine that it runs on.", d.port))
	case r.URL.Path == console.SessionPath && r.Method == http.MethodPost:
		d.login(w, r)
	case (api || r.URL.Path == console.SessionPath) && !d.hasSession(r):
		console.WriteError(w, http.StatusUnauthorized, adminapi.Error{
			Message: "this browser has no session: run `caddy flowtrux console` again, and open the address that it prints",
		})
	default: // the page itself holds nothing that is not public
		d.console.Serve(w, r, d.user)
	}
}

// isHost reports whether a Host header is that of this listener, under a name that nobody else can
// have.
func (d *consoleDoor) isHost(host string) bool {
	return host == fmt.Sprintf("127.0.0.1:%d", d.port) || strings.EqualFold(host, fmt.Sprintf("localhost:%d", d.port))
}

func (d *consoleDoor) hasSession(r *http.Request) bool {
	c, err := r.Cookie(d.cookie())
	return err == nil && equal(c.Value, d.session)
}

// equal compares secrets. It takes the same time wherever they differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// login exchanges the token for the cookie.
func (d *consoleDoor) login(w http.ResponseWriter, r *http.Request) {
	if refused := console.RefuseWrite(r); refused != nil {
		console.WriteError(w, refused.Status, adminapi.Error{Message: refused.Error()})
		return
	}
	var body struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLogin)).Decode(&body); err != nil {
		console.WriteError(w, http.StatusBadRequest, adminapi.Error{Message: `the body is not {"token":"..."}: ` + err.Error()})
		return
	}
	switch {
	case d.hasSession(r): // somebody has opened the address again, in the same browser
	case !equal(body.Token, d.token):
		console.WriteError(w, http.StatusUnauthorized, adminapi.Error{
			Message: "the address is that of another `caddy flowtrux console`: open the one that it has printed last",
		})
		return
	case !d.use():
		console.WriteError(w, http.StatusUnauthorized, adminapi.Error{
			Message: "the address was used already: run `caddy flowtrux console` again to get another",
		})
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: d.cookie(), Value: d.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// use uses the token. It reports whether it was the first time.
func (d *consoleDoor) use() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := !d.used
	d.used = true
	return first
}
