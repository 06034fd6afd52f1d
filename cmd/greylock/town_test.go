//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/system/center"
	"greylock/system/station"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// town is a company run by the program alone: keys, center, making room, outlet and station, each by its own configuration.
type town struct {
	t        *testing.T
	dir      string
	keys     string
	center   *process
	listen   string // the center's door for sites
	operator string // the center's door for operators
	blanks   blanks
}

func (x *town) path(name string) string { return filepath.Join(x.dir, name) }

// newTown holds the ceremony for the cards of a profile, hands out working vaults and starts the center.
func newTown(t *testing.T, cards fuelcard.Profile) *town {
	t.Helper()
	x := &town{t: t, dir: t.TempDir(), keys: newKeys(t, "--profile", cards.Name), blanks: blanks{pboc.Key{7, 7, 7}, cards}}
	for role, site := range map[string]string{"center": "0000", "making": "9001", "outlet": "9101"} {
		export(t, x.keys, role, site, x.path(role), bothWords).want(t, cli.OK)
	}
	file(t, x.path("transport"), fmt.Sprintf("%X\n", x.blanks.transport[:]))
	file(t, x.path("center.yaml"), x.site("0000", "示范公司", "center")+fmt.Sprintf(
		"center: {listen: \"127.0.0.1:0\", operator: \"127.0.0.1:0\", vault: %q, secret: %q}\n", x.path("center.vault"), x.path("center.secret")))
	x.startCenter()
	file(t, x.path("making.yaml"), x.site("9001", "制卡中心", "making")+fmt.Sprintf(
		"making: {center: \"http://%s\", vault: %q, secret: %q, transport: %q, company: \"44\", province: \"44\"}\n",
		x.listen, x.path("making.vault"), x.path("making.secret"), x.path("transport")))
	file(t, x.path("issue.yaml"), x.site("9101", "示范网点", "outlet")+fmt.Sprintf(
		"issue: {center: \"http://%s\", vault: %q, secret: %q, tid: \"994400009999\"}\n", x.listen, x.path("outlet.vault"), x.path("outlet.secret")))
	for _, s := range [][3]string{{"9001", "making", "制卡中心"}, {"9101", "outlet", "示范网点"}, {"0001", "station", "示范加油站"}} {
		x.ask("center", "site", "put", "--site", s[0], "--kind", s[1], "--name", s[2], "--by", "王经理").want(t, cli.OK)
	}
	return x
}

func (x *town) site(id, name, data string) string {
	return fmt.Sprintf("site: {id: %q, name: %q, realm: training}\ndata: %q\ncard: {profile: %s}\n", id, name, x.path("data-"+data), x.blanks.profile.Name)
}

// startCenter starts the center's program; after the first time it gets the doors that the others know by now, through
// the environment.
func (x *town) startCenter() {
	x.t.Helper()
	var env []string
	if x.listen != "" {
		env = []string{"GREYLOCK_CENTER_LISTEN=" + x.listen, "GREYLOCK_CENTER_OPERATOR=" + x.operator}
	}
	x.center = launch(x.t, env, "center", "run", "--config", x.path("center.yaml"))
	x.listen, x.operator = x.center.door("exchange"), x.center.door("operator")
	x.center.says("已启动")
}

// ask is a command that asks the running center.
func (x *town) ask(args ...string) result {
	x.t.Helper()
	return call(x.t, append(args, "--addr", x.operator)...)
}

// stationConfig writes the station's configuration over one port.
func (x *town) stationConfig(port string) string {
	x.t.Helper()
	key := strings.TrimSpace(call(x.t, "center", "key", "--config", x.path("center.yaml")).want(x.t, cli.OK).out)
	return file(x.t, x.path("station.yaml"), x.site("0001", "示范加油站", "station")+fmt.Sprintf(
		"station:\n  center: \"http://%s\"\n  center_key: %q\n  operator: \"127.0.0.1:0\"\n  locks: %q\n  ports:\n    - {number: 1, path: %q}\n",
		x.listen, key, x.dir, port))
}

// psam makes a PSAM and tells its terminal number.
func (x *town) psam() (*psam.PSAM, pboc.TID) {
	x.t.Helper()
	s := x.blanks.psam(x.t, 1)
	made := into[record.PSAMMade](x.t, slots{s}.call(x.t, "", "cards", "psam", "--config", x.path("making.yaml"), "--json"))
	return s, made.TID
}

// card makes a card, opens it for a customer with a PIN and loads it.
func (x *town) card(yuan string) (*cardos.Card, pboc.ASN) {
	x.t.Helper()
	c := x.blanks.card(x.t, 2)
	making, issue := []string{"--config", x.path("making.yaml")}, []string{"--config", x.path("issue.yaml")}
	made := into[record.CardMade](x.t, slots{c}.call(x.t, "", append(making, "cards", "make", "--json")...))
	s := slots{c}
	s.call(x.t, "123456\n", append(issue, "issue", "open", "--account", "A0001", "--holder", "张三", "--pin", "--stdin")...).want(x.t, cli.OK, "A0001")
	call(x.t, append(issue, "issue", "top-up", "--account", "A0001", "--amount", yuan, "--receipt", "R-1")...).want(x.t, cli.OK, yuan)
	s.call(x.t, "123456\n", append(issue, "issue", "load", "--amount", yuan, "--stdin")...).want(x.t, cli.OK, yuan) // the PIN is read where the card wants it
	return c, made.ASN
}

func (x *town) balance(c *cardos.Card) unit.Fen {
	x.t.Helper()
	r := slots{c}.call(x.t, "", "issue", "read", "--config", x.path("issue.yaml"), "--json")
	return into[struct {
		Balance unit.Fen `json:"balance_fen"`
	}](x.t, r).Balance
}

func (x *town) sales() center.Sales {
	x.t.Helper()
	return into[center.Sales](x.t, x.ask("center", "sales", "--json"))
}

// orders gives the station its products, its place and its prices.
func (x *town) orders(tid pboc.TID) {
	x.t.Helper()
	x.ask("center", "product", "put", "--code", "1031", "--name", "92#汽油").want(x.t, cli.OK)
	layout, err := json.Marshal(record.Layout{
		Name: "示范加油站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0, 1},
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031", TID: tid}},
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.ask("center", "layout", "put", "--site", "0001", "--file", file(x.t, x.path("layout.json"), string(layout))).want(x.t, cli.OK, "第 1 版")
	x.ask("center", "prices", "put", "--site", "0001", "1031=7.90").want(x.t, cli.OK, "第 1 版")
	x.ask("center", "prices", "put", "--site", "0001", "1031=7.85").want(x.t, cli.Failed, "另一人批准")
	x.ask("center", "prices", "propose", "--site", "0001", "1031=7.85", "--by", "1001").want(x.t, cli.OK, "第 1 号调价")
	x.ask("center", "prices", "approve", "1", "--by", "1001").want(x.t, cli.Failed, "另一人批准")
	x.ask("center", "prices", "approve", "1", "--by", "1002").want(x.t, cli.OK, "第 2 版")
	x.ask("center", "prices", "list").want(x.t, cli.OK, "1031=7.85", "已批准", "1002")
	x.ask("center", "prices", "show", "--site", "0001").want(x.t, cli.OK, "1031", "7.90", "7.85")
}

// TestFirstSaleByTheProgramAlone is the whole way with the built program: key ceremony, making, issuing, load, a station and a
// center as processes, a dispenser behind a pseudo-terminal; then kill -9 of both, and an orderly end.
func TestFirstSaleByTheProgramAlone(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	sam, tid := x.psam()
	c, asn := x.card("100.00")
	x.orders(tid)
	b := newBoard(t, x.dir, sam, "1031", fuelcard.National())
	cfg := x.stationConfig(b.path)
	call(t, "config", "check", cfg).want(t, cli.OK, "station")

	s := launch(t, nil, "station", "--config", cfg)
	s.says("教学模式")
	door := s.door("operator")
	if v := b.sell(c, "123456", "5", func() {}); v.Amount != 500 {
		t.Fatalf("the dispenser shows %v", v.Amount)
	}
	eventually(t, "the first sale in the ledger", func() bool { return len(x.sales().Sales) == 1 })
	first := x.sales().Sales[0]
	if first.Amount != 500 || first.State != "posted" || first.ASN != asn || first.Price != 785 {
		t.Errorf("posted %+v", first)
	}
	x.ask("center", "sale", first.ID).want(t, cli.OK, "tac", "符合")
	if got := x.balance(c); got != 9500 {
		t.Errorf("the card holds %v", got)
	}
	call(t, "station", "status", "--addr", door).want(t, cli.OK, "示范加油站", "通")
	call(t, "station", "watch", "--addr", door, "--times", "1").want(t, cli.OK, "状态", "通")
	if f := into[station.Feed](t, call(t, "station", "watch", "--addr", door, "--times", "1", "--json")); len(f.Nozzles) != 1 || f.Version == 0 {
		t.Errorf("feed: %+v", f)
	}
	if h := into[shownHub](t, call(t, "station", "hub", "--addr", door, "--json")); h != (shownHub{1, 1, 1, true}) {
		t.Errorf("the hub: %+v", h)
	}
	if at := fuelled(t, door); len(at) != 1 || at[0].Amount != 500 {
		t.Errorf("the station shows %+v", at)
	}
	call(t, "station", "alarms", "--addr", door, "--json").want(t, cli.OK)

	b.sell(c, "123456", "6", func() { s.signal(syscall.SIGKILL) }) // nobody listens: the board keeps the record
	call(t, "station", "status", "--addr", door).want(t, cli.Peer, "E701", door)
	call(t, "station", "watch", "--addr", door).want(t, cli.Peer, "E701", door)
	x.center.signal(syscall.SIGKILL)
	s = launch(t, nil, "station", "run", "--config", cfg)
	door = s.door("operator")
	eventually(t, "the second sale at the station, without a center", func() bool {
		return len(fuelled(t, door)) == 2
	})
	x.startCenter()
	eventually(t, "the second sale in the ledger", func() bool { return len(x.sales().Sales) == 2 })
	x.ask("center", "trial-balance").want(t, cli.OK, "合计      0.00")
	x.ask("center", "quarantine").want(t, cli.OK, "无 none")

	for _, p := range []*process{s, x.center} {
		if code := p.signal(syscall.SIGTERM); code != cli.OK {
			t.Errorf("exit %d after SIGTERM:\n%s", code, p.said())
		}
	}
	list := into[[]verdict](t, call(t, "audit", "verify", x.dir, "--json"))
	if len(list) != 4 {
		t.Fatalf("%d journals", len(list))
	}
	for _, v := range list {
		if !v.OK || !v.Sealed || v.Records == 0 {
			t.Errorf("after an orderly end: %+v", v)
		}
	}
	for code, env := range map[string]string{ // it must not go on with another center's key, nor with a layout whose port it lacks
		"E608": "GREYLOCK_STATION_CENTER_KEY=" + strings.Repeat("ab", 32),
		"E342": fmt.Sprintf("GREYLOCK_STATION_PORTS=[{number: 2, path: %q}]", b.path),
	} {
		exit := map[string]cli.Exit{"E608": cli.Permission, "E342": cli.Config}[code]
		run(t, []string{env}, "", "station", "--config", cfg).want(t, exit, code, "站未启动")
	}
	x.startCenter()
	if sales := x.sales().Sales; len(sales) != 2 || sales[1].ID != first.ID || sales[1].Amount != first.Amount || sales[0].Amount != 600 {
		t.Errorf("after another start: %+v", sales)
	}
	x.secrets(asn, s.said()+x.center.said())
}

// TestAnotherVendorsCards: the built program makes, opens, loads and settles cards of another vendor in SM4; the holder keys the
// PIN for the load too.
func TestAnotherVendorsCards(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.DaHua().WithAlg(pboc.AlgSM4))
	sam, tid := x.psam()
	c, asn := x.card("100.00")
	slots{c}.call(t, "", "issue", "load", "--amount", "1.00", "--config", x.path("issue.yaml"), "--stdin").want(t, cli.Failed, "输入提前结束")
	x.orders(tid)
	b := newBoard(t, x.dir, sam, "1031", x.blanks.profile)
	s := launch(t, nil, "station", "--config", x.stationConfig(b.path))
	s.says("教学模式")
	b.sell(c, "123456", "5", func() {})
	eventually(t, "the sale in the ledger", func() bool { return len(x.sales().Sales) == 1 })
	sale := x.sales().Sales[0]
	if sale.Amount != 500 || sale.State != "posted" || sale.ASN != asn {
		t.Errorf("posted %+v", sale)
	}
	x.ask("center", "sale", sale.ID).want(t, cli.OK, "tac", "符合")
	if got := x.balance(c); got != 9500 {
		t.Errorf("the card holds %v", got)
	}
	x.lists(asn)
	for _, p := range []*process{s, x.center} {
		if code := p.signal(syscall.SIGTERM); code != cli.OK {
			t.Errorf("exit %d after SIGTERM:\n%s", code, p.said())
		}
	}
}

// lists puts a card on the black list, sees the station know it, and takes it off again; a long file is several acts.
func (x *town) lists(asn pboc.ASN) {
	t := x.t
	x.ask("center", "list", "add", asn.Digits(), "--reason", "挂失", "--by", "1001").want(t, cli.OK, "黑名单第 1 版", "变更 1 张")
	known := func() bool {
		q := into[center.CardLists](t, x.ask("center", "list", "query", "--card", asn.Digits(), "--json"))
		return len(q.Lists) == 1 && q.Lists[0].On && len(q.Lists[0].Known) == 1
	}
	eventually(t, "the station's word that it works by the list", known)
	x.ask("center", "list", "show").want(t, cli.OK, asn.Digits(), "挂失", "1001")
	x.ask("center", "list", "remove", asn.Digits(), "--reason", "找到", "--by", "1001").want(t, cli.Failed, "TWO_PERSONS_LIST", "两人")
	x.ask("center", "list", "remove", asn.Digits(), "--reason", "找到", "--by", "1001", "--second", "1002").want(t, cli.OK, "第 2 版")
	var cards strings.Builder
	for n := range 2100 {
		fmt.Fprintf(&cards, "0100019900%010d\n", n)
	}
	path := file(t, filepath.Join(x.dir, "cards.txt"), cards.String())
	x.ask("center", "list", "add", "--file", path, "--foreign", "--reason", "全国名单", "--by", "1001").want(t, cli.OK, "第 4 版", "变更 2100 张")
	x.ask("center", "list", "status").want(t, cli.OK, "2100")
	x.ask("center", "list", "add", "123", "--reason", "x").want(t, cli.Usage, "20 位")
}

// fuelled are the station's records of sales.
func fuelled(t *testing.T, door string) []station.Sale {
	t.Helper()
	all := into[station.Sales](t, call(t, "station", "sales", "--addr", door, "--json")).Sales
	return slices.DeleteFunc(all, func(s station.Sale) bool { return s.TType != 0 })
}

// secrets: no log holds a card number, a PIN or a password.
func (x *town) secrets(asn pboc.ASN, logs string) {
	x.t.Helper()
	secret, err := os.ReadFile(x.path("center.secret"))
	if err != nil {
		x.t.Fatal(err)
	}
	for what, s := range map[string]string{"card number": asn.Digits(), "PIN": "123456", "secret": fmt.Sprintf("%x", secret), "password": wordA} {
		if strings.Contains(strings.ToLower(logs), strings.ToLower(s)) {
			x.t.Errorf("a log holds the %s:\n%s", what, logs)
		}
	}
}
