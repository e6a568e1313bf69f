package main

import (
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"slices"
)

// reduce returns a picture of at most 256 colors, which compresses to a third. Pages have few
// colors; the many are the edges of letters.
func reduce(m image.Image) *image.Paletted {
	counts := make(map[color.RGBA]int)
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)]++
		}
	}
	out := image.NewPaletted(b, palette(counts, 256))
	draw.Draw(out, b, m, b.Min, draw.Src)
	return out
}

// box is a set of colors that become one.
type box []weighted

type weighted struct {
	color.RGBA
	n int
}

// palette chooses at most n colors by median cut: it halves the box with the widest range of the
// most pixels until there are enough.
func palette(counts map[color.RGBA]int, n int) color.Palette {
	all := make(box, 0, len(counts))
	for c, pixels := range counts {
		all = append(all, weighted{c, pixels})
	}
	// The order of a map is random, and the same page should give the same file.
	slices.SortFunc(all, func(a, b weighted) int { return cmp.Or(int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)) })
	boxes := []box{all}
	for len(boxes) < n {
		widest, most := -1, 0
		for i, b := range boxes {
			if _, width := b.axis(); width*b.pixels() > most && len(b) > 1 {
				widest, most = i, width*b.pixels()
			}
		}
		if widest < 0 {
			break
		}
		a, b := boxes[widest].split()
		boxes[widest] = a
		boxes = append(boxes, b)
	}
	p := make(color.Palette, len(boxes))
	for i, b := range boxes {
		p[i] = b.color()
	}
	return p
}

func (b box) pixels() int {
	n := 0
	for _, c := range b {
		n += c.n
	}
	return n
}

// channel returns a channel of a color: red, green or blue.
func channel(c weighted, i int) int { return int([]uint8{c.R, c.G, c.B}[i]) }

// axis returns the channel with the widest range, and that range.
func (b box) axis() (widest, width int) {
	for i := range 3 {
		low, high := 255, 0
		for _, c := range b {
			low, high = min(low, channel(c, i)), max(high, channel(c, i))
		}
		if high-low > width {
			widest, width = i, high-low
		}
	}
	return widest, width
}

// split cuts a box of two or more colors where half of its pixels are on each side.
func (b box) split() (low, high box) {
	i, _ := b.axis()
	slices.SortStableFunc(b, func(a, c weighted) int { return channel(a, i) - channel(c, i) })
	half, seen := b.pixels()/2, 0
	at := 1
	for k, c := range b[:len(b)-1] {
		seen += c.n
		at = k + 1
		if seen >= half {
			break
		}
	}
	return b[:at:at], b[at:]
}

// color returns the color of a box that most of its pixels have, so that surfaces keep theirs.
func (b box) color() color.Color {
	return slices.MaxFunc(b, func(a, c weighted) int { return a.n - c.n }).RGBA
}
