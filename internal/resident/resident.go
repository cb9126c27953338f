// Package resident measures the memory of processes on hosts where no control
// group does.
package resident
