package hostapi

import (
	"reflect"
	"slices"
	"testing"
)

func TestGrants(t *testing.T) {
	hosts := []string{"api.example.com", "*.example.org"}
	all := Grants{HTTP: true, HTTPHosts: hosts, Log: true, Clock: true, Random: true, Globals: true}
	for _, c := range []struct {
		grants Grants
		wanted []Capability
		only   Grants
		names  []string // of only
	}{
		{all, nil, Grants{}, nil},
		{all, Capabilities(), all, []string{"http(api.example.com *.example.org)", "log", "clock", "random", "globals"}},
		{all, []Capability{CapLog, CapLog}, Grants{Log: true}, []string{"log"}},
		{all, []Capability{"files"}, Grants{}, nil},
		{Grants{}, Capabilities(), Grants{}, nil},
		{Grants{HTTP: true, Clock: true}, []Capability{CapHTTP, CapRandom}, Grants{HTTP: true}, []string{"http"}},
		{Grants{HTTPHosts: hosts}, []Capability{CapHTTP}, Grants{}, nil},
	} {
		got := c.grants.Only(c.wanted)
		if !reflect.DeepEqual(got, c.only) {
			t.Errorf("%+v only %v: %+v, want %+v", c.grants, c.wanted, got, c.only)
		}
		if names := got.Names(); !slices.Equal(names, c.names) {
			t.Errorf("names %q, want %q", names, c.names)
		}
	}
	for _, c := range Capabilities() {
		if !all.Has(c) || (Grants{}).Has(c) {
			t.Errorf("%s: granted to none, or not to all", c)
		}
	}
	if all.Has("") || all.Has("files") {
		t.Error("a capability that does not exist is granted")
	}
}
