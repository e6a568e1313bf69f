package signature_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/flowtrux/edge/runtime/signature"
)

func Example() {
	scheme, err := signature.ParseScheme([]byte(`{"scheme": "github"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	key := signature.NewKey([]byte("It's a Secret to Everybody"), time.Time{})
	body, header := []byte("Hello, World!"), http.Header{}
	scheme.Sign(header, body, key, time.Now(), "")
	fmt.Println(header.Get("X-Hub-Signature-256")[:15], scheme.Headers())

	reason, _ := scheme.Verify(header, body, []signature.Key{key}, time.Now())
	fmt.Println(reason == signature.OK)
	reason, _ = scheme.Verify(header, []byte("Hello, world!"), []signature.Key{key}, time.Now())
	fmt.Println(reason)
	// Output:
	// sha256=757107ea [X-Hub-Signature-256]
	// true
	// mismatch
}

func ExampleParseScheme_errors() {
	_, err := signature.ParseScheme([]byte(`{"scheme": "custom", "heder": "X-Acme", "algorithm": "sha265"}`))
	if all, ok := errors.AsType[signature.Errors](err); ok {
		for _, e := range all {
			fmt.Println(e)
		}
	}
	// Output:
	// heder: unknown key; did you mean "header"?
	// algorithm: must be "sha1", "sha256" or "sha512", not "sha265"; did you mean "sha256"?
}
