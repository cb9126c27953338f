// Command streamer is the function that the benchmarks of streams run, on
// aws-lambda-go. It writes the time in eight bytes, waits, so that they travel
// alone, and then writes as many bytes as the event asks for.
package main

import (
	"encoding/binary"
	"io"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Bytes  int `json:"bytes"`
	WaitMs int `json:"wait_ms"`
}

func main() {
	chunk := make([]byte, 64<<10)
	lambda.Start(func(e event) (io.Reader, error) {
		r, w := io.Pipe()
		go func() { // ends with the response
			_ = binary.Write(w, binary.BigEndian, time.Now().UnixNano())
			<-time.After(time.Duration(e.WaitMs) * time.Millisecond)
			for left := e.Bytes; left > 0; left -= len(chunk) {
				if _, err := w.Write(chunk[:min(left, len(chunk))]); err != nil {
					return
				}
			}
			_ = w.Close()
		}()
		return r, nil
	})
}
