package steps

import (
	"errors"
	"fmt"
	"strings"

	"greylock/emulators/world"
	"greylock/system/wire/record"
)

// keySteps are the key room.
func (s *Scene) keySteps() []Step {
	return []Step{
		{`^"([^"]+)" 的密钥室, 还没有产生密钥$`, s.room},
		{`^"([^"]+)" 与 "([^"]+)" 先后输入口令 "([^"]+)" 和 "([^"]+)"$`, s.sit},
		{`^密钥已产生, 列出 (\d+) 种密钥, 各有校验值$`, s.keysShown},
		{`^笔录上有 "([^"]+)" 和 "([^"]+)", 没有口令$`, s.minutes},
		{`^没有产生密钥$`, s.noKeys},
		{`^用口令 "([^"]+)" 和 "([^"]+)" 打开密钥库$`, s.openVault},
		{`^密钥库已打开$`, s.opened},
		{`^密钥室的日志记有拒绝 "([^"]+)"$`, s.roomRefused},
		{`^密钥库校验无误, 校验值与先前相同$`, s.verified},
		{`^另一间密钥室产生的校验值全不相同$`, s.otherRoom},
	}
}

// keyRoom is the key room of this scene.
type keyRoom struct {
	world.KeyRoom
	shown []record.KeyCheck
}

func (s *Scene) room(scope string) (err error) {
	s.key.KeyRoom, err = s.Town.KeyRoom(scope)
	return err
}

var errNoRoom = errors.New("没有进密钥室 (nobody is in a key room)")

func (s *Scene) inRoom() error {
	if s.key.KeyRoom == nil {
		return errNoRoom
	}
	return nil
}

func (s *Scene) sit(a, b, first, second string) error {
	if err := s.inRoom(); err != nil {
		return err
	}
	s.refuse = s.key.Sit(world.KeyEntry{Custodian: a, Password: first}, world.KeyEntry{Custodian: b, Password: second})
	return nil
}

func (s *Scene) keysShown(n int) error {
	if err := errors.Join(s.inRoom(), s.refuse); err != nil {
		return err
	}
	keys, err := s.key.Keys()
	if err != nil {
		return err
	}
	for _, k := range keys {
		if len(k.KCV) == 0 {
			return fmt.Errorf("密钥 %s 没有校验值 (no check value)", k.Name)
		}
	}
	s.key.shown = keys
	return want("密钥种数", len(keys), n)
}

func (s *Scene) minutes(a, b string) error {
	if err := s.inRoom(); err != nil {
		return err
	}
	text, err := s.key.Minutes()
	if err != nil {
		return err
	}
	for _, name := range []string{a, b} {
		if !strings.Contains(text, name) {
			return fmt.Errorf("笔录上没有 %s (the minutes do not name this person):\n%s", name, text)
		}
	}
	if strings.Contains(text, "口令") {
		return fmt.Errorf("笔录上有口令 (the minutes show a password):\n%s", text)
	}
	return nil
}

func (s *Scene) noKeys() error {
	if err := s.inRoom(); err != nil {
		return err
	}
	if keys, err := s.key.Keys(); err == nil {
		return fmt.Errorf("已产生 %d 种密钥 (keys were made)", len(keys))
	}
	return nil
}

func (s *Scene) openVault(first, second string) error {
	if err := s.inRoom(); err != nil {
		return err
	}
	s.refuse = s.key.Open(first, second)
	return nil
}

func (s *Scene) opened() error { return s.refuse }

func (s *Scene) roomRefused(reason string) error {
	if err := s.inRoom(); err != nil {
		return err
	}
	facts, err := s.key.Audit()
	if err != nil {
		return err
	}
	for _, f := range facts {
		if r, ok := f.(record.CeremonyRefused); ok && r.Reason == reason {
			return nil
		}
	}
	return fmt.Errorf("日志中没有拒绝 %q (the journal has no such refusal): %v", reason, facts)
}

func (s *Scene) verified() error {
	if err := s.inRoom(); err != nil {
		return err
	}
	if err := s.key.Verify(); err != nil {
		return err
	}
	now, err := s.key.Keys()
	if err != nil {
		return err
	}
	return want("校验值", fmt.Sprint(now), fmt.Sprint(s.key.shown))
}

// otherRoom holds the same ceremony in another room: nothing may come out equal.
func (s *Scene) otherRoom() error {
	other, err := s.Town.KeyRoom("对照公司")
	if err != nil {
		return err
	}
	err = other.Sit(world.KeyEntry{Custodian: "甲", Password: "correct horse battery 1"}, world.KeyEntry{Custodian: "乙", Password: "staple another horse 2"})
	if err != nil {
		return err
	}
	keys, err := other.Keys()
	if err != nil {
		return err
	}
	for _, a := range keys {
		for _, b := range s.key.shown {
			if string(a.KCV) == string(b.KCV) {
				return fmt.Errorf("密钥 %s 与 %s 校验值相同 (equal check values)", a.Name, b.Name)
			}
		}
	}
	return nil
}
