// Package loopback tells the addresses that only this machine can reach from all
// others: a server that asks nobody for credentials may listen on them alone.
package loopback

import "net"

// Address reports whether a listen address, host:port, can be reached from this
// machine only. Host names other than localhost are not resolved: they are not.
func Address(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
