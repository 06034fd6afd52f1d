package tear

// flows are the conversations that are tried.
var flows = append([]flow{
	{
		name: "sale", zh: "灰锁加油", start: soldOnce,
		act:  func(x *session) error { return x.visit(buy) },
		back: func(x *session) error { return x.visit(0) }, open: openSale, settled: saleSettled,
	},
	{
		name: "lock", zh: "灰锁后不加油", start: soldOnce,
		act:  func(x *session) error { return x.visit(-1) },
		back: func(x *session) error { return x.visit(0) }, open: openSale, settled: saleSettled,
	},
	{
		name: "sale-all", zh: "加到余额为限", start: soldOnce,
		act:  func(x *session) error { return x.visit(buyMost) },
		back: func(x *session) error { return x.visit(0) }, open: openSale, settled: spentSettled,
	},
	{
		name: "till", zh: "站控终端加油", start: tillOnce,
		act:  func(x *session) error { return x.atTill(buy) },
		back: func(x *session) error { return x.atTill(0) }, open: openTill, settled: tillSettled,
	},
	{
		name: "till-none", zh: "站控终端授权后不加油", start: tillOnce,
		act:  func(x *session) error { return x.atTill(-1) },
		back: func(x *session) error { return x.atTill(0) }, open: openTill, settled: tillSettled,
	},
	{
		name: "purchase", zh: "非油消费", start: boughtOnce,
		act:  func(x *session) error { return x.shop(goods) },
		back: func(x *session) error { return x.shop(0) }, open: purchaseOpen, settled: purchaseSettled,
	},
	{
		name: "load", zh: "圈存", start: paidIn, act: load, back: (*session).settledVisit,
		open: openMove, settled: moveSettled(load, loadOutcome),
	},
	{
		name: "unload", zh: "圈提", start: paidIn, act: unload, back: (*session).settledVisit,
		open: openMove, settled: moveSettled(unload, unloadOutcome),
	},
	{
		name: "online-unlock", zh: "联机解扣", town: escaped, start: asItIs, act: unlock, back: unlock,
		open: unlockOpen, settled: unlockSettled,
	},
	{
		name: "issue", zh: "二次发卡", town: fresh, start: asItIs, act: issue, back: issue, open: issueOpen, settled: issued, passive: true,
	},
	{
		name: "make-card", zh: "白卡一次发卡", start: blankCard, act: makeCard, back: makeCard, open: makingOpen, settled: cardMade,
		passive: true,
	},
	{
		name: "make-psam", zh: "PSAM 制卡", start: blankSAM, act: makeSAM, back: makeSAM, open: makingOpen, settled: samMade,
		passive: true,
	},
}, acts...)
