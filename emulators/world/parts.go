package world

import (
	"fmt"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Parts is a town taken apart: what its sites have in their journals and vaults, and the memories of its cards and PSAMs.
// Whoever plays one conversation over and over does it with copies of these, outside of the town's clockwork.
type Parts struct {
	Now       clock.Instant
	Profile   fuelcard.Profile
	Company   byte
	Province  byte
	Transport pboc.Key
	DeskTID   pboc.TID

	Center, Outlet, Making SitePart
	Cards                  map[string]CardPart
	PSAMs                  []SAMPart // in the order of the nozzles
}

// SitePart is one site's durable state.
type SitePart struct {
	ID      record.SiteID
	Journal []byte // the file
	Facts   []record.Fact
	Keys    *vault.Vault
}

// CardPart is a user card in somebody's hands.
type CardPart struct {
	ASN    pboc.ASN
	PIN    string
	Memory []byte
}

// SAMPart is a PSAM in a dispenser.
type SAMPart struct {
	Number pboc.ASN
	TID    pboc.TID
	Memory []byte
}

// Parts takes a copy of everything; the town goes on.
func (w *World) Parts() (p Parts, err error) {
	p = Parts{Now: w.now, Profile: w.profile, Company: company, Province: province, Transport: w.transport, Cards: map[string]CardPart{}}
	if p.DeskTID, err = deskTID(); err != nil {
		return p, err
	}
	for _, x := range []struct {
		s    *site
		keys *vault.Vault
		to   *SitePart
	}{{w.center, w.centerVault, &p.Center}, {w.outlet.site, w.outletVault, &p.Outlet}, {w.making.site, w.makingVault, &p.Making}} {
		if *x.to, err = x.s.part(x.keys); err != nil {
			return p, fmt.Errorf("site %s: %w", x.s.open.Site, err)
		}
	}
	for _, c := range w.cardList {
		p.Cards[c.name] = CardPart{ASN: c.asn, PIN: c.pin, Memory: c.nv.Image()}
	}
	for _, d := range w.pumpList {
		p.PSAMs = append(p.PSAMs, SAMPart{Number: d.sam.number, TID: d.sam.tid, Memory: d.sam.nv.Image()})
	}
	return p, nil
}

func (s *site) part(keys *vault.Vault) (p SitePart, err error) {
	p = SitePart{ID: s.open.Site, Journal: s.disk.Bytes("journal"), Keys: keys}
	err = s.run.Journal().Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		p.Facts = append(p.Facts, f)
		return err
	})
	return p, err
}
