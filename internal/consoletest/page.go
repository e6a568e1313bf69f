package consoletest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience bounds each wait. It is generous, because only a failing test reaches it.
const patience = 30 * time.Second

// Page is a tab with its own cookies, storage and cache. Its methods fail its test.
type Page struct {
	t       T
	browser context.Context // of chromedp
	ctx     context.Context // of chromedp, for this tab

	mu       sync.Mutex
	origin   string           // the only one that it may send requests to
	said     []string         // what happened, for people
	faults   []string         // what must not happen
	expected map[int]bool     // statuses of responses
	tolerant bool             // faults are only noted
	offline  bool             // the server is away for a while
	sizes    map[string]int64 // of bodies as they were sent, by URL
	urls     map[network.RequestID]string
	dialog   func(*page.EventJavascriptDialogOpening) bool // nil = there must be none
}

// Open opens an empty tab.
func (b *Browser) Open(t T) *Page {
	t.Helper()
	p := &Page{t: t, browser: b.ctx, expected: map[int]bool{}, sizes: map[string]int64{}, urls: map[network.RequestID]string{}}
	var end context.CancelFunc
	p.ctx, end = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	if err := chromedp.Do(p.ctx); err != nil {
		end()
		t.Fatalf("opening a tab: %v", err)
	}
	t.Cleanup(func() {
		p.Check()
		if t.Failed() {
			p.save()
		}
		end()
	})
	p.Size(1440, 900)
	p.Media(false)
	return p
}

// call runs a command of the protocol.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.t.Fatalf("%s: %v", command.Method, err)
	}
	return r
}

// Size sets the size of the page, in CSS pixels, and waits until the page has noticed.
func (p *Page) Size(width, height int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	p.Until(fmt.Sprintf("the page has %d x %d pixels", width, height), func() bool {
		// After two frames, its observers of sizes have run.
		return p.true(fmt.Sprintf(`(async () => {
			for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
			return innerWidth === %d && innerHeight === %d;
		})()`, width, height))
	})
}

// Media sets what the system prefers: dark or light. Motion is always reduced, so that nothing is
// looked at while it moves.
func (p *Page) Media(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// Go opens an address as if it was typed. From then on its origin is the only one that the page may
// send requests to.
func (p *Page) Go(address string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	if u.Host != "" { // after about:blank, requests of the page before may end
		p.mu.Lock()
		p.origin = u.Scheme + "://" + u.Host
		p.mu.Unlock()
	}
	if r := call(p, page.Navigate, page.NavigateParams{URL: address}); r.ErrorText != "" {
		p.t.Fatalf("opening %s: %s", address, r.ErrorText)
	}
}

// Reload loads the page again, as F5 does.
func (p *Page) Reload() {
	p.t.Helper()
	call(p, page.Reload, page.ReloadParams{})
}

// Expect says that responses with these statuses are no fault.
func (p *Page) Expect(statuses ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range statuses {
		p.expected[s] = true
	}
}

// Offline says whether requests may fail for want of a server.
func (p *Page) Offline(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.offline = away
}

// Tolerate calls f, in which nothing that the page does is a fault: it is not the console's.
func (p *Page) Tolerate(f func()) {
	tolerate := func(on bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tolerant = on
	}
	tolerate(true)
	f()
	tolerate(false)
}

// OnDialog lets f answer the browser's own dialogs, such as the question before a page is left.
func (p *Page) OnDialog(f func(message string) (accept bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialog = func(e *page.EventJavascriptDialogOpening) bool { return f(string(e.Type) + ": " + e.Message) }
}

// Check reports what must not have happened so far.
func (p *Page) Check() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		p.t.Errorf("%s", f)
	}
	p.faults = nil
}

// Eval evaluates an expression, which may be a promise, and decodes its value unless into is nil.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	if err := p.eval(expression, into); err != nil {
		p.t.Fatalf("%v in %s", err, expression)
	}
}

func (p *Page) eval(expression string, into any) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	yes := true
	r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ReturnByValue: &yes, AwaitPromise: &yes})
	if err != nil {
		return err
	}
	if e := r.ExceptionDetails; e != nil {
		if e.Exception != nil && e.Exception.Description != "" {
			return fmt.Errorf("%s", e.Exception.Description)
		}
		return fmt.Errorf("%s", e.Text)
	}
	if into == nil {
		return nil
	}
	value := []byte(r.Result.Value)
	if len(value) == 0 {
		value = []byte("null")
	}
	return json.Unmarshal(value, into)
}

// hear notes what the browser tells of the page. It must not run commands.
func (p *Page) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		var text []string
		for _, a := range e.Args {
			text = append(text, strings.Trim(string(a.Value)+" "+a.Description, " "))
		}
		p.note(e.Type == "error" || e.Type == "warning" || e.Type == "assert", "console.%s: %s", e.Type, strings.Join(text, " "))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.note(true, "exception: %s", text)
	case *log.EventEntryAdded:
		// What the network has to say is said below, with its status.
		p.note(e.Entry.Source != "network" && (e.Entry.Level == "error" || e.Entry.Level == "warning"), "%s %s: %s %s",
			e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *network.EventRequestWillBeSent:
		p.urls[e.RequestID] = e.Request.URL
		u, err := url.Parse(e.Request.URL)
		foreign := p.origin != "" && (err != nil || u.Scheme+"://"+u.Host != p.origin) && (err != nil || u.Scheme != "data" && u.Scheme != "blob")
		p.note(foreign, "request: %s %s", e.Request.Method, e.Request.URL)
	case *network.EventResponseReceived:
		status := int(e.Response.Status)
		// Without a page's own icon, as at a console's session, the browser asks the site for one.
		icon := strings.HasSuffix(e.Response.URL, "/favicon.ico")
		p.note(status >= 400 && !p.expected[status] && !icon, "response: %d %s", status, e.Response.URL)
	case *network.EventLoadingFinished:
		p.sizes[p.urls[e.RequestID]] += int64(e.EncodedDataLength)
	case *network.EventLoadingFailed:
		lost := !e.Canceled && !p.offline && e.ErrorText != "net::ERR_ABORTED"
		p.note(lost, "failed: %s %s", e.ErrorText, p.urls[e.RequestID])
	case *page.EventJavascriptDialogOpening:
		accept := p.dialog != nil && p.dialog(e)
		p.note(p.dialog == nil, "dialog: %s %s", e.Type, e.Message)
		go func() {
			ctx, cancel := context.WithTimeout(p.ctx, patience)
			defer cancel()
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
		}()
	}
}

// maxSaid bounds the notes of a page.
const maxSaid = 2000

// tell notes what a test does.
func (p *Page) tell(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(false, format, args...)
}

// note needs p.mu.
func (p *Page) note(fault bool, format string, args ...any) {
	text := time.Now().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	if len(text) > 1000 {
		text = text[:1000] + "…"
	}
	if p.said = append(p.said, text); len(p.said) > maxSaid {
		p.said = slices.Delete(p.said, 0, maxSaid/10)
	}
	if fault && !p.tolerant && len(p.faults) < 20 {
		p.faults = append(p.faults, text)
	}
}

// SignIn opens a console whose server asks for a name and a password, and answers it. The browser
// keeps them for the tab, as it does when people type them.
//
// Requests have to be intercepted for that, and one that is made while this ends can be lost. So
// the first address is that of the session, which is a single request.
func (p *Page) SignIn(address, user, password string) {
	p.t.Helper()
	p.Expect(401)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	yes := true
	session := address + "session"
	call(p, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &yes, Patterns: []*fetch.RequestPattern{{URLPattern: session}}})
	asked := chromedp.Events(ctx, fetch.AuthRequired)
	paused := chromedp.Events(ctx, fetch.RequestPaused)
	go func() {
		for e, err := range asked {
			if err != nil {
				return // the page is open
			}
			_, _ = chromedp.Call(ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: &fetch.AuthChallengeResponse{
				Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: user, Password: password,
			}})
		}
	}()
	go func() {
		for e, err := range paused {
			if err != nil {
				return // the page is open
			}
			_, _ = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
		}
	}()
	p.Go(session)
	p.Holds("document.readyState === 'complete'")
	call(p, fetch.Disable, cdp.Empty{})
	p.mu.Lock()
	delete(p.expected, 401)
	p.mu.Unlock()
	p.Go(address)
	p.Holds("document.readyState === 'complete'")
}

// BeforeEach runs a script in each document that is opened from now on, before its own.
func (p *Page) BeforeEach(script string) {
	p.t.Helper()
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// Fresh opens an address as on the first visit: with an empty cache.
func (p *Page) Fresh(address string) {
	p.t.Helper()
	p.Go("about:blank")
	call(p, network.ClearBrowserCache, cdp.Empty{})
	p.Go(address)
}

// Screenshot returns a PNG of what is visible.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	return call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{}).Data
}

// Everything returns what the page has: its document with the values of fields and what is in
// shadow roots, its address, its title, and what it has stored in the browser.
func (p *Page) Everything() string {
	p.t.Helper()
	var all string
	p.Eval(`(async () => {
		const texts = [location.href, document.title, document.referrer, document.cookie, JSON.stringify(history.state)];
		const walk = (root) => {
			texts.push(root.innerHTML);
			for (const e of root.querySelectorAll("*")) {
				if (e.value !== undefined) texts.push(String(e.value));
				if (e.shadowRoot) walk(e.shadowRoot);
			}
		};
		walk(document.documentElement);
		for (const store of [localStorage, sessionStorage]) for (let i = 0; i < store.length; i++) texts.push(store.key(i), store.getItem(store.key(i)));
		for (const { name } of await indexedDB.databases()) {
			const open = indexedDB.open(name);
			const db = await new Promise((done, fail) => { open.onsuccess = () => done(open.result); open.onerror = fail; });
			for (const table of db.objectStoreNames) {
				const all = db.transaction(table).objectStore(table).getAll();
				texts.push(JSON.stringify(await new Promise((done, fail) => { all.onsuccess = () => done(all.result); all.onerror = fail; })));
			}
			db.close();
		}
		if (self.caches) for (const name of await caches.keys()) texts.push(name);
		return texts.join("\n");
	})()`, &all)
	return all
}

// Gone lets the server have no files whose addresses contain a text; "" = it has all again.
func (p *Page) Gone(text string) {
	p.t.Helper()
	if text == "" {
		call(p, fetch.Disable, cdp.Empty{})
		return
	}
	call(p, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*" + text + "*"}}})
	paused := chromedp.Events(p.ctx, fetch.RequestPaused)
	go func() {
		for e, err := range paused {
			if err != nil {
				return // the tab is closed
			}
			_, _ = chromedp.Call(p.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: e.RequestID, ResponseCode: 404})
		}
	}()
}
