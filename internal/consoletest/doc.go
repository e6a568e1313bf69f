// Package consoletest drives the console in a real Chromium on a real Caddy. Its tests are those of
// each screen, of access, and of what may go wrong while a page is open. Commands below it measure
// (figures) and take the pictures of the documentation (screenshots).
//
// A [Page] is used as people use it: by events of mouse and keyboard, on what is visible, which is
// found by the role and name that a screen reader says. It waits for what should be there, and
// never for a time. It fails its test if the page reports an error, breaks its content security
// policy, gets a response that the test does not expect, or sends a request to any other host. A
// test that fails leaves a screenshot, the document and the messages of its pages in a directory
// that it names.
//
// Chromium is found in the PATH, or in the environment variable CHROMIUM.
package consoletest
