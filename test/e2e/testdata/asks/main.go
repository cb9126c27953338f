// Command asks is a function on AWS's Go client that invokes the function that its
// event names, with AWS's SDK and what the variables of its environment say.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/lambda"
)

type event struct {
	Name    string          `json:"name"`
	Payload json.RawMessage `json:"payload"`
}

func main() {
	// What the SDK's package config reads, which the tests have no other use for.
	c := client.New(client.Options{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
	lambda.Start(func(ctx context.Context, e event) (json.RawMessage, error) {
		out, err := c.Invoke(ctx, &client.InvokeInput{FunctionName: &e.Name, Payload: e.Payload})
		if err != nil {
			return nil, err
		}
		if out.FunctionError != nil {
			return nil, errors.New(string(out.Payload))
		}
		return out.Payload, nil
	})
}
