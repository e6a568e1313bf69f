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

// partial begins the names of files that are being written.
const partial = ".fetch-"

const maxRedirects = 5

// userAgent is what servers see.
const userAgent = "flowtrux-edge"

// fetch brings a module to its place on disk, whole or not at all.
func (s *Store) fetch(ctx context.Context, o Source, d Digest) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("making the directory for modules: %w", err)
	}
	f, err := os.CreateTemp(s.dir, partial+"*") // mode 0600
	if err != nil {
		return fmt.Errorf("making the module's file: %w", err)
	}
	defer os.Remove(f.Name()) // which is no longer there when all went well
	err = s.download(ctx, o, d, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), s.path(d)); err != nil {
		return fmt.Errorf("keeping the module: %w", err)
	}
	s.prune()
	return nil
}

// download writes a module to f, synced, within the limits of time and size.
func (s *Store) download(ctx context.Context, o Source, d Digest, f *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.time, fmt.Errorf("it takes longer than %v", s.time))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalled := time.AfterFunc(s.stall, func() { stop(fmt.Errorf("nothing has come for %v", s.stall)) })
	defer stalled.Stop()
	client := newClient()
	defer client.CloseIdleConnections()

	log := s.logger.With(zap.Stringer("source", o), zap.Stringer("sha256", d))
	log.Info("fetching a module")
	body, size, err := o.open(ctx, client, d)
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
	// the server has seen that this side goes, and ended what it had begun
	case got != d && ctx.Err() != nil:
		return context.Cause(ctx)
	case got != d:
		return fmt.Errorf("it is another module than the configured one: its sha256 is %s", got)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing the module: %w", err)
	}
	log.Info("fetched a module", zap.Int64("bytes", n), zap.Duration("duration", time.Since(p.began)))
	return nil
}

func (s *Store) tooLarge() error { return fmt.Errorf("it is over %d bytes", s.limit) }

// open asks for the module. size is -1 when the server does not tell. The caller closes body.
func (o Source) open(ctx context.Context, client *http.Client, d Digest) (body io.ReadCloser, size int64, err error) {
	if o.url != nil {
		return openURL(ctx, client, o.url)
	}
	return openArtifact(ctx, client, o.oci, d)
}

// newClient makes a client like Go's default one, proxies from the environment included, that
// follows a few redirects and stays with https.
func newClient() *http.Client {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t.DisableCompression = true // the digest is of the bytes as they come
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	if next.URL.Scheme != "https" {
		return errors.New("it leads on to something else than https")
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("it leads on more than %d times", maxRedirects)
	}
	next.Header.Del("Referer") // the query before may be a signature
	return nil
}
