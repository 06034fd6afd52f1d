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

// Encode returns the fact's line, without a line feed.
func Encode(f Fact) ([]byte, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("record: encode %s: %w", f.FactType(), err)
	}
	if len(body) < 2 || body[0] != '{' {
		return nil, fmt.Errorf("record: %s is not an object", f.FactType())
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"v":%d,"type":%q`, Version, f.FactType())
	if len(body) > 2 {
		b.WriteByte(',')
	}
	b.Write(body[1:])
	return b.Bytes(), nil
}

// Decode reads a line. Unknown fields, a second document or trailing bytes are errors; ErrUnknown for a type or version
// that is not in the table.
func Decode(line []byte) (Fact, error) {
	var head struct {
		V    int    `json:"v"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("record: not a line of JSON: %w", err)
	}
	read, ok := table[head.Type]
	if !ok || head.V != Version {
		return nil, fmt.Errorf("type %q, version %d: %w", head.Type, head.V, ErrUnknown)
	}
	f, err := read(line)
	if err != nil {
		return nil, fmt.Errorf("record: %s: %w", head.Type, err)
	}
	return f, nil
}

// reader decodes strictly into F.
func reader[F Fact]() func([]byte) (Fact, error) {
	return func(line []byte) (Fact, error) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(line, &fields); err != nil {
			return nil, err
		}
		delete(fields, "v")
		delete(fields, "type")
		rest, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		dec := json.NewDecoder(bytes.NewReader(rest))
		dec.DisallowUnknownFields()
		var f F
		if err := dec.Decode(&f); err != nil {
			return nil, err
		}
		return f, nil
	}
}
