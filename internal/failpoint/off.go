//go:build !failpoint

package failpoint

// Enabled says whether this program was built to die at failpoints.
const Enabled = false

// Hit is a step at which a crash would matter.
func Hit(string) {}
