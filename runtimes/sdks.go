package runtimes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hearthd/hearth/runtimes/sdk"
)

// SDK says which SDK functions find that do not package it, and its version as
// far as it is known: the installed one (see package sdk), else the
// interpreter's own. Empty when there is none, and for Java, which has none on
// AWS either.
func (s *Set) SDK(i Interpreter) string {
	name := ""
	switch i.Family {
	case Python:
		name = "boto3"
	case Node:
		name = "@aws-sdk"
	default:
		return ""
	}
	installed := s.installedSDK(i)
	if installed != "" && i.Family == Node {
		installed = filepath.Join(installed, "node_modules")
	}
	for _, dir := range slices.Concat([]string{installed}, i.Packages, []string{i.UserPackages}) {
		if dir == "" {
			continue
		}
		if version := sdk.Version(dir); strings.HasPrefix(version, name) {
			return version
		}
	}
	return ""
}

// installedSDK returns the directory of the SDK that was installed for an
// interpreter, or "".
func (s *Set) installedSDK(i Interpreter) string {
	switch i.Family {
	case Python:
		return s.sdks.Find("python" + i.minor())
	case Node:
		return s.sdks.Find(sdk.Node)
	}
	return ""
}

// linkSDK makes an SDK part of a directory that is shown at /var/runtime. There
// the runtimes of AWS have it, or look beside it, so it comes after the
// function's own packages and those of layers, for import, require, and what
// functions start themselves. Links cost nothing to make, and hold in sandboxes
// without a root of their own.
func linkSDK(sdkDir, runtimeDir string) error {
	if sdkDir == "" {
		return nil
	}
	entries, err := os.ReadDir(sdkDir)
	if err != nil {
		return fmt.Errorf("read SDK: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		switch name {
		case "bin", "package.json", "package-lock.json": // no packages
			continue
		}
		err := os.Symlink(filepath.Join(sdkDir, name), filepath.Join(runtimeDir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link SDK: %w", err)
		}
	}
	return nil
}
