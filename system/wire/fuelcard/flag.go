package fuelcard

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

// ErrFlag is wrapped when a flag or a value of one does not exist, or when flags contradict each other.
var ErrFlag = errors.New("card profile")

// Side is one that a flag changes: who has to act by it. Source: card.md section 17.
type Side string

// The sides of a card system. Card making is the host's.
const (
	OnCard     Side = "card"
	OnPSAM     Side = "psam"
	OnTerminal Side = "terminal"
	OnHost     Side = "host"
)

// Flag is a row of the table of everything that cards of one kind may do in another way: a constant or flag of a profile,
// and where what we do comes from. The first row that must change for a real card is found by reading the table, and
// Profile.Set changes it. Source: card.md section 17.
type Flag struct {
	Name    string   // as card.md names it
	Field   string   // of Profile, dotted; "" where there is one value so far: a rule of the code
	Zh, En  string   // what it is
	Values  []string // all that are implemented, the default first
	Form    string   // of other values that may be set, in words; "" for none
	Mark    string   // of the default: [src: ...] seen there, [std] from the standards, [ours]
	Section string   // of card.md
	Acts    []Side
	codec   codec
}

// codec reads and writes a flag of a profile; set is given a value of the table unless the flag has a Form.
type codec struct {
	get func(*Profile) string
	set func(*Profile, string) error
}

// Default is the value of the national profile.
func (f Flag) Default() string { return f.Values[0] }

// Flags is the table of all flags and constants, in the order of card.md 17.2, 4.1 and 17.1.
func Flags() []Flag { return slices.Clone(flags) }

// Value is the value of a flag by its name; "" for a name that no flag has.
func (p Profile) Value(name string) string {
	f, ok := flagNamed(name)
	if !ok {
		return ""
	}
	return f.codec.get(&p)
}

// Set gives a flag a value of its table row, or another of its Form. It returns ErrFlag and changes nothing otherwise.
// Check tells whether the whole still makes sense.
func (p *Profile) Set(name, value string) error {
	f, ok := flagNamed(name)
	if !ok {
		return fmt.Errorf("没有卡片参数 %q, 参数表见 greylock cards profiles (no such flag): %w", name, ErrFlag)
	}
	if f.Form == "" && !slices.Contains(f.Values, value) {
		return fmt.Errorf("卡片参数 %s 没有取值 %q, 可选: %s (no such value): %w", name, value, strings.Join(f.Values, " "), ErrFlag)
	}
	if err := f.codec.set(p, value); err != nil {
		return fmt.Errorf("卡片参数 %s = %q, 应为 %s (want another form): %w: %w", name, value, f.Form, err, ErrFlag)
	}
	return nil
}

// Configure is a profile by name with some flags set, checked: what a configuration says of the cards in use.
func Configure(name string, set map[string]string) (Profile, error) {
	p, err := ProfileNamed(name)
	if err != nil {
		return Profile{}, fmt.Errorf("%w: %w", err, ErrFlag)
	}
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if err := p.Set(n, set[n]); err != nil {
			return Profile{}, err
		}
	}
	return p, p.Check()
}

// keyFlags are what a profile says of keys: how they are derived, typed and used. They are fixed with the keys.
var keyFlags = []string{"alg", "levels", "dugk", "loyalty_keys", "tmac_alg", "key_type", "key"}

// KeyFlags are the flags of keys in which the profile differs from the one of its name: a vault keeps them with the keys. Nil if
// there are none.
func (p Profile) KeyFlags() map[string]string {
	named, err := ProfileNamed(p.Name)
	if err != nil {
		return nil
	}
	var set map[string]string
	for _, f := range Flags() {
		group, _, _ := strings.Cut(f.Name, ".")
		if f.Field == "" || !slices.Contains(keyFlags, group) || p.Value(f.Name) == named.Value(f.Name) {
			continue
		}
		if set == nil {
			set = map[string]string{}
		}
		set[f.Name] = p.Value(f.Name)
	}
	return set
}

// KeyWords is the profile's name with its KeyFlags, in order: what keys are made for.
func (p Profile) KeyWords() string {
	words, flags := []string{p.Name}, p.KeyFlags()
	for _, f := range slices.Sorted(maps.Keys(flags)) {
		words = append(words, f+"="+flags[f])
	}
	return strings.Join(words, " ")
}

// Check returns ErrFlag for a profile whose parts contradict each other.
func (p Profile) Check() error {
	if _, err := p.Suite(); err != nil {
		return fmt.Errorf("算法标识 %02X 未知 (unknown algorithm): %w: %w", p.Alg, err, ErrFlag)
	}
	if !p.PINFits(len(p.DefaultPIN)) {
		return fmt.Errorf("默认密码 %d 字节, pin_length 为 %s (length of the default PIN): %w", len(p.DefaultPIN), p.PINLength, ErrFlag)
	}
	if p.StrictCTC && p.CTCPlusOne {
		return fmt.Errorf("strict_ctc 与 ctc_plus_one 不能同时打开 (not both): %w", ErrFlag)
	}
	unload, _ := p.KeySlot("DULK")
	places := map[[2]byte]string{}
	for _, s := range append(p.CardKeys(), p.PINSlot()) {
		place := [2]byte{s.Type & p.KeyTypes.Mask, s.ID}
		if s.MF {
			continue
		}
		if other := places[place]; other != "" || p.KeyTypes.Of(s.Class) == 0 {
			return fmt.Errorf("密钥 %s 与 %s 同为类型 %02X (keys of one type): %w", s.Name, other, s.Type, ErrFlag)
		}
		places[place] = s.Name
	}
	if online, _ := p.KeySlot("DUGK"); p.OwnDUGK && online.Type == unload.Type {
		return fmt.Errorf("dugk = own, 但联机解扣与圈提共用类型 %02X (one type for two keys): %w", online.Type, ErrFlag)
	}
	return nil
}

func flagNamed(name string) (Flag, bool) {
	for _, f := range flags {
		if f.Name == name {
			return f, true
		}
	}
	return Flag{}, false
}

// rule is the codec of a flag with one value so far.
func rule(value string) codec {
	return codec{func(*Profile) string { return value }, func(*Profile, string) error { return nil }}
}

func word[T ~string](at func(*Profile) *T) codec {
	return codec{func(p *Profile) string { return string(*at(p)) }, func(p *Profile, v string) error { *at(p) = T(v); return nil }}
}

// either has a word for true and one for false.
func either(at func(*Profile) *bool, yes, no string) codec {
	return codec{
		func(p *Profile) string {
			if *at(p) {
				return yes
			}
			return no
		},
		func(p *Profile, v string) error { *at(p) = v == yes; return nil }}
}

func onOff(at func(*Profile) *bool) codec { return either(at, "on", "off") }

func status(at func(*Profile) *apdu.SW) codec {
	return codec{func(p *Profile) string { return at(p).String() },
		func(p *Profile, v string) error {
			n, err := strconv.ParseUint(v, 16, 16)
			if err == nil {
				*at(p) = apdu.SW(n)
			}
			return err
		}}
}

// statusOr has a word for one status word.
func statusOr(at func(*Profile) *apdu.SW, special apdu.SW, word string) codec {
	plain := status(at)
	return codec{
		func(p *Profile) string {
			if *at(p) == special {
				return word
			}
			return plain.get(p)
		},
		func(p *Profile, v string) error {
			if v != word {
				return plain.set(p, v)
			}
			*at(p) = special
			return nil
		}}
}

func octet(at func(*Profile) *byte) codec {
	return codec{func(p *Profile) string { return fmt.Sprintf("%02X", *at(p)) },
		func(p *Profile, v string) error {
			b, err := hex.DecodeString(v)
			if err == nil && len(b) != 1 {
				err = fmt.Errorf("%d bytes", len(b))
			}
			if err == nil {
				*at(p) = b[0]
			}
			return err
		}}
}

func number[T ~int | ~uint8](at func(*Profile) *T) codec {
	return codec{func(p *Profile) string { return strconv.Itoa(int(*at(p))) },
		func(p *Profile, v string) error {
			n, err := strconv.ParseUint(v, 10, 8)
			if err == nil {
				*at(p) = T(n)
			}
			return err
		}}
}

func pinValue(at func(*Profile) *PIN) codec {
	return codec{func(p *Profile) string { return fmt.Sprintf("%X", []byte(*at(p))) },
		func(p *Profile, v string) error {
			b, err := hex.DecodeString(v)
			if err == nil && (len(b) < minPIN || len(b) > maxPIN) {
				err = fmt.Errorf("%d bytes", len(b))
			}
			if err == nil {
				*at(p) = b
			}
			return err
		}}
}

// aid is an application name as hexadecimal digits, its printable end in quotes or not: A000000003 "SINOPEC".
func aid(at func(*Profile) *[]byte) codec {
	return codec{func(p *Profile) string { return name(*at(p)) },
		func(p *Profile, v string) error {
			digits, quoted, _ := strings.Cut(v, " ")
			b, err := hex.DecodeString(digits)
			if err == nil && quoted != "" {
				quoted, err = strconv.Unquote(quoted)
				b = append(b, quoted...)
			}
			if err == nil && (len(b) < 5 || len(b) > 16) {
				err = fmt.Errorf("%d bytes", len(b))
			}
			if err == nil {
				*at(p) = b
			}
			return err
		}}
}

func txTypes(at func(*Profile) *[]TxType) codec {
	return codec{
		func(p *Profile) string {
			var s []string
			for _, t := range *at(p) {
				s = append(s, fmt.Sprintf("%02X", byte(t)))
			}
			return strings.Join(s, ",")
		},
		func(p *Profile, v string) error {
			var list []TxType
			for _, s := range strings.Split(v, ",") {
				b, err := hex.DecodeString(s)
				if err != nil || len(b) != 1 || slices.Contains(list, TxType(b[0])) {
					return fmt.Errorf("%q", s)
				}
				list = append(list, TxType(b[0]))
			}
			*at(p) = list
			return nil
		}}
}

func keyType(at func(*KeyTypes) *byte) codec {
	return octet(func(p *Profile) *byte { return at(&p.KeyTypes) })
}

// algorithm is the byte of a suite.
var algorithm = [2]string{fmt.Sprintf("%02X", pboc.AlgTDES), fmt.Sprintf("%02X", pboc.AlgSM4)}
