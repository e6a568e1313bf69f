package etcd

import (
	"strings"
	"testing"
)

func TestEndpoints(t *testing.T) {
	for _, good := range []string{
		"127.0.0.1:2379", "a:1", "etcd-1.example.com:65535", "[::1]:2379", "[fe80::1%eth0]:2379", "http://10.0.0.1:2379",
		"https://etcd_1:2379/", "unix:/run/etcd.sock", "unix:///run/etcd.sock", "unix:etcd.sock",
	} {
		if err := CheckEndpoint(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"":                       "it takes host:port",
		"127.0.0.1":              "it takes host:port",
		"::1:2379":               "it takes host:port",
		"https://etcd.internal":  "it takes host:port",
		"https://a:2379/v3":      "is not a port",
		"https://u:p@a:2379":     "endpoint '…@a:2379': it has a user, which username and password name",
		"ftp://127.0.0.1:1":      "it takes http://",
		"HTTPS://127.0.0.1:2379": "it takes http://",
		"a:99999":                "'99999' is not a port",
		"a:0":                    "'0' is not a port",
		"a:etcd":                 "'etcd' is not a port",
		":2379":                  "'' is not a host",
		"a b:2379":               "'a b' is not a host",
		"10.0.0.1,10.0.0.2:2379": "is not a host",
		"unix:":                  "it has no path",
		"unix://":                "it has no path",
	} {
		if err := CheckEndpoint(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}
