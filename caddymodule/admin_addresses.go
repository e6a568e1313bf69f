package caddymodule

import (
	"reflect"

	"github.com/caddyserver/caddy/v2"
)

// adminAddresses returns the host:port pairs of Caddy's admin endpoints, which nodes must not
// reach.
//
// Caddy gives modules no access to the address of its admin endpoint: what is missing is an
// accessor of caddy.Context, such as AdminConfig, that returns the config's caddy.AdminConfig.
// Assuming the default would leave an endpoint elsewhere open to any workflow as soon as the
// operator allows a private range. So this reads the unexported field cfg of the context by
// reflection. A test fails if a release of Caddy moves it, and the default addresses are in the
// list in any case.
func adminAddresses(ctx caddy.Context) []string {
	listen := []string{caddy.DefaultAdminListen, caddy.DefaultRemoteAdminListen}
	if cfg := reflect.ValueOf(ctx).FieldByName("cfg"); cfg.IsValid() && !cfg.IsNil() {
		if admin := cfg.Elem().FieldByName("Admin"); admin.IsValid() && !admin.IsNil() {
			listen = append(listen, admin.Elem().FieldByName("Listen").String())
			if remote := admin.Elem().FieldByName("Remote"); !remote.IsNil() {
				listen = append(listen, remote.Elem().FieldByName("Listen").String())
			}
		}
	}
	var addresses []string
	repl := caddy.NewReplacer()
	for _, l := range listen {
		a, err := caddy.ParseNetworkAddress(repl.ReplaceAll(l, ""))
		if err != nil || l == "" || a.IsUnixNetwork() || a.IsFdNetwork() {
			continue
		}
		addresses = append(addresses, a.JoinHostPort(0))
	}
	return addresses
}
