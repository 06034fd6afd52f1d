package app

import (
	"errors"
	"log/slog"

	"greylock/system/center"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// CenterConfig is what the center's program is told.
type CenterConfig struct {
	Site     Identity
	Cards    fuelcard.Profile
	Data     string // directory of the journal
	Listen   string // host:port of the door for sites: exchange and ask
	Operator string // host:port of the operator door, loopback
	Vault    string // file of the sealed working vault
	Secret   string // file that opens it
	TLS      cert.Files

	OnePerson bool         // a change of prices needs no second person
	Log       *slog.Logger // nil: none
}

// Center opens the center's program: vault, journal, the door for sites and the door for operators.
func Center(cfg CenterConfig) (*Program, error) {
	keys, err := OpenVault(cfg.Vault, cfg.Secret, record.KindCenter, cfg.Site, cfg.Cards)
	if err != nil {
		return nil, err
	}
	p, err := openProgram(cfg.Site, record.KindCenter, journal.OS(cfg.Data), nil, cfg.Log, 0, func(*journal.Journal) (link.Core, error) {
		return center.New(center.Config{
			Site: cfg.Site.ID, Realm: cfg.Site.Realm, Name: cfg.Site.Name, Keys: keys, Profile: cfg.Cards, OnePerson: cfg.OnePerson,
		}), nil
	})
	if err != nil {
		return nil, err
	}
	err = p.serve(DoorExchange, cfg.Listen, "/exchange/", "/ask/")
	if err == nil && cfg.TLS.Used() {
		err = p.secure(cfg.TLS, "/exchange/", "/ask/")
	}
	if err == nil {
		err = p.serve(DoorOperator, cfg.Operator, "/op/")
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}
