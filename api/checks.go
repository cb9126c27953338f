package api

import (
	"slices"
	"strings"

	"github.com/hearthd/hearth"
)

// Checks that AWS makes right after those of the model, and reports as
// InvalidParameterValueException with texts of their own.

// maxFunctionName bounds a function's plain name; the model's bound is that of
// an ARN.
const maxFunctionName = 64

func checkCreateFunction(in *CreateFunctionInput) error {
	if ref, err := ParseFunctionRef(*in.FunctionName); err == nil && len(ref.Name) > maxFunctionName {
		return hearth.Errorf(hearth.ErrInvalid, "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to %d", ref.Name, maxFunctionName)
	}
	return checkRuntime(in.Runtime)
}

func checkUpdateConfiguration(in *UpdateFunctionConfigurationInput) error {
	return checkRuntime(in.Runtime)
}

// checkRuntime tells runtimes that AWS has switched off from those that never
// were.
func checkRuntime(runtime *string) error {
	switch {
	case runtime == nil:
		return nil
	case slices.Contains(deprecatedRuntimes(), *runtime):
		return hearth.Errorf(hearth.ErrInvalid, "The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.", *runtime)
	case !slices.Contains(ruleLayerRuntime.enum, *runtime):
		return hearth.Errorf(hearth.ErrInvalid, "Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", *runtime, strings.Join(ruleLayerRuntime.shown, ", "))
	default:
		return nil
	}
}

func deprecatedRuntimes() []string {
	return []string{
		RuntimeDotnetcore10, RuntimeDotnetcore20, RuntimeDotnetcore21, RuntimeDotnetcore31,
		RuntimeGo1x, RuntimeJava8,
		RuntimeNodejs, RuntimeNodejs43, RuntimeNodejs43Edge, RuntimeNodejs610, RuntimeNodejs810,
		RuntimeNodejs10x, RuntimeNodejs12x, RuntimeNodejs14x,
		RuntimeProvided, RuntimePython27, RuntimePython36, RuntimePython37,
		RuntimeRuby25, RuntimeRuby27,
	}
}
