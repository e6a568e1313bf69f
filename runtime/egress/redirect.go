package egress

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// follow sends r and follows redirects, until a response is not followed. The caller closes its
// body.
func (c *Client) follow(ctx context.Context, r *request, hosts []string) (*http.Response, error) {
	for hop := 0; ; hop++ {
		if !granted(hosts, r.url) {
			return nil, fatal(CodeAddressRefused, "the node may not reach this host",
				fmt.Errorf("%s is not among the granted hosts", r.url.Host))
		}
		resp, err := c.send(ctx, r)
		if err != nil {
			return nil, failed(ctx, r, err)
		}
		location := resp.Header.Get("Location")
		if !r.followRedirects || !isRedirect(resp.StatusCode) || location == "" {
			return resp, nil
		}
		discard(resp)
		if hop == maxRedirects {
			return nil, redirectFailure(r, "there are too many redirects")
		}
		if err := r.redirect(resp.StatusCode, location); err != nil {
			return nil, err
		}
	}
}

// send sends one request. It uses the transport and not http.Client, because the package has its
// own rules for redirects.
func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	h := r.header.Clone()
	if r.idempotencyKey != "" && r.method != http.MethodGet && r.method != http.MethodHead && h["Idempotency-Key"] == nil {
		h.Set("Idempotency-Key", r.idempotencyKey)
	}
	req := &http.Request{Method: r.method, URL: r.url, Host: r.url.Host, Header: h}
	if len(r.body) > 0 {
		req.ContentLength = int64(len(r.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
		req.Body, _ = req.GetBody()
	}
	resp, err := c.transport.RoundTrip(req.WithContext(ctx))
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body.Close()
		return nil, errSwitching
	}
	return resp, err
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirect turns r into the request that follows a redirect. Methods change as in browsers (Fetch
// standard, HTTP-redirect fetch): 303 changes all methods to GET but GET and HEAD, 301 and 302 only
// POST.
func (r *request) redirect(status int, location string) error {
	from := r.url
	to, err := from.Parse(location)
	if err == nil {
		err = checkURL(to)
	}
	if err != nil {
		return redirectFailure(r, "a redirect leads to a URL that is not valid")
	}
	if from.Scheme == "https" && to.Scheme == "http" {
		return redirectFailure(r, "a redirect leads from https to http")
	}
	toGet := status == http.StatusSeeOther && r.method != http.MethodGet && r.method != http.MethodHead ||
		(status == http.StatusMovedPermanently || status == http.StatusFound) && r.method == http.MethodPost
	if toGet {
		r.method, r.body = http.MethodGet, nil
		for name := range r.header {
			if strings.HasPrefix(name, "Content-") {
				delete(r.header, name)
			}
		}
	}
	if origin(from) != origin(to) {
		if len(r.body) > 0 {
			return redirectFailure(r, "a redirect would send the body to another origin")
		}
		r.leaveOrigin()
	}
	r.url = to
	return nil
}

// leaveOrigin drops everything that is meant for the original origin only.
func (r *request) leaveOrigin() {
	for name, values := range r.header {
		if name != "Accept" && name != "User-Agent" || r.secret(values[0]) {
			delete(r.header, name)
		}
	}
	if r.header["User-Agent"] == nil {
		r.header["User-Agent"] = []string{userAgent}
	}
	r.idempotencyKey = ""
}

// secret reports whether a header's value contains a secret.
func (r *request) secret(value string) bool {
	return slices.ContainsFunc(r.secrets, func(s string) bool {
		s = strings.Trim(s, " \t") // as in header values
		return s != "" && strings.Contains(value, s)
	})
}

func redirectFailure(r *request, message string) error {
	return fatal(CodeRedirect, message, fmt.Errorf("%s %s: %s", r.method, shown(r.url), message))
}

// granted reports whether a node may reach the URL's host. hosts are host or host:port; none = all.
func granted(hosts []string, u *url.URL) bool {
	if len(hosts) == 0 {
		return true
	}
	host := canonicalHost(u.Hostname())
	pair := net.JoinHostPort(host, port(u))
	for _, h := range hosts {
		if h = canonicalHost(h); h == host || h == pair || h == "["+host+"]" {
			return true
		}
	}
	return false
}

// origin returns a URL's scheme, host and port (RFC 6454).
func origin(u *url.URL) string {
	return u.Scheme + "://" + net.JoinHostPort(canonicalHost(u.Hostname()), port(u))
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// discard closes a response whose body is not needed. It reads a short one first, so that the
// connection can be reused.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 16<<10)
	_ = resp.Body.Close()
}
