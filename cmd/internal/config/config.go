// Package config reads a program's settings: file, then environment, then flags; it is one of the two doors to YAML.
//
// Every key has an environment variable: GREYLOCK_ + the key in capitals with _ for dots (GREYLOCK_SITE_ID), also when the file
// lacks the key. Codes are quoted strings of digits: YAML reads an unquoted 0017 as octal.
package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// Config is everything a site's program can be told.
type Config struct {
	Site    Site    `mapstructure:"site"`
	Data    string  `mapstructure:"data"` // directory of the journal
	Center  Center  `mapstructure:"center"`
	Station Station `mapstructure:"station"`
	Issue   Issue   `mapstructure:"issue"`
	Making  Making  `mapstructure:"making"`
}

// Site says who this is.
type Site struct {
	ID    string `mapstructure:"id"`    // four digits; the center is 0000
	Name  string `mapstructure:"name"`  // as printed on receipts
	Realm string `mapstructure:"realm"` // training or production
}

// Center is the settings of the center's program.
type Center struct {
	Listen   string `mapstructure:"listen"`   // exchange with stations and outlets, host:port
	Operator string `mapstructure:"operator"` // operator commands, loopback only
	Vault    string `mapstructure:"vault"`    // sealed working vault
	Secret   string `mapstructure:"secret"`   // file that opens it
}

// Station is the settings of a station's program.
type Station struct {
	Center    string `mapstructure:"center"`     // base URL of the center's exchange
	CenterKey string `mapstructure:"center_key"` // Ed25519 public key of the center, 64 hexadecimal digits
	Operator  string `mapstructure:"operator"`   // operator commands, loopback only
	Locks     string `mapstructure:"locks"`      // directory of the lock files of ports
	Ports     []Port `mapstructure:"ports"`
}

// Port is one serial port of the hub.
type Port struct {
	Number int    `mapstructure:"number"` // 1…64, as the layout of the center names it
	Path   string `mapstructure:"path"`   // stable name, such as /dev/hub/port01
	Baud   int    `mapstructure:"baud"`   // 9600 by default
	Parity string `mapstructure:"parity"` // none (default) or even
}

// Issue is the settings of an issuing desk.
type Issue struct {
	Center string `mapstructure:"center"`
	Vault  string `mapstructure:"vault"`
	Secret string `mapstructure:"secret"`
	Reader string `mapstructure:"reader"` // PC/SC reader of the desk
	TID    string `mapstructure:"tid"`    // terminal number of the desk, 12 digits
}

// Making is the settings of a card making room.
type Making struct {
	Center    string `mapstructure:"center"`
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

// ErrConfig is wrapped by everything Load returns.
var ErrConfig = errors.New("配置有误 (configuration)")

// Origin says where a value came from: file, env or default.
type Origin struct{ Key, Value, From string }

// Load reads the file (none if path is "") and the environment. All problems come at once.
func Load(path string) (Config, []Origin, error) {
	v := viper.NewWithOptions(viper.ExperimentalBindStruct())
	v.SetEnvPrefix("GREYLOCK")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	v.SetDefault("station.locks", "/run/lock")
	v.SetDefault("center.operator", "127.0.0.1:7101")
	v.SetDefault("station.operator", "127.0.0.1:7102")
	var text []byte
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return Config{}, nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		v.SetConfigFile(path)
		if err := v.ReadInConfig(); err != nil {
			return Config{}, nil, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
		}
	}
	problems := unknown(v, path, text)
	if len(problems) > 0 {
		return Config{}, nil, fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
	}
	var c Config
	if err := v.UnmarshalExact(&c); err != nil {
		return Config{}, nil, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
	}
	return c, origins(v), nil
}

// Keys lists every key of the configuration, in order; lists of records count once.
func Keys() []string { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + f.Tag.Get("mapstructure")
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type, key+".")...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

// Env is the environment variable of a key.
func Env(key string) string {
	return "GREYLOCK_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// unknown names keys of the file and variables of the environment that nobody reads.
func unknown(v *viper.Viper, path string, text []byte) (problems []error) {
	known := Keys()
	for _, key := range v.AllKeys() {
		if slices.Contains(known, key) {
			continue
		}
		problems = append(problems, Problem{
			File: path, Key: key, Line: lineOf(text, key),
			Text: fmt.Sprintf("没有这个键 (unknown key); 是否 %s (did you mean)?", nearest(key, known)),
		})
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GREYLOCK_") || slices.ContainsFunc(known, func(k string) bool { return Env(k) == name }) {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "GREYLOCK_"), "_", "."))
		problems = append(problems, Problem{
			File: "environment", Key: name,
			Text: fmt.Sprintf("没有这个变量 (unknown variable); 是否 %s (did you mean)?", Env(nearest(key, known))),
		})
	}
	return problems
}

// lineOf finds the line of a key's last word in the file; 0 if it is not there in that spelling.
func lineOf(text []byte, key string) int {
	word := key[strings.LastIndex(key, ".")+1:]
	re := regexp.MustCompile(`(?i)^\s*(- )?"?` + regexp.QuoteMeta(word) + `"?\s*:`)
	for i, line := range strings.Split(string(text), "\n") {
		if re.MatchString(line) {
			return i + 1
		}
	}
	return 0
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

func origins(v *viper.Viper) (list []Origin) {
	for _, key := range Keys() {
		from := "default"
		if _, ok := os.LookupEnv(Env(key)); ok {
			from = "env " + Env(key)
		} else if v.InConfig(key) {
			from = "file " + filepath.Base(v.ConfigFileUsed())
		}
		list = append(list, Origin{key, fmt.Sprint(v.Get(key)), from})
	}
	return list
}
