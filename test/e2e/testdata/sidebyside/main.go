// Command sidebyside is a function on AWS's Go client that takes a second.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type answer struct{ Stream string }

func main() {
	lambda.Start(func() (answer, error) {
		time.Sleep(time.Second) //nolint:forbidigo // what the function is for
		return answer{lambdacontext.LogStreamName}, nil
	})
}
