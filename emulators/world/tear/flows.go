package tear

// flows are the conversations that are tried.
var flows = []flow{
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
}
