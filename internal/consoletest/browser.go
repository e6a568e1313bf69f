package consoletest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// Browser is a Chromium without a window.
type Browser struct{ ctx context.Context }

// StartBrowser starts a Chromium with a profile of its own. stop ends it. Several tests can use it
// at the same time: each page has its own cookies, storage and cache.
func StartBrowser(ctx context.Context) (b *Browser, stop func(), err error) {
	path := os.Getenv("CHROMIUM")
	if path == "" {
		if path, err = exec.LookPath("chromium"); err != nil {
			return nil, nil, fmt.Errorf("no browser (`make setup` installs Chromium): %w", err)
		}
	}
	profile, err := os.MkdirTemp("", "consoletest-profile-")
	if err != nil {
		return nil, nil, err
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.WindowSize(1440, 900)}
	for flag, value := range map[string]any{
		"headless":                      "new",
		"no-sandbox":                    true, // root cannot have one
		"disable-gpu":                   true,
		"disable-dev-shm-usage":         true,
		"no-first-run":                  true,
		"disable-background-networking": true,
		"disable-component-update":      true,
		"disable-sync":                  true,
		"disable-quic":                  true,
		"disable-extensions":            true,
		"password-store":                "basic",
		"hide-scrollbars":               true,
		"force-color-profile":           "srgb",
		"lang":                          "en-US",
		// Pages of several tests are open, and all of them are shown.
		"disable-renderer-backgrounding":         true,
		"disable-background-timer-throttling":    true,
		"disable-backgrounding-occluded-windows": true,
	} {
		options = append(options, chromedp.Flag(flag, value))
	}
	alloc, end := chromedp.NewExecAllocator(ctx, options...)
	tab, _ := chromedp.NewContext(alloc)
	stop = func() {
		closing, cancel := context.WithTimeout(tab, 10*time.Second)
		_ = chromedp.Cancel(closing)
		cancel()
		end()
		_ = os.RemoveAll(profile)
	}
	if err := chromedp.Do(tab); err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting Chromium: %w", err)
	}
	return &Browser{tab}, stop, nil
}
