// The tests of the console in a browser, in a module of their own: who builds with
// github.com/flowtrux/edge does not get the library that drives the browser.
module github.com/flowtrux/edge/internal/consoletest

go 1.26.0

replace github.com/flowtrux/edge => ../..

require (
	github.com/chromedp/cdproto v0.160.1
	github.com/chromedp/chromedp v0.23.1
	github.com/flowtrux/edge v0.0.0-00010101000000-000000000000
	github.com/oklog/ulid/v2 v2.1.2
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
