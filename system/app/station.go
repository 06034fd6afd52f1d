package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"

	"greylock/system/clock"
	"greylock/system/exchange"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/station"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/ups"
)

// StationConfig is what a station's program is told.
type StationConfig struct {
	Site      Identity           `json:"site"`
	Data      string             `json:"data"`       // directory of the journal
	Center    string             `json:"center"`     // base URL of the center's exchange
	CenterKey record.Hex         `json:"center_key"` // Ed25519, 32 bytes
	TLS       cert.Files         `json:"tls,omitzero"`
	Operator  string             `json:"operator"` // host:port of the operator door, loopback
	Locks     string             `json:"locks"`    // directory of the ports' lock files
	Ports     []Port             `json:"ports"`
	Tills     []Till             `json:"tills,omitempty"`
	Products  []string           `json:"products,omitempty"` // in the order that the masks of a card's limits count in
	Contactor *Contactor         `json:"contactor,omitempty"`
	Reserve   int64              `json:"reserve,omitempty"` // bytes of the journal kept for open acts on a full disk; 0: the journal's default
	Gauge     *Port              `json:"gauge,omitempty"`   // line of the tank gauge; its number does not count
	UPS       *UPS               `json:"ups,omitempty"`
	Plausible station.Plausible  `json:"plausible"`
	Lists     station.ListPolicy `json:"lists"` // spans in nanoseconds
	Log       *slog.Logger       `json:"-"`     // nil: none
	Clock     clock.Clock        `json:"-"`     // nil: the machine's

	Cards fuelcard.Profile `json:"-"` // of the tills' cards; the zero value is fuelcard.National()
}

// Port is one serial port of the hub.
type Port struct {
	Number int    `json:"number"` // as the layout of the center names it
	Path   string `json:"path"`
	Baud   int    `json:"baud"`   // 0: 9600
	Parity string `json:"parity"` // "": none

	Protocol station.Protocol `json:"protocol,omitempty"` // "": FA
}

// Contactor is the relay board of the card dispensers' contactors, on a line of its own.
type Contactor struct {
	Path   string `json:"path"`
	Parity string `json:"parity,omitempty"` // "": none
	station.Contactor
}

// UPS is the uninterruptible power supply, on a line of its own.
type UPS struct {
	Path   string `json:"path"`
	Baud   int    `json:"baud,omitempty"`   // 0: 2400
	Parity string `json:"parity,omitempty"` // "": none
	station.UPSPolicy
}

// DoorOperator is the name of the door for operators, DoorExchange of the center's door for sites.
const (
	DoorOperator = "operator"
	DoorExchange = "exchange"
)

// Station opens a station's program: journal, serial ports, operator door. ErrClock, ErrKey, ErrPortMap: it must not start on what
// it finds.
func Station(cfg StationConfig) (*Program, error) {
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	ports := make([]station.Port, 0, len(cfg.Ports))
	cfg.Ports = slices.Clone(cfg.Ports)
	for i := range cfg.Ports {
		p := &cfg.Ports[i]
		if p.Protocol == "" {
			p.Protocol = station.FA
		}
		ports = append(ports, station.Port{Number: p.Number, Protocol: p.Protocol})
	}
	var contactor *station.Contactor
	if k := cfg.Contactor; k != nil {
		contactor = &k.Contactor
		if err := contactor.Check(ports); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSetting, err)
		}
	}
	var policy *station.UPSPolicy
	if cfg.UPS != nil {
		policy = &cfg.UPS.UPSPolicy
	}
	tills, err := openTills(cfg)
	if err != nil {
		return nil, err
	}
	var core *station.Core
	p, err := openProgram(cfg.Site, record.KindStation, journal.OS(cfg.Data), map[string]string{"center": cfg.Center}, cfg.Log, cfg.Reserve,
		func(j *journal.Journal) (link.Core, error) {
			if err := MayStart(j, cfg.Clock.Now(), cfg); err != nil {
				return nil, err
			}
			core = station.New(station.Config{
				Site: cfg.Site.ID, Realm: cfg.Site.Realm, CenterKey: []byte(cfg.CenterKey), Ports: ports, Contactor: contactor,
				Tills: tillPorts(tills), Products: cfg.Products, Cards: cfg.Cards,
				Plausible: cfg.Plausible,
				Lists:     cfg.Lists,
				Gauge:     cfg.Gauge != nil,
				UPS:       policy,
				Source:    exchange.Source(j), Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
			})
			return core, nil
		})
	if err != nil {
		return nil, err
	}
	p.ports, p.locks = cfg.lines(), cfg.Locks
	for _, t := range tills {
		t.core, t.runner, t.log = core, p.runner, p.log
		p.beside = append(p.beside, t.run)
	}
	if err = p.calls(cfg.TLS); err == nil {
		err = p.serve(DoorOperator, cfg.Operator, "/op/")
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// lines are all serial lines: the hub's ports, and those of contactors, tank gauge and UPS.
func (cfg StationConfig) lines() []Port {
	all := slices.Clone(cfg.Ports)
	if k := cfg.Contactor; k != nil {
		all = append(all, Port{Number: station.ContactorLine, Path: k.Path, Baud: k.Baud, Parity: k.Parity})
	}
	if g := cfg.Gauge; g != nil {
		all = append(all, Port{Number: station.GaugeLine, Path: g.Path, Baud: g.Baud, Parity: g.Parity})
	}
	if u := cfg.UPS; u != nil {
		all = append(all, Port{Number: station.UPSLine, Path: u.Path, Baud: cmp.Or(u.Baud, ups.Baud), Parity: u.Parity})
	}
	return all
}

// RunStation runs a station's program on a configuration in JSON until ctx ends. The lab starts it in a process of its own, by a
// clock of its own, nil for the machine's.
func RunStation(ctx context.Context, path string, log *slog.Logger, c clock.Clock) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSetting, err)
	}
	var cfg StationConfig
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cfg); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSetting, path, err)
	}
	cfg.Log, cfg.Clock = log, c
	p, err := Station(cfg)
	if err != nil {
		return err
	}
	return errors.Join(p.Run(ctx), p.Close())
}
