package main

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/input"

	"github.com/flowtrux/edge/internal/consoletest"
)

// maxBytes bounds a picture.
const maxBytes = 150_000

// fonts is a fontconfig file that prefers fonts as systems with a desktop have them.
const fonts = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
	<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
	<match target="pattern"><test name="family"><string>system-ui</string></test><edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>
	<match target="pattern"><test name="family"><string>sans-serif</string></test><edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>
	<match target="pattern"><test name="family" compare="eq"><string>ui-monospace</string></test><edit name="family" mode="assign" binding="strong"><string>JetBrains Mono</string></edit></match>
	<match target="pattern"><test name="family"><string>monospace</string></test><edit name="family" mode="prepend" binding="strong"><string>JetBrains Mono</string></edit></match>
</fontconfig>
`

// setFonts lets Chromium use the fonts.
func setFonts(dir string) error {
	file := filepath.Join(dir, "fonts.conf")
	if err := os.WriteFile(file, []byte(fonts), 0o600); err != nil {
		return err
	}
	return os.Setenv("FONTCONFIG_FILE", file)
}

// camera takes pictures.
type camera struct {
	consoletest.T
	browser *consoletest.Browser
	caddy   string
	only    string
	out     string
}

// shoot stores what the page shows, once it is at rest.
func (c *camera) shoot(p *consoletest.Page, name string) {
	if c.only != "" && c.only != name {
		return
	}
	p.Mouse(input.DispatchMouseEventTypeMouseMoved, 1, 1, false) // so that nothing is hovered over
	p.Rests()
	p.Check()
	m, err := png.Decode(bytes.NewReader(p.Screenshot()))
	if err != nil {
		c.Fatalf("%s: %v", name, err)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, reduce(m)); err != nil {
		c.Fatalf("%s: %v", name, err)
	}
	if out.Len() > maxBytes {
		c.Errorf("%s has %d bytes, more than %d", name, out.Len(), maxBytes)
	}
	file := filepath.Join(c.out, name+".png")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		c.Fatalf("%v", err)
	}
	fmt.Printf("%s %d KB\n", file, out.Len()/1000)
}
