// Command golang is a function on aws-lambda-go that streams: its response is an
// io.Reader.
package main

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Do string `json:"do"`
}

func main() {
	lambda.Start(func(e event) (io.Reader, error) {
		switch e.Do {
		case "fail":
			return io.MultiReader(strings.NewReader("prefix"), failing{}), nil
		case "wait":
			r, w := io.Pipe()
			go func() { // ends with the response
				_, _ = io.WriteString(w, "first ")
				<-time.After(2 * time.Second)
				_, _ = io.WriteString(w, "second")
				_ = w.Close()
			}()
			return r, nil
		default:
			return nil, errors.New("do not know how to " + e.Do)
		}
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken reader") }
