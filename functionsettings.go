package hearth

// When a function's runtime is updated, in AWS's spelling.
const (
	RuntimeUpdateAuto     = "Auto"
	RuntimeUpdateFunction = "FunctionUpdate"
	RuntimeUpdateManual   = "Manual"
)

// RuntimeManagement says when a version of a function gets a newer runtime.
// hearth keeps it: the runtime is the host's, and is updated with it.
type RuntimeManagement struct {
	Function          Name   `json:"Function"`
	Version           string `json:"Version"`           // Latest or a number
	UpdateOn          string `json:"UpdateOn"`          // one of the RuntimeUpdate constants
	RuntimeVersionARN string `json:"RuntimeVersionARN"` // with RuntimeUpdateManual only
}

// What happens to a function that invokes itself over and over, in AWS's
// spelling.
const (
	RecursionTerminate = "Terminate"
	RecursionAllow     = "Allow"
)

// Recursion is a function's recursion configuration.
type Recursion struct {
	Function Name   `json:"Function"`
	Loop     string `json:"Loop"` // RecursionTerminate or RecursionAllow
}
