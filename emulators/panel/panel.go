// Package panel is the demo page: one page that shows a town live in a browser and lets people act in it with their hands.
// It decides nothing and computes no money: every figure comes from the town, every button is one call of world.Hands.
// Everything it serves is inside the program; it asks no other host for anything. Source: ux.md 7.1, 8.1.
package panel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"greylock/emulators/world"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// Options of the page.
type Options struct {
	Addr     string // host:port; port 0 is any free one; "" is DefaultAddr
	Scenario world.Scenario
	Seed     int64  // 0: the scenario's
	Speed    string // 0.1, 1, 10, 60 or max; "" is 1
	Autoplay string // customers (default): visitors come by themselves until somebody touches the page; off
	Lines    string // mem (default) or pty
	// Profile of the cards, as in world.Options.
	Profile fuelcard.Profile
	// Program starts a station's program (pty only), as in world.Options.
	Program func(config string) (world.Process, error)
	// Ready is told the page's address as soon as it is served; the town may still be under construction.
	Ready func(url string)
}

// DefaultAddr is this computer alone, on any free port.
const DefaultAddr = "127.0.0.1:0"

// ErrAddr says that nothing can be served at an address: it is taken, or not this computer's.
var ErrAddr = errors.New("页面不能在此地址提供 (the page can not be served there)")

// Limits of the server.
const (
	headerTimeout = 5 * time.Second
	maxHeader     = 16 << 10
)

// Serve builds the town and shows it until ctx ends or the town can not be built.
func Serve(ctx context.Context, o Options) error {
	p, err := newPanel(o, clock.System{})
	if err != nil {
		return err
	}
	addr := o.Addr
	if addr == "" {
		addr = DefaultAddr
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAddr, addr, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	server := &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("panel: %w", err))
		}
	}()
	if o.Ready != nil {
		o.Ready("http://" + listener.Addr().String() + "/")
	}
	err = p.live(ctx)
	cancel(nil)
	_ = server.Close() // streams never end by themselves
	<-served
	return err
}

// live builds the town and runs it until ctx ends.
func (p *panel) live(ctx context.Context) error {
	opt := world.Options{Profile: p.opt.Profile, Seed: p.opt.Seed, Lines: p.opt.Lines, Program: p.opt.Program}
	if p.opt.Lines == "pty" {
		opt.Wall = p.pace.wall
	}
	w, err := world.Start(p.opt.Scenario, opt)
	if err != nil {
		return err
	}
	p.open(w)
	err = p.run(ctx)
	return errors.Join(err, w.Close())
}

// panel is the page and what it remembers. All but the hub and the texts belong to the goroutine that is inside the town.
type panel struct {
	opt  Options
	w    *world.World
	pace pace
	// enter carries f out inside the town; an error says that the town is not open (any more).
	enter func(ctx context.Context, f func()) error
	jobs  chan func()
	ready chan struct{} // closed when the town is built
	page  []byte
	hub   hub

	trace     tracer
	squeezed  map[record.Nozzle]int
	customers customers
	receipt   receiptShown
	ledger    []ledgerRow
	posted    bool // the center's books have changed since ledger was read
	tacs      map[string]bool
	verified  clock.Instant // town time of the last look of the quiet checkers
	last      []byte        // the state as last sent
}

// Check says what is wrong with the options, the address's form included.
func (o Options) Check() error {
	speed, err := parseSpeed(o.Speed)
	if err != nil {
		return err
	}
	switch o.Autoplay {
	case "", "customers", "off":
	default:
		return fmt.Errorf("autoplay %q: 应为 customers 或 off (want customers or off)", o.Autoplay)
	}
	switch o.Lines {
	case "", "mem":
	case "pty":
		if speed != realTime {
			return errPtySpeed
		}
	default:
		return fmt.Errorf("lines %q: 应为 mem 或 pty (want mem or pty)", o.Lines)
	}
	if o.Addr == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(o.Addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("addr %q: 应为 主机:端口, 如 127.0.0.1:8080 (want host:port): %w", o.Addr, err)
	}
	return nil
}

func newPanel(o Options, wall clock.Clock) (*panel, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	speed, err := parseSpeed(o.Speed)
	if err != nil {
		return nil, err
	}
	page, err := render()
	if err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	p := &panel{
		opt: o, pace: pace{wall: wall, speed: speed}, jobs: make(chan func()), ready: make(chan struct{}), page: page,
		hub: newHub(), squeezed: map[record.Nozzle]int{}, tacs: map[string]bool{},
	}
	p.enter = p.hand
	return p, nil
}

// open takes the finished town.
func (p *panel) open(w *world.World) {
	p.w = w
	p.pace.set(w.Now(), p.pace.speed)
	p.trace = newTracer(w)
	p.customers = customers{p: p, rnd: w.Random("customers"), on: p.opt.Autoplay != "off"}
	p.posted = true
	w.Tap(p.tap)
	p.customers.open()
	close(p.ready)
}

// tap looks at every line of the town's trace.
func (p *panel) tap(l world.Line) {
	if l.Kind == "fact" && l.Where == string(record.Center) {
		p.posted = true
	}
	if n, ok := p.trace.add(l); ok && l.Kind == "event" && isReceipt(l.Data) {
		p.receipt = receiptShown{Nozzle: n, Lines: p.w.Query().Receipt(n)}
	}
}

// hand carries f to the goroutine inside the town and waits for it.
func (p *panel) hand(ctx context.Context, f func()) error {
	select {
	case <-p.ready:
	default:
		return errBuilding
	}
	done := make(chan struct{})
	select {
	case p.jobs <- func() { defer close(done); f() }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
