// Package record holds the facts that a journal keeps and sites exchange, and the directives and questions between sites.
//
// A fact is one line of JSON, {"v":1,"type":"…",…}: hashed as those bytes, carried unchanged by every batch. Money is an
// integer with its unit in the key (amount_fen), a quantity is quantity_hundredths beside unit, wire bytes are hexadecimal.
package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Version is the format of the facts that this program writes.
const Version = 1

// Fact is the body of one journal record. Implementations are plain structs, used by value, registered in table.go.
type Fact interface{ FactType() string }

// ErrUnknown is returned for a type or version that this program does not know. The record stays as it is.
var ErrUnknown = errors.New("record: unknown type or version")

// Encode returns the fact's line, without a line feed. It is the only form of the fact: see Decode. A fact that would not
// read back (an unknown type, a card number that is none) is an error now, not a journal that can not be opened later;
// bytes that are not UTF-8 become U+FFFD.
func Encode(f Fact) ([]byte, error) {
	line, err := encode(f)
	if err != nil {
		return nil, err
	}
	name, rest, err := split(line)
	if err != nil {
		return nil, fmt.Errorf("record: encode %s: %w", f.FactType(), err)
	}
	back, err := table[name](rest)
	if err != nil {
		return nil, fmt.Errorf("record: encode %s: %w", name, err)
	}
	return encode(back)
}

func encode(f Fact) ([]byte, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("record: encode %s: %w", f.FactType(), err)
	}
	if len(body) < 2 || body[0] != '{' {
		return nil, fmt.Errorf("record: %s is not an object", f.FactType())
	}
	b := make([]byte, 0, len(prefix)+len(f.FactType())+2+len(body))
	b = append(append(append(b, prefix...), f.FactType()...), '"')
	if len(body) > 2 {
		b = append(b, ',')
	}
	return append(b, body[1:]...), nil
}

// prefix is how each line begins; the type's word and a quotation mark follow.
var prefix = fmt.Sprintf(`{"v":%d,"type":"`, Version)

// Decode reads a line and accepts only what Encode writes for that fact, byte by byte: no unknown, missing, doubled or
// differently spelled key, no other order, no space, nothing behind. One fact has one line and one hash. ErrUnknown for a
// type or version that is not in the table.
func Decode(line []byte) (Fact, error) {
	name, rest, err := split(line)
	if err != nil {
		return nil, err
	}
	f, err := table[name](rest)
	if err != nil {
		return nil, fmt.Errorf("record: %s: %w", name, err)
	}
	again, err := encode(f)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, line) { // the place, not the content: a line may hold a card number
		at := 0
		for at < min(len(again), len(line)) && again[at] == line[at] {
			at++
		}
		return nil, fmt.Errorf("record: %s: not as this fact is written, from byte %d on", name, at)
	}
	return f, nil
}

// split takes version and type off a line; rest is an object with the other fields.
func split(line []byte) (name string, rest []byte, err error) {
	tail, ok := bytes.CutPrefix(line, []byte(prefix))
	word, fields, closed := bytes.Cut(tail, []byte{'"'})
	if _, known := table[string(word)]; ok && closed && known {
		rest = append([]byte{'{'}, bytes.TrimPrefix(fields, []byte{','})...)
		return string(word), rest, nil
	}
	var head struct {
		V    *int    `json:"v"`
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return "", nil, fmt.Errorf("record: not a line of JSON: %w", err)
	}
	if head.V == nil || head.Type == nil {
		return "", nil, errors.New("record: a line without v and type")
	}
	if _, known := table[*head.Type]; known && *head.V == Version {
		return "", nil, fmt.Errorf("record: %s: the line does not begin with v and type", *head.Type)
	}
	return "", nil, fmt.Errorf("type %q, version %d: %w", *head.Type, *head.V, ErrUnknown)
}

// reader decodes strictly into F.
func reader[F Fact]() func([]byte) (Fact, error) {
	return func(object []byte) (Fact, error) {
		var f F
		if err := strict(object, &f); err != nil {
			return nil, err
		}
		return f, nil
	}
}
