package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/keymgmt"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// KeysSite is the site number of a key room; it ships nothing.
const KeysSite = record.SiteID("9999")

// KeyRoomConfig says where a key room's files are and whose they are.
type KeyRoomConfig struct {
	Dir    string // holds journal/ and vault/
	Scope  string // "": as the journal says
	Realm  record.Realm
	Cards  fuelcard.Profile // for which a ceremony makes keys
	Random io.Reader
	Cost   vault.Cost
}

// KeyRoom is a key room over the disk of an offline machine. Its acts are rare and short, so each is written at once.
type KeyRoom struct {
	*keymgmt.Room
	Scope   string
	journal *journal.Journal
}

// ErrNoKeyRoom says that a directory holds no key room.
var ErrNoKeyRoom = errors.New("此目录没有密钥室, 请先 greylock keys ceremony (no key room in this directory: hold the ceremony first)")

// OpenKeyRoom opens the room, or founds it when there is none and a scope is given.
func OpenKeyRoom(cfg KeyRoomConfig) (*KeyRoom, error) {
	if _, err := os.Stat(filepath.Join(cfg.Dir, "journal")); cfg.Scope == "" && err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Dir, ErrNoKeyRoom) // looking for a room founds none
	}
	j, _, err := journal.Open(journal.OS(filepath.Join(cfg.Dir, "journal")), journal.Options{})
	if err != nil {
		return nil, fmt.Errorf("密钥室日志 %s (journal of the key room): %w", cfg.Dir, err)
	}
	k, err := openRoom(cfg, j)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return k, nil
}

func openRoom(cfg KeyRoomConfig, j *journal.Journal) (*KeyRoom, error) {
	facts, err := readFacts(j)
	if err != nil {
		return nil, err
	}
	if len(facts) == 0 {
		if cfg.Scope == "" {
			return nil, ErrNoKeyRoom
		}
		first := record.SiteOpened{TimeMs: clock.System{}.Now().Milli(), Site: KeysSite, Kind: record.KindKeys, Name: cfg.Scope, Realm: cfg.Realm}
		if err := appendFacts(j, func(uint64, record.Fact) {}, first); err != nil {
			return nil, err
		}
		facts = []record.Fact{first}
	}
	open, ok := facts[0].(record.SiteOpened)
	switch {
	case !ok || open.Kind != record.KindKeys:
		return nil, fmt.Errorf("%w: %s 不是密钥室的日志 (not a key room's journal)", ErrSetting, cfg.Dir)
	case cfg.Scope != "" && (cfg.Scope != open.Name || cfg.Realm != open.Realm):
		return nil, fmt.Errorf("%w: 密钥室属于 %q (%s), 不是 %q (%s) (the key room is another scope's)", ErrSetting, open.Name, open.Realm, cfg.Scope, cfg.Realm)
	}
	room := keymgmt.New(keymgmt.Config{
		Scope: open.Name, Realm: open.Realm, Profile: cfg.Cards, Files: journal.OS(filepath.Join(cfg.Dir, "vault")),
		Random: cfg.Random, Cost: cfg.Cost,
	})
	for i, f := range facts {
		room.Apply(uint64(i)+1, f)
	}
	if err := room.Start(keyDoor{j, room.Apply}); err != nil {
		return nil, errors.Join(err, room.Close())
	}
	return &KeyRoom{Room: room, Scope: open.Name, journal: j}, nil
}

// Close leaves the room.
func (k *KeyRoom) Close() error { return errors.Join(k.Room.Close(), k.journal.Close()) }

// keyDoor writes an act and gives it to the room.
type keyDoor struct {
	j     *journal.Journal
	apply func(uint64, record.Fact)
}

// Append returns when the facts are on the disk and applied.
func (d keyDoor) Append(facts ...record.Fact) error { return appendFacts(d.j, d.apply, facts...) }

// Now is the machine's time.
func (keyDoor) Now() clock.Instant { return clock.System{}.Now() }

func appendFacts(j *journal.Journal, apply func(uint64, record.Fact), facts ...record.Fact) error {
	lines := make([][]byte, 0, len(facts))
	for _, f := range facts {
		line, err := record.Encode(f)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	first, err := j.Append(lines...)
	if err != nil {
		return err
	}
	for i, f := range facts {
		apply(first+uint64(i), f)
	}
	return nil
}

func readFacts(j *journal.Journal) (facts []record.Fact, err error) {
	err = j.Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if err != nil {
			return fmt.Errorf("app: journal record %d: %w", r.Seq, err)
		}
		facts = append(facts, f)
		return nil
	})
	return facts, err
}
