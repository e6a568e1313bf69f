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

// failure returns an error of a fetch that can be logged: it has no credentials, no queries of URLs
// and nothing that a server has sent.
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

// urls matches the URLs in a text. The first group is the scheme.
var urls = regexp.MustCompile(`(https?://)[^\s"]*`)

func status(code int) error {
	hint := ""
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		hint = ": it requires other credentials; those of a registry belong in the Docker config file of the user that runs Caddy"
	}
	return fmt.Errorf("the server responded with %d %s%s", code, http.StatusText(code), hint)
}
