package modulefetch

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// openURL requests a URL. A user and password in it become basic authentication, only for its own
// host.
func openURL(ctx context.Context, client *http.Client, u *url.URL) (io.ReadCloser, int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("User-Agent", userAgent)
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, 0, status(resp.StatusCode)
	}
	return resp.Body, resp.ContentLength, nil
}
