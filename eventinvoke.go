package hearth

import "time"

// EventInvokeConfig is what a function, a version or an alias does with events
// that nobody waits for. It is a value; holders of a copy never see it change.
type EventInvokeConfig struct {
	Function  Name   `json:"Function"`
	Qualifier string `json:"Qualifier"` // Latest, a version or an alias; never empty

	MaximumRetryAttempts *int      `json:"MaximumRetryAttempts"` // 0-2; nil: not set
	MaximumEventAge      *int      `json:"MaximumEventAge"`      // seconds, 60-21600; nil: not set
	OnSuccess            string    `json:"OnSuccess"`            // destination ARN; empty: none
	OnFailure            string    `json:"OnFailure"`            // destination ARN; empty: none
	LastModified         time.Time `json:"LastModified"`
}

// ARN returns the ARN of what the configuration is for, always qualified.
func (c *EventInvokeConfig) ARN() string { return c.Function.ARN(c.Qualifier) }
