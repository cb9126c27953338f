package resource_test

import (
	"strconv"
	"testing"

	"github.com/hearthd/hearth"
)

const accountSettings = "/2016-08-19/account-settings"

func settings(unreserved, codeSize, functionCount int) string {
	return `{"AccountLimit":{"TotalCodeSize":80530636800,"CodeSizeUnzipped":262144000,"CodeSizeZipped":52428800,"ConcurrentExecutions":1000,` +
		`"UnreservedConcurrentExecutions":` + strconv.Itoa(unreserved) + `},"AccountUsage":{"TotalCodeSize":` + strconv.Itoa(codeSize) +
		`,"FunctionCount":` + strconv.Itoa(functionCount) + `}}`
}

func TestAccountSettings_CountFunctionsVersionsAndLayers(t *testing.T) {
	f := serve(t)
	f.answers("GET", accountSettings, "", 200, settings(1000, 1<<40, 2))
	f.create(&hearth.Function{Name: nameOf("h"), Version: hearth.Latest, Code: hearth.Code{Size: 70}})
	f.publish("h", "1")
	elsewhere := nameOf("h")
	elsewhere.Region = "eu-west-1"
	f.create(&hearth.Function{Name: elsewhere, Version: hearth.Latest, Code: hearth.Code{Size: 1000}})
	another := nameOf("h")
	another.Account = "111111111111"
	f.create(&hearth.Function{Name: another, Version: hearth.Latest, Code: hearth.Code{Size: 1000}})
	f.answers("GET", accountSettings, "", 200, settings(1000, 1<<40+140, 3))
}

func TestAccountSettings_WhatIsReservedAndProvisionedComesOff(t *testing.T) {
	f := serve(t)
	f.do("PUT", reserve, `{"ReservedConcurrentExecutions":5}`)
	f.do("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":5}`) // part of the reserve
	f.publish("g", "1")
	f.do("PUT", "/2019-09-30/functions/g/provisioned-concurrency?Qualifier=1", `{"ProvisionedConcurrentExecutions":7}`)
	f.answers("GET", accountSettings, "", 200, settings(988, 1<<40, 2))
}

func TestAccountSettings_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.reserved.Err, request{"GET", accountSettings, ""})
	f.fail(&f.stores.provisioned.Err, request{"GET", accountSettings, ""})
}
