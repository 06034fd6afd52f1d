// Package transcript is the text form of a conversation with a card: "> command", then "< answer" with its status word,
// hexadecimal with blanks where they please; "< removed" or "< mute" for an answer that never came. Words after two blanks
// and other lines are remarks. Nothing in it depends on time, so two runs can be compared line by line.
//
// A secret byte of a command is written **; a byte of an answer that may be any is written ??. A script may name its
// commands: "> GET-BALANCE purse=1".
package transcript

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"greylock/system/card"
	"greylock/system/wire/apdu"
)

// ErrForm is wrapped by errors about the text; ErrSecret is a command that can not be sent because its secret is masked.
var (
	ErrForm   = errors.New("脚本有误 (script)")
	ErrSecret = errors.New("秘密已隐去, 不能发送 (the secret is masked, it can not be sent)")
)

// Exchange is one command and what came back, or shall come back.
type Exchange struct {
	Line    int    // where the command stands, from 1
	Command string // digits without blanks, or a name with parameters
	Answer  string // digits without blanks; "" if none is written
	Err     error  // card.ErrRemoved or card.ErrMute in place of an answer
}

// Parse reads a text. Its error wraps ErrForm and names the line.
func Parse(text string) (lines []Exchange, err error) {
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] != '>' && line[0] != '<' {
			continue
		}
		body, _, _ := strings.Cut(line[1:], "  ")
		body = strings.TrimSpace(body)
		if line[0] == '>' {
			if digits := join(body); onlyOf(digits, "*") {
				body = digits
			}
			lines = append(lines, Exchange{Line: n + 1, Command: body})
			continue
		}
		if len(lines) == 0 || lines[len(lines)-1].Answer != "" || lines[len(lines)-1].Err != nil {
			return nil, fmt.Errorf("%w: 第 %d 行: 应答之前没有命令 (line: an answer without a command)", ErrForm, n+1)
		}
		if err := lines[len(lines)-1].answer(body); err != nil {
			return nil, fmt.Errorf("%w: 第 %d 行 (line): %w", ErrForm, n+1, err)
		}
	}
	return lines, nil
}

func (x *Exchange) answer(body string) error {
	switch body {
	case "removed":
		x.Err = card.ErrRemoved
		return nil
	case "mute":
		x.Err = card.ErrMute
		return nil
	}
	x.Answer = join(body)
	if len(x.Answer) < 4 || len(x.Answer)%2 != 0 || !onlyOf(x.Answer, "?") {
		return fmt.Errorf("%q: 应为十六进制应答 (want an answer in hexadecimal)", body)
	}
	return nil
}

func join(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), "")) }

// onlyOf reports that s consists of hexadecimal digits and the sign that stands for an unknown one.
func onlyOf(s, sign string) bool { return strings.Trim(s, "0123456789ABCDEF"+sign) == "" }

// Named reports that the command is written by name.
func (x Exchange) Named() bool { return !onlyOf(x.Command, "*") }

// Bytes is a command written in digits. ErrSecret, ErrForm.
func (x Exchange) Bytes() ([]byte, error) {
	if strings.Contains(x.Command, "*") {
		return nil, fmt.Errorf("第 %d 行 (line): %w", x.Line, ErrSecret)
	}
	b, err := hex.DecodeString(x.Command)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%w: 第 %d 行 (line): %q", ErrForm, x.Line, x.Command)
	}
	return b, nil
}

// Matches reports whether what came back is what is written; anything is where nothing is written.
func (x Exchange) Matches(answer []byte, err error) bool {
	switch {
	case x.Err != nil:
		return card.Lost(err)
	case err != nil:
		return false
	case x.Answer == "":
		return true
	}
	got := strings.ToUpper(hex.EncodeToString(answer))
	if len(got) != len(x.Answer) {
		return false
	}
	for i := range got {
		if x.Answer[i] != '?' && x.Answer[i] != got[i] {
			return false
		}
	}
	return true
}

// Said is how an answer, or that there was none, is written.
func Said(answer []byte, err error) string {
	switch {
	case errors.Is(err, card.ErrMute):
		return "mute"
	case err != nil:
		return "removed"
	}
	return strings.ToUpper(hex.EncodeToString(answer))
}

// Masked is how a command is written: digits, with the secrets of the table starred, and all data of a command that the
// table does not know, since they may hold one.
func Masked(table apdu.Shapes, command []byte) string {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return strings.Repeat("**", len(command))
	}
	if text := table.Hex(c); !strings.Contains(text, "[") {
		return text
	}
	s := fmt.Sprintf("%02X%02X%02X%02X", c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		s += fmt.Sprintf("%02X%s", len(c.Data), strings.Repeat("**", len(c.Data)))
	}
	if c.Le != apdu.NoLe {
		s += fmt.Sprintf("%02X", byte(c.Le))
	}
	return s
}

// Write writes one exchange with remarks behind its lines.
func Write(w io.Writer, command, answer, about, meaning string) error {
	_, err := fmt.Fprintf(w, "> %s  %s\n< %s  %s\n", command, about, answer, meaning)
	return err
}
