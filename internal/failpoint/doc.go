// Package failpoint marks the steps at which a crash would matter, so that
// tests can make the program crash there:
//
//	failpoint.Hit("journal/appended")
//
// In ordinary builds Hit is empty and the compiler drops the call. A program
// that was built with -tags failpoint reads HEARTH_FAILPOINT=NAME:N and kills
// itself, as kill -9 would, when it comes to that step for the N-th time.
//
// The steps are named package/step. test/e2e finds them by the calls in the
// source and kills the daemon at every one of them: a new call is tested
// without being registered anywhere.
package failpoint
