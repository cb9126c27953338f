package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// AccessKey is one entry of `access-keys`, in the configuration file or in the
// one that --credentials names.
type AccessKey struct {
	AccessKeyID     string   `yaml:"access-key-id"`
	SecretAccessKey string   `yaml:"secret-access-key"`
	SessionToken    string   `yaml:"session-token"`
	Account         string   `yaml:"account"`
	Principal       string   `yaml:"principal"`    // "user/NAME", "role/NAME", or an ARN; default: the account's root
	Organization    string   `yaml:"organization"` // such as o-a1b2c3d4e5
	Actions         []string `yaml:"actions"`      // default: everything
}

// credentialsFile is what --credentials names.
type credentialsFile struct {
	AccessKeys []AccessKey `yaml:"access-keys"`
}

// loadKeys adds the keys of the credentials file to those of the configuration
// file and checks them all.
func (c *Config) loadKeys(configFile string) error {
	if len(c.AccessKeys) > 0 {
		if err := checkPrivate(configFile); err != nil {
			return exit.Usagef("access-keys: %w", err)
		}
	}
	if c.Credentials != "" {
		keys, err := readCredentials(c.Credentials)
		if err != nil {
			return exit.Usagef("credentials: %w", err)
		}
		c.AccessKeys = append(c.AccessKeys, keys...)
	}
	if c.Auth && len(c.AccessKeys) == 0 {
		return exit.Usagef("auth: there are no access keys; list them in a file and name it with --credentials")
	}
	if err := checkActions(c.AllowedActions()); err != nil {
		return exit.Usagef("function-actions: %w", err)
	}
	for i, k := range c.AccessKeys {
		if err := k.validate(); err != nil {
			return exit.Usagef("access-keys: entry %d: %w", i+1, err)
		}
	}
	return nil
}

func readCredentials(name string) ([]AccessKey, error) {
	if err := checkPrivate(name); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	var content credentialsFile
	if err := dec.Decode(&content); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	return content.AccessKeys, nil
}

// checkPrivate refuses a file with secrets that others can read.
func checkPrivate(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s holds secrets and others can read it: chmod 600 %s", name, name)
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	return nil
}

func (k AccessKey) validate() error {
	switch {
	case !regexp.MustCompile(`\A\w{3,128}\z`).MatchString(k.AccessKeyID):
		return fmt.Errorf("access-key-id: %q is not made of 3 to 128 letters, digits and _", k.AccessKeyID)
	case len(k.SecretAccessKey) < minSecret:
		return fmt.Errorf("secret-access-key: it must have at least %d characters", minSecret)
	case len(k.Account) != 12 || strings.Trim(k.Account, "0123456789") != "":
		return fmt.Errorf("account: %q is not twelve digits", k.Account)
	}
	arn := regexp.MustCompile(`\Aarn:aws[a-z-]*:(iam|sts)::` + k.Account + `:(root|(user|role|assumed-role)/[\w+=,.@/-]+)\z`)
	if !arn.MatchString(k.arn()) {
		return fmt.Errorf("principal: %q is neither root, user/NAME, role/NAME nor an ARN of the account %s", k.Principal, k.Account)
	}
	if err := checkActions(k.Actions); err != nil {
		return fmt.Errorf("actions: %w", err)
	}
	return nil
}

func checkActions(actions []string) error {
	for _, a := range actions {
		if service, _, ok := strings.Cut(a, ":"); a != "*" && (!ok || service != "lambda" && service != "hearth") {
			return fmt.Errorf("%q is no action such as lambda:InvokeFunction or hearth:logs", a)
		}
	}
	return nil
}

// AllowedActions returns what functions may do, besides what policies allow them.
func (c *Config) AllowedActions() []string {
	return strings.FieldsFunc(c.FunctionActions, func(r rune) bool { return r == ',' || r == ' ' })
}

// minSecret is the length of a secret in characters; AWS's have 40.
const minSecret = 16

// arn returns the principal's.
func (k AccessKey) arn() string {
	switch {
	case k.Principal == "":
		return "arn:aws:iam::" + k.Account + ":root"
	case strings.HasPrefix(k.Principal, "arn:"):
		return k.Principal
	}
	return "arn:aws:iam::" + k.Account + ":" + k.Principal
}
