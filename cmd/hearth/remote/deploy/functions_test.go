package deploy_test

import (
	"encoding/json"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/deploy"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

func TestFunctions_Table(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions"] = remotetest.Success(`{"Functions":[
		{"FunctionName":"a","Runtime":"python3.13","Handler":"app.handler","MemorySize":128,"Timeout":3,"CodeSize":765,"LastModified":"2026-11-21T10:00:00.000+0000"},
		{"FunctionName":"image","PackageType":"Image","MemorySize":512,"Timeout":60,"CodeSize":12345,"LastModified":"2026-11-21T10:00:00.000+0000"}]}`)
	want := "" +
		"NAME   RUNTIME     HANDLER      MEMORY  TIMEOUT  CODE   MODIFIED\n" +
		"a      python3.13  app.handler  128 MB  3 s      765    2026-11-21T10:00:00.000+0000\n" +
		"image  Image                    512 MB  60 s     12345  2026-11-21T10:00:00.000+0000\n"
	if got := d.Run(t, deploy.NewFunctionsCommand, "functions"); got.Stdout != want {
		t.Errorf("stdout:\n%swant:\n%s", got.Stdout, want)
	}
}

func TestFunctions_None(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions"] = remotetest.Success(`{"Functions":[]}`)
	if got, want := d.Run(t, deploy.NewFunctionsCommand, "functions"), "no functions yet; deploy one with: hearth deploy DIR\n"; got.Stderr != want || got.Stdout != "" {
		t.Errorf("outcome = %+v, want %q on stderr", got, want)
	}
	if got := d.Run(t, deploy.NewFunctionsCommand, "functions", "list", "--json"); got.Stdout != "[]\n" {
		t.Errorf("JSON = %q, want an empty list", got.Stdout)
	}
}

func TestFunctionsGet_JSON(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions/f/configuration"] = remotetest.Success(`{"FunctionName":"f","RevisionId":"r"}`)
	got := d.Run(t, deploy.NewFunctionsCommand, "functions", "get", "f", "--json")
	var shape map[string]any
	if err := json.Unmarshal([]byte(got.Stdout), &shape); err != nil || shape["FunctionName"] != "f" || shape["RevisionId"] != "r" {
		t.Errorf("stdout (%v):\n%s", err, got.Stdout)
	}
}

func TestFunctionsDelete(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["DELETE /2015-03-31/functions/f"] = remotetest.Success(``)
	if got := d.Run(t, deploy.NewFunctionsCommand, "functions", "delete", "f"); got.Code != exit.OK {
		t.Errorf("outcome = %+v", got)
	}
	if got := d.Run(t, deploy.NewFunctionsCommand, "functions", "delete", "g"); got.Code != exit.NotFound {
		t.Errorf("outcome = %+v, want code %d", got, exit.NotFound)
	}
}
