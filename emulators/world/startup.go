package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"greylock/system/app"
	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// StartFault is what a station's machine or configuration has wrong when its program starts; the zero value is nothing.
type StartFault struct {
	Back        time.Duration // the clock stands so far behind
	OtherKey    bool          // station.center_key is another center's
	MissingPort bool          // the last port is not configured
}

// StartFaults keep a station's program from starting again.
type StartFaults interface {
	// Spoil puts a killed station's machine wrong, or right again.
	Spoil(site record.SiteID, f StartFault) error
	// Refusal starts a spoilt station and returns what its program says as it refuses; an error if it starts.
	Refusal(site record.SiteID) (string, error)
}

func (f faults) Spoil(id record.SiteID, x StartFault) error {
	if p := f.w.external[id]; p != nil {
		return p.spoil(x)
	}
	s, ok := f.w.stations[id]
	if !ok || s.run != nil {
		return fmt.Errorf("站点 %s 不在或正在运行 (no such site, or running)", id)
	}
	s.wrong = x
	return nil
}

func (f faults) Refusal(id record.SiteID) (string, error) {
	if p := f.w.external[id]; p != nil {
		return p.refusal()
	}
	err := f.w.Restart(id)
	if err == nil {
		return "", errors.New("站级程序启动了 (it has started)")
	}
	f.w.happened("start refused")
	return err.Error(), nil
}

// otherKey is no center's key.
var otherKey = bytes.Repeat([]byte{0xAB}, 32)

// spoil makes a right configuration wrong.
func (f StartFault) spoil(cfg app.StationConfig) app.StationConfig {
	if f.OtherKey {
		cfg.CenterKey = otherKey
	}
	if f.MissingPort {
		cfg.Ports = cfg.Ports[:len(cfg.Ports)-1]
	}
	return cfg
}

// mayStart asks what the product's program asks before it starts.
func (s *site) mayStart(j *journal.Journal, ports []station.Port) error {
	cfg := app.StationConfig{CenterKey: record.Hex(s.w.centerVault.PublicKey())}
	for _, p := range ports {
		cfg.Ports = append(cfg.Ports, app.Port{Number: p.Number, Path: fmt.Sprintf("port%02d", p.Number), Protocol: p.Protocol})
	}
	return app.MayStart(j, s.w.now.Add(-s.wrong.Back), s.wrong.spoil(cfg))
}

// clockFile beside a configuration says how far the clock of that program stands behind.
const clockFile = ".clock"

// behind is a machine's clock that stands behind.
type behind time.Duration

// Now is the machine's time, less what it stands behind.
func (b behind) Now() clock.Instant { return clock.System{}.Now().Add(-time.Duration(b)) }

// clockBeside is the clock of the program that has this configuration.
func clockBeside(config string) clock.Clock {
	text, err := os.ReadFile(config + clockFile)
	if err != nil {
		return clock.System{}
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		panic("world: " + err.Error()) // written below
	}
	return behind(d)
}

// spoil writes the program's configuration wrong, or right again.
func (p *program) spoil(x StartFault) error {
	if p.process != nil {
		return errors.New("程序正在运行 (the program is running)")
	}
	if p.right == nil {
		text, err := os.ReadFile(p.config)
		if err != nil {
			return err
		}
		p.right = text
	}
	var cfg app.StationConfig
	if err := json.Unmarshal(p.right, &cfg); err != nil {
		return err
	}
	text, err := json.Marshal(x.spoil(cfg))
	if err != nil {
		return err
	}
	if err := os.Remove(p.config + clockFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if x.Back != 0 {
		if err := os.WriteFile(p.config+clockFile, []byte(x.Back.String()), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(p.config, text, 0o600)
}

// refusal starts the process and waits for its end.
func (p *program) refusal() (string, error) {
	process, err := p.w.opt.Program(p.config)
	if err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	done := false
	err = p.w.Until("站级程序结束", func() bool {
		select {
		case err := <-ended:
			done = err != nil
		default:
		}
		return done
	}, startLimit)
	if err != nil {
		return "", errors.Join(fmt.Errorf("站级程序没有拒绝启动 (it does not refuse): %s", process.Log()), process.Kill())
	}
	p.w.happened("start refused")
	return strings.TrimSpace(process.Log()), nil
}
