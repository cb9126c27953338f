// Command hello-go is an example function in Go: compiled, it is the bootstrap
// of a provided.al2023 function.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Name string `json:"name"`
}

type response struct {
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
}

func main() { lambda.Start(greet) }

func greet(ctx context.Context, e event) (response, error) {
	if e.Name == "" {
		e.Name = "world"
	}
	fmt.Fprintf(os.Stderr, "greeting %s\n", e.Name)
	r := response{Message: fmt.Sprintf("%s, %s, from %s", os.Getenv("GREETING"), e.Name, runtime.Version())}
	if call, ok := lambdacontext.FromContext(ctx); ok {
		r.RequestID = call.AwsRequestID
	}
	return r, nil
}
