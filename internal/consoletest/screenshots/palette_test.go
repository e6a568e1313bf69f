package main

import (
	"image"
	"image/color"
	"testing"
)

func TestReduce(t *testing.T) {
	few := image.NewRGBA(image.Rect(0, 0, 40, 40))
	many := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for y := range 256 {
		for x := range 256 {
			few.Set(x, y, color.RGBA{uint8(x / 10 * 60), 10, uint8(y / 10 * 60), 255})
			many.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x ^ y), 255})
		}
	}
	for name, c := range map[string]struct {
		m        *image.RGBA
		colors   int
		distance int // the most that a channel changes
	}{
		"few colors stay":      {few, 16, 0},
		"many colors get near": {many, 256, 80},
		"one":                  {image.NewRGBA(image.Rect(0, 0, 2, 2)), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := reduce(c.m)
			if len(got.Palette) != c.colors {
				t.Errorf("%d colors, want %d", len(got.Palette), c.colors)
			}
			b := c.m.Bounds()
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := b.Min.X; x < b.Max.X; x++ {
					want, is := c.m.RGBAAt(x, y), color.RGBAModel.Convert(got.At(x, y)).(color.RGBA)
					for _, d := range []int{int(want.R) - int(is.R), int(want.G) - int(is.G), int(want.B) - int(is.B)} {
						if max(d, -d) > c.distance {
							t.Fatalf("at %d,%d: %v became %v", x, y, want, is)
						}
					}
				}
			}
		})
	}
}
