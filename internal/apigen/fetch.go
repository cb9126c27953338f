package main

import (
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// The pinned package that carries the service model.
const (
	pinned     = "botocore==1.43.67"
	wheelName  = "botocore-1.43.67-py3-none-any.whl"
	wheelSHA   = "48ab8e9fac26fbc2a700d57010251003e6a5f731cf74d8540fb796bc8f3fc0ef"
	modelInZip = "botocore/data/lambda/2015-03-31/service-2.json.gz"
	maxModel   = 64 << 20 // bytes of model after decompression
)

// fetchModel returns the pinned service model, downloading its package with
// pip into dir unless it is there already.
func fetchModel(ctx context.Context, dir string) (*model, error) {
	wheel := filepath.Join(dir, wheelName)
	if _, err := os.Stat(wheel); err != nil {
		cmd := exec.CommandContext(ctx, "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", dir, pinned)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("download %s with pip: %w", pinned, err)
		}
	}
	if err := verify(wheel); err != nil {
		return nil, err
	}
	return readWheel(wheel)
}

// verify makes the input reproducible: another build of the same version is
// another input.
func verify(wheel string) error {
	f, err := os.Open(wheel)
	if err != nil {
		return fmt.Errorf("open the model's package: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read %s: %w", wheel, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != wheelSHA {
		return fmt.Errorf("%s has SHA-256 %s, want %s: remove it and run again", wheel, got, wheelSHA)
	}
	return nil
}

func readWheel(wheel string) (*model, error) {
	zr, err := zip.OpenReader(wheel)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", wheel, err)
	}
	defer zr.Close()
	f, err := zr.Open(modelInZip)
	if err != nil {
		return nil, fmt.Errorf("find the model in %s: %w", wheel, err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("decompress the model: %w", err)
	}
	return decodeModel(io.LimitReader(gz, maxModel))
}

func decodeModel(r io.Reader) (*model, error) {
	m := &model{}
	if err := json.NewDecoder(r).Decode(m); err != nil {
		return nil, fmt.Errorf("decode the model: %w", err)
	}
	return m, nil
}

func readOverlay(path string) (*model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the overlay: %w", err)
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	m := &model{}
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("decode overlay %s: %w", path, err)
	}
	return m, nil
}
