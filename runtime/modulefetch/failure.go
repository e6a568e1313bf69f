package modulefetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// failure makes an error of a fetch fit for logs: it says why and repeats neither credentials, nor
// queries of URLs, nor what a server has written.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var answered *errcode.ErrorResponse
	var failed *url.Error
	switch {
	case errors.As(err, &answered):
		return status(answered.StatusCode)
	case errors.Is(err, errdef.ErrNotFound):
		return status(http.StatusNotFound)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return status(http.StatusUnauthorized)
	case errors.As(err, &failed):
		err = failed.Err
	}
	return errors.New(urls.ReplaceAllString(err.Error(), "$1…"))
}

// urls are the addresses in a text, up to their hosts.
var urls = regexp.MustCompile(`(https?://)[^\s"]*`)

func status(code int) error {
	hint := ""
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		hint = ": it wants credentials, or others; a registry's stand in docker's config file of the user that runs Caddy"
	}
	return fmt.Errorf("the server answered %d %s%s", code, http.StatusText(code), hint)
}
