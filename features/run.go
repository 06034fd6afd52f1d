package features

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"greylock/emulators/world"
	"greylock/features/steps"
	"greylock/scenarios"
	"greylock/system/clock"
)

// Status of a scenario or a step.
type Status string

// The outcomes. Whatever is not Passed makes a run red; Skipped is a step after one that failed.
const (
	Passed    Status = "passed"
	Failed    Status = "failed"
	Skipped   Status = "skipped"
	Pending   Status = "pending"
	Undefined Status = "undefined"
	Ambiguous Status = "ambiguous"
)

// Result of one run of one scenario.
type Result struct {
	File, Feature, Title, Place string
	Tags                        []string
	Attempt, Attempts           int
	Profile                     string // of the cards; "" is the national one
	Status                      Status
	Steps                       []StepResult
	Err                         error // of the first step that failed, or of the checkers at the end
	Took                        time.Duration
	Seed                        int64
	Events                      uint64
	TraceHash                   string
	Evidence                    string // of a failure: seed, trace, journal, notes
}

// StepResult is the outcome of one step.
type StepResult struct {
	Keyword, Text string
	Line          int
	Status        Status
	Err           error
	Took          time.Duration
}

// run plays one scenario in a world of its own.
func run(ctx context.Context, opt Options, j job) Result {
	s := j.scenario
	r := Result{
		File: s.file, Feature: s.feature, Title: s.title(), Place: s.place(), Tags: s.tags, Attempt: j.attempt, Attempts: j.of, Seed: seedOf(opt, j), Profile: opt.Profile.Name,
	}
	for _, x := range s.steps {
		r.Steps = append(r.Steps, StepResult{Keyword: x.keyword, Text: x.text, Line: x.line, Status: Skipped})
	}
	dir, err := os.MkdirTemp("", "greylock-")
	if err != nil {
		r.Status, r.Err = Failed, fmt.Errorf("features: %w", err)
		return r
	}
	defer os.RemoveAll(dir) // what is left of it is in the evidence
	begin := clock.System{}.Now()
	trace := &traced{}
	scene := &steps.Scene{Begin: func(name string) (steps.Town, error) { return start(opt, name, r.Seed, dir, trace) }}
	r.play(ctx, s, scene)
	r.end(scene)
	if opt.Trace != "" {
		if err := trace.save(opt.Trace, r); err != nil && r.Status == Passed {
			r.Status, r.Err = Failed, err
		}
	}
	r.Took = since(begin)
	return r
}

// seedOf gives every repetition another seed; 0 is that of the scenario file.
func seedOf(opt Options, j job) int64 {
	if opt.Seed == 0 && j.attempt == 1 {
		return 0
	}
	return opt.Seed + int64(j.attempt) - 1
}

// start builds the town that a scenario asks for.
func start(opt Options, name string, seed int64, dir string, trace *traced) (steps.Town, error) {
	if opt.Town != nil {
		return opt.Town(name, seed)
	}
	plan, err := world.Load(scenarios.FS, name+".yaml")
	if err != nil {
		return nil, err
	}
	o := world.Options{Seed: seed, Lines: opt.Lines, Program: opt.Program, Profile: opt.Profile, Readers: opt.service}
	if opt.Trace != "" {
		o.Tap = trace.tap
	}
	if opt.Lines == "pty" {
		o.Dir, o.Builds = dir, opt.builds
	}
	w, err := world.Start(plan, o)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// play lets godog match and run the steps. The scenario is handed over as a text of its own, so that exactly it is run, an
// example row too.
func (r *Result) play(ctx context.Context, s *scenario, scene *steps.Scene) {
	at := -1
	var began clock.Instant
	suite := godog.TestSuite{
		Name: r.Title,
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			for _, x := range scene.Steps() {
				sc.Step(x.Pattern, x.Do)
			}
			sc.StepContext().Before(func(ctx context.Context, _ *godog.Step) (context.Context, error) {
				at++
				began = clock.System{}.Now()
				return ctx, nil
			})
			sc.StepContext().After(func(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
				r.step(at, status, err, since(began))
				return ctx, nil
			})
		},
		Options: &godog.Options{
			Format: "progress", Output: io.Discard, NoColors: true, Strict: true, DefaultContext: ctx,
			FeatureContents: []godog.Feature{{Name: "scenario.feature", Contents: s.alone()}},
		},
	}
	code := suite.Run()
	r.Status = Passed
	for i, x := range r.Steps {
		if x.Status != Passed {
			r.Status, r.Err = x.Status, x.Err
			if r.Err == nil {
				r.Err = fmt.Errorf("第 %d 步 %s (step): %s", i+1, x.Status, x.Text)
			}
			return
		}
	}
	if code != 0 || at+1 != len(r.Steps) || at < 0 {
		r.Status, r.Err = Failed, fmt.Errorf("godog 返回 %d, 执行 %d / %d 步 (engine's code, steps run)", code, at+1, len(r.Steps))
	}
}

func (r *Result) step(at int, status godog.StepResultStatus, err error, took time.Duration) {
	if at < 0 || at >= len(r.Steps) {
		return
	}
	x := &r.Steps[at]
	x.Err, x.Took = err, took
	if err != nil {
		x.Err = shown{err}
	}
	switch {
	case status == godog.StepPassed:
		x.Status = Passed
	case status == godog.StepUndefined || errors.Is(err, godog.ErrUndefined):
		x.Status = Undefined
	case status == godog.StepAmbiguous:
		x.Status = Ambiguous
	case status == godog.StepPending:
		x.Status = Pending
	case status == godog.StepSkipped:
		x.Status = Skipped
	default:
		x.Status = Failed
	}
}

// end lets the checkers have the last word, collects the evidence of a failure, and closes the town.
func (r *Result) end(scene *steps.Scene) {
	town := scene.Town
	if town == nil {
		if r.Status == Passed {
			r.Status, r.Err = Failed, errors.New("场景没有建成城镇 (the scenario has built no town: it has shown nothing)")
		}
		return
	}
	if r.Status == Passed {
		report, err := town.Finish()
		r.Events, r.TraceHash, r.Seed = report.Events, report.TraceHash, report.Seed
		if err != nil {
			r.Status, r.Err = Failed, shown{fmt.Errorf("场景结束时 (at the end): %w", err)}
		}
	}
	if r.Status != Passed {
		r.Evidence = evidence(town, r.Seed)
	}
	if err := town.Close(); err != nil && r.Status == Passed {
		r.Status, r.Err = Failed, fmt.Errorf("关闭城镇 (closing): %w", err)
	}
}

// alone writes the scenario as a feature of its own. godog sees steps without their keywords: they are matched by text.
func (s *scenario) alone() []byte {
	var b strings.Builder
	b.WriteString("# language: zh-CN\n功能: 一\n场景: 一\n")
	for _, x := range s.steps {
		b.WriteString("* " + x.text + "\n")
		if x.doc != nil {
			b.WriteString("\"\"\"\n" + strings.ReplaceAll(*x.doc, `"""`, `\"\"\"`) + "\n\"\"\"\n")
		}
	}
	return []byte(b.String())
}
