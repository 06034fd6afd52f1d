// Package features is the product's behaviour in its users' language, and the runner that proves it: embedded zh-CN feature
// files, each scenario in a world of its own, strict, with reports. godog matches and runs the steps; selection, order,
// reports and strictness are this package's, because the plain engine is green when nothing ran (libraries.md 4.5).
package features

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"greylock/emulators/world"
	"greylock/features/steps"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
)

// Embedded holds the product's feature files.
//
//go:embed *.feature
var Embedded embed.FS

// Options of a run.
type Options struct {
	Paths    []string // feature files or directories, each perhaps with :line; none: the embedded suite
	Tags     string   // tag expression, see ParseTags
	Name     string   // part of a scenario's name
	Lines    string   // mem (default) or pty
	Cards    string   // mem (default), or vpcd: every command to a card or PSAM goes through a PC/SC service of our own
	Trace    string   // directory for a file of card commands per scenario; "" for none
	Seed     int64    // 0: each scenario file's own
	Format   string   // pretty (default), progress, junit:FILE, cucumber:FILE, several with commas
	Repeat   int      // times that each scenario is run; 0 is once
	Order    string   // defined (default) or random
	Parallel int      // scenarios at a time; 0: as many as there are processors, in pty at least sixteen
	Out      io.Writer
	// Profile of the cards; the zero value is fuelcard.National().
	Profile fuelcard.Profile
	// Program starts a station's program as a process of its own; pty needs it.
	Program func(config string) (world.Process, error)
	// Town starts the town of a scenario; nil: a world. The runner's own tests put a small one here.
	Town func(name string, seed int64) (steps.Town, error)

	service *world.Readers // of Cards vpcd
	builds  chan struct{}  // a place for each town that is being built (pty); nil: no bound
}

// Summary of a run.
type Summary struct {
	Seed      int64 // of the random order; 0 when in order
	Scenarios int
	Passed    int
	Failed    int
	Steps     int
	Took      time.Duration
	Results   []Result
}

// Errors of a run. Anything else is a mistake in options or files.
var (
	ErrNothing = errors.New("没有选中任何场景 (no scenario was selected: a run that shows nothing is not green)")
	ErrFailed  = errors.New("有场景未通过 (scenarios failed)")
	ErrSuite   = errors.New("步骤库有误 (the step library is at fault)")
	ErrOptions = errors.New("参数有误 (options)")
)

// Where cards lie: in the process, or in readers of a PC/SC service.
const (
	CardsMem  = "mem"
	CardsVPCD = "vpcd"
)

// virtualOnly is the tag of scenarios that pass long times, that must act at one instant inside the station's process, or that hold a
// bound in time, which a busy machine does not: in real time they are left out. A comment above each tag says which it is.
const virtualOnly = "@虚拟时间"

// tillReaders is the tag of scenarios at a till: in real time they need its readers, behind a PC/SC service.
const tillReaders = "@站控终端"

// ptyParallel is how many scenarios run at a time over pseudo-terminals: they wait for real time, not for a processor. What needs one
// is the building of a town (keys, cards, orders): of those only as many as there are processors are built at a time, so that boards of
// the others are answered in time.
const ptyParallel = 32

// job is one run of one scenario.
type job struct {
	scenario *scenario
	attempt  int // 1 …
	of       int
}

// Run plays the selected scenarios. It returns nil only if every one passed and at least one ran.
func Run(ctx context.Context, opt Options) (Summary, error) {
	sum := Summary{}
	if opt.Out == nil {
		opt.Out = io.Discard
	}
	reports, err := openReports(opt)
	if err != nil {
		return sum, err
	}
	jobs, err := plan(&opt, &sum)
	if err != nil {
		return sum, errors.Join(err, reports.close())
	}
	if opt.Cards == CardsVPCD && opt.Town == nil {
		if opt.service, err = world.OpenReaders(); err != nil {
			return sum, errors.Join(err, reports.close())
		}
		defer func() { _ = opt.service.Close() }()
	}
	if opt.Lines == "pty" {
		opt.builds = make(chan struct{}, runtime.GOMAXPROCS(0))
	}
	begin := clock.System{}.Now()
	play(ctx, opt, jobs, func(r Result) {
		sum.Results = append(sum.Results, r)
		sum.Scenarios++
		sum.Steps += len(r.Steps)
		if r.Status == Passed {
			sum.Passed++
		} else {
			sum.Failed++
		}
		reports.result(r)
	})
	sum.Took = since(begin)
	err = errors.Join(ctx.Err(), reports.summary(sum), reports.close())
	if sum.Failed > 0 || sum.Scenarios < len(jobs) {
		err = errors.Join(fmt.Errorf("%w: %d / %d", ErrFailed, sum.Failed, sum.Scenarios), err)
	}
	return sum, err
}

// plan checks options, files and step library and lists what is to be run, in order.
func plan(opt *Options, sum *Summary) ([]job, error) {
	switch {
	case opt.Lines == "":
		opt.Lines = "mem"
	case opt.Lines != "mem" && opt.Lines != "pty":
		return nil, fmt.Errorf("%w: lines %q: mem or pty", ErrOptions, opt.Lines)
	}
	if opt.Lines == "pty" && opt.Program == nil && opt.Town == nil {
		return nil, fmt.Errorf("%w: pty 需要启动站级程序的办法 (pty needs a way to start the station's program)", ErrOptions)
	}
	if opt.Cards == "" {
		opt.Cards = CardsMem
	}
	if opt.Cards != CardsMem && opt.Cards != CardsVPCD {
		return nil, fmt.Errorf("%w: cards %q: %s or %s", ErrOptions, opt.Cards, CardsMem, CardsVPCD)
	}
	if opt.Cards == CardsVPCD && opt.Parallel > 1 {
		return nil, fmt.Errorf("%w: %s 一次只能运行一个场景 (one scenario at a time)", ErrOptions, CardsVPCD)
	}
	if opt.Repeat < 0 || opt.Parallel < 0 {
		return nil, fmt.Errorf("%w: repeat %d, parallel %d: 不能为负 (not below 0)", ErrOptions, opt.Repeat, opt.Parallel)
	}
	if opt.Order != "" && opt.Order != "defined" && opt.Order != "random" {
		return nil, fmt.Errorf("%w: order %q: defined or random", ErrOptions, opt.Order)
	}
	whole, err := parseFS(Embedded)
	if err != nil {
		return nil, err
	}
	chosen, err := selectScenarios(whole, *opt)
	if err != nil {
		return nil, err
	}
	if opt.Lines == "pty" {
		chosen = slices.DeleteFunc(chosen, func(s *scenario) bool {
			return slices.Contains(s.tags, virtualOnly) || opt.Cards != CardsVPCD && slices.Contains(s.tags, tillReaders)
		})
	}
	if len(chosen) == 0 {
		return nil, ErrNothing
	}
	if err := checkLibrary(whole, chosen); err != nil {
		return nil, err
	}
	times := max(1, opt.Repeat)
	jobs := make([]job, 0, len(chosen)*times)
	for i := range times {
		for _, s := range chosen {
			jobs = append(jobs, job{s, i + 1, times})
		}
	}
	if opt.Order == "random" {
		if sum.Seed = opt.Seed; sum.Seed == 0 {
			sum.Seed = int64(clock.System{}.Now()) & 0xFFFFFFFF
		}
		r := rand.New(rand.NewPCG(uint64(sum.Seed), 0))
		r.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
		fmt.Fprintf(opt.Out, "随机次序, 种子 %d (random order, seed)\n", sum.Seed)
	}
	return jobs, nil
}

// play runs the jobs, several at a time, and hands over the results in the order of the jobs.
func play(ctx context.Context, opt Options, jobs []job, done func(Result)) {
	parallel := opt.Parallel
	if opt.Cards == CardsVPCD {
		parallel = 1
	}
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
		if opt.Lines == "pty" {
			parallel = max(parallel, ptyParallel)
		}
	}
	slots := make(chan struct{}, parallel)
	results := make([]chan Result, len(jobs))
	for i := range jobs {
		results[i] = make(chan Result, 1)
	}
	go func() {
		for i, j := range jobs {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				close(results[i])
				continue
			}
			go func() {
				results[i] <- run(ctx, opt, j)
				<-slots
			}()
		}
	}()
	for i := range jobs {
		if r, ok := <-results[i]; ok {
			done(r)
		}
	}
}

// since is a duration that is never negative, whatever people do to the machine's clock meanwhile.
func since(begin clock.Instant) time.Duration { return max(0, clock.System{}.Now().Sub(begin)) }
