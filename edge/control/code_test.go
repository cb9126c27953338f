package control_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
)

func TestTranscript_CodeFromS3(t *testing.T) {
	serve(t, func(f *fixture) {
		f.memory.Objects[hearth.S3Object{Bucket: "bucket", Key: "k", Version: "v"}] = []byte("code of s")
		body := func(code string) string {
			return `{"FunctionName":"s","Runtime":"python3.13","Handler":"h",` + role + `,"Code":` + code + `}`
		}
		f.do("POST", functions, body(`{"S3Bucket":"bucket","S3Key":"missing"}`))
		f.do("POST", functions, body(`{"S3Bucket":"bucket","S3Key":"k","ZipFile":`+zipped("x")+`}`))
		f.do("POST", functions, body(`{}`))
		f.do("POST", functions, body(`{"S3Bucket":"bucket","S3Key":"k","S3ObjectVersion":"v","S3ObjectStorageMode":"REFERENCE","SourceKMSKeyArn":"arn:aws:kms:us-east-1:000000000000:key/k"}`))
		f.settle()
		f.do("GET", functions+"/s", "")
		f.do("PUT", functions+"/s/code", `{"S3Bucket":"bucket","S3Key":"k","S3ObjectVersion":"v"}`)
		f.settle()
		f.do("GET", functions+"/s", "")
		f.golden("code-s3")
	})
}

func TestTranscript_Images(t *testing.T) {
	serve(t, func(f *fixture) {
		image := `{"FunctionName":"i",` + role + `,"PackageType":"Image","Code":{"ImageUri":"123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1"}`
		f.do("POST", functions, image+`,"Handler":"h"}`)
		f.do("POST", functions, `{"FunctionName":"i",`+role+`,"PackageType":"Image","Code":{"ZipFile":`+zipped("x")+`}}`)
		f.do("POST", functions, createBody("z", `,"ImageConfig":{"Command":["c"]}`))
		f.do("POST", functions, strings.Replace(createBody("z", ""), `"ZipFile":`+zipped("code of z"), `"ImageUri":"123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1"`, 1))
		f.do("POST", functions, image+`,"ImageConfig":{"EntryPoint":["/e"],"Command":["c"],"WorkingDirectory":"/w"}}`)
		f.settle()
		f.do("GET", functions+"/i", "")
		f.do("PUT", functions+"/i/code", `{"ZipFile":`+zipped("x")+`}`)
		f.do("PUT", functions+"/i/code", `{"ImageUri":"localhost:5000/i@sha256:`+strings.Repeat("0", 64)+`"}`)
		f.settle()
		f.do("GET", functions+"/i", "")
		f.golden("images")
	})
}

// onInstances makes a function run on managed instances.
const onInstances = `,"CapacityProviderConfig":{"LambdaManagedInstancesCapacityProviderConfig":{` +
	`"CapacityProviderArn":"arn:aws:lambda:us-east-1:000000000000:capacity-provider:c","PerExecutionEnvironmentMaxConcurrency":8}}`

func TestTranscript_PublishToLatestPublished(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("ordinary", "")
		f.do("POST", functions+"/ordinary/versions", `{"PublishTo":"LATEST_PUBLISHED"}`)
		f.do("POST", functions, createBody("f", onInstances+`,"Timeout":5400,"MemorySize":32768`))
		f.settle()
		f.do("GET", functions+"/f/configuration?Qualifier=$LATEST.PUBLISHED", "")
		f.do("POST", functions+"/f/versions", `{"PublishTo":"LATEST_PUBLISHED"}`)
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("new")+`,"Publish":true,"PublishTo":"LATEST_PUBLISHED"}`)
		f.settle()
		f.do("GET", functions+"/f/configuration?Qualifier=$LATEST.PUBLISHED", "")
		f.do("GET", functions+"/f/versions", "")
		f.golden("latest-published")
	})
}

func TestUpdate_CodeAndLayersTogetherAreTooLarge(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"
	serve(t, func(f *fixture) {
		f.layers[arn] = hearth.Layer{ARN: arn, Unzipped: 262144000 - 3}
		f.refused(f.do("POST", functions, createBody("f", `,"Layers":["`+arn+`"]`)), 400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes")
		f.create("f", "")
		f.refused(f.do("PUT", functions+"/f/configuration", `{"Layers":["`+arn+`"]}`), 400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes")
	})
}

func TestUpdate_NoLayersTakesThemAway(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:1"
	serve(t, func(f *fixture) {
		f.layers[arn] = hearth.Layer{ARN: arn}
		f.create("f", `,"Layers":["`+arn+`"]`)
		f.do("PUT", functions+"/f/configuration", `{"Timeout":5}`)
		f.settle()
		if diff := cmp.Diff([]hearth.Layer{{ARN: arn}}, f.stored("f").Layers); diff != "" {
			f.Errorf("after another update (-want +got):\n%s", diff)
		}
		f.do("PUT", functions+"/f/configuration", `{"Layers":[]}`)
		if layers := f.stored("f").Layers; len(layers) > 0 {
			f.Errorf("layers %v", layers)
		}
	})
}

func TestCreate_SnapStartOfRuntimesThatHaveIt(t *testing.T) {
	serve(t, func(f *fixture) {
		for runtime, ok := range map[string]bool{
			"python3.11": false, "python3.12": true, "python3.14": true, "java11": true, "java25": true, "java17.al2023": true, "java8.al2": false,
			"nodejs22.x": false, "dotnet8": true, "dotnet6": false, "provided.al2023": false, "ruby3.4": false,
		} {
			body := strings.Replace(createBody("f-"+strings.ReplaceAll(runtime, ".", "_"), `,"SnapStart":{"ApplyOn":"PublishedVersions"}`), "python3.13", runtime, 1)
			if w := f.do("POST", functions, body); (w.Code == 201) != ok {
				f.Errorf("%s: %d %s", runtime, w.Code, w.Body)
			} else if !ok && !strings.Contains(w.Body.String(), runtime+" is not supported for SnapStart enabled functions.") {
				f.Errorf("%s: %s", runtime, w.Body)
			}
		}
	})
}

func TestCreate_NameOf64CharactersAtMost(t *testing.T) {
	serve(t, func(f *fixture) {
		name := strings.Repeat("a", 65)
		f.refused(f.do("POST", functions, createBody(name, "")), 400, "InvalidParameterValueException",
			"1 validation error detected: Value '"+name+"' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64")
		f.create(name[1:], "")
	})
}

func TestDelete_WhatIsAttachedGoesToo(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", `,"Publish":true`)
		f.do("DELETE", functions+"/missing", "")
		f.do("DELETE", functions+"/f?Qualifier=$LATEST", "")
		f.do("POST", functions+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
		f.do("DELETE", functions+"/f?Qualifier=1", "") // an alias points to it
		f.do("DELETE", functions+"/f/aliases/live", "")
		f.do("DELETE", functions+"/f?Qualifier=1", "")
		f.do("DELETE", functions+"/f", "")
		if diff := cmp.Diff([]string{"f:alias live", "f:1", "f:", "f:"}, f.detached.Names()); diff != "" {
			f.Errorf("detached (-want +got):\n%s", diff)
		}
	})
}
