// Package control serves the Lambda API's operations on functions and their
// versions.
// It sits behind an api.Router, which has already read, bound and validated
// the input; what is left is AWS's semantics: defaults, limits between
// members, states, revisions, and the order of checks.
//
// # States
//
// A created function is Pending, an updated one has LastUpdateStatus
// InProgress, as on AWS, until Prepare has made its code ready to run; it then
// becomes Active, or Successful, with a new revision id. When Prepare fails
// the function is Failed, with the reason. Preparing goes on after the answer;
// a function whose preparation a crash interrupted is prepared again at the
// next start (Resume). A version that is published while its function is not
// ready goes from Pending to Active in the same way; one of a function that is
// ready is Active at once.
//
// Operations of the model that are not registered here answer 501.
package control

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/scope"
)

// Functions is where functions, their code and versions are kept; see
// store/catalog for the contract.
type Functions interface {
	Finder
	Versions
	Create(ctx context.Context, f *hearth.Function) (revision uint64, err error)
	Update(ctx context.Context, f *hearth.Function, revision uint64) (uint64, error)
	Delete(ctx context.Context, name hearth.Name) error
}

// Finder is the part of Functions that reads.
type Finder interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error)
	List(ctx context.Context, account, region, marker string, limit int) (page []*hearth.Function, next string, err error)
}

// Versions is the part of Functions that published versions need.
type Versions interface {
	Publish(ctx context.Context, version, latest *hearth.Function, revision uint64) (uint64, error)
	DeleteVersion(ctx context.Context, name hearth.Name, version string) error
	ListVersions(ctx context.Context, name hearth.Name, marker string, limit int) (page []*hearth.Function, next string, err error)
	ListAll(ctx context.Context, account, region, marker string, limit int) (page []*hearth.Function, next string, err error)
}

// Host is what this machine can run.
type Host interface {
	// CheckRuntime returns an error for the caller when functions may not have a
	// runtime. When they may, but it cannot run here now, missing says why.
	CheckRuntime(ctx context.Context, runtime string) (missing, err error)
	// Prepare makes a function's code ready to run.
	Prepare(ctx context.Context, fn *hearth.Function) error
}

// Intake takes in code archives; see edge/archive.
type Intake interface {
	Take(ctx context.Context, src archive.Source) (code hearth.Code, release func(), err error)
}

// Layers finds the layer versions that functions refer to; see edge/layers.
type Layers interface {
	Resolve(ctx context.Context, fn hearth.Name, arns []string) (layers []hearth.Layer, release func(), err error)
}

// Links makes download links; see edge/links.
type Links interface {
	Link(r *http.Request, digest string) string
}

// Attached is what belongs to functions and is kept elsewhere; see
// store/records.
type Attached interface {
	// DeleteFunction deletes it, of one qualifier unless that is empty.
	DeleteFunction(ctx context.Context, name hearth.Name, qualifier string) error
}

// Signing is the code signing configurations that new functions name; see
// edge/resource for the contract.
type Signing interface {
	// Check fails, for the caller, unless there is such a configuration.
	Check(ctx context.Context, configARN string) error
	// Bind gives a function a configuration that was checked.
	Bind(ctx context.Context, name hearth.Name, configARN string) error
}

// Concurrency is what functions reserve; see edge/resource for the contract.
type Concurrency interface {
	// Reserved returns nil when a function reserves none.
	Reserved(ctx context.Context, name hearth.Name) (*int, error)
}

// Options of a Service. All are required but Logger.
type Options struct {
	Functions Functions
	Host      Host
	Intake    Intake
	Layers    Layers
	Links     Links
	Attached  Attached
	Signing   Signing
	// Concurrency is what GetFunction shows of it; nil: nothing.
	Concurrency Concurrency
	// Authenticated says that requests are held to signatures, and a function's role
	// to its account. Without, there are no other accounts.
	Authenticated bool
	Scope         scope.Defaults
	Logger        *slog.Logger
}

// Service serves the operations. Close waits for what goes on after answers.
type Service struct {
	opts Options

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	wg        sync.WaitGroup // preparations
	adding    sync.Mutex     // held to add to wg, and to end ctx: nothing is added after that
	preparing chan struct{}  // a slot for each preparation at a time
	running   running
}

// maxPreparing bounds how many functions are unpacked at a time.
const maxPreparing = 4

// New returns a Service. ctx gives its life only values, not its end.
func New(ctx context.Context, opts Options) *Service {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{opts: opts, preparing: make(chan struct{}, maxPreparing)}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// Close ends the preparations in progress and waits for them. A request that is
// still in progress prepares nothing any more: the next start goes on with it.
func (s *Service) Close() {
	s.adding.Lock()
	s.cancel()
	s.adding.Unlock()
	s.wg.Wait()
}

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.CreateFunction, s.createFunction)
	api.Handle(r, api.GetFunction, s.getFunction)
	api.Handle(r, api.GetFunctionConfiguration, s.getFunctionConfiguration)
	api.Handle(r, api.ListFunctions, s.listFunctions)
	api.Handle(r, api.UpdateFunctionCode, s.updateFunctionCode)
	api.Handle(r, api.UpdateFunctionConfiguration, s.updateFunctionConfiguration)
	api.Handle(r, api.DeleteFunction, s.deleteFunction)
	api.Handle(r, api.PublishVersion, s.publishVersion)
	api.Handle(r, api.ListVersionsByFunction, s.listVersionsByFunction)
}
