package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// loaded loads a configuration of flags, with files by their names.
func loaded(t *testing.T, files map[string]string, args ...string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	cfg := Default(func(string) string { return "" })
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	file := flags.String("config", "", "")
	cfg.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	err := cfg.Load(*file, flags, func(string) string { return "" })
	return cfg, err
}

const oneKey = `access-keys: [{access-key-id: AKIA1, secret-access-key: sixteen-characters, account: "111122223333"`

func TestCredentials_FromBothFiles(t *testing.T) {
	cfg, err := loaded(t, map[string]string{
		"hearth.yaml": "auth: true\ncredentials: keys.yaml\nfunction-actions: lambda:Get*, lambda:InvokeFunction\n" + oneKey + "}]\n",
		"keys.yaml":   strings.ReplaceAll(oneKey, "AKIA1", "AKIA2") + `, principal: user/alice, organization: o-a, actions: ["lambda:Get*", "hearth:logs"]}]`,
	}, "--config", "hearth.yaml")
	if err != nil {
		t.Fatal(err)
	}
	keys := cfg.Node(func(string) string { return "" }).AccessKeys
	if got := cfg.AllowedActions(); len(keys) != 2 || len(got) != 2 || got[1] != "lambda:InvokeFunction" {
		t.Fatalf("%+v, %q", keys, got)
	}
	if p := keys[0]; p.Principal != "arn:aws:iam::111122223333:root" || p.Actions != nil {
		t.Errorf("%+v", p)
	}
	if p := keys[1]; p.Principal != "arn:aws:iam::111122223333:user/alice" || len(p.Actions) != 2 || p.Organization != "o-a" {
		t.Errorf("%+v", p)
	}
}

func TestCredentials_Refused(t *testing.T) {
	for name, c := range map[string]struct{ keys, want string }{
		"none":                   {"", "there are no access keys"},
		"no secret":              {`access-keys: [{access-key-id: AKIA1, account: "111122223333"}]`, "secret-access-key"},
		"no account":             {`access-keys: [{access-key-id: AKIA1, secret-access-key: sixteen-characters}]`, "twelve digits"},
		"a strange id":           {strings.Replace(oneKey, "AKIA1", "a/b", 1) + "}]", "access-key-id"},
		"of another account":     {oneKey + `, principal: "arn:aws:iam::444455556666:user/x"}]`, "of the account 111122223333"},
		"a strange principal":    {oneKey + `, principal: alice}]`, "user/NAME"},
		"an action of another":   {oneKey + `, actions: ["s3:GetObject"]}]`, "s3:GetObject"},
		"an unknown member":      {oneKey + `, secret: x}]`, "secret"},
		"two of one id":          {oneKey + `}, ` + strings.TrimPrefix(oneKey, "access-keys: [") + `}]`, "access-keys: two keys have the access key id AKIA1"},
		"a key that does not go": {oneKey + "}", "keys.yaml"},
	} {
		_, err := loaded(t, map[string]string{"keys.yaml": c.keys}, "--auth", "--credentials", "keys.yaml")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFunctionActions_Flag(t *testing.T) {
	for flag, want := range map[string]int{"--function-actions=": 0, "--function-actions=lambda:*,hearth:logs": 2, "--hard-cpu": 1} {
		cfg, err := loaded(t, nil, flag)
		if got := cfg.AllowedActions(); err != nil || len(got) != want {
			t.Errorf("%s: %q, %v", flag, got, err)
		}
	}
	if _, err := loaded(t, nil, "--function-actions=InvokeFunction"); err == nil || !strings.Contains(err.Error(), "function-actions") {
		t.Errorf("not an action: %v", err)
	}
}

func TestCredentials_FilesThatOthersCanRead_AreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"keys.yaml", "hearth.yaml"} {
		if err := os.WriteFile(name, []byte(oneKey+"}]"), 0o640); err != nil { //nolint:gosec // on purpose
			t.Fatal(err)
		}
	}
	if _, err := readCredentials("keys.yaml"); err == nil || !strings.Contains(err.Error(), "chmod 600 keys.yaml") {
		t.Errorf("credentials: %v", err)
	}
	cfg := Config{}
	if err := cfg.read("hearth.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := cfg.loadKeys("hearth.yaml"); err == nil || !strings.Contains(err.Error(), "chmod 600 hearth.yaml") {
		t.Errorf("configuration: %v", err)
	}
}

func TestListen_BeyondLoopback_WantsAuth(t *testing.T) {
	files := map[string]string{"keys.yaml": oneKey + "}]"}
	if _, err := loaded(t, files, "--listen", "0.0.0.0:4566"); err == nil || !strings.Contains(err.Error(), "--auth") {
		t.Errorf("without --auth: %v", err)
	}
	if _, err := loaded(t, files, "--listen", "0.0.0.0:4566", "--auth", "--credentials", "keys.yaml"); err != nil {
		t.Errorf("with --auth: %v", err)
	}
}

func TestLoad_UnknownKeys(t *testing.T) {
	for file, args := range map[string][]string{
		"hearth.yaml": {"--config", "hearth.yaml"},
		"keys.yaml":   {"--auth", "--credentials", "keys.yaml"},
	} {
		_, err := loaded(t, map[string]string{file: "bogus: 1\n"}, args...)
		if err == nil || !strings.Contains(err.Error(), file+": line 1: field bogus not found") || strings.Contains(err.Error(), "type") {
			t.Errorf("%s: %v, want the line and the key, and no type of Go's", file, err)
		}
	}
}
