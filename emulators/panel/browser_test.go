//go:build browser

package panel

import (
	"context"
	"errors"
	"os"
	"testing"
)

// serve runs the page as a program and tells its address.
func serve(t *testing.T, o Options) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	o.Ready = func(url string) { ready <- url }
	go func() { ended <- Serve(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return <-ready
}

// TestBrowser uses the page as people do: with mouse, finger and keyboard, on wide and narrow screens, in both languages.
func TestBrowser(t *testing.T) {
	c := startChromium(t)
	quiet := func(t *testing.T, query string) *tab {
		t.Helper()
		return c.open(t, serve(t, Options{Scenario: load(t, "forecourt"), Autoplay: "off", Speed: "10"}), query)
	}
	t.Run("首笔加油, 用鼠标点", func(t *testing.T) { firstSale(quiet(t, "")) })
	t.Run("加油中拔卡成灰卡, 只用键盘", func(t *testing.T) { pullByKeyboard(quiet(t, "")) })
	t.Run("拖卡", func(t *testing.T) { dragCards(quiet(t, "")) })
	t.Run("时间", func(t *testing.T) { steerTime(quiet(t, "")) })
	t.Run("轨迹", func(t *testing.T) { readTrace(quiet(t, "")) })
	t.Run("两个浏览器", func(t *testing.T) { twoTabs(quiet(t, "")) })
	t.Run("宽窄与两种语言", func(t *testing.T) {
		url := serve(t, Options{Scenario: load(t, "forecourt"), Speed: "10"})
		fits(c.open(t, url, ""))
		fits(c.open(t, url, "?lang=en"))
	})
	if file := os.Getenv("GREYLAB_SHOT"); file != "" {
		picture(c.open(t, serve(t, Options{Scenario: load(t, "forecourt"), Speed: "10"}), ""), file)
	}
}

func firstSale(x *tab) {
	x.sees(".banner", "教学模式 · 模拟密钥 · 不作凭证")
	x.wait("document.querySelectorAll('.pump[data-kind=idle]').length === 8")
	x.click("[data-card=张三的卡]", "[data-slot='3']")
	x.sees("#prompt", "请输入密码")
	x.click("[data-key='1']", "[data-key='2']", "[data-key='3']", "[data-key='4']", "[data-key='5']", "[data-key='6']")
	x.sees("#prompt", "******")
	x.click("#ok")
	x.sees("#steps [aria-current]", "预置")
	x.click("[data-key='2']", "[data-key='0']", "[data-key='0']", "[data-key='元']")
	x.sees("#padinfo", "预置 200.00 元")
	x.click("#lift")
	x.sees("[data-n='3'] .chip", "加油中")
	x.click("#squeeze")
	x.wait("document.querySelector(\"[data-n='3']\").matches('.up.squeezed.flowing.hascard.greycard')")
	x.sees("#steps [aria-current]", "挂枪")
	x.click("#hang")
	x.sees("#prompt", "加油完成, 请取卡")
	x.click("#pull")
	for _, text := range []string{"3号枪 95#汽油", "¥200.00", "24.01 L", "已入账", "TAC 正确", "借 卡内资金 …0001", "贷 销售 95#汽油"} {
		x.sees("#ledger", text)
	}
	for _, text := range []string{"*** 教学 不作凭证 ***", "金额 200.00 元", "数量 24.01 升", "余额 300.00 元"} {
		x.sees("#receipt", text)
	}
	x.sees("[data-card=张三的卡]", "¥300.00")
	x.sees("#checkword", "不变量成立")
	x.click("#lang")
	x.sees(".banner", "TRAINING")
	x.sees("#ledger", "posted")
	x.sees("#ledger", "TAC right")
	x.sees("[data-n='3'] .chip", "idle")
	x.wait("document.documentElement.lang === 'en'")
	x.clean()
}

func pullByKeyboard(x *tab) {
	x.wait("document.querySelectorAll('.pump[data-kind=idle]').length === 8")
	x.eval("document.querySelector('.wallet').focus()", nil)
	for range 40 { // Tab leads to the first card
		x.keys("Tab")
		var there bool
		if x.eval("document.activeElement.dataset.card === '张三的卡'", &there); there {
			break
		}
	}
	x.keys(" ", "ArrowRight", "ArrowDown", " ") // take it, two nozzles on, put it in
	x.wait("document.activeElement.id === 'ok'")
	x.sees("#padname", "6号枪")
	x.sees("#prompt", "请输入密码")
	x.keys("1", "2", "3", "4", "5", "6", "Enter")
	x.sees("#steps [aria-current]", "预置")
	x.keys("f", "u")
	x.sees("[data-n='6'] .chip", "加油中")
	x.keys("s")
	x.wait("document.querySelector(\"[data-n='6']\").matches('.flowing')")
	x.keys("p")
	x.sees("#prompt", "卡已拔出, 未扣款, 卡已灰锁")
	x.sees("[data-card=张三的卡]", "灰卡")
	x.sees("[data-card=张三的卡]", "¥500.00")
	x.sees("#ledger", "待补扣")
	x.sees("#ledger", "尚无 TAC")
	x.sees("#steps [aria-current]", "挂枪")
	x.keys("h")
	x.sees("#steps [aria-current]", "插卡")
	x.eval("document.querySelector('[data-card=张三的卡]').focus()", nil)
	x.keys("Enter", "Enter")
	x.sees("#ledger", "已补扣")
	x.sees("#ledger", "TAC 正确")
	x.sees("#receipt", "补扣")
	x.clean()
}

func dragCards(x *tab) {
	x.wait("document.querySelectorAll('.pump[data-kind=idle]').length === 8")
	x.drag("[data-card=李四的卡]", "[data-slot='7']")
	x.wait("document.querySelector(\"[data-n='7']\").matches('.hascard')")
	x.sees("[data-card=李四的卡]", "在 7号枪")
	x.drag("[data-slot='7']", "#receipt") // out of the slot
	x.wait("!document.querySelector(\"[data-n='7']\").matches('.hascard')")
	x.drag("[data-card=李四的卡]", "#receipt") // nowhere: it stays in the wallet
	x.wait("!document.body.matches('.holding')")
	x.click("[data-slot='7']")
	x.sees("#toast", "先在卡包里选一张卡")
	x.click("[data-card=外系统的卡]", "[data-slot='7']")
	x.sees("[data-n='7'] .say", "非本系统的卡")
	x.clean()
}

func steerTime(x *tab) {
	x.click("#pause")
	x.wait("document.getElementById('pause').getAttribute('aria-pressed') === 'true'")
	x.click("[data-card=张三的卡]", "[data-slot='1']")
	x.wait("document.querySelector(\"[data-n='1']\").matches('.hascard')")
	var before, after int
	x.eval("document.querySelectorAll('.ln').length", &before)
	for range 5 {
		x.click("#step")
	}
	x.wait("document.querySelectorAll('.ln.card').length >= 2")
	if x.eval("document.querySelectorAll('.ln').length", &after); after <= before {
		x.Errorf("five steps: from %d to %d lines", before, after)
	}
	x.click("[data-speed=max]", "#pause")
	x.wait("document.querySelector('[data-speed=max]').getAttribute('aria-pressed') === 'true'")
	x.sees("#prompt", "请输入密码")
	x.click("#customers")
	x.wait("document.getElementById('customers').getAttribute('aria-pressed') === 'true'")
	x.wait("document.querySelectorAll('#ledger li .a').length >= 10")
	x.clean()
}

func readTrace(x *tab) {
	x.click("[data-card=张三的卡]", "[data-slot='1']")
	x.sees("#prompt", "请输入密码")
	x.sees("#lines", "内部认证")
	x.click("[data-depth=why]")
	x.wait("[...document.querySelectorAll('.ln .w')].some((e) => e.offsetParent && e.textContent.includes('只有真卡答得对'))")
	x.click("[data-depth=raw]")
	x.wait("[...document.querySelectorAll('.ln code')].some((e) => e.offsetParent && e.textContent.startsWith('0088'))")
	x.click("#filters [value=card]")
	x.wait("![...document.querySelectorAll('.ln.card')].some((e) => e.offsetParent)")
	x.click("#filters [value=poll]")
	x.wait("[...document.querySelectorAll('.ln.poll')].some((e) => e.offsetParent)")
	x.clean()
}

func twoTabs(x *tab) {
	other := x.c.open(x.T, x.base, "?lang=en")
	x.click("[data-card=张三的卡]", "[data-slot='5']")
	other.wait("document.querySelector(\"[data-n='5']\").matches('.hascard')")
	other.sees("[data-card=张三的卡]", "in nozzle 5")
	x.clean()
	other.clean()
}

// fits demands that nothing is cut, wider than the window or on top of something else's text, while customers are at work.
func fits(x *tab) {
	x.wait("document.querySelectorAll('#ledger li .a').length >= 4")
	for _, s := range [][2]int{{1280, 720}, {1920, 1080}, {2560, 1080}, {1366, 768}, {1279, 720}, {1000, 700}, {768, 1024}, {390, 844}, {320, 640}} {
		x.size(s[0], s[1])
		var wrong []string
		x.eval(`new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(() => {
			const bad = [];
			if (document.documentElement.scrollWidth > innerWidth) bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
			if (innerWidth >= 1280 && document.documentElement.scrollHeight > innerHeight) bad.push('the page is ' + document.documentElement.scrollHeight + ' high');
			for (const e of document.querySelectorAll('button, h1, h2, small, .chip b, .say, .banner, #steps li, #prompt, .a span, .b span, .e b')) {
				if (!e.offsetParent || e.closest('.lines')) continue;
				const r = e.getBoundingClientRect(), c = getComputedStyle(e);
				if (r.right > innerWidth + 1 || r.left < -1) bad.push('outside: ' + e.outerHTML.slice(0, 90));
				if (c.textOverflow !== 'ellipsis' && e.scrollWidth > e.clientWidth + 1 && c.display !== 'inline') bad.push('cut: ' + e.outerHTML.slice(0, 90));
				if (parseFloat(c.fontSize) < 8.5 && e.textContent.trim()) bad.push('too small: ' + c.fontSize + ' ' + e.outerHTML.slice(0, 90));
			}
			ok(bad);
		})))`, &wrong)
		for _, w := range wrong {
			x.Errorf("at %d × %d: %s", s[0], s[1], w)
		}
	}
	x.clean()
}

// picture is the one in the README.
func picture(x *tab, file string) {
	x.wait("document.querySelectorAll('#ledger li .a').length >= 4")
	x.click("[data-speed='1']")
	x.wait("document.querySelectorAll('.pump.flowing').length >= 3 && document.querySelectorAll('.ln').length > 20 && !document.querySelector('#ledger .new')?.getAnimations().length")
	x.click("[data-depth=why]")
	x.shot(file)
}
