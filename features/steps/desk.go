package steps

import (
	"errors"
	"fmt"
	"strings"

	"greylock/emulators/world"
	"greylock/system/wire/unit"
)

// deskSteps are the issuing desk, and strange cards and terminals.
func (s *Scene) deskSteps() []Step {
	return []Step{
		{`^网点为 "([^"]+)" 开户发卡 "([^"]+)", 账户 "([^"]+)", 密码 (\d+)$`, s.open},
		{`^网点为 "([^"]+)" 开户发卡 "([^"]+)", 账户 "([^"]+)", 密码 (\d+), 圈存 ([\d.]+) 元$`, s.openLoaded},
		{`^账户 "([^"]+)" 存入现金 ([\d.]+) 元$`, s.topUp},
		{`^网点给 "([^"]+)" 圈存 ([\d.]+) 元$`, s.load},
		{`^网点给 "([^"]+)" 圈存 ([\d.]+) 元, 在第 (\d+) 条卡命令(之前|之后)断电$`, s.loadTorn},
		{`^网点给 "([^"]+)" 圈存 ([\d.]+) 元, 在第 (\d+) 条卡命令(之前|之后)(拔掉读卡器|停止读卡服务)$`, s.loadLost},
		{`^网点给 "([^"]+)" 圈提 ([\d.]+) 元$`, s.unload},
		{`^网点给 "([^"]+)" 圈提 ([\d.]+) 元, 在第 (\d+) 条卡命令(之前|之后)断电$`, s.unloadTorn},
		{`^网点再次给 "([^"]+)" 插卡$`, s.insertAgain},
		{`^网点不受理 "([^"]+)" 的插卡$`, s.deskRefuses},
		{`^"([^"]+)" 在网点读出余额 ([\d.]+) 元$`, s.cardBalance},
		{`^"([^"]+)" 的卡上余额与 (\d+) 号枪的凭条一致$`, s.cardFitsReceipt},
		{`^"([^"]+)" 在网点读出持卡人 "([^"]+)"$`, s.cardHolder},
		{`^"([^"]+)" 是灰卡$`, s.cardGrey},
		{`^"([^"]+)" 不是灰卡$`, s.cardNotGrey},
		{`^账户 "([^"]+)" 与 "([^"]+)" 的钱合计 ([\d.]+) 元$`, s.moneyTogether},
		{`^(?:网点|制卡中心|密钥室)拒绝, 说 "([^"]+)"$`, s.refused},
		{`^一张别的公司发的卡 "([^"]+)"$`, s.foreignCard},
		{`^一台假终端接触 "([^"]+)"$`, s.fakeTouches},
		{`^假终端用自己的密钥作外部认证, 卡答 "([0-9A-F]{4})"$`, s.fakeAuth},
		{`^假终端用伪造的 MAC1 灰锁, 卡答 "([0-9A-F]{4})"$`, s.fakeLock},
		{`^假终端改写限制文件, 卡答 "([0-9A-F]{4})"$`, s.fakeWrite},
		{`^假终端用伪造的 MAC 改写限制文件, 卡答 "([0-9A-F]{4})"$`, s.fakeWriteMAC},
	}
}

// fakeTerminal is the stranger's terminal of this scene.
type fakeTerminal struct{ world.FakeTerminal }

func (s *Scene) open(holder, card, account, pin string) error {
	return s.openLoaded(holder, card, account, pin, "")
}

func (s *Scene) openLoaded(holder, card, account, pin, amount string) error {
	s.pins[card] = pin
	return s.Town.Operator().OpenCard(world.CardPlan{Name: card, Account: account, Holder: holder, PIN: pin, Load: amount})
}

func (s *Scene) topUp(account, amount string) error {
	m, err := money(amount)
	if err != nil {
		return err
	}
	return s.Town.Operator().TopUp(account, m)
}

func (s *Scene) load(card, amount string) error {
	return s.atDesk(amount, func(m unit.Fen) error { return s.Town.Operator().Load(card, m) })
}

func (s *Scene) unload(card, amount string) error {
	return s.atDesk(amount, func(m unit.Fen) error { return s.Town.Operator().Unload(card, m) })
}

// atDesk does an act about money and keeps what the desk said to it.
func (s *Scene) atDesk(amount string, act func(unit.Fen) error) error {
	m, err := money(amount)
	if err != nil {
		return err
	}
	s.refuse = act(m)
	return nil
}

func (s *Scene) loadTorn(card, amount string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.load(card, amount) })
}

// loadLost loads while not the card but its reader goes, or what the machine reads cards with.
func (s *Scene) loadLost(card, amount string, n int, when, what string) error {
	f := s.Town.Faults()
	plan := f.UnplugReader
	if what == "停止读卡服务" {
		plan = f.StopReaders
	}
	return s.losing(n, func() error { return plan(n, when == "之后") }, func() error { return s.load(card, amount) })
}

func (s *Scene) unloadTorn(card, amount string, n int, when string) error {
	return s.tearing(n, when, func() error { return s.unload(card, amount) })
}

// tearing does an act at the desk while the card loses its power. That the desk reports an error is part of the story: the
// outcome must be right all the same.
func (s *Scene) tearing(n int, when string, act func() error) error {
	return s.losing(n, func() error { return s.Town.Faults().TearDesk(n, when == "之后") }, act)
}

// losing does an act at the desk under a plan that must come true.
func (s *Scene) losing(n int, plan, act func() error) error {
	if err := plan(); err != nil {
		return err
	}
	before := s.torn()
	if err := act(); err != nil {
		return err
	}
	if s.torn() == before {
		return fmt.Errorf("第 %d 条卡命令没有发生, 未能断电 (the cut did not happen): %w", n, errors.Join(s.refuse, errors.New("作业已结束")))
	}
	return nil
}

func (s *Scene) torn() int {
	f, n := s.Town.Faults(), 0
	for _, what := range []string{"card torn", "reader unplugged", "reader service stopped"} {
		n += f.Happened(what+" before") + f.Happened(what+" after")
	}
	return n
}

func (s *Scene) insertAgain(card string) error {
	r, err := s.Town.Operator().InsertAtDesk(card)
	if err == nil && r.Unsettled != "" {
		err = fmt.Errorf("仍有未了结的事 (still open): %s", r.Unsettled)
	}
	return err
}

func (s *Scene) deskRefuses(card string) error {
	if _, s.refuse = s.Town.Operator().InsertAtDesk(card); s.refuse == nil {
		return errors.New("网点受理了此卡 (the desk has served this card)")
	}
	return nil
}

func (s *Scene) cardBalance(card, amount string) error {
	m, err := money(amount)
	if err != nil {
		return err
	}
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	return want(card+" 余额", r.Balance, m)
}

func (s *Scene) cardFitsReceipt(card string, n int) error {
	r, err := s.receipt(n)
	if err != nil {
		return err
	}
	read, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	return want(card+" 余额", read.Balance.String()+" 元", r["余额"])
}

func (s *Scene) cardHolder(card, holder string) error {
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	return want("持卡人", r.Holder, holder)
}

func (s *Scene) cardGrey(card string) error { return s.greyIs(card, true) }

func (s *Scene) cardNotGrey(card string) error { return s.greyIs(card, false) }

func (s *Scene) greyIs(card string, grey bool) error {
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	return want(card+" 灰锁", r.Grey, grey)
}

func (s *Scene) moneyTogether(account, card, amount string) error {
	m, err := money(amount)
	if err != nil {
		return err
	}
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	in, err := s.Town.Query().Account(account)
	if err != nil {
		return err
	}
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	if in+r.Balance != m {
		return fmt.Errorf("账户 %v + 卡 %v = %v, 应为 %v (account, card, sum, want)", in, r.Balance, in+r.Balance, m)
	}
	return nil
}

// refused looks at what the last act at a desk or in the key room said no with.
func (s *Scene) refused(text string) error {
	if s.refuse == nil {
		return fmt.Errorf("没有拒绝, 应拒绝并说 %q (it was not refused)", text)
	}
	if !strings.Contains(s.refuse.Error(), text) {
		return fmt.Errorf("应有 %q (want), 说的是 (what was said): %w", text, s.refuse)
	}
	return nil
}

func (s *Scene) foreignCard(card string) error {
	s.pins[card] = "123456"
	return s.Town.Operator().OpenCard(world.CardPlan{Name: card, Kind: "foreign"})
}

func (s *Scene) fakeTouches(card string) (err error) {
	s.fake.FakeTerminal, err = s.Town.FakeTerminal(card)
	return err
}

func (s *Scene) fakeAuth(sw string) error {
	return s.answers(sw, func() (uint16, error) { return s.fake.Authenticate() })
}

func (s *Scene) fakeLock(sw string) error {
	return s.answers(sw, func() (uint16, error) { return s.fake.Lock() })
}

func (s *Scene) fakeWrite(sw string) error {
	return s.answers(sw, func() (uint16, error) { return s.fake.Write() })
}

func (s *Scene) fakeWriteMAC(sw string) error {
	return s.answers(sw, func() (uint16, error) { return s.fake.WriteMAC() })
}

func (s *Scene) answers(wanted string, try func() (uint16, error)) error {
	if s.fake.FakeTerminal == nil {
		return errors.New("没有假终端 (there is no fake terminal)")
	}
	sw, err := try()
	if err != nil {
		return err
	}
	return want("卡的应答", fmt.Sprintf("%04X", sw), wanted)
}
