package modulefetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
)

// partial is the prefix of the names of files that are being written.
const partial = ".fetch-"

const maxRedirects = 5

// userAgent is sent to servers.
const userAgent = "flowtrux-edge"

// fetch stores a module on disk, completely or not at all.
func (s *Store) fetch(ctx context.Context, src Source, d Digest) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("creating the directory for modules: %w", err)
	}
	f, err := os.CreateTemp(s.dir, partial+"*") // mode 0600
	if err != nil {
		return fmt.Errorf("creating the module's file: %w", err)
	}
	defer os.Remove(f.Name()) // already renamed if all went well
	err = s.download(ctx, src, d, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.path(d)); err != nil {
		return fmt.Errorf("storing the module: %w", err)
	}
	s.prune()
	return nil
}

// download writes a module to f and syncs it, within the limits of time and size.
func (s *Store) download(ctx context.Context, src Source, d Digest, f *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.time, fmt.Errorf("it takes longer than %v", s.time))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(s.stall, func() { stop(fmt.Errorf("no data arrived for %v", s.stall)) })
	defer stalled.Stop()
	client := newClient()
	defer client.CloseIdleConnections()

	log := s.logger.With(zap.Stringer("source", src), zap.Stringer("sha256", d))
	log.Info("fetching a module")
	body, size, err := src.open(ctx, client, d)
	if err != nil {
		return failure(ctx, err)
	}
	defer body.Close()
	if size > s.limit {
		return s.tooLarge()
	}
	p := &progress{from: body, size: size, stalled: stalled, stall: s.stall, log: log, every: s.by, began: time.Now()}
	p.logged = p.began
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(p, s.limit+1))
	switch got := Digest(sum.Sum(nil)); {
	case err != nil:
		return failure(ctx, err)
	case n > s.limit:
		return s.tooLarge()
	// The server saw the cancellation and ended its response early.
	case got != d && ctx.Err() != nil:
		return context.Cause(ctx)
	case got != d:
		return fmt.Errorf("it is not the configured module: its sha256 is %s", got)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing the module: %w", err)
	}
	log.Info("fetched a module", zap.Int64("bytes", n), zap.Duration("duration", time.Since(p.began)))
	return nil
}

func (s *Store) tooLarge() error { return fmt.Errorf("it is over %d bytes", s.limit) }

// open requests the module. The size is -1 if the server does not send it. The caller closes body.
func (src Source) open(ctx context.Context, client *http.Client, d Digest) (body io.ReadCloser, size int64, err error) {
	if src.url != nil {
		return openURL(ctx, client, src.url)
	}
	return openArtifact(ctx, client, src.oci, d)
}

// newClient returns a client like Go's default one, with the proxies of the environment. It follows
// a few redirects, only to https.
func newClient() *http.Client {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t.DisableCompression = true // the digest is that of the bytes as sent
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	if next.URL.Scheme != "https" {
		return errors.New("it redirects to a URL that is not https")
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	next.Header.Del("Referer") // its query may be a signature
	return nil
}
