//go:build linux

package userns

// SubordinateRange returns the base and size of the range of ids that a file
// like /etc/subuid gives to one of names.
func SubordinateRange(file string, names ...string) (base, count int, err error) {
	r, err := subordinateRange(file, names)
	return r.base, r.count, err
}
