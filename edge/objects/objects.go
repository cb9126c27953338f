// Package objects reads the objects that S3Bucket and S3Key name: from a
// service that speaks S3 (Endpoint), or from a directory with one sub-directory
// per bucket (Dir).
//
// Errors that the caller can do something about are *hearth.Error, in the words
// in which Lambda reports S3's.
package objects

import (
	"github.com/hearthd/hearth"
)

// failure is what Lambda says of an error of S3.
func failure(code, message string) error {
	return hearth.Errorf(hearth.ErrInvalid, "Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message)
}

// The errors of S3 that every source has.
func errNoSuchBucket() error { return failure("NoSuchBucket", "The specified bucket does not exist") }
func errNoSuchKey() error    { return failure("NoSuchKey", "The specified key does not exist.") }
func errNoSuchVersion() error {
	return failure("NoSuchVersion", "The specified version does not exist.")
}

// address is how messages name an object.
func address(o hearth.S3Object) string { return "s3://" + o.Bucket + "/" + o.Key }
