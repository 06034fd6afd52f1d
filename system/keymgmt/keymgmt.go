// Package keymgmt is the key room of one scope: the ceremony in which two custodians make the master keys, once and for
// ever, the vault file that it leaves, and the sealed working vaults that are exported from it.
//
// The vault file is the commit point: before its rename nothing has happened, after it the keys exist and the journal's
// CeremonyHeld is written, or healed at the next start from the file's header. So a cut at any moment leaves everything or
// nothing, and each of journal and file alone refuses a second ceremony. Source: trust.md requirements 1-4, 11; rows 66-71.
package keymgmt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// Errors that callers decide on.
var (
	ErrHeld    = errors.New("密钥已产生, 永不再生成 (KEY_ALREADY_SET: the keys of this scope were made, once and for ever)")
	ErrMissing = errors.New("密钥库文件不见了, 请从备份恢复 (the vault file is missing: restore it from backup)")
	ErrForeign = errors.New("密钥库文件不是本次仪式所产生 (the vault file is not that of the ceremony in the journal)")
	ErrNotHeld = errors.New("尚未产生密钥 (no ceremony was held)")
)

// Refused is a refusal that the journal keeps. Reason is one of the words of record.CeremonyRefused.
type Refused struct{ Reason Reason }

// Reason why a ceremony or an export was refused.
type Reason string

// The reasons. None of them says which of two passwords was wrong.
const (
	SamePerson    Reason = "same-person"
	WrongPassword Reason = "wrong-password"
	AlreadyHeld   Reason = "already-held"
	WeakPassword  Reason = "weak-password"
	WindowOver    Reason = "window-over"
	NoConsent     Reason = "no-consent"
)

var reasons = map[Reason]string{
	SamePerson:    "两名保管员必须是不同的人, 口令也不同 (two different custodians with different passwords)",
	WrongPassword: "口令不符 (a password is wrong)",
	AlreadyHeld:   ErrHeld.Error(),
	WeakPassword:  "口令须 15 至 128 个字符, 至少 5 种字符 (a password has 15 to 128 characters, 5 of them different)",
	WindowOver:    "两人须在 10 分钟内完成 (both must be done within 10 minutes)",
	NoConsent:     "未键入同意生成的字句 (the words of consent were not typed)",
}

// Error says what to do about it.
func (r Refused) Error() string { return "keymgmt: " + string(r.Reason) + ": " + reasons[r.Reason] }

// Is makes errors.Is(err, ErrHeld) work on a refusal.
func (r Refused) Is(target error) bool { return r.Reason == AlreadyHeld && target == ErrHeld }

// Wait says that too many wrong passwords came in a row; nothing is tried before Until. Source: trust.md row 67.
type Wait struct{ Until clock.Instant }

// Error says until when.
func (w Wait) Error() string {
	return fmt.Sprintf("keymgmt: 口令多次不符, %s 之后再试 (too many wrong passwords, wait)", w.Until)
}

// Door is what the key room needs of the program around it.
type Door interface {
	// Append writes the facts as one act; they are on the disk, and given to the room's Apply, when it returns.
	Append(facts ...record.Fact) error
	Now() clock.Instant
}

// Config of a key room.
type Config struct {
	Scope   string           // the company or station group, as people write it
	Realm   record.Realm     // fixed by the ceremony for ever
	Profile fuelcard.Profile // of the cards; its levels of diversification are fixed by the ceremony
	Files   journal.Dir      // the room's own directory: it holds the vault of this scope and nothing else
	Random  io.Reader        // the machine's source of real randomness, in tests a seeded one
	Cost    vault.Cost       // of Argon2id; the production realm has a floor
}

// Room is the key room. It is not safe for concurrent use.
type Room struct {
	cfg   Config
	door  Door
	lock  io.Closer
	held  *record.CeremonyHeld // from the journal
	wrong int                  // wrong passwords in a row
	last  clock.Instant        // of the last of them
}

// The file of a scope and its place while it is being written.
const (
	fileName = "master.vault"
	tempName = "master.vault.new"
)

// New returns the room of a scope; the site's journal is replayed into Apply, then Start is called.
func New(cfg Config) *Room { return &Room{cfg: cfg} }

// Apply takes one fact of the site's journal, at replay and after each durable act.
func (r *Room) Apply(_ uint64, f record.Fact) {
	switch f := f.(type) {
	case record.CeremonyHeld:
		if f.Scope == r.cfg.Scope {
			r.held, r.wrong = &f, 0
		}
	case record.CeremonyRefused:
		if f.Scope == r.cfg.Scope && f.Reason == string(WrongPassword) {
			r.wrong, r.last = r.wrong+1, clock.FromMilli(f.TimeMs)
		}
	case record.VaultExported:
		if f.Scope == r.cfg.Scope {
			r.wrong = 0
		}
	}
}

// Start compares the vault file with the journal. A file whose fact is missing was made just before a power cut: the fact is
// written now. ErrMissing, ErrForeign and vault.ErrDamaged leave the room closed for exports, and for a ceremony for ever.
// journal.ErrLocked says that another process is in the room.
func (r *Room) Start(door Door) (err error) {
	r.door = door
	if r.lock, err = r.cfg.Files.Lock(lockName); err != nil {
		return fmt.Errorf("keymgmt: %w", err)
	}
	h, err := r.header()
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.held == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	case err != nil:
		return err
	case h.Scope != r.cfg.Scope || h.Realm != r.cfg.Realm || h.Kind != vault.Master:
		return fmt.Errorf("keymgmt: file of %s in realm %s, room of %s in realm %s: %w", h.Scope, h.Realm, r.cfg.Scope, r.cfg.Realm, ErrForeign)
	case r.held == nil:
		if err := r.cfg.Files.SyncDir(); err != nil { // the fact must not outlive the file
			return fmt.Errorf("keymgmt: directory: %w", err)
		}
		return r.append(minutesOf(h).Fact())
	case !sameCeremony(*r.held, h):
		return ErrForeign
	}
	return nil
}

// Close leaves the room.
func (r *Room) Close() error {
	if r.lock == nil {
		return nil
	}
	lock := r.lock
	r.lock = nil
	return lock.Close()
}

// Verify reads the vault file again and checks every byte of it against its hash, and its header against the journal; it
// needs no password.
func (r *Room) Verify() error {
	h, err := r.header()
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.held == nil:
		return ErrNotHeld
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	case err != nil:
		return err
	case r.held == nil || !sameCeremony(*r.held, h):
		return ErrForeign
	}
	return nil
}

// Minutes returns the record of the ceremony; ErrNotHeld before it.
func (r *Room) Minutes() (Minutes, error) {
	if r.held == nil {
		return Minutes{}, ErrNotHeld
	}
	h, err := r.header()
	if err != nil {
		return Minutes{}, err
	}
	return minutesOf(h), nil
}

func (r *Room) header() (vault.Header, error) {
	file, err := r.read(fileName)
	if err != nil {
		return vault.Header{}, err
	}
	return vault.Inspect(file)
}

// append makes facts durable; the door gives them to Apply.
func (r *Room) append(facts ...record.Fact) error {
	if err := r.door.Append(facts...); err != nil {
		return fmt.Errorf("keymgmt: journal: %w", err)
	}
	return nil
}

// refuse keeps the refusal in the journal and returns it.
func (r *Room) refuse(why Reason, custodians ...string) error {
	err := r.append(record.CeremonyRefused{
		TimeMs: r.door.Now().Milli(), Scope: r.cfg.Scope, Custodians: custodians, Reason: string(why),
	})
	if err != nil {
		return err
	}
	return Refused{why}
}

// Back-off after wrong passwords: none after the first, then 2, 4, 8 … seconds, at most five minutes.
const (
	waitFree = 1
	waitMax  = 5 * time.Minute
)

func (r *Room) wait() error {
	if r.wrong <= waitFree {
		return nil
	}
	pause := waitMax
	if r.wrong < 9 {
		pause = min(waitMax, time.Second<<(r.wrong-waitFree))
	}
	if until := r.last.Add(pause); r.door.Now() < until {
		return Wait{until}
	}
	return nil
}

func sameCeremony(f record.CeremonyHeld, h vault.Header) bool {
	return f.Scope == h.Scope && f.Realm == h.Realm && f.Custodians == h.Custodians && f.TimeMs == h.MadeMs &&
		slices.EqualFunc(f.Keys, h.Keys, func(a, b record.KeyCheck) bool {
			return a.Name == b.Name && a.Version == b.Version && slices.Equal(a.KCV, b.KCV)
		})
}
