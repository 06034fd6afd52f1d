// Package config reads a program's settings: file, then environment, then flags; it is one of the two doors to YAML.
//
// Every key has an environment variable: GREYLOCK_ + the key in capitals with _ for dots (GREYLOCK_SITE_ID), also when the file
// lacks the key; that of a list holds the list in YAML's flow form. Codes are quoted strings of digits: YAML reads an unquoted
// 0017 as octal, so a text without quotes that YAML takes for a number is refused.
package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"greylock/system/exchange/cert"
	"greylock/system/wire/fuelcard"
)

// Config is everything a site's program can be told.
type Config struct {
	Site    Site    `mapstructure:"site"`
	Data    string  `mapstructure:"data"` // directory of the journal
	Log     Log     `mapstructure:"log"`
	Card    Card    `mapstructure:"card"`
	Center  Center  `mapstructure:"center"`
	Station Station `mapstructure:"station"`
	Issue   Issue   `mapstructure:"issue"`
	Making  Making  `mapstructure:"making"`

	file   string         // where it was read, "" for the environment alone
	lines  map[string]int // of the file's keys
	unread bool           // the file could not be read at all: Load has said why
}

// Site says who this is.
type Site struct {
	ID    string `mapstructure:"id"`    // four digits; the center is 0000
	Name  string `mapstructure:"name"`  // as printed on receipts
	Realm string `mapstructure:"realm"` // training or production

	Cleartext string `mapstructure:"cleartext"` // allowed: the link between sites may go without TLS beyond this machine; in training alone
}

// Allowed is the one value of site.cleartext.
const Allowed = "allowed"

// TLS is what a site has for the link between sites and center: PEM files.
type TLS struct {
	CA   string `mapstructure:"ca"`   // certificate of the company's authority
	Cert string `mapstructure:"cert"` // the site's own
	Key  string `mapstructure:"key"`  // its private key
}

// Files are the certificates of a link.
func (t TLS) Files() cert.Files { return cert.Files{CA: t.CA, Cert: t.Cert, Key: t.Key} }

// Log says where a program that runs writes what happens.
type Log struct {
	File string `mapstructure:"file"` // empty: the error stream, which a service manager keeps
	MB   int    `mapstructure:"mb"`   // size at which the file begins anew, 16 by default
	Keep int    `mapstructure:"keep"` // older files that are kept, 8 by default
}

// Card says how the cards of the company behave: the same at every site, and as the ceremony had it.
type Card struct {
	Profile string `mapstructure:"profile"` // name of a card profile
	Flags   Flags  `mapstructure:"flags"`   // of the profile that are set otherwise
}

// Flags are values of flags of a card profile, by name.
type Flags map[string]string

// String is flag=value, in the order of the names.
func (f Flags) String() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		words = append(words, name+"="+f[name])
	}
	return strings.Join(words, " ")
}

// Cards is the card profile with its flags; fuelcard.ErrFlag if they do not make sense, which Check says too.
func (c Config) Cards() (fuelcard.Profile, error) {
	name := c.Card.Profile
	if name == "" {
		name = fuelcard.National().Name
	}
	return fuelcard.Configure(name, c.Card.Flags)
}

// Who changes prices.
const (
	TwoPersons = "two-persons"
	OnePerson  = "one-person"
)

// Center is the settings of the center's program.
type Center struct {
	Listen   string `mapstructure:"listen"`   // exchange with stations and outlets, host:port
	Operator string `mapstructure:"operator"` // operator commands, loopback only
	Vault    string `mapstructure:"vault"`    // sealed working vault
	Secret   string `mapstructure:"secret"`   // file that opens it

	TLS     TLS    `mapstructure:"tls"`
	Revoked string `mapstructure:"revoked"` // file with the numbers of certificates that are no longer taken; empty: none
	Prices  string `mapstructure:"prices"`  // who changes prices: two-persons (default), or one-person in a company that has no second one
}

// Station is the settings of a station's program.
type Station struct {
	Center    string `mapstructure:"center"`     // base URL of the center's exchange
	CenterKey string `mapstructure:"center_key"` // Ed25519 public key of the center, 64 hexadecimal digits
	TLS       TLS    `mapstructure:"tls"`
	Operator  string `mapstructure:"operator"` // operator commands, loopback only
	Locks     string `mapstructure:"locks"`    // directory of the lock files of ports
	Ports     []Port `mapstructure:"ports"`
	MostFlow  string `mapstructure:"most_flow"` // litres a minute that no pump here exceeds, 200 by default
	MostFill  string `mapstructure:"most_fill"` // litres that no vehicle here takes, 1500 by default
	Lists     Lists  `mapstructure:"lists"`

	Tills    []Till `mapstructure:"tills"`
	Products string `mapstructure:"products"` // product codes, with commas, in the order that the masks of a card's limits count in

	Contactor Contactor `mapstructure:"contactor"` // of the card dispensers' pumps; none by default
	Gauge     Gauge     `mapstructure:"gauge"`
	UPS       UPS       `mapstructure:"ups"`
}

// Till is a card terminal that the station runs: PC/SC readers for the customer's card and for the PSAM.
type Till struct {
	Number int    `mapstructure:"number"` // as the layout of the center names it
	Reader string `mapstructure:"reader"`
	PSAM   string `mapstructure:"psam"`
}

// Contactor is the relay board that stops card dispensers in an emergency, on a serial line of its own.
type Contactor struct {
	Path    string `mapstructure:"path"`    // stable name; empty: there is none
	Baud    int    `mapstructure:"baud"`    // 9600 by default
	Parity  string `mapstructure:"parity"`  // none (default) or even
	Address int    `mapstructure:"address"` // of the board, 1…247
	Coils   string `mapstructure:"coils"`   // port=coil for each card dispenser, as "1=0 2=1"; the first coil is 0
}

// Gauge is the line of the tank gauge.
type Gauge struct {
	Path   string `mapstructure:"path"`   // stable name; empty: the station has none
	Baud   int    `mapstructure:"baud"`   // 9600 by default
	Parity string `mapstructure:"parity"` // none (default) or even
}

// UPS is the line of the uninterruptible power supply (Megatec, also called Q1).
type UPS struct {
	Path   string `mapstructure:"path"`   // stable name; empty: the station has none
	Baud   int    `mapstructure:"baud"`   // 2400 by default
	Parity string `mapstructure:"parity"` // none (default) or even
	Most   string `mapstructure:"most"`   // how long the station runs on the battery at most, as 5m; empty: that
}

// Lists says what becomes of black and white list when the center has not been heard for long.
type Lists struct {
	Warn   string `mapstructure:"warn"`   // an alarm after so long, as 24h; that is the default
	Refuse string `mapstructure:"refuse"` // user cards are no longer taken after so long, as 72h; empty: never
}

// Port is one serial port of the hub.
type Port struct {
	Number int    `mapstructure:"number"` // 1…64, as the layout of the center names it
	Path   string `mapstructure:"path"`   // stable name, such as /dev/hub/port01
	Baud   int    `mapstructure:"baud"`   // 9600 by default
	Parity string `mapstructure:"parity"` // none (default) or even

	Protocol string `mapstructure:"protocol"` // fa (default): card dispensers; lf: plain ones that the station runs
}

// Issue is the settings of an issuing desk.
type Issue struct {
	Center string `mapstructure:"center"`
	TLS    TLS    `mapstructure:"tls"`
	Vault  string `mapstructure:"vault"`
	Secret string `mapstructure:"secret"`
	Reader string `mapstructure:"reader"` // PC/SC reader of the desk
	TID    string `mapstructure:"tid"`    // terminal number of the desk, 12 digits
}

// Making is the settings of a card making room.
type Making struct {
	Center    string `mapstructure:"center"`
	TLS       TLS    `mapstructure:"tls"`
	Vault     string `mapstructure:"vault"`
	Secret    string `mapstructure:"secret"`
	Reader    string `mapstructure:"reader"`    // PC/SC reader of the room
	Transport string `mapstructure:"transport"` // file with the vendor's transport key of the blanks, 32 hexadecimal digits
	Company   string `mapstructure:"company"`   // first byte of the issuer id in production, two digits
	Province  string `mapstructure:"province"`  // two digits
}

// Problem is one mistake: where, what, what to do.
type Problem struct {
	File, Key string
	Line      int // 0 when not known
	Text      string
}

func (p Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Key != "" {
		where += ": " + p.Key
	}
	return where + ": " + p.Text
}

// ErrConfig is wrapped by everything Load and Check return.
var ErrConfig = errors.New("配置有误 (configuration)")

// Origin says where a value came from: file, env or default.
type Origin struct{ Key, Value, From string }

const prefix = "GREYLOCK"

// Load reads the file (none if path is "") and the environment. All problems come at once; beside them what could be read is
// returned, so that Check can tell the rest.
func Load(path string) (Config, []Origin, error) {
	v := viper.NewWithOptions(viper.ExperimentalBindStruct())
	v.SetEnvPrefix(prefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	v.SetDefault("card.profile", fuelcard.National().Name)
	v.SetDefault("log.mb", 16)
	v.SetDefault("log.keep", 8)
	v.SetDefault("station.locks", "/run/lock")
	v.SetDefault("station.most_flow", "200")
	v.SetDefault("station.most_fill", "1500")
	v.SetDefault("center.operator", "127.0.0.1:7101")
	v.SetDefault("center.prices", TwoPersons)
	v.SetDefault("station.operator", "127.0.0.1:7102")
	c := Config{file: path, lines: map[string]int{}}
	r := reading{file: path, lines: c.lines}
	if path != "" {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			err = Problem{File: path, Text: "没有这个文件, 请以 --config 指出 (no such file: name it with --config)"}
		}
		if err == nil {
			err = r.text(text, reflect.TypeFor[Config](), "")
		}
		if err == nil {
			v.SetConfigFile(path)
			v.SetConfigType("yaml") // whatever the file is called
			err = v.ReadInConfig()
		}
		if err != nil {
			c.unread = true
			if len(r.problems) == 0 { // else it says the same again
				r.problems = append(r.problems, err)
			}
		}
	}
	flags, wrong := r.flags, r.problems
	if text := os.Getenv(Env("card.flags")); text != "" {
		over := reading{file: "environment " + Env("card.flags"), lines: map[string]int{}}
		if err := over.text([]byte(text), reflect.TypeFor[Flags](), "card.flags"); err != nil {
			over.problems = append(over.problems, err)
		}
		flags, wrong = over.flags, append(wrong, over.problems...)
	}
	problems := append(wrong, strangers()...)
	if err := v.Unmarshal(&c, viper.DecodeHook(fromList)); err != nil && len(problems) == 0 {
		problems = append(problems, Problem{File: path, Text: err.Error()})
	}
	c.Card.Flags = flags
	if len(problems) > 0 {
		return c, nil, fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	return c, origins(v, c), nil
}

// Keys lists every key of the configuration, in order; lists of records count once.
func Keys() []string { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) (keys []string) {
	for _, f := range fields(t) {
		key := prefix + f.Tag.Get("mapstructure")
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type, key+".")...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

// fields are those that can be set.
func fields(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return !f.IsExported() })
}

// Env is the environment variable of a key.
func Env(key string) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// strangers are variables of the environment that look like ours and that nobody reads.
func strangers() (problems []error) {
	known := Keys()
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, prefix+"_") || slices.ContainsFunc(known, func(k string) bool { return Env(k) == name }) {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix+"_"), "_", "."))
		problems = append(problems, Problem{
			File: "environment", Key: name,
			Text: fmt.Sprintf("没有这个变量 (unknown variable); 是否 %s (did you mean)?", Env(nearest(key, known))),
		})
	}
	return problems
}

// lists are the keys whose values are lists, by type.
var lists = map[reflect.Type]string{reflect.TypeFor[[]Port](): "station.ports", reflect.TypeFor[[]Till](): "station.tills"}

// fromList reads a list of ports or tills out of a variable of the environment. Flags, whose names have dots, are not viper's to read.
func fromList(from, to reflect.Type, data any) (any, error) {
	if to == reflect.TypeFor[Flags]() {
		return Flags{}, nil
	}
	key := lists[to]
	if from.Kind() != reflect.String || key == "" {
		return data, nil
	}
	text, ok := data.(string)
	if !ok {
		return data, nil
	}
	r := reading{file: "environment " + Env(key), lines: map[string]int{}}
	if err := r.text([]byte(text), to, key); err != nil {
		return nil, err
	}
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	if key == "station.tills" {
		return listOf[Till](r)
	}
	return listOf[Port](r)
}

func nearest(key string, known []string) string {
	best, distance := known[0], 1<<30
	for _, k := range known {
		if d := editDistance(key, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// editDistance is Levenshtein's, on bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, corner+cost)
		}
	}
	return row[len(b)]
}

// String is a till in one line: 1=READER|PSAM.
func (t Till) String() string { return fmt.Sprintf("%d=%s|%s", t.Number, t.Reader, t.PSAM) }

// String is a port in one word: 1=/dev/hub/port01@9600/none.
func (p Port) String() string {
	baud, parity := p.Baud, p.Parity
	if baud == 0 {
		baud = 9600
	}
	if parity == "" {
		parity = "none"
	}
	return fmt.Sprintf("%d=%s@%d/%s", p.Number, p.Path, baud, parity)
}

func origins(v *viper.Viper, c Config) (list []Origin) {
	for _, key := range Keys() {
		from := "default"
		if _, ok := os.LookupEnv(Env(key)); ok {
			from = "env " + Env(key)
		} else if v.InConfig(key) {
			from = "file " + filepath.Base(v.ConfigFileUsed())
		}
		value := v.GetString(key)
		switch key {
		case "station.ports":
			value = strings.Trim(fmt.Sprint(c.Station.Ports), "[]")
		case "station.tills":
			value = strings.Trim(fmt.Sprint(c.Station.Tills), "[]")
		case "card.flags":
			value = c.Card.Flags.String()
		}
		list = append(list, Origin{key, value, from})
	}
	return list
}
