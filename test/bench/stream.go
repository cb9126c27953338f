package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const (
	streamSamples = 20
	streamBytes   = 200 << 20
)

// benchStream measures how long the first bytes of a stream are on their way
// from the function's write to the SDK's caller, and how fast many follow.
func benchStream(ctx context.Context, h *peer, dir string) error {
	bootstrap := filepath.Join(dir, "streamer")
	if err := compile(bootstrap, "./test/bench/streamer"); err != nil {
		return err
	}
	if err := h.create("bench-stream", "provided.al2023", "bootstrap", map[string]string{"bootstrap": bootstrap}); err != nil {
		return err
	}
	client := lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &h.url, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	var first []time.Duration
	for i := range streamSamples + 1 {
		took, _, err := readStream(ctx, client, `{"bytes":1,"wait_ms":20}`)
		if err != nil {
			return err
		}
		if i > 0 { // the first starts the environment
			first = append(first, took)
		}
	}
	begin := time.Now()
	_, n, err := readStream(ctx, client, fmt.Sprintf(`{"bytes":%d}`, streamBytes-8))
	if err != nil {
		return err
	}
	took := time.Since(begin)
	slices.Sort(first)
	fmt.Printf("\n%-26s %9s %9s %9s\n", "stream, through the SDK", "p50 ms", "worst ms", "MiB/s")
	fmt.Printf("%-26s %9s %9s %9s\n", fmt.Sprintf("first byte, %d samples", streamSamples), ms(percentile(first, 50)), ms(first[len(first)-1]), "-")
	fmt.Printf("%-26s %9s %9s %9.0f\n", fmt.Sprintf("%d MiB", n>>20), "-", "-", float64(n)/(1<<20)/took.Seconds())
	return nil
}

// readStream invokes the streamer and returns how old its first bytes were when
// they came, and how many came.
func readStream(ctx context.Context, client *lambda.Client, event string) (first time.Duration, n int, err error) {
	out, err := client.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String("bench-stream"), Payload: []byte(event),
	})
	if err != nil {
		return 0, 0, err
	}
	stream := out.GetStream()
	var stamp []byte
	for ev := range stream.Events() {
		switch ev := ev.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			now := time.Now()
			if len(stamp) < 8 {
				if stamp = append(stamp, ev.Value.Payload...); len(stamp) >= 8 {
					first = now.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(stamp)))) //nolint:gosec // a time
				}
			}
			n += len(ev.Value.Payload)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			if ev.Value.ErrorCode != nil {
				err = errors.New("stream failed: " + *ev.Value.ErrorCode)
			}
		}
	}
	return first, n, errors.Join(err, stream.Err(), stream.Close())
}
