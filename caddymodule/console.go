package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/caddymodule/console"
)

const (
	consoleName            = "flowtrux_console"
	defaultConsolePrefix   = "/console/"
	defaultAuthenticatedBy = "{http.auth.user.id}"
)

// maxUser is the maximum length of a user's name in logs, in bytes.
const maxUser = 256

// Console serves the console, a page in which people see and edit workflows, and the API that the
// page uses. It does not authenticate anybody: a handler before it does.
//
// One rule decides who comes in. A request whose `authenticated_by` placeholder is a text that is
// not empty belongs to the user of that name. Any other request gets a response with status 403,
// which says what to configure. Whoever comes in may do everything that the admin endpoint's
// `/flowtrux/` allows, or only read with `read_only`. Each write is logged with the user's name.
//
// In a Caddyfile, with users in the config:
//
//	example.com {
//		basic_auth /console/* {
//			alice $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG
//		}
//		flowtrux_console {
//			prefix /console/
//			authenticated_by {http.auth.user.id}
//			read_only
//		}
//	}
//
// The handler in JSON:
//
//	{
//		"handler": "flowtrux_console",
//		"prefix": "/console/",
//		"authenticated_by": "{http.auth.user.id}",
//		"read_only": true
//	}
type Console struct {
	// Prefix of the console's paths. It begins and ends with a slash. Behind a handler that strips
	// a prefix, it is what is left. Default: `/console/`.
	Prefix string `json:"prefix,omitempty"`

	// The placeholder that holds the name of an authenticated user, and is empty for everybody
	// else. Default: `{http.auth.user.id}`, which authentication handlers such as `basic_auth` set.
	// A header is safe only if a handler before sets it, or removes what the client has sent.
	AuthenticatedBy string `json:"authenticated_by,omitempty"`

	// Only reading and validating is allowed. Default: false.
	ReadOnly bool `json:"read_only,omitempty"`

	logger      *zap.Logger
	console     *console.Console
	stopStreams context.CancelFunc // nil until provisioned
}

// CaddyModule returns the Caddy module information.
func (*Console) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers." + consoleName,
		New: func() caddy.Module { return new(Console) },
	}
}

// Provision checks the config.
func (c *Console) Provision(ctx caddy.Context) error {
	c.logger = ctx.Logger()
	if c.Prefix == "" {
		c.Prefix = defaultConsolePrefix
	}
	if err := checkPrefix(c.Prefix); err != nil {
		return err
	}
	if c.AuthenticatedBy == "" {
		c.AuthenticatedBy = defaultAuthenticatedBy
	}
	if err := checkAuthenticatedBy(c.AuthenticatedBy); err != nil {
		return err
	}
	if console.Missing() {
		c.logger.Warn(console.WithoutPage)
	}
	app, err := ctx.App(appName)
	if err != nil {
		return err
	}
	streaming, stop := context.WithCancel(app.(*App).streaming)
	c.stopStreams = stop
	// Servers can also end without their config, and wait for requests as well.
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		server.RegisterOnShutdown(stop)
	}
	c.console = console.New(console.Options{
		API: apiHandler(), Events: app.(*App).live.stream, Until: streaming,
		Door: console.DoorSite, ReadOnly: c.ReadOnly, Wrote: c.logWrite,
	})
	return nil
}

// Cleanup ends what Provision began.
func (c *Console) Cleanup() error {
	if c.stopStreams != nil {
		c.stopStreams()
	}
	return nil
}

// checkAuthenticatedBy rejects what cannot be the name of an authenticated user: a text, and
// placeholders that everybody has.
func checkAuthenticatedBy(text string) error {
	name, ok := strings.CutPrefix(text, "{")
	name, end := strings.CutSuffix(name, "}")
	if !ok || !end || name == "" || strings.ContainsAny(name, "{}:?*") {
		return fmt.Errorf("authenticated_by is '%s'; it is one placeholder, such as %s", text, defaultAuthenticatedBy)
	}
	for _, credential := range []string{"authorization", "cookie", "proxy-authorization"} {
		if strings.EqualFold(name, "http.request.header."+credential) {
			return fmt.Errorf("authenticated_by is '%s', which holds a password or token: it would be in logs", text)
		}
	}
	for _, ofUser := range []string{"http.request.header.", "http.request.tls.client."} {
		if strings.HasPrefix(name, ofUser) {
			return nil
		}
	}
	for _, other := range []string{
		"http.request.", "http.response.", "http.regexp.", "http.error.", "http.flowtrux.", "http.shutting_down",
		"http.vars." + caddyhttp.ClientIPVarKey, "http.vars." + caddyhttp.TrustedProxyVarKey, "env.", "file.", "system.", "time.",
	} {
		if strings.HasPrefix(name, other) {
			return fmt.Errorf("authenticated_by is '%s', which does not say who has logged in: anybody would be let in", text)
		}
	}
	return nil
}

// ServeHTTP serves requests below the prefix, and passes others on to the next handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	inside, ok := c.below(r.URL)
	if !ok {
		return next.ServeHTTP(w, r)
	}
	console.SetHeaders(w.Header())
	if location := c.withSlash(r, inside); location != "" {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	below := new(http.Request)
	*below = *r
	below.URL = inside
	switch user := c.user(r); {
	case user != "":
		c.console.Serve(w, below, user)
	case !console.ServeOpen(w, below):
		c.deny(w, below)
	}
	return nil
}

// below returns a URL whose path begins at the prefix, with a slash, or at "" for the prefix
// without its last slash. It reports whether the path is the console's.
func (c *Console) below(u *url.URL) (*url.URL, bool) {
	inside := new(url.URL)
	*inside = *u
	prefix := strings.TrimSuffix(c.Prefix, "/")
	strip := func(p string) (string, bool) {
		rest, ok := strings.CutPrefix(p, prefix)
		return rest, ok && (rest == "" || rest[0] == '/')
	}
	var ok bool
	if inside.Path, ok = strip(u.Path); !ok {
		return nil, false
	}
	if u.RawPath != "" {
		// An escape in the prefix makes it another path.
		if inside.RawPath, ok = strip(u.RawPath); !ok {
			return nil, false
		}
	}
	return inside, true
}

// withSlash returns where to redirect a browser that has left out the last slash: the URLs in the
// page are relative to it. A handler that strips a prefix leaves nothing, or only the slash, so the
// path that the browser has asked for decides. The location is relative as well, so that it never
// names another host.
func (c *Console) withSlash(r *http.Request, inside *url.URL) string {
	if inside.Path != "" && inside.Path != "/" {
		return ""
	}
	asked := r.URL
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		asked = original.URL
	}
	escaped := asked.EscapedPath()
	if escaped == "" || strings.HasSuffix(escaped, "/") {
		return ""
	}
	location := "./" + path.Base(escaped) + "/"
	if asked.RawQuery != "" {
		location += "?" + asked.RawQuery
	}
	return location
}

// user returns the name of the request's user; "" = nobody was authenticated.
func (c *Console) user(r *http.Request) string {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return ""
	}
	name := strings.TrimSpace(repl.ReplaceAll(c.AuthenticatedBy, ""))
	return strings.ToValidUTF8(name[:min(len(name), maxUser)], "\uFFFD")
}

// deny responds to a request without a user.
func (c *Console) deny(w http.ResponseWriter, r *http.Request) {
	console.Deny(w, r, http.StatusForbidden, "nobody is logged in: "+c.AuthenticatedBy+" is empty",
		"This console lets in whom the web server has authenticated. It found no user in the placeholder that its config names.",
		"If you are the operator, put authentication in front of it in the Caddyfile, for example:",
		"\tbasic_auth "+c.Prefix+"* {\n\t<user> <hash from: caddy hash-password>\n}\nflowtrux_console",
		"For another kind of login, name the placeholder that has its user with authenticated_by: {header.Remote-User} for "+
			"forward_auth with copy_headers Remote-User, {tls_client_subject} for client certificates.")
}

// logWrite logs who has changed or run what. Bodies are not logged: they may hold secrets.
func (c *Console) logWrite(write console.Write) {
	level := zap.InfoLevel
	if write.Status >= http.StatusInternalServerError {
		level = zap.WarnLevel
	}
	c.logger.Log(level, "console write",
		zap.String("user", write.User),
		zap.String("method", write.Request.Method),
		zap.String("what", write.What),
		zap.Int("status", write.Status),
		zap.String("client_ip", clientIP(write.Request)))
}

// Interface guards
var (
	_ caddy.Module                = (*Console)(nil)
	_ caddy.Provisioner           = (*Console)(nil)
	_ caddy.CleanerUpper          = (*Console)(nil)
	_ caddyhttp.MiddlewareHandler = (*Console)(nil)
)
