// Command sigterm is a function on AWS's Go runtime client that wants to know
// when its environment ends, for which the client registers an extension.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.StartWithOptions(
		func(_ context.Context, event string) (string, error) { return "got " + event, nil },
		lambda.WithEnableSIGTERM(func() { fmt.Println("function: SIGTERM") }),
	)
}
