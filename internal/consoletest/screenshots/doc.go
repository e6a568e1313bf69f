// Command screenshots takes the pictures in docs/console from a running server with the examples:
//
//	go -C internal/consoletest run ./screenshots [-only name] [-out directory]
//
// They are of 1440 x 900 pixels, and of at most 150 KB. What they show depends on the clock, since
// the console says how long ago things were; the rest is the same each time. The fonts are Inter
// and JetBrains Mono, since a server has none that people know from their desktops.
package main
