package applicationtest

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// Options say in what a fixture differs from the usual one.
type Options struct {
	Connections []connection.Settings // nil: Connections
	Accounts    []string              // whose addresses belong to an account
	Policy      policy.Policy         // the zero Policy asks nothing
	LegacyOff   bool                  // the legacy mount is not served
	Checksum    token.RequireChecksum
	Limits      *quota.Configured  // nil: 6000 wrong codes an hour, 60 requests a minute and token
	Rules       *incident.Rules    // nil: the default ones
	Throttle    ports.PollThrottle // nil: memory's
	Limiter     ports.Limiter      // nil: memory's
	Cache       ports.TokenCache   // nil: memory's, for a second
	DB          *bun.DB            // migrated; nil: SQLite in memory
	Around      func(ports.Store) ports.Store
	Mail        application.MailOn // people are told by mail; see Fixture.Mailbox

	ForgetRefused bool // refused responses are not kept
}

// Connections are those of a [Fixture] unless a test says otherwise: one for each
// behaviour of [Broker].
func Connections() []connection.Settings {
	return []connection.Settings{
		{Slug: "acme", Name: "ACME Corp", Domains: []string{"acme.example", "acme.test"}},
		{Slug: "beta", Name: "Beta", Domains: []string{"beta.example"}, ACSMount: connection.Legacy},
		{Slug: "post", Domains: []string{"post.example"}},
		{Slug: "down", Domains: []string{"down.example"}},
		{Slug: "nowhere", Domains: []string{"nowhere.example"}},
		{Slug: "panics", Domains: []string{"panics.example"}},
		{Slug: "dify", Broker: connection.Enterprise, Domains: []string{"dify.example"}},
	}
}

// Fixture is all use cases with their adapters.
type Fixture struct {
	Clock       *porttest.Clock
	DB          *bun.DB
	Store       ports.Store
	Throttle    ports.PollThrottle
	Limiter     ports.Limiter
	Cache       ports.TokenCache
	Broker      *Broker
	Accounts    *Accounts
	Connections *memory.Connections
	Clients     *memory.Clients
	Policies    *memory.Policies
	Servers     resource.Servers
	Rules       incident.Rules

	Start             *application.StartDevice
	Poll              *application.PollDevice
	RevokeUndelivered *application.RevokeUndelivered
	LookUp            *application.LookUpDevice
	Initiate          *application.InitiateSSO
	Accept            *application.AcceptResponse
	Complete          *application.CompleteSSO
	ByAssertion       *application.CompleteSSOByAssertion
	Fail              *application.FailSSO
	SignIn            *application.DescribeSignIn
	EnterCode         *application.EnterCode
	RefuseClosed      *application.RefuseClosedACS
	Describe          *application.DescribeApproval
	Recall            *application.RecallDevices
	DescribeDecision  *application.DescribeDecision
	Leave             *application.LeaveBrowser
	Approve           *application.ApproveExternal
	Deny              *application.DenyExternal
	Verify            *application.VerifyToken
	ListSessions      *application.ListSessions
	EndSessions       *application.EndSessions
	ListTokens        *application.ListTokens
	ReadAudit         *application.ReadAudit
	ListJobs          *application.ListJobs
	RetryJob          *application.RetryJob
	TailAudit         *application.TailAudit
	SealAudit         *application.SealAudit
	VerifyAudit       *application.VerifyAudit
	ListClients       *application.ListClients
	ConfigureClient   *application.ConfigureClient
	ClientsFile       client.Directory // what CLIENTS_FILE holds
	ShowToken         *application.ShowToken
	RevokeTokens      *application.RevokeTokens
	EndToken          *application.EndToken
	ListIncidents     *application.ListIncidents
	ShowIncident      *application.ShowIncident
	ContainIncident   *application.ContainIncident
	ReleaseIncident   *application.ReleaseIncident
	RevokeToken       *application.RevokeToken
	Introspect        *application.IntrospectToken
	Authorize         *application.AuthorizeRequest
	AccountSignIn     *application.StartAccountSignIn
	Undo              *application.UndoApproval
	Watch             *application.PhishingWatch
	HoldChecks        *application.HoldChecks
	Mounts            *application.ACSMounts
	ACSStatus         *application.ACSStatus
	ACSInstructions   *application.ACSInstructions
	RotateKeys        *application.RotateKeys
	TestACS           *application.TestACS
	OpenTest          *application.OpenTestLink
	DescribeTest      *application.DescribeTest
	AdvanceACS        *application.AdvanceACS
	CloseLegacy       *application.CloseLegacyACS
	ExplainResponse   *application.ExplainResponse
	Shadows           *application.CompareShadows

	countedMu sync.Mutex
	counted   map[incident.Signal]int
}

// TokenLife is how long tokens of a [Fixture] live.
const TokenLife = token.Lifetime(14 * 24 * time.Hour)

// New makes a fixture that ends with the test.
func New(t testing.TB, o Options) *Fixture {
	t.Helper()
	db := o.DB
	if db == nil {
		db = databasetest.Memory(t)
	}
	w := &Fixture{
		Clock: porttest.NewClock(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)),
		DB:    db, Store: databasetest.Store(t, db), Broker: &Broker{}, Accounts: &Accounts{known: o.Accounts}, Throttle: o.Throttle, Limiter: o.Limiter,
	}
	if o.Around != nil {
		w.Store = o.Around(w.Store)
	}
	if w.Cache = o.Cache; w.Cache == nil {
		w.Cache = memory.NewTokenCache(w.Clock.Now, time.Second)
	}
	w.Store = application.NewInvalidatingStore(w.Store, w.Cache)
	if w.Throttle == nil {
		w.Throttle = memory.NewPollThrottle(w.Clock.Now)
	}
	if w.Limiter == nil {
		w.Limiter = memory.NewLimiter(w.Clock.Now)
	}
	if o.Connections == nil {
		o.Connections = Connections()
	}
	w.Connections = memory.NewConnections(directory(t, o.Connections))
	w.Clients = memory.NewClients(client.Directory{})
	w.KnowClients(t, client.Settings{ID: "difyctl", Name: "Dify CLI"}, client.Settings{ID: "tv"})
	w.Servers = servers(t)
	limits := quota.Configure(6000, 60)
	if o.Limits != nil {
		limits = *o.Limits
	}
	if w.Rules = incident.DefaultRules; o.Rules != nil {
		w.Rules = *o.Rules
	}
	w.build(limits, o)
	return w
}

// directoryOf are clients that the environment names.
func directoryOf(ids ...string) client.Directory {
	var all []client.Client
	for _, id := range ids {
		all = append(all, client.Must(client.Settings{ID: id, Source: client.Environment}))
	}
	d, _ := client.NewDirectory(all...) // ids differ
	return d
}

// KnowClients replaces the clients that are known.
func (w *Fixture) KnowClients(t testing.TB, settings ...client.Settings) {
	t.Helper()
	var all []client.Client
	for _, s := range settings {
		c, err := client.New(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	d, err := client.NewDirectory(all...)
	if err != nil {
		t.Fatal(err)
	}
	w.Clients.Replace(d)
}

func directory(t testing.TB, settings []connection.Settings) connection.Directory {
	t.Helper()
	var all []connection.Connection
	for _, s := range settings {
		c, err := connection.New(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	d, err := connection.NewDirectory(all...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w *Fixture) count(s incident.Signal) {
	w.countedMu.Lock()
	defer w.countedMu.Unlock()
	if w.counted == nil {
		w.counted = map[incident.Signal]int{}
	}
	w.counted[s]++
}

// Counted are the signals of phishing that the metric has, by kind.
func (w *Fixture) Counted() map[incident.Signal]int {
	w.countedMu.Lock()
	defer w.countedMu.Unlock()
	return maps.Clone(w.counted)
}

func (w *Fixture) build(limits quota.Configured, o Options) {
	legacyOff := o.LegacyOff
	w.Policies = memory.NewPolicies(o.Policy)
	clients := w.Clients
	brokers := ports.Brokers{connection.SAML: w.Broker, connection.Enterprise: w.Broker}
	csrf := approval.NewCSRFKeys([]byte("a key of the tests"))
	timing, now := device.StandardTiming, w.Clock.Now

	w.Watch = application.NewPhishingWatch(w.Store, storedHolds{w}, clients, w.Rules, w.count, now)
	watch := w.Watch
	w.HoldChecks = application.NewHoldChecks(w.Store, storedHolds{w}, clients, w.Rules, now)
	codes := application.NewUserCodes(w.Store, w.Limiter, limits, now)
	failures := application.NewSignInFailures(w.Store, w.Limiter, now, application.KeepRefused(!o.ForgetRefused))
	judge := application.NewApprovalJudge(w.Policies, w.HoldChecks, now)
	decisions := application.NewDecisions(w.Store, w.Throttle, w.Limiter, w.Accounts, clients, csrf, judge, watch, TokenLife, now)
	w.Mounts = application.NewACSMounts(w.Store, w.Connections, application.LegacyRoutes(!legacyOff), now)
	signIns := application.NewSignIns(w.Store, brokers, w.Connections, clients, w.Mounts, failures, now)
	completions := application.NewCompletions(w.Store, w.Accounts, w.Connections, w.Policies, failures, watch, now)
	w.ExplainResponse = application.NewExplainResponse(w.Store, w.Connections, w.Broker, now)
	w.ACSStatus = application.NewACSStatus(w.Store, w.Connections, now)
	w.ACSInstructions = application.NewACSInstructions(w.Store, w.Connections, now, application.ServiceProvider{
		PublicURL: "https://sso.example.com", EntityID: "https://sso.example.com/saml/metadata",
	}, func(via connection.Connection) []string { return []string{"https://" + via.Slug() + ".okta.com/"} })
	w.RotateKeys = application.NewRotateKeys(w.Store, false, now)
	w.TestACS = application.NewTestACS(w.Store, w.Connections, now)
	w.OpenTest = application.NewOpenTestLink(w.Store, w.Connections, signIns, w.Limiter, now)
	w.DescribeTest = application.NewDescribeTest(w.Store, now)
	w.AdvanceACS = application.NewAdvanceACS(w.Store, w.Connections, now)
	w.CloseLegacy = application.NewCloseLegacyACS(w.Store, w.Connections, now)
	w.Start = application.NewStartDevice(w.Store, w.Limiter, clients, w.Policies, w.Connections, limits, watch, timing, now)
	w.Poll = application.NewPollDevice(w.Store, w.Throttle, clients, watch, w.HoldChecks, timing, TokenLife, application.NewNotices(o.Mail), now)
	w.RevokeUndelivered = application.NewRevokeUndelivered(w.Store, now)
	w.LookUp = application.NewLookUpDevice(codes, clients, now)
	w.Initiate = application.NewInitiateSSO(signIns, codes, now)
	w.Shadows = application.NewCompareShadows(w.Store, w.Broker, now)
	w.Accept = application.NewAcceptResponse(w.Store, brokers, w.Connections, failures, w.Shadows, now)
	w.Complete = application.NewCompleteSSO(completions)
	w.ByAssertion = application.NewCompleteSSOByAssertion(completions, brokers, w.Connections, now)
	w.Fail = application.NewFailSSO(w.Store, failures, brokers, w.Connections, now)
	w.SignIn = application.NewDescribeSignIn(w.Store, csrf, now)
	w.EnterCode = application.NewEnterCode(w.Store, w.Limiter, csrf, watch, now)
	w.RefuseClosed = application.NewRefuseClosedACS(w.Store, brokers, failures)
	w.Describe = application.NewDescribeApproval(w.Store, clients, csrf, judge, TokenLife, now)
	w.Recall = application.NewRecallDevices(w.Store, now)
	w.DescribeDecision = application.NewDescribeDecision(w.Store, clients, csrf, TokenLife, now)
	w.Leave = application.NewLeaveBrowser(w.Store, csrf, now)
	w.Approve = application.NewApproveExternal(decisions)
	w.Deny = application.NewDenyExternal(decisions)
	w.Verify = application.NewVerifyToken(w.Store, w.Cache, o.Checksum, w.Limiter, limits, now)
	w.ListSessions = application.NewListSessions(w.Store, clients, csrf, now)
	w.Authorize = application.NewAuthorizeRequest(w.Verify)
	w.Introspect = application.NewIntrospectToken(w.Verify, w.Servers, w.Limiter, limits)
	w.RevokeToken = application.NewRevokeToken(w.Store, o.Checksum, now)
	w.EndSessions = application.NewEndSessions(w.Store, w.Throttle, csrf, now)
	outside := func() (environment, file client.Directory) { return directoryOf("difyctl", "tv"), w.ClientsFile }
	w.ListClients = application.NewListClients(w.Store, outside)
	w.ConfigureClient = application.NewConfigureClient(w.Store, w.Throttle, outside, now)
	w.ListTokens = application.NewListTokens(w.Store, now)
	w.ReadAudit, w.TailAudit = application.NewReadAudit(w.Store, now), application.NewTailAudit(w.Store, now)
	w.SealAudit, w.VerifyAudit = application.NewSealAudit(w.Store, now), application.NewVerifyAudit(w.Store)
	queue, err := jobs.NewQueue(databasetest.JobsIn(w.DB))
	if err != nil {
		panic(err) // only for a configuration that cannot be right
	}
	w.ListJobs, w.RetryJob = application.NewListJobs(queue), application.NewRetryJob(w.Store, queue, now)
	w.ShowToken = application.NewShowToken(w.Store, now)
	w.RevokeTokens = application.NewRevokeTokens(w.Store, w.Throttle, now)
	w.EndToken = application.NewEndToken(w.Store, now)
	w.ListIncidents, w.ReleaseIncident = application.NewListIncidents(w.Store, now), application.NewReleaseIncident(w.Store, now)
	w.ShowIncident = application.NewShowIncident(w.Store, w.Rules, now)
	w.ContainIncident = application.NewContainIncident(w.Store, w.Throttle, application.NewNotices(o.Mail), w.Rules, now)
	w.AccountSignIn = application.NewStartAccountSignIn(signIns, w.Limiter, now)
	w.Undo = application.NewUndoApproval(w.Store, w.Throttle, csrf, watch, now)
}

// storedHolds is [ports.Holds] that asks the store each time.
type storedHolds struct{ of *Fixture }

// Holds implements [ports.Holds].
func (h storedHolds) Holds(ctx context.Context) (found incident.Holds, err error) {
	err = h.of.Store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		all, err := r.Incidents().Holding(ctx, h.of.Clock.Now())
		found = incident.NewHolds(all...)
		return err
	})
	return found, err
}

// Refresh implements [ports.Holds].
func (storedHolds) Refresh(context.Context) {}

// Accounts are addresses that belong to accounts. It implements [ports.Accounts].
type Accounts struct {
	mu    sync.Mutex
	known []string
}

// Add registers an account.
func (a *Accounts) Add(email string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known = append(a.known, email)
}

// Has implements [ports.Accounts].
func (a *Accounts) Has(_ context.Context, email identity.Email) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.known, email.String()), nil
}

// From is a request from an address.
func From(address string) request.Origin {
	return request.Origin{ID: "request-1", IP: netip.MustParseAddr(address), UserAgent: "test/1"}
}
