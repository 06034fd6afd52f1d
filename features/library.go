package features

import (
	"errors"
	"fmt"
	"regexp"

	"greylock/features/steps"
)

// pattern is one step of the library.
type pattern struct {
	*regexp.Regexp
	used bool
}

// library compiles the step library.
func library(all []steps.Step) (list []*pattern, err error) {
	seen := map[string]bool{}
	for _, s := range all {
		re, bad := regexp.Compile(s.Pattern)
		switch {
		case bad != nil:
			err = errors.Join(err, bad)
		case seen[s.Pattern]:
			err = errors.Join(err, fmt.Errorf("步骤重复定义 (defined twice): %s", s.Pattern))
		default:
			list = append(list, &pattern{Regexp: re})
		}
		seen[s.Pattern] = true
	}
	return list, err
}

// checkLibrary fails on steps that are undefined, ambiguous, or used by no scenario of the embedded suite.
func checkLibrary(whole, chosen []*scenario) error {
	lib, err := library(new(steps.Scene).Steps())
	for _, s := range whole {
		for _, x := range s.steps {
			for _, p := range lib {
				p.used = p.used || p.MatchString(x.text)
			}
		}
	}
	for _, p := range lib {
		if !p.used {
			err = errors.Join(err, fmt.Errorf("步骤无人使用 (unused step): %s", p))
		}
	}
	for _, s := range chosen {
		err = errors.Join(err, checkScenario(lib, s))
	}
	if err != nil {
		return fmt.Errorf("%w:\n%w", ErrSuite, err)
	}
	return nil
}

func checkScenario(lib []*pattern, s *scenario) (err error) {
	if len(s.steps) == 0 {
		return fmt.Errorf("%s: 场景没有步骤 (the scenario has no steps)", s.place())
	}
	for _, x := range s.steps {
		var fits []*pattern
		for _, p := range lib {
			if p.MatchString(x.text) {
				fits = append(fits, p)
			}
		}
		switch {
		case x.table:
			err = errors.Join(err, fmt.Errorf("%s:%d: 步骤不收表格 (no step takes a table): %s", s.file, x.line, x.text))
		case len(fits) == 0:
			err = errors.Join(err, fmt.Errorf("%s:%d: 没有这个步骤 (undefined step): %s", s.file, x.line, x.text))
		case len(fits) > 1:
			err = errors.Join(err, fmt.Errorf("%s:%d: 步骤有歧义 (ambiguous step): %s: %s, %s", s.file, x.line, x.text, fits[0], fits[1]))
		}
	}
	return err
}
