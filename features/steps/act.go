package steps

import (
	"errors"
	"fmt"
	"strings"

	"greylock/emulators/world"
	"greylock/system/wire/record"
)

// actSteps are what the desk does to a card beside moving money.
func (s *Scene) actSteps() []Step {
	return []Step{
		{`^网点把 "([^"]+)" 的密码由 (\d+) 改为 (\d+)$`, s.changePIN},
		{`^网点把 "([^"]+)" 的密码由 (\d+) 改为 (\d+), 在第 (\d+) 条卡命令(之前|之后)断电$`, s.changePINTorn},
		{`^主管给 "([^"]+)" (重装|解锁)密码 (\d+)$`, s.supervisePIN},
		{`^主管给 "([^"]+)" (重装|解锁)密码 (\d+), 在第 (\d+) 条卡命令(之前|之后)断电$`, s.supervisePINTorn},
		{`^"([^"]+)" 在网点输入密码 (\d+)$`, s.checkPIN},
		{`^网点查明 "([^"]+)" 的密码是 (\d+) 还是 (\d+), 只有一个有效$`, s.onePIN},
		{`^"([^"]+)" 的密码是 (\d+)$`, s.pinIs},
		{`^主管(锁定|永久锁定|锁死) "([^"]+)", 原因 "([^"]+)"$`, s.block},
		{`^主管(锁定|永久锁定|锁死) "([^"]+)", 原因 "([^"]+)", 在第 (\d+) 条卡命令(之前|之后)断电$`, s.blockTorn},
		{`^主管解锁 "([^"]+)", 原因 "([^"]+)"$`, s.unblock},
		{`^主管解锁 "([^"]+)", 原因 "([^"]+)", 在第 (\d+) 条卡命令(之前|之后)断电$`, s.unblockTorn},
		{`^"([^"]+)" 的状态是 "([^"]+)"$`, s.cardStateIs},
		{`^"([^"]+)" 的状态是 "([^"]+)" 或 "([^"]+)", 没有结果未知的操作$`, s.cardStateKnown},
		{`^网点按卡面卡号登记 "([^"]+)" 已锁死$`, s.declareDead},
		{`^中心登记 "([^"]+)" 的锁定为 "([^"]*)"$`, s.centerBlocked},
		{`^网点给 "([^"]+)" 联机解扣$`, s.unlockOnline},
		{`^网点给 "([^"]+)" 联机解扣, 在第 (\d+) 条卡命令(之前|之后)断电$`, s.unlockTorn},
		{`^"([^"]+)" 和 "([^"]+)" 给 "([^"]+)" 强制解灰, 原因 "([^"]+)"$`, s.unlockForced},
		{`^联机解扣的金额是该笔的金额$`, s.unlockFits},
		{`^联机解扣的金额是 0$`, s.unlockZero},
		{`^主管把 "([^"]+)" 的限制改为每次最多 (\d+) 元$`, s.limits},
		{`^主管把 "([^"]+)" 的限制改为每次最多 (\d+) 元, 在第 (\d+) 条卡命令(之前|之后)断电$`, s.limitsTorn},
		{`^主管把 "([^"]+)" 的持卡人改为 "([^"]+)"$`, s.setHolder},
	}
}

func (s *Scene) changePIN(card, old, fresh string) error {
	s.refuse = s.Town.Operator().ChangePIN(card, old, fresh)
	return nil
}

func (s *Scene) changePINTorn(card, old, fresh string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.changePIN(card, old, fresh) })
}

func (s *Scene) supervisePIN(card, how, fresh string) error {
	act := s.Town.Operator().ReloadPIN
	if how == "解锁" {
		act = s.Town.Operator().UnblockPIN
	}
	s.refuse = act(card, fresh)
	return nil
}

func (s *Scene) supervisePINTorn(card, how, fresh string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.supervisePIN(card, how, fresh) })
}

func (s *Scene) checkPIN(card, pin string) error {
	s.refuse = s.Town.Operator().CheckPIN(card, pin)
	return nil
}

// onePIN: the desk finds out after a cut; then one of the two is taken and the other is not.
func (s *Scene) onePIN(card, fresh, old string) error {
	r, err := s.Town.Operator().InsertAtDesk(card)
	if err != nil {
		return err
	}
	if len(r.OpenActs) > 0 {
		if _, err := s.Town.Operator().SettlePIN(card, fresh, old); err != nil {
			return err
		}
	}
	wrong, right := s.Town.Operator().CheckPIN(card, fresh), s.Town.Operator().CheckPIN(card, old)
	if right != nil {
		wrong, right = right, wrong
		s.pins[card] = fresh
	}
	switch {
	case right != nil:
		return fmt.Errorf("两个密码都无效 (neither PIN holds): %w", right)
	case wrong == nil:
		return errors.New("两个密码都有效 (both PINs hold)")
	case !strings.Contains(wrong.Error(), "还可试 2 次"):
		return fmt.Errorf("次数没有恢复 (the tries are not all there): %w", wrong)
	}
	if r, err = s.Town.Operator().InsertAtDesk(card); err == nil && len(r.OpenActs) > 0 {
		err = fmt.Errorf("仍有结果未知的操作 (acts are open): %v", r.OpenActs)
	}
	return err
}

func (s *Scene) pinIs(card, pin string) error { return s.Town.Operator().CheckPIN(card, pin) }

var blocks = map[string]record.CardAct{"锁定": record.ActBlock, "永久锁定": record.ActBlockForEver, "锁死": record.ActBlockCard}

func (s *Scene) block(how, card, reason string) error {
	s.refuse = s.Town.Operator().Block(card, blocks[how], reason)
	return nil
}

func (s *Scene) blockTorn(how, card, reason string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.block(how, card, reason) })
}

func (s *Scene) unblock(card, reason string) error {
	s.refuse = s.Town.Operator().Unblock(card, reason)
	return nil
}

func (s *Scene) unblockTorn(card, reason string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.unblock(card, reason) })
}

// states are the words of a card's state.
var states = map[string]string{"正常": "free", "已锁定": "blocked", "已永久锁定": "blocked-for-ever", "灰": "grey"}

func (s *Scene) cardStateIs(card, state string) error {
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	return want(card+" 的状态", r.State, states[state])
}

func (s *Scene) cardStateKnown(card, one, other string) error {
	r, err := s.Town.Operator().InsertAtDesk(card)
	switch {
	case err != nil:
		return err
	case r.State != states[one] && r.State != states[other]:
		return fmt.Errorf("%s 的状态是 %s (state)", card, r.State)
	case len(r.OpenActs) > 0:
		return fmt.Errorf("仍有结果未知的操作 (acts are open): %v", r.OpenActs)
	}
	return nil
}

func (s *Scene) declareDead(card string) error { return s.Town.Operator().DeclareDead(card) }

// centerBlocked: the outlet's journal has brought it to the center.
func (s *Scene) centerBlocked(card, how string) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	got, err := s.Town.Query().Blocked(card)
	if err != nil {
		return err
	}
	return want(card+" 在中心的锁定", got, string(blocks[how]))
}

// unlockOnline frees a grey card at the desk and keeps what it was told and what the card has paid.
func (s *Scene) unlockOnline(card string) error {
	s.unlocked, s.refuse = s.Town.Operator().UnlockOnline(card)
	return nil
}

func (s *Scene) unlockTorn(card string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.unlockOnline(card) })
}

func (s *Scene) unlockForced(one, other, card, reason string) error {
	s.unlocked, s.refuse = s.Town.Operator().UnlockForced(card, [2]string{one, other}, reason)
	return nil
}

func (s *Scene) unlockFits() error {
	return first(s.unlockDone, s.known, func() error { return want("联机解扣的金额", s.unlocked, s.last.Amount) })
}

func (s *Scene) unlockZero() error {
	return first(s.unlockDone, func() error { return want("联机解扣的金额", s.unlocked, 0) })
}

func (s *Scene) unlockDone() error {
	if s.refuse != nil {
		return fmt.Errorf("联机解扣被拒绝 (refused): %w", s.refuse)
	}
	return nil
}

func (s *Scene) limits(card string, yuan int) error {
	s.refuse = s.Town.Operator().SetLimits(card, world.LimitPlan{PerFillYuan: yuan})
	return nil
}

func (s *Scene) limitsTorn(card string, yuan, n int, when string) error {
	return s.tearing(n, when, func() error { return s.limits(card, yuan) })
}

func (s *Scene) setHolder(card, holder string) error {
	return s.Town.Operator().SetHolder(card, holder)
}
